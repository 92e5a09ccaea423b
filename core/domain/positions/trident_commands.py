"""What an operator may ask of a trident, and the answer where it cannot be done (rules 15.9).

The words of a close are `unit=puts limit=3.70`, or `unit=all walk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core.domain.market.ticks import down, is_on_tick, up
from core.domain.operation import amounts
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.operation.times import when
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.blocks import HANDS_OFF_WORDS
from core.domain.positions.cap import most_debit
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import ExitKind
from core.domain.positions.trident_view import ManualClose, Moment, TridentView
from core.domain.positions.trident_words import closed_words, closing_exit, ended_words, legs_words
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Unit, UnitName, UnitState, names_of, names_with

UNITS = {
    UnitName.PUT_1.value: (UnitName.PUT_1,),
    UnitName.PUT_2.value: (UnitName.PUT_2,),
    "puts": (UnitName.PUT_1, UnitName.PUT_2),
    UnitName.CALL.value: (UnitName.CALL,),
    "all": tuple(UnitName),
}
"""The words for the units to be closed."""
_CLOSE = "senex close"
_OPTIONS = ("unit", "walk", "limit")
_CLOSE_WORDS = "--unit UNIT and --limit N or --walk"
CANCEL_WAITS_S = 15.0
"""Wall seconds for which a cancel of what rests waits for an order that is on its way: a request takes 10."""
_BECAUSE = " because "
_PRICE = re.compile(r"-?\d{1,6}(\.\d{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CloseWords:
    """The words of a close: which units, and at most which debit per share of the order's price; None walks."""

    unit: str = "all"
    limit: Decimal | None = None

    @property
    def units(self) -> tuple[UnitName, ...]:
        return UNITS[self.unit]

    def note(self) -> str:
        """The words as a command carries them."""
        return f"unit={self.unit} {'walk' if self.limit is None else f'limit={amounts.plain(self.limit)}'}"


class ExitsWord(StrEnum):
    """What may be done to the exits of an account, or of all."""

    ON = "on"
    HOLD = "hold"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class ExitsWords:
    """The words of `senex exits`. `why` is the operator's own word, empty without one."""

    word: ExitsWord
    why: str = ""

    def note(self) -> str:
        """The words as a command carries them: `hold because lunch`."""
        return f"{self.word.value}{_BECAUSE + self.why if self.why else ''}"


def close_words(note: str) -> CloseWords | Refusal:
    """What the note of a close asks for."""
    found: dict[str, str] = {}
    for word in note.split():
        name, _, value = word.partition("=")
        if name not in _OPTIONS:
            return _not_understood(_CLOSE, _CLOSE_WORDS, word)
        if name in found:
            return _not_understood(_CLOSE, f"--{name} once", f"{_typed(name, found[name])} {_typed(name, value)}")
        found[name] = value
    unit, walk, limit = found.get("unit", "all"), found.get("walk"), found.get("limit")
    if unit not in UNITS:
        return _not_understood(f"{_CLOSE} --unit", f"one of {', '.join(UNITS)}", unit)
    if walk:
        return _not_understood(f"{_CLOSE} --walk", "no value", walk)
    if limit is not None and _PRICE.fullmatch(limit) is None:
        return _not_understood(f"{_CLOSE} --limit", "a price like 0.70", limit)
    if (walk is None) == (limit is None):
        given = " ".join(_typed(*one) for one in found.items())
        return _not_understood(_CLOSE, "one of --limit N and --walk", given or "no option")
    return CloseWords(unit, None if limit is None else Decimal(limit))


def _typed(name: str, value: str) -> str:
    """A word of a note as the option that an operator types."""
    return f"--{name} {value}".rstrip()


def exits_words(note: str) -> ExitsWords | Refusal:
    """What the note of `senex exits` asks for."""
    asked, _, why = note.partition(_BECAUSE)
    word = asked.strip()
    if word not in list(ExitsWord):
        return _not_understood("senex exits", ", ".join(ExitsWord), note)
    return ExitsWords(ExitsWord(word), " ".join(why.split()))


def cancels_exits(note: str) -> bool:
    """Whether the note of `senex exits` asks for a cancel, which needs the broker."""
    return note.split()[:1] == [ExitsWord.CANCEL.value]


def _not_understood(command: str, accepted: str, given: str) -> Refusal:
    return refuse(Reason.COMMAND_WORDS, command=command, accepted=accepted, given=given)


def close_asked(words: CloseWords, view: TridentView, moment: Moment) -> ManualClose | Refusal:
    """The close that these words ask for, or why it cannot be sent. The broker may still show other contracts: that is
    asked again before anything is sent."""
    why = _not_open(view) or _hands_off(view) or _not_now(view, moment) or _of_units(words, view, moment.today)
    if why:
        return refuse(Reason.NOT_CLOSABLE, why=why)
    units = _whole(words.units, view)
    if words.limit is not None:
        why = _limit(words.limit, units, view)
        if why:
            return refuse(Reason.NOT_CLOSABLE, why=why)
    return ManualClose(tuple(unit.name for unit in units), words.limit, moment.now)


