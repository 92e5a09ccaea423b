"""What keeps the exits of a trident from being sent, from the whole console down to one moment (rules 15.8).

Pause, halt, score, risk and the breakers of entries are not among them: they stop entries and no exit. A cancel needs
the lock and the login alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.domain.operation.breakers import BreakerKind, Scope
from core.domain.operation.reasons import Reason, Refusal
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.trident_words import legs_words
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import UnitName, UnitState, left_of, names_of, names_with


class BlockScope(StrEnum):
    """What a block is about, the widest first."""

    ALL = "all"
    ACCOUNT = "account"
    TRIDENT = "trident"
    UNIT = "unit"
    MOMENT = "moment"


class Barred(StrEnum):
    """What a block keeps from being sent: every exit, targets, or the steps of a walk."""

    EXITS = "exits"
    TARGETS = "targets"
    WALKS = "walks"


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that keeps exits from being sent. `units` are those it is about, all that are left where it is wider
    than a unit. `why` is a sentence without a full stop. `is_passing`: it ends by itself soon, as a console starts or
    the market opens, and is no news."""

    scope: BlockScope
    why: str
    units: tuple[UnitName, ...]
    bars: Barred = Barred.EXITS
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """What is known outside of the trident.

    `refusals` is what the gate of exits says for its account now. `feed_down` says why the quote feed is not live,
    empty while it is. `first_set_waits`: the operator has to say once more that targets may be placed. `settles`: the
    account is being read and reconciled, and that has not lasted long.
    """

    moment: Moment
    refusals: tuple[Refusal, ...] = ()
    feed_down: str = ""
    first_set_waits: bool = False
    settles: bool = False


_EVERYWHERE = frozenset(
    {
        Reason.LOCK_LOST,
        Reason.HALT_ALL_FILE,
        Reason.RECORD_FAILED,
        Reason.CLOCK_UNPROVED,
        Reason.CLOCK_OFF,
        Reason.CLOCK_IN_DOUBT,
    }
)
"""What the gate refuses for every account."""
READ_AFTER_OPEN = timedelta(minutes=5)
"""Accounts are read in session alone, and compared as their day begins: until then nothing is wrong with one that was
not read of late, or is not reconciled yet."""
FIRST_SET_WAITS = "its first targets wait for one more `senex exits on`"


def blocks(view: TridentView, facts: BlockFacts) -> tuple[Block, ...]:
    """Everything that keeps exits of this trident from being sent now, the widest first. None for one that has ended:
    nothing is to be sent."""
    trident = view.trident
    if trident.phase is Phase.ENDED:
        return ()
    left = tuple(unit.name for unit in left_of(trident.units))
    found = [
        Block(_scope(refusal), refusal.sentence(), left, is_passing=_is_passing(refusal, facts))
        for refusal in sorted(facts.refusals, key=_width)
    ]
    if facts.first_set_waits:
        found.append(Block(BlockScope.ACCOUNT, FIRST_SET_WAITS, left, Barred.TARGETS))
    if trident.hands_off is not HandsOff.NONE:
        found.append(Block(BlockScope.TRIDENT, HANDS_OFF_WORDS[trident.hands_off], left))
    found += _of_units(view)
    session = facts.moment.session
    if session is None or not session.is_open(facts.moment.now):
        found.append(Block(BlockScope.MOMENT, "the market is closed", left))
    elif facts.feed_down:
        found.append(Block(BlockScope.MOMENT, f"the quote feed is not live: {facts.feed_down}", left, Barred.WALKS))
    return tuple(found)


def barred_by(refusals: Sequence[Refusal]) -> str:
    """Why nothing may be sent for any trident of an account of which the gate says this, for `TridentView.blocked`:
    the widest refusal's sentence. Empty when there is none."""
    return min(refusals, key=_width).sentence() if refusals else ""


def _width(refusal: Refusal) -> int:
    return list(BlockScope).index(_scope(refusal))


HANDS_OFF_WORDS = {
    HandsOff.ADJUSTED: "it was adjusted by a split or the like; close it at the broker",
    HandsOff.FOREIGN_CLOSE: "a close that is not ours works on it; it goes on when that order has ended",
    HandsOff.DESK: "it is left to the broker's desk today",
    HandsOff.RELEASED: "it was released to the operator for good",
}
"""Why a trident is left alone, as a sentence without a full stop."""


def _scope(refusal: Refusal) -> BlockScope:
    if refusal.reason is Reason.BREAKER_OPEN:
        kind = BreakerKind.of(str(dict(refusal.figures)["breaker"]))
        return BlockScope.ALL if kind.scope is Scope.GLOBAL else BlockScope.ACCOUNT
    return BlockScope.ALL if refusal.reason in _EVERYWHERE else BlockScope.ACCOUNT


def waits_to_be_read(refusal: Refusal) -> bool:
    """Whether a read or a reconciliation of the account ends what the gate refuses."""
    return refusal.reason in (Reason.ACCOUNT_UNREAD, Reason.RECONCILING)


def _is_passing(refusal: Refusal, facts: BlockFacts) -> bool:
    session, now = facts.moment.session, facts.moment.now
    is_read = session is not None and session.open + READ_AFTER_OPEN <= now < session.close
    return waits_to_be_read(refusal) and (facts.settles or not is_read)


def _of_units(view: TridentView) -> list[Block]:
    found = []
    units = view.trident.units
    broken = tuple(unit.name for unit in units if unit.state is UnitState.BROKEN)
    if broken:
        legs = legs_words(symbol for unit in units if unit.name in broken for symbol in unit.held)
        found.append(Block(BlockScope.UNIT, f"{names_with(broken, 'is', 'are')} broken, left: {legs}", broken))
    stuck = tuple(name for name in UnitName if name in view.stuck)
    if stuck:
        found.append(Block(BlockScope.UNIT, f"nobody knows what an order of {names_of(stuck)} does", stuck))
    left = tuple(unit.name for unit in left_of(units))
    if not view.agrees and left:
        found.append(Block(BlockScope.UNIT, "the broker's positions do not agree with the records", left))
    return found
