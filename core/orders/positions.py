"""Compares the broker's positions with the records, in the same way at a reconciliation and from time to time (rules
7, 9).

Positions lag a fill by some seconds, and arrive leg by leg. So a difference counts only when a second complete read,
some seconds later, shows it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.broker.port import Position
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import masked
from core.domain.orders.orders import Entry
from core.domain.positions.holdings import working
from core.domain.positions.trident_words import legs_words, title_of
from core.domain.positions.units import Ended, UnitState, legs_of, names_with
from core.domain.risk.held import GONE, Compared, Left, compared, differing_words
from core.domain.risk.risk import HeldLeg
from core.domain.risk.unexplained import unexplained
from core.domain.trident.sides import Direction
from core.guards.breakers import Breakers
from core.orders.strangers import Strangers
from core.records.records import Records
from core.records.repositories.trident_rows import TridentRecord
from core.records.search.open_tridents import COMPARED, last_compared
from core.runtime.bus import Bus
from core.runtime.clock import Clock

CONFIRMED_S = 5.0
"""Wall seconds from the read that first shows a difference to one that confirms it."""
ATTRIBUTED_S = 60.0
"""Wall seconds instead of those where what left is attributed to units: that takes two reads 30 s apart."""
_NONE = Decimal(0)
LONGEST_S = 30.0
"""Wall seconds after which a difference counts that each read shows otherwise (rules 15.4)."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one complete read has shown. `open` are the entries still held, with what every place says of a difference;
    it keeps one whose end is not confirmed. `doubt` says which difference is to be read again before the account may go
    on, or is empty; `in_doubt` is set too when only an end is to be read again."""

    open: tuple[tuple[Entry, str], ...]
    doubt: str
    in_doubt: bool


@dataclass(slots=True)
class _Doubt:
    """A difference that is not confirmed: what it was last, since when it is that, and since when there is any."""

    shown: str
    shown_s: float
    since_s: float


@dataclass(eq=False, repr=False)
class PositionComparison:
    """Judges complete reads of positions. A confirmed difference stops its account until an operator has settled it.

    Of a trident only what the records say is left of it is looked for. `judges` says of an account whether what leaves
    its tridents otherwise is attributed to their units meanwhile: then what is missing waits until that was done.
    """

    records: Records
    breakers: Breakers
    strangers: Strangers
    bus: Bus
    clock: Clock
    judges: Callable[[str], bool] = lambda _: False
    # By account and what is in doubt: an entry's id, or the words for a trident that no record explains.
    _doubts: dict[tuple[str, str], _Doubt] = field(init=False, default_factory=dict)
    # Tridents that no record explains, and that a second read has confirmed.
    _strange: set[tuple[str, str]] = field(init=False, default_factory=set)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def compare(self, account: str, positions: Sequence[Position], today: date) -> Holdings:
        """Takes one complete read of the account's positions. Raises RecordsError."""
        async with self._turn:
            held = held_legs(positions)
            filled = await self.records.entries.filled_open(account, today)
            doubts = await self._unexplained(account, held, filled, today)
            still_open: list[tuple[Entry, str]] = []
            last = await last_compared(self.records.journal) if filled else {}
            tridents = await self.records.tridents.these([entry.id for entry in filled]) if filled else ()
            wait_s = ATTRIBUTED_S if self.judges(account) else CONFIRMED_S
            left_of = await self._left_of(tridents)
            for record in tridents:
                await self._stop_for_broken(record)
            for one in compared(filled, held, left_of):
                told = last.get(one.entry.id, "")
                units_left = left_of.get(one.entry.id)
                # What our own orders have closed is no doubt.
                confirmed_s = wait_s if units_left else CONFIRMED_S if units_left is None else 0.0
                if self._is_confirmed(account, one.entry.id, told, one.shown, confirmed_s):
                    if one.shown != told:
                        await self._tell(one)
                    told = one.shown
                    if told not in ("", GONE):
                        await self._stop(one)
                elif one.is_held:
                    doubts.append(_words_of(one))
                if told != GONE:
                    still_open.append((one.entry, differing_words(told)))
            return Holdings(tuple(still_open), "; ".join(doubts), any(of == account for of, _ in self._doubts))

    async def _left_of(self, tridents: Sequence[TridentRecord]) -> dict[str, Left]:
        """What is left of each trident: at least without what its exits may still take."""
        exits = await self.records.exits.of_tridents([one.id for one in tridents]) if tridents else {}
        found: dict[str, Left] = {}
        for one in tridents:
            takes = working(one.trident.units, exits[one.id])
            found[one.id] = {
                leg: (max(_NONE, Decimal(count) - takes.get(leg, _NONE)), Decimal(count))
                for leg, count in legs_of(one.trident.units).items()
            }
        return found

    async def _stop_for_broken(self, record: TridentRecord) -> None:
        """Stops the account while a unit is broken; an assignment has a breaker of its own."""
        units = [u for u in record.trident.units if u.state is UnitState.BROKEN and u.how is not Ended.ASSIGNED]
        if not units:
            return
        names, legs = names_with((u.name for u in units), "is", "are"), legs_words(s for u in units for s in u.held)
        why = f"{names} broken in {title_of(record.trident)}, left: {legs}; a reset settles these quantities"
        if not await self.records.breakers.settled(BreakerKind.MISMATCH, record.account, why):
            await self.breakers.open(BreakerKind.MISMATCH, record.account, why)

    def _is_confirmed(self, account: str, of: str, told: str, shown: str, confirmed_s: float = CONFIRMED_S) -> bool:
        """Whether what this read shows is what was told last, or was shown before, long enough ago. That all is held
        needs no second read."""
        key, now_s = (account, of), self.clock.monotonic()
        doubt = self._doubts.setdefault(key, _Doubt(shown, now_s, now_s))
        if doubt.shown != shown:
            doubt.shown, doubt.shown_s = shown, now_s
        longest_s = max(LONGEST_S, 2 * confirmed_s)
        if shown in ("", told) or now_s - doubt.shown_s >= confirmed_s or now_s - doubt.since_s >= longest_s:
            del self._doubts[key]
            return True
        return False

    async def _unexplained(
        self, account: str, held: Sequence[HeldLeg], filled: Sequence[Entry], today: date
    ) -> list[str]:
        """Judges the tridents that are held and that no record explains: records were lost, or an order was lost sight
        of. Returns those that are to be read again."""
        known = {entry.id: entry for entry in filled}
        known |= {entry.id: entry for entry in await self.records.entries.open() if entry.account == account}
        found = {
            f"a {one.root} trident {one.strikes()} of {one.expiration}": one
            for one in unexplained(held, tuple(known.values()))
            if one.expiration >= today
        }
        doubts = []
        for words, trident in found.items():
            told = words if (account, words) in self._strange else ""
            if self._is_confirmed(account, words, told, words):
                self._strange.add((account, words))
                await self.strangers.held(account, trident)
            else:
                doubts.append(f"positions hold {words} that no record explains")
        self._forget(account, {entry.id for entry in filled} | found.keys())
        return doubts

    def _forget(self, account: str, present: Collection[str]) -> None:
        """Drops what was in doubt, and is not there any more."""
        self._strange = {key for key in self._strange if key[0] != account or key[1] in present}
        self._doubts = {key: doubt for key, doubt in self._doubts.items() if key[0] != account or key[1] in present}

    async def _stop(self, one: Compared) -> None:
        """Stops the account for this cause, unless an operator has settled just that."""
        why = f"{_words_of(one)}; a reset settles these quantities until they change again"
        if not await self.records.breakers.settled(BreakerKind.MISMATCH, one.entry.account, why):
            await self.breakers.open(BreakerKind.MISMATCH, one.entry.account, why)

    async def _tell(self, one: Compared) -> None:
        entry = one.entry
        what = f"the {entry.underlying} trident of {entry.session_day}"
        if one.shown == GONE:
            text = f"the broker holds nothing any more of {what}"
        else:
            text = _words_of(one) if one.missing else f"the broker holds all of {what} again"
        await self.bus.say(
            COMPARED,
            f"{masked(entry.account)}: {text}",
            account=entry.account,
            underlying=entry.underlying,
            figures=(("entry", entry.id), ("missing", one.shown)),
        )


def held_legs(positions: Iterable[Position]) -> tuple[HeldLeg, ...]:
    """The broker's positions in the form the risk rules take. Closed positions are left out."""
    return tuple(
        HeldLeg(p.symbol, Direction.SHORT if p.direction == Direction.SHORT.value else Direction.LONG, abs(p.quantity))
        for p in positions
        if p.quantity != 0
    )


def _words_of(one: Compared) -> str:
    entry = one.entry
    return f"of the {entry.underlying} trident of {entry.session_day} the broker holds {one.missing}"
