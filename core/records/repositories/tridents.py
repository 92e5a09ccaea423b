"""The tridents that are held: taken in with the fill of their entry, changed only forwards, kept when they ended (rules
15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from core.domain.market.chain import TickTable
from core.domain.orders.order_states import OrderState
from core.domain.positions.exit_rules import rules_for
from core.domain.positions.trident_view import ManualClose
from core.domain.positions.tridents import ExitMode, ExitRules, HandsOff, Phase
from core.domain.positions.units import Unit, UnitName
from core.records.repositories.accounts import read_own_exits
from core.records.repositories.entry_rows import read_entry
from core.records.repositories.trident_reads import TridentReads, find_trident, known_trident
from core.records.repositories.trident_rows import (
    MORNING_SETTLED,
    TridentRecord,
    asked_stored,
    rules_stored,
    store_trident,
    take_in,
    ticks_stored,
)
from core.records.repositories.unit_rows import GoneRecord, note_gone, recount
from core.records.store.database import Database
from core.records.store.errors import StateConflict

NOTHING_SENT = ExitRules(ExitMode.OFF, {UnitName.PUT_1: 40, UnitName.PUT_2: 60, UnitName.CALL: 40})
"""The rules of an account before anybody has said which are the defaults: no exit is sent."""
_FOR_GOOD = frozenset({HandsOff.ADJUSTED, HandsOff.RELEASED})
_PHASES = list(Phase)


class Tridents(TridentReads):
    """Changes tridents; `TridentReads` reads them. Each change is one commit, and raises StateConflict for a trident
    that is not recorded or may not change like this.

    `default_rules` are those of accounts without settings of their own. A trident keeps what counted when it was
    filled.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.default_rules = NOTHING_SENT

    async def rules_of(self, account: str) -> ExitRules:
        """The rules under which a trident of this account would be filled now. Raises RecordsError."""
        async with self._database.read() as connection:
            return rules_for(await read_own_exits(connection, account), self.default_rules)

    async def take_in(self, entry_id: str, at: datetime) -> TridentRecord | None:
        """Adds the trident of an entry that was filled under an older version. No exit is sent for it before it is
        adopted. None when the entry is not filled, or not of one package; one that is there already stays as it is."""
        async with self._database.write() as connection:
            entry = await read_entry(connection, entry_id)
            if entry is None or entry.state is not OrderState.FILLED:
                return None
            await take_in(connection, entry, self.default_rules, at, manage=False)
            return await find_trident(connection, entry_id)

    async def adopt(self, trident_id: str, rules: ExitRules, at: datetime) -> TridentRecord:
        """Lets exits be sent for the trident from now on, under these rules. One that is managed already gets the
        rules; since when stays on record."""
        async with self._database.write() as connection:
            old = await known_trident(connection, trident_id)
            _require_open(old)
            if old.root == MORNING_SETTLED:
                raise StateConflict(f"trident {trident_id} is settled at an open; no exit is sent for it")
            await store_trident(
                connection, trident_id, rules=rules_stored(rules), managed_since=old.managed_since or at
            )
            return await known_trident(connection, trident_id)

    async def set_ticks(self, trident_id: str, ticks: TickTable) -> None:
        """Records the ticks of the trident's chain, which an older version did not keep."""
        async with self._database.write() as connection:
            await known_trident(connection, trident_id)
            await store_trident(connection, trident_id, ticks=ticks_stored(ticks))

    async def become(self, trident_id: str, phase: Phase, at: datetime) -> TridentRecord:
        """Takes the trident to a later phase. One that is there already stays as it is; none goes back, and none has
        ended while a unit of it has a contract."""
        async with self._database.write() as connection:
            old = await known_trident(connection, trident_id)
            was = old.trident.phase
            if was is phase:
                return old
            if _PHASES.index(phase) < _PHASES.index(was):
                raise StateConflict(f"trident {trident_id} is {was.value}; it cannot become {phase.value}")
            held = [symbol for unit in old.trident.units for symbol in unit.held]
            if phase is Phase.ENDED and held:
                raise StateConflict(f"trident {trident_id} has not ended: {', '.join(held)} is left")
            values: dict[str, object] = {"phase": phase.value}
            if phase is Phase.CLOSING:
                values["closing_since"] = at
            if phase is Phase.ENDED:
                values |= {"ended_at": at, "asked": None}
            await store_trident(connection, trident_id, **values)
            return await known_trident(connection, trident_id)

    async def mark_split(self, trident_id: str) -> TridentRecord:
        """Has the trident's puts and its call closed apart, for good."""
        async with self._database.write() as connection:
            _require_open(await known_trident(connection, trident_id))
            await store_trident(connection, trident_id, split=True)
            return await known_trident(connection, trident_id)

    async def hand_off(self, trident_id: str, hands_off: HandsOff, why: str, day: date | None = None) -> TridentRecord:
        """Has no new order sent for the trident, or with `NONE` lets orders be sent again. `day` is the session for
        which the broker's desk has it.

        A trident that was released or adjusted is so for good. Raises ValueError for the desk without a day.
        """
        if (hands_off is HandsOff.DESK) is not (day is not None):
            raise ValueError("the broker's desk has a trident for a day, and nothing else does")
        async with self._database.write() as connection:
            old = await known_trident(connection, trident_id)
            was = old.trident.hands_off
            if was is hands_off and old.desk_day == day:
                return old
            if was is HandsOff.RELEASED or (was in _FOR_GOOD and hands_off is not HandsOff.RELEASED):
                raise StateConflict(f"trident {trident_id} is {was.value}, which is for good")
            await store_trident(connection, trident_id, hands_off=hands_off.value, hands_off_why=why, desk_day=day)
            return await known_trident(connection, trident_id)

    async def ask(self, trident_id: str, asked: ManualClose | None) -> TridentRecord:
        """Records an operator's word to close units, in place of an earlier one; None takes it back."""
        async with self._database.write() as connection:
            _require_open(await known_trident(connection, trident_id))
            await store_trident(connection, trident_id, asked=asked_stored(asked))
            return await known_trident(connection, trident_id)

    async def note_gone(self, left: Sequence[GoneRecord]) -> dict[str, tuple[Unit, ...]]:
        """Records contracts that left without an order of ours, what explains those that are known, or that they are
        held after all, and in the same commit what that makes of their units. Returns the units of each trident as they
        are now."""
        async with self._database.write() as connection:
            for one in left:
                await known_trident(connection, one.trident_id)
                await note_gone(connection, one)
            return {
                trident_id: await recount(connection, trident_id)
                for trident_id in dict.fromkeys(one.trident_id for one in left)
            }


def _require_open(record: TridentRecord) -> None:
    if record.ended_at is not None:
        raise StateConflict(f"trident {record.id} has ended")
