"""The status bar: mode, automation, feed, broker, records, what comes next and exchange time, always in sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style

from core.domain.operation.times import countdown, when
from core.domain.orders.next_step import Next
from core.snapshot import Automation, EngineState, Health, Mode, StartState, Watching
from widgets.base import format as figures
from widgets.base.fates import next_session
from widgets.base.lines import Drawing, Line, Part, Tone, beside, fit, width_of
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.domain.operation.commands import CommandKind
    from core.domain.orders.next_step import NextStep
    from core.domain.orders.settling import Settling
    from core.snapshot import PartHealth, StatusSlice

PENDING_WORDS = {
    "pause": "PAUSING…",
    "resume": "RESUMING…",
    "force": "FORCING…",
    "halt": "HALTING…",
    "reset": "RESETTING…",
    "cancel": "CANCELLING…",
    "reconcile": "RECONCILING…",
    "attest": "ATTESTING…",
    "acknowledge": "ACKNOWLEDGING…",
    "allow-reentry": "ALLOWING RE-ENTRY…",
    "set_account": "SETTING…",
    "exits": "SWITCHING EXITS…",
    "close": "CLOSING…",
    "retarget": "RETARGETING…",
    "release": "RELEASING…",
}
"""The words for a command on its way; one that is not listed here is shown by its own name."""
_AUTOMATION = {
    Automation.ACTIVE: ("● ON", Tone.GOOD),
    Automation.PAUSED: ("■ PAUSED", Tone.WARN),
    Automation.HALTED: ("✖ HALTED", Tone.BAD),
    Automation.RECONCILING: ("○ RECONCILING", Tone.WARN),
}
_NEXT = {
    Next.FREE: "no slot left",
    Next.RUNNING: "a cycle runs",
    Next.DONE: "done today",
    Next.VALIDATED: "done today",
    Next.WORKING: "an order works",
    Next.HELD: "no entry: day held",
    Next.FREEING: "no entry: day not free yet",
    Next.OFF: "no entry: accounts off",
    Next.SKIPPED: "no entry: skipped today",
    Next.PAUSED: "no entry: paused",
    Next.HALTED: "no entry: halted",
    Next.BREAKER: "no entry: breaker",
    Next.RECONCILING: "no entry: reconciling",
    Next.CLOSED: "market closed",
    Next.NO_CONSOLE: "no entry: no console",
    Next.STARTING: "no entry: starting",
    Next.BARRED: "no entry: barred",
    Next.UNREAD: "records not read",
}
"""What comes next when no slot enters."""
_OF_AN_ACCOUNT = frozenset({Next.DONE, Next.VALIDATED, Next.WORKING, Next.HELD, Next.FREEING, Next.SKIPPED})
"""What its own day makes of an account: another account may stand otherwise."""
_ENGINE = {
    EngineState.STARTING: ("○ STARTING", Tone.WARN),
    EngineState.STOPPING: ("○ STOPPING", Tone.WARN),
    EngineState.STOPPED: ("■ STOPPED", Tone.WARN),
    EngineState.FAILED: ("✖ ENGINE FAILED", Tone.BAD),
    EngineState.UNSEEN: ("○ NOT SEEN", Tone.WARN),
}
_HEALTH = {
    Health.STARTING: ("starting", Tone.DIM),
    Health.OK: ("ok", Tone.GOOD),
    Health.TROUBLE: ("TROUBLE", Tone.WARN),
    Health.DOWN: ("DOWN", Tone.BAD),
}


_ON_RED = {
    Tone.MODE: Style(bold=True, reverse=True),
    Tone.STRONG: Style(bold=True),
    Tone.GOOD: Style(bold=True),
    Tone.WARN: Style(bold=True, underline=True),
    Tone.BAD: Style(bold=True, reverse=True),
}
_CLOCK_FROM = 78
"""Below this width the clock is left out first, so that mode, automation, feed and what comes next stay."""
_LEAST_STEP = 8
"""In less room than this a step of a start says nothing, and is left out."""
_NO_ENTRY = "no entry"
_EXITS_ON = "on"
_ENDED = (EngineState.STOPPING, EngineState.STOPPED, EngineState.FAILED)
"""What an engine that ends said of its next slot no longer holds."""
_LEVELS = (
    *((0, True), (1, True), (2, True), (3, True), (3, False), (4, True), (4, False)),
    *((5, False), (6, False)),
)
_WITH_CLOCK = 8
"""How much is left out, and whether the date stands; with the clock only the first ones."""
_CHIP = {Mode.DRY_RUN: Tone.ACCENT, Mode.SANDBOX: Tone.WARN}


@dataclass(frozen=True, slots=True)
class StatusView:
    """The status of the snapshot, and what comes next, with what this console adds.

    `pending` has its commands that the engine has not settled yet, oldest first. `overall` is None in a recording made
    before it was told. `kinds` has what comes next for each account.
    """

    status: StatusSlice
    pending: tuple[CommandKind, ...] = ()
    read_only: bool = False
    overall: NextStep | None = None
    kinds: tuple[Next, ...] = ()


class StatusBar(LinePanel["StatusView"], can_focus=False):
    """One row. In a narrow terminal less important parts are left out; mode, read-only and automation never are."""

    NAME = "status"
    _mode: Mode = Mode.DEMO
    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        padding: 0 1;
        background: $panel;
    }
    StatusBar.-live { background: $error; color: $background; }
    StatusBar.-live:ansi { background: ansi_red; color: ansi_bright_white; }
    """

    def show(self, value: StatusView | None) -> None:
        if value is not None:
            self._mode = value.status.mode
            self.set_class(self._mode is Mode.LIVE, "-live")
        super().show(value)

    def tone_style(self, tone: Tone) -> Style:
        """The bar of live is red, where no colour is readable: words are bold or plain there.

        In other modes the mode's own word has a colour.
        """
        if self._mode is Mode.LIVE:
            return _ON_RED.get(tone, Style())
        if tone is Tone.MODE:
            return super().tone_style(tone) + super().tone_style(_CHIP.get(self._mode, Tone.PLAIN)) + Style(bold=True)
        return super().tone_style(tone)

    def draw(self, value: StatusView, width: int, height: int) -> Drawing:
        return Drawing("", (_bar(value, width),))