def retarget_refusal(view: TridentView, moment: Moment) -> Refusal | None:
    """Why the trident cannot be given new targets; None when it can."""
    trident = view.trident
    why = _not_open(view) or _hands_off(view)
    if not why and trident.phase is Phase.CLOSING:
        why = "its time exit has begun, and no target returns after that"
    elif not why and not any(unit.state is UnitState.WHOLE for unit in trident.units):
        why = "it has no whole unit"
    elif not why and trident.rules.mode is ExitMode.OFF:
        why = "exits are off for its account"
    elif not why and moment.days.dte(moment.today) <= trident.rules.exit_dte:
        why = f"it expires in {amounts.counted(moment.days.dte(moment.today), 'day')}, and no target is placed any more"
    return refuse(Reason.NOT_RETARGETED, why=why) if why else None


def release_refusal(view: TridentView) -> Refusal | None:
    """Why the trident cannot be released; None when it can."""
    why = _not_open(view)
    if not why and view.trident.hands_off is HandsOff.RELEASED:
        why = HANDS_OFF_WORDS[HandsOff.RELEASED]
    return refuse(Reason.NOT_RELEASED, why=why) if why else None


def trident_named(typed: str, ids: Iterable[str]) -> str | Refusal:
    """The id of the one trident that `typed` means: the whole id, or its first characters, at least eight."""
    known = tuple(ids)
    found = [one for one in known if one == typed] or [
        one for one in known if len(typed) >= SHORT_ID and one.startswith(typed)
    ]
    if len(found) == 1:
        return found[0]
    single = "single " if found else ""
    listed = "`senex tridents` lists them"
    return refuse(Reason.NO_SUCH_TARGET, target=f"{single}trident {typed!r}; {listed}")


CLOSE_WORD = "CLOSE"
"""What the operator types in live before units are closed."""


def _not_open(view: TridentView) -> str:
    trident = view.trident
    if trident.phase is Phase.ENDED:
        return f"{_short(view)} has ended"
    return f"{_short(view)} has expired and is being settled" if trident.phase is Phase.SETTLING else ""


def _hands_off(view: TridentView) -> str:
    off = view.trident.hands_off
    return "" if off is HandsOff.NONE else f"{_short(view)} is left alone: {HANDS_OFF_WORDS[off]}"


def _not_now(view: TridentView, moment: Moment) -> str:
    session = moment.session
    if session is not None and session.is_open(moment.now):
        return view.blocked
    opens = session.open if session is not None and moment.now < session.open else None
    until = "" if opens is None else f" until {when(opens, moment.today)}"
    return f"the market is closed{until}; a close is for the session in which it is asked"


def _of_units(words: CloseWords, view: TridentView, today: date) -> str:
    """Why none of the units can be closed, or one that was named alone."""
    named = [unit for unit in view.trident.units if unit.name in words.units]
    whole = [unit for unit in named if unit.state is UnitState.WHOLE]
    if not whole:
        return "; ".join(_why_not(unit, view, today) for unit in named)
    for one in view.exits:
        if not {unit.name for unit in whole} & {*one.units} or not one.holds_units:
            continue
        order = f"order {one.order_id}" if one.order_id else "its order"
        if one in view.resting and one.kind is ExitKind.MANUAL:
            held = names_with(one.units, "is", "are")
            return f"{held} being closed at {amounts.price(one.debit)} ({order}); cancel it first"
        if {*one.units} & view.stuck:
            return f"nobody knows what {order} of {names_of(one.units)} does; `senex reconcile` looks again"
    if not view.agrees:
        shown = names_of(unit.name for unit in whole)
        return f"the broker does not show all contracts of {shown}; it is read again in 30 s"
    return ""


def _why_not(unit: Unit, view: TridentView, today: date) -> str:
    name = f"{unit.name.value} of {_short(view)}"
    match unit.state:
        case UnitState.CLOSED:
            exit = closing_exit(unit, view)
            return f"{name} was {'closed' if exit is None else closed_words(unit, exit, today)}"
        case UnitState.GONE:
            how = "" if unit.how is None else f" ({ended_words(unit.how)})"
            return f"{name} is gone without an order of ours{how}"
    return f"{name} is broken: {legs_words(unit.held)} is left; settle it at the broker"


def _limit(limit: Decimal, units: Sequence[Unit], view: TridentView) -> str:
    ticks = view.trident.ticks
    if limit <= 0:
        return f"a limit must be above 0; {amounts.plain(limit)} was given"
    most = most_debit(units, view.trident.width, ticks)
    shape = close_shape(units)
    if most is None or shape is None:
        return "the chain carries no tick for it"
    if limit > most:
        what = names_of(unit.name for unit in units)
        each = " each" if shape.per > 1 else ""
        return f"a close of {what} is worth at most {amounts.price(most)}{each}; {amounts.plain(limit)} was given"
    if not is_on_tick(limit, ticks):
        tick, low, high = ticks.tick(limit), down(limit, ticks), up(limit, ticks)
        near = [price for price in (low, high) if price is not None and 0 < price <= most]
        choices = " or ".join(amounts.price(price) for price in near)
        return f"its ticks are {amounts.plain(tick)}: {choices}; {amounts.plain(limit)} was given"
    return ""


def _whole(names: Sequence[UnitName], view: TridentView) -> tuple[Unit, ...]:
    return tuple(unit for unit in view.trident.units if unit.name in names and unit.state is UnitState.WHOLE)


def _short(view: TridentView) -> str:
    return view.trident.id[:SHORT_ID]
