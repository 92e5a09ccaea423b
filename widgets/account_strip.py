"""A row for each account under the status bar: what its day came to, what comes next, what it holds and is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from textual.events import Resize

from core.domain.operation import amounts
from core.domain.orders.fate import FateKind
from core.domain.orders.next_step import Next
from widgets.base import format as figures
from widgets.base.fates import tone_of
from widgets.base.lines import Drawing, Line, Part, Tone, beside, fit, width_of
from widgets.base.panel import LinePanel
from widgets.base.profit import STALE, profit_part

if TYPE_CHECKING:
    from core.domain.orders.next_step import NextStep
    from core.snapshot import AccountNow, Snapshot

_GAP: Part = ("   ", Tone.PLAIN)
_STANDS = frozenset({FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY, FateKind.UNKNOWN})
"""Fates that themselves say what comes next."""
_DONE = frozenset({Next.DONE, Next.VALIDATED})
_SLACK = 3
"""Cells kept free, so that a figure that grows by a digit pushes nothing out."""
_RECENT = timedelta(minutes=10)
"""Wall time for which what an account is worth counts as of now: older figures say of when they are."""


@dataclass(frozen=True, slots=True)
class StripView:
    """The accounts, and for each of when its balances are, as a time in words; empty while they are recent."""

    accounts: tuple[AccountNow, ...] = ()
    as_of: tuple[str, ...] = ()


def strip_view(shown: Snapshot) -> StripView:
    """The accounts of a snapshot."""
    return StripView(shown.accounts_now, tuple(_as_of(one, shown) for one in shown.accounts_now))


def _as_of(account: AccountNow, shown: Snapshot) -> str:
    now, at = shown.status.now, account.balances_at
    if now is None or at is None or (now - at) / shown.status.speed <= _RECENT:
        return ""
    return f"as of {figures.when(at, now)}"


class AccountStrip(LinePanel[StripView]):
    """As many rows as there are accounts, up to what the style rules allow; the others scroll."""

    NAME = "accounts"
    PLACEHOLDER = ""
    DEFAULT_CSS = """
    AccountStrip { height: 0; max-height: 2; padding: 0 1; background: $background; }
    AccountStrip:focus { background: $boost; }
    """

    def show(self, value: StripView | None) -> None:
        self.styles.height = 0 if value is None else len(value.accounts)
        super().show(value)

    def on_resize(self, event: Resize) -> None:
        super().on_resize(event)
        self.can_focus = self._slice is not None and len(self._slice.accounts) > self.size.height

    def draw(self, value: StripView, width: int, height: int) -> Drawing:
        count = len(value.accounts)
        lines = []
        for number, (account, as_of) in enumerate(zip(value.accounts, value.as_of, strict=True), 1):
            place: Line = ((f"{number}/{count} ", Tone.DIM),) if count > height else ()
            lines.append((*place, *account_line(account, width - width_of(place), as_of)))
        return Drawing("", tuple(lines))


def account_line(now: AccountNow, width: int, as_of: str = "") -> Line:
    """`…0001  FILLED 6.73, +12.50 $, done today   3 open +40.00 $   8 targets work`, at the right what it is worth,
    and `as_of` when. What does not fit is left out, from the end."""
    line: list[Part] = [(f"{now.account}  ", Tone.DIM), *_truth(now, width - len(now.account) - 2)]
    worth, used = _worth(now, as_of), width_of(tuple(line))
    for part in _more(now):
        if used + width_of((_GAP, *part)) + _SLACK > width:
            continue
        line += [_GAP, *part]
        used = width_of(tuple(line))
    far = next((one for one in worth if used + width_of(one) + 2 + _SLACK <= width), ())
    return beside(tuple(line), far, width) if far else tuple(line)


def _truth(now: AccountNow, width: int) -> Line:
    """What its day has come to, and what comes next, in the longest words that fit."""
    fate, coming = now.fate, step_words(now.step)
    if fate is None:
        return ((_longest(coming, width), _step_tone(now)),)
    is_told = fate.kind in _STANDS and now.step.kind in (Next.WORKING, Next.HELD)
    steps = ("",) if is_told else tuple(f", {words}" for words in coming)
    said = fate.words
    gain: Line = ()
    if now.profit is not None:
        gain = ((", ", Tone.PLAIN), profit_part(now.profit, stale=now.stale))
    room, short = width - width_of(gain), said.partition(":")[0]
    found = ((one, step) for one in (said, short) for step in steps if len(one) + len(step) <= room)
    said, step = next(found, (fit(short, room), ""))
    return ((said, tone_of(fate.kind.value)), *gain, (step, _step_tone(now)))


def step_words(step: NextStep) -> tuple[str, ...]:
    """What comes next, in shorter and shorter words: `next 10:00, free to enter`, `done today`, else the step's own
    sentence."""
    if step.enters_at is not None:
        slot = f"next {figures.minute(step.enters_at)}"
        return f"{slot}, {step.words.partition(' at ')[0]}", slot
    if step.kind in _DONE:
        return ("done today",)
    last = step.words.rpartition("; ")[2]
    return (step.words, *((f"{step.kind.value}; {last}",) if last != step.words else ()), step.kind.value)


def _longest(forms: Sequence[str], width: int) -> str:
    return next((form for form in forms if len(form) <= width), fit(forms[-1], width))


def _step_tone(now: AccountNow) -> Tone:
    step = now.step
    if step.kind in _DONE or step.enters_at is not None or step.kind in (Next.RUNNING, Next.CLOSED, Next.WORKING):
        return Tone.PLAIN
    return Tone.DIM if step.kind in (Next.OFF, Next.SKIPPED) else Tone.WARN


def _more(now: AccountNow) -> list[Line]:
    """What is said besides, the most important first."""
    found: list[Line] = []
    if now.exits_stopped:
        found.append(((now.exits_stopped, Tone.WARN),))
    if now.held:
        profit: Line = (
            ()
            if now.held_profit is None
            else ((" ", Tone.PLAIN), profit_part(now.held_profit, after=STALE * now.stale, stale=now.stale))
        )
        found.append(((f"{now.held} open", Tone.PLAIN), *profit))
    if now.ended:
        told = amounts.realized(now.realized, estimated=now.estimated)
        found.append(((f"today {told}, {now.ended} closed", Tone.PLAIN),))
    if now.closes:
        found.append(((f"{now.closes} close{'s' * (now.closes > 1)} at work", Tone.ACCENT),))
    if now.targets:
        found.append(((f"{figures.counted(now.targets, 'target')} rest{'s' * (now.targets == 1)}", Tone.DIM),))
    return found


def _worth(now: AccountNow, as_of: str) -> list[Line]:
    """What it is worth and may use, in shorter and shorter forms. Figures that are old never stand without their
    time."""
    if now.net_liquidation is None:
        return []
    worth = f"net liq {figures.dollars(now.net_liquidation)} $"
    power = f"buying power {figures.dollars(now.buying_power)} $"
    forms = ((worth, power), (worth,))
    return [(("  ".join((*form, as_of) if as_of else form), Tone.DIM),) for form in forms]