def automation_word(value: StatusView) -> tuple[str, Tone]:
    """The word for what the engine does about entries: its own trouble, else a command on its way, else the
    automation."""
    status = value.status
    if status.engine in _ENGINE:
        return _ENGINE[status.engine]
    if value.pending:
        newest = value.pending[-1]
        return PENDING_WORDS.get(newest, f"{newest.value.upper()}…"), Tone.WARN
    return _AUTOMATION[status.automation]


def pane_title(value: StatusView) -> str:
    """The terminal's title in ASCII, with mode, state and what comes next: `senex DEMO ON enters 10:45 in 13:19`."""
    status = value.status
    word = automation_word(value)[0].lstrip("●■✖○ ").replace("…", "...")
    watching = "" if status.watching is Watching.NONE else "WATCHING "
    return f"senex {status.mode.upper()} {watching}{word} {next_words(value)}".rstrip()


def next_words(value: StatusView) -> str:
    """What comes next for the console in a few words; counts down only to a slot that will enter."""
    step, status = value.overall, value.status
    if step is None:
        return ""
    if status.engine in _ENDED:
        return _NO_ENTRY
    if step.enters_at is not None:
        verb = "validates" if status.mode is Mode.DRY_RUN else "enters"
        return f"{verb} {figures.minute(step.enters_at)} in {figures.until(step.enters_at, status.now)}"
    if step.kind is Next.CLOSED and step.next_day is not None:
        return f"next slot {when(step.next_day, None if status.now is None else figures.exchange_day(status.now))}"
    if step.kind is Next.FREEING and step.settling is not None:
        return _reads(step.settling, status) or _NEXT[step.kind]
    return _NEXT[step.kind]


def _reads(proof: Settling, status: StatusSlice) -> str:
    """The countdown to the read at the broker that may free the day; empty when no read counts now."""
    due = proof.next_due
    if due is None or proof.blocked or status.now is None:
        return ""
    which = "first" if proof.first_read is None else "second"
    left = countdown(due, status.now)
    return f"{_NO_ENTRY}: {which} read " + ("due now" if left == "now" else left)


def _bar(value: StatusView, width: int) -> Line:
    """The bar with as much as fits. The step of a start comes before the details of health and the date, and where it
    does not fit whole, it gets the room that is left. The date is left out once nothing else can be."""
    step = _start_step(value.status)
    for level, dated in _LEVELS if width < _CLOCK_FROM else _LEVELS[:_WITH_CLOCK]:
        left, far = _left(value, level), _far(value, level, dated=dated)
        room = width - 1 - width_of(left) - width_of(far)
        if room >= (0 if level >= 4 and not dated else len(step)):
            break
    if step and room >= min(len(step), _LEAST_STEP):
        left = _left(value, level, fit(step, min(len(step), room)))
    more = tuple((f"; {phrase}", Tone.STRONG) for phrase in _more(value) if phrase)
    for count in range(len(more), 0, -1):
        longer = (far[0], *more[:count], *far[1:])
        if width_of(left) + width_of(longer) < width:
            return beside(left, longer, width)
    return beside(left, far, width)


def _more(value: StatusView) -> tuple[str, ...]:
    """What is said besides where there is room: what else comes next for other accounts, and when an entry may be that
    this day does not see any more."""
    step, status = value.overall, value.status
    if step is None or step.enters_at is not None or step.kind not in _OF_AN_ACCOUNT or not status.engine.tells_day:
        return ()
    others = (kind for kind in dict.fromkeys(value.kinds) if kind is not step.kind and kind in _OF_AN_ACCOUNT)
    today = None if status.now is None else figures.exchange_day(status.now)
    return (*(_NEXT[kind].removeprefix(f"{_NO_ENTRY}: ") for kind in others), next_session(step, today))


