"""What the broker reports of an exit's order: it may end with some of its units closed, and not with half a unit (rules
15.1, 15.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill, Intent, OrderReport, ReportedLeg
from core.domain.orders.settling import LAST_DAY_S, PRODUCT_TIMES
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.units import UnitName, UnitState
from core.orders.folding import Folding
from core.orders.kinds import Kinds, product_kinds
from core.records.records import Records
from core.records.store.errors import StateConflict
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock
from tests.support.exit_samples import PUTS, closing_fills, exit_of, filled, proof, sent
from tests.support.record_samples import AT, DAY, after, entry, url_of

pytestmark = pytest.mark.usefixtures("store")


class Folded:
    """Records with a trident and a folding, and the incidents that it has told."""

    def __init__(self, records: Records, last_day: bool = False) -> None:
        self.records = records
        self.incidents: list[str] = []
        clock = SystemClock()
        self.kinds: Kinds = product_kinds(
            records=records,
            bus=Bus(records.journal.append, clock),
            clock=clock,
            sessions_back=lambda day, sessions: date.min if last_day else date.max,
            on_closed=self._on_closed,
            on_incident=self._on_incident,
        )
        self.folding = Folding(records=records, kinds=self.kinds, clock=clock)

    async def _on_closed(self, of: Intent) -> None:
        """Nothing waits for it here."""

    async def _on_incident(self, of: Intent, why: str) -> None:
        self.incidents.append(why)

    async def units(self) -> tuple[UnitState, ...]:
        return tuple(unit.state for unit in (await self.records.tridents.get("one")).trident.units)

    async def told(self) -> list[str]:
        return [event.kind for event in await self.records.journal.newest(20)]


@pytest.fixture
async def folded(tmp_path: Path) -> AsyncIterator[Folded]:
    records = await Records.open(url_of(tmp_path / "records.sqlite3"))
    await filled(records)
    yield Folded(records)
    await records.close()


def reported(of: Exit, status: str, fills: Sequence[Fill] = ()) -> OrderReport:
    """The broker's report of the exit's order, with these fills."""
    legs = tuple(
        ReportedLeg(
            leg.symbol,
            leg.action.value,
            Decimal(leg.quantity),
            Decimal(leg.quantity) - sum((f.quantity for f in fills if f.symbol == leg.symbol), Decimal(0)),
            tuple(f for f in fills if f.symbol == leg.symbol),
        )
        for leg in of.request.legs
    )
    return OrderReport(
        "71", of.account, status, of.identifier, of.underlying, of.request.credit, legs, AT, after(40), after(40)
    )


async def test_a_close_of_two_units_that_ends_with_one_filled_is_cancelled(folded: Folded) -> None:
    exit = await sent(folded.records, exit_of(PUTS, kind=ExitKind.TIME))
    half = closing_fills(PUTS[:1])
    for _ in range(2):  # also when the broker says so again
        ended = await folded.folding.apply(exit, reported(exit, "Cancelled", half))
        assert (ended.state, len(ended.fills), ended.released_at) == (OrderState.CANCELLED, 2, None)
    assert await folded.units() == (UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)
    assert folded.incidents == []
    whole = closing_fills(PUTS[:1], number="2")
    late = await folded.folding.apply(exit, reported(exit, "Cancelled", (*half, *whole)))
    assert late.state is OrderState.FILLED, "a fill after a cancel is real"
    assert await folded.units() == (UnitState.CLOSED, UnitState.CLOSED, UnitState.WHOLE)


@pytest.mark.parametrize("status", ["Cancelled", "Expired"])
async def test_a_close_that_ends_with_half_a_unit_is_an_incident(folded: Folded, status: str) -> None:
    exit = await sent(folded.records, exit_of(PUTS, kind=ExitKind.TIME))
    short = exit.request.legs[0].symbol
    part = closing_fills(PUTS[:1], legs=[short])
    ended = await folded.folding.apply(exit, reported(exit, status, part))
    assert ended.state is OrderState.INCIDENT
    assert len(folded.incidents) == 1
    assert UnitState.BROKEN in await folded.units()
    assert "exit.incident" in await folded.told()


async def test_a_lost_order_with_a_unit_closed_is_unknown_and_keeps_its_claims(folded: Folded) -> None:
    exit = await sent(folded.records, exit_of(PUTS, kind=ExitKind.TIME))
    await folded.folding.apply(exit, reported(exit, "Live", closing_fills(PUTS[:1])))
    await folded.folding.forgotten(exit, "71")
    lost = await folded.records.exits.get(exit.id)
    assert (lost.state, lost.released_at) == (OrderState.UNKNOWN, None)
    claims = {one.unit: one.released_at is None for one in await folded.records.exits.claims_of("one")}
    assert claims == {UnitName.PUT_1: False, UnitName.PUT_2: True}


async def test_an_unknown_exit_takes_45_minutes_to_be_proved_absent_and_5_on_the_last_day(folded: Folded) -> None:
    exit, bought = exit_of(), entry()
    assert folded.kinds.of(exit).settle_times(exit).settle_s == 45 * 60
    last_day = Folded(folded.records, last_day=True).kinds
    assert last_day.of(exit).settle_times(exit).settle_s == LAST_DAY_S == 300
    for kinds in (folded.kinds, last_day):
        assert kinds.of(bought).settle_times(bought) == PRODUCT_TIMES
        assert kinds.of(exit).settle_times(exit).between_reads_s == 30


async def test_the_history_of_a_resting_exit_is_not_read(folded: Folded) -> None:
    exit = await sent(folded.records, exit_of())
    rules = folded.kinds.of(exit)
    assert not rules.needs_history(exit)
    unknown = await folded.records.exits.become(exit.id, OrderState.UNKNOWN, at=after(20))
    assert not rules.needs_history(unknown), "it is read by its id"
    other = await sent(folded.records, exit_of((UnitName.CALL,), "x2"), order_id=None)
    other = await folded.records.exits.become(other.id, OrderState.UNKNOWN, at=after(20))
    assert folded.kinds.of(other).needs_history(other)
    assert folded.kinds.of(entry()).needs_history(entry())


async def test_the_book_knows_intents_of_both_kinds(folded: Folded) -> None:
    records, book = folded.records, folded.records.intents
    opened = await records.entries.get("one")
    exit = await sent(records, exit_of())
    assert await book.by_identifier(exit.identifier) == exit == await book.get(exit.id)
    assert await book.by_order("71", exit.account, DAY) == exit
    assert await book.by_order("71", "5WT00002") is None
    assert await book.with_order(opened.order_id or "") == (opened,)
    assert await book.open() == (exit,)
    assert await book.looked_at(DAY, exit.account) == (opened, exit), "its entry's order was not shown to have ended"
    assert await book.looked_at(DAY, "5WT00002") == ()
    assert await book.being_sent() == () == await book.waiting(DAY)
    with pytest.raises(StateConflict, match="no intent nobody"):
        await book.get("nobody")
    prepared = exit_of((UnitName.CALL,), "x2")
    assert await records.exits.prepare(prepared) == prepared
    assert await book.being_sent() == (prepared,)
    assert book.of(exit) is records.exits
    assert book.of(opened) is records.entries


async def test_an_account_is_looked_at_often_only_while_an_exit_may_change_by_itself(folded: Folded) -> None:
    records = folded.records

    async def moves() -> bool:
        return any(one.may_change for one in await records.exits.watched(DAY, DAY))

    target = await sent(records, exit_of())
    assert not await moves(), "a target rests"
    await records.exits.ask_cancel(target.id, "the console", "its time exit starts", after(13))
    assert await moves(), "its cancel is asked"
    await records.exits.become(target.id, OrderState.CANCELLED, at=after(14))
    assert not await moves()
    await records.exits.release(target.id, proof())
    await sent(records, exit_of((UnitName.CALL,), "x2", kind=ExitKind.TIME), order_id="72")
    assert await moves(), "another price may be due any minute"
    [watched] = await records.exits.watched(DAY, DAY)
    assert watched.newest == (after(11), after(14))