def _start_step(status: StatusSlice) -> str:
    """The step of a start that goes on, or that failed. Who paused or halted, and why, is in the banner."""
    if status.engine is not EngineState.STARTING:
        return ""
    step = next((s for s in status.start if s.state in (StartState.NOW, StartState.FAILED)), None)
    return f" {step.name} {step.seconds} s" if step is not None else ""


def _left(value: StatusView, level: int, step: str = "") -> Line:
    status = value.status
    fast = figures.speed(status.speed)
    mode = status.mode.upper() + (f" {fast}" if fast else "")
    parts: list[tuple[str, Tone]] = [("SENEX ", Tone.PLAIN)] if level < 2 else []
    parts += [(f" {mode} ", Tone.MODE), (" ", Tone.PLAIN)]
    if value.read_only:
        parts.append(("READ-ONLY ", Tone.STRONG))
    parts += [automation_word(value), (step, Tone.DIM), *_exits(status, level)]
    if status.watching is not Watching.NONE:
        word = status.watching.value if level < 1 else Watching.READ_ONLY.value
        parts.append((f"  {word.upper()}", Tone.ACCENT))
    if status.open_alerts:
        word = "" if level >= 3 else " alert" if status.open_alerts == 1 else " alerts"
        parts.append((f"  ▲ {status.open_alerts}{word}", Tone.WARN))
    feed_age = "" if status.feed_age_s is None else f" {figures.age(status.feed_age_s)}"
    named = [("feed", status.feed, feed_age), ("broker", status.broker, ""), ("records", status.records, "")]
    if status.mail is not None and (level < 2 or status.mail.health is not Health.OK):
        named.append(("mail", status.mail, ""))
    if status.phone is not None and status.phone.health is not Health.OK:
        named.append(("phone", status.phone, ""))
    if status.redis is not None and (level < 2 or status.redis.health is not Health.OK):
        named.append(("redis", status.redis, ""))
    if status.engine.is_over:
        named = []  # what an engine that has ended said of its parts no longer holds
    is_starting = any(health.health is Health.STARTING for _, health, _ in named)
    if level >= 3:
        named = [(name, health, "") for name, health, _ in named if health.health is not Health.STARTING]
    if level >= 4:
        named = [part for part in named if part[1].health is not Health.OK]
    for name, health, extra in named:
        parts += _part(name, health, extra, level)
    if level >= 4 and len(named) < 3 and not status.engine.is_over:
        rest = " rest " if named else " all "
        parts += [(rest, Tone.DIM), ("starting", Tone.DIM) if is_starting else ("ok", Tone.GOOD)]
    if level < 2:
        parts += [("  market ", Tone.DIM), (status.market, Tone.PLAIN)]
    if level < 1 and status.accounts:
        parts += [("  ", Tone.PLAIN), (status.accounts, Tone.DIM)]
    return tuple(parts)


def _exits(status: StatusSlice, level: int) -> list[Part]:
    """Whether exits are on, held or blocked, where a trident is held; why, where there is room."""
    exits = status.exits
    if exits is None or status.engine.is_over or (level >= 5 and exits.word == _EXITS_ON):
        return []
    why = f" ({exits.why})" if exits.why and level < 1 else ""
    word = exits.word if exits.word == _EXITS_ON else exits.word.upper()
    return [("  exits ", Tone.DIM), (word + why, Tone.GOOD if exits.word == _EXITS_ON else Tone.WARN)]


def _part(name: str, health: PartHealth, extra: str, level: int) -> Line:
    word, tone = _HEALTH[health.health]
    detail = f" {health.detail}" if health.detail and level < 1 else ""
    gap = "  " if level < 3 else " "
    return ((f"{gap}{name} ", Tone.DIM), (word + extra + detail, tone))


def _real(value: StatusView) -> str:
    """The countdown in the seconds of a clock on the wall, where the market's run faster: it counts market time."""
    step, status = value.overall, value.status
    if step is None or step.enters_at is None or status.now is None or status.speed == 1 or status.engine in _ENDED:
        return ""
    left_s = max(0.0, (step.enters_at - status.now).total_seconds())
    return f" ({figures.age(int(left_s / status.speed))} real)"


def _far(value: StatusView, level: int, *, dated: bool) -> Line:
    """What comes next, then date and time. A terminal too narrow for both leaves out the slot, then the time."""
    status, step, coming = value.status, value.overall, next_words(value)
    if level >= 4 and coming.startswith(_NO_ENTRY) and status.automation is not Automation.ACTIVE:
        coming = _NO_ENTRY  # the automation's word says why
    if level >= 5 and step is not None and step.enters_at is not None and status.engine not in _ENDED:
        coming = f"in {figures.until(step.enters_at, status.now)}"
    coming += _real(value) if level < 2 else ""
    if level >= 6:
        return ((coming, Tone.STRONG),)
    now = f"{figures.clock(status.now)} ET"
    if dated and status.now is not None:
        today = figures.exchange_day(status.now)
        now = f"{figures.day_of(today, today)}  {now}"
    return ((coming, Tone.STRONG), (f"  {now}", Tone.PLAIN))
