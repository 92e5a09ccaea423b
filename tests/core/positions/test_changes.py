"""What changes behind our back is believed after two reads 30 s apart, attributed, recorded once and told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.port import Position
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Event, Severity
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill, OrderReport, ReportedLeg
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.trident.sides import Direction, LegSide
from core.domain.trident.trident import Action
from core.guards.breakers import Breakers
from core.positions.changes import BELIEVED_S, SHOWN_WITHIN_S, Changes
from core.positions.complete_reads import CompleteRead
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock
from tests.support.empty_records import copy_empty_records
from tests.support.exit_samples import LONG_CALL, LONG_PUT, SHORT_CALL, SHORT_PUT, closing_fills, exit_of, filled, sent
from tests.support.record_samples import ACCOUNT, CLOSES, after, entry, url_of

P1, P2, CALL = UnitName
WHOLE: Mapping[LegSide, int] = {
    (SHORT_PUT, Direction.SHORT): 2,
    (LONG_PUT, Direction.LONG): 2,
    (SHORT_CALL, Direction.SHORT): 1,
    (LONG_CALL, Direction.LONG): 1,
}
SHORT: LegSide = (SHORT_PUT, Direction.SHORT)
LONG: LegSide = (LONG_PUT, Direction.LONG)
OTHER: LegSide = ("QQQ   260417P00500000", Direction.LONG)


class LaterClock(SystemClock):
    """It is a minute after the samples, or later."""

    at = after(60)

    def now(self) -> datetime:
        return self.at


def less(**contracts: int) -> dict[LegSide, int]:
    """The whole trident with so many contracts fewer of `short` and `long` puts."""
    return {**WHOLE, SHORT: 2 - contracts.get("short", 0), LONG: 2 - contracts.get("long", 0)}


def closed_by_hand(*symbols: str, order_id: str = "900") -> OrderReport:
    """A filled order of somebody else that closed a contract of each."""
    actions = {SHORT_PUT: Action.BUY_TO_CLOSE, LONG_PUT: Action.SELL_TO_CLOSE}
    legs = tuple(
        ReportedLeg(
            symbol,
            actions[symbol].value,
            Decimal(1),
            Decimal(0),
            (Fill(f"{order_id}-{symbol}", symbol, Decimal(1), Decimal("1.00"), after(40)),),
        )
        for symbol in symbols
    )
    return OrderReport(
        order_id, ACCOUNT, "Filled", None, "QQQ", Decimal("-1.00"), legs, after(35), after(40), after(40)
    )  # fmt: skip


@dataclass
class Account:
    """An account with one trident, filled a short while ago, whose reads are judged. `told` are the events."""

    records: Records
    clock: LaterClock = field(default_factory=LaterClock)
    told: list[Event] = field(default_factory=list)
    changes: Changes = field(init=False)
    breakers: Breakers = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another process takes over."""
        bus = Bus(self.records.journal.append, self.clock)
        bus.listen(self.told.append)
        self.breakers = Breakers(self.records, bus, self.clock)
        self.changes = Changes(self.records, self.breakers, bus, self.clock)

    async def sees(
        self, at_s: float, held: Mapping[LegSide, int] = WHOLE, *orders: OrderReport, shares: int = 0
    ) -> None:
        """A complete read that began at this second."""
        positions = [
            Position(symbol, "QQQ", Decimal(count), side.value, None, None, "Equity Option")
            for (symbol, side), count in held.items()
            if count
        ]
        if shares:
            positions.append(
                Position("QQQ", "QQQ", Decimal(abs(shares)), "Long" if shares > 0 else "Short", None, None, "Equity")
            )
        await self.changes.look(CompleteRead(ACCOUNT, tuple(positions), orders, at_s, after(60)))

    async def first_reads(self, held: Mapping[LegSide, int] = WHOLE) -> None:
        """The account is known: seconds before 0."""
        await self.sees(-BELIEVED_S - 1, held)
        await self.sees(-1, held)
        await self.sees(-0.5, held)

    async def units(self) -> dict[UnitName, tuple[UnitState, Ended | None]]:
        trident = (await self.records.tridents.get("one")).trident
        return {unit.name: (unit.state, unit.how) for unit in trident.units}

    async def agrees(self) -> bool:
        return self.changes.agrees(ACCOUNT, (await self.records.tridents.get("one")).trident.units)

    def kinds(self) -> list[tuple[str, Severity]]:
        return [(event.kind, event.severity) for event in self.told]


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    path = tmp_path / "data" / "senex.db"
    copy_empty_records(path)
    opened = await Records.open(url_of(path))
    yield opened
    await opened.close()


@pytest.fixture
async def account(records: Records) -> Account:
    await filled(records)
    return Account(records)


ALL_WHOLE = dict.fromkeys(UnitName, (UnitState.WHOLE, None))


async def test_what_is_foreign_is_taken_by_two_equal_first_reads(account: Account) -> None:
    held = {**WHOLE, SHORT: 5, OTHER: 7}
    await account.sees(0, {**held, OTHER: 6})
    await account.sees(20, held)
    await account.sees(49, held)
    assert await account.records.foreign.positions(ACCOUNT) is None
    assert not await account.agrees()
    await account.sees(50, held)
    assert await account.records.foreign.positions(ACCOUNT) == {SHORT: Decimal(3), OTHER: Decimal(7)}
    assert await account.agrees()
    assert account.told == []


async def test_nothing_is_taken_for_foreign_while_an_entry_of_ours_may_fill(records: Records) -> None:
    new = entry("one")
    await records.entries.prepare(new)
    await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    account = Account(records)
    for at_s in (0, 60):
        await account.sees(at_s)
    assert await records.foreign.positions(ACCOUNT) is None


async def test_fewer_contracts_at_the_first_reads_are_a_loss_and_no_foreign_ones(account: Account) -> None:
    account.clock.at = after(60 + SHOWN_WITHIN_S)
    held = less(short=1, long=1)
    for at_s in (0, 30, 31, 61):
        await account.sees(at_s, held)
    assert await account.records.foreign.positions(ACCOUNT) == {}
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.GONE, None)}


@pytest.mark.parametrize("shown", [{}, {SHORT: 2}, {**WHOLE, SHORT: 1}], ids=["nothing", "a leg", "but one contract"])
async def test_a_new_trident_that_the_positions_do_not_show_yet_is_not_lost(
    account: Account, shown: Mapping[LegSide, int]
) -> None:
    """Positions that followed a fill by minutes ended the trident for good: it was held, and nobody closed it."""
    for at_s in (-120, -80, 0, 30, 60, 600):
        await account.sees(at_s, shown)
        assert (await account.units(), account.told, await account.agrees()) == (ALL_WHOLE, [], False)
    await account.sees(610, WHOLE)
    assert await account.agrees()
    for at_s in (620, 650):
        await account.sees(at_s, shown)
    assert await account.units() != ALL_WHOLE, "what was shown once is lost when it is not there any more"


async def test_a_new_trident_that_is_never_shown_is_lost_in_the_end(account: Account) -> None:
    for at_s in (-120, -80, 0, 30):
        await account.sees(at_s, {})
    account.clock.at = after(60 + SHOWN_WITHIN_S)
    for at_s in (1000, 1030):
        await account.sees(at_s, {})
    assert {state for state, _ in (await account.units()).values()} == {UnitState.GONE}


async def test_a_unit_closed_by_hand_is_gone_with_its_order(account: Account) -> None:
    await account.first_reads()
    order, held = closed_by_hand(SHORT_PUT, LONG_PUT), less(short=1, long=1)
    for at_s in (0, 29.9):
        await account.sees(at_s, held, order)
        assert await account.units() == ALL_WHOLE
        assert account.changes.in_doubt(ACCOUNT), "it is read again at once"
    await account.sees(30, held, order)
    assert not account.changes.in_doubt(ACCOUNT)
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.GONE, Ended.HAND)}
    assert account.kinds() == [("trident.gone", Severity.WARNING)]
    assert account.told[0].text.endswith("put-2 has lost 622P, 619P without an order of ours (hand, order 900)")
    for at_s in (60, 95):
        await account.sees(at_s, held, order)
    assert await account.agrees()
    assert len(account.told) == 1
    [short, long] = (await account.records.tridents.gone_of(["one"]))["one"]
    assert {short.gone.symbol, long.gone.symbol} == {SHORT_PUT, LONG_PUT}
    assert short.detail == {"orders": ("900",)}


async def test_a_part_of_a_unit_is_broken_and_critical(account: Account) -> None:
    await account.first_reads()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1), closed_by_hand(SHORT_PUT))
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.BROKEN, Ended.HAND)}
    assert account.kinds() == [("trident.broken", Severity.CRITICAL)]
    assert account.told[0].text.endswith("it is broken, left: 619P")
    assert account.breakers.open_now == ()


async def test_an_assigned_put_breaks_its_unit_alone_and_stops_entries(account: Account) -> None:
    await account.first_reads()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1), shares=100)
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.BROKEN, Ended.ASSIGNED)}
    [breaker] = account.breakers.open_now
    assert (breaker.kind, breaker.subject) == (BreakerKind.ASSIGNED, ACCOUNT)
    assert breaker.why == "the short QQQ contract of put-2 of one was assigned"


async def test_shares_that_explain_one_contract_explain_no_other(account: Account) -> None:
    await account.first_reads()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=2), shares=100)
    units = await account.units()
    assert sorted((units[P1][1], units[P2][1]), key=str) == [None, Ended.ASSIGNED]
    assert {units[P1][0], units[P2][0]} == {UnitState.BROKEN}


async def test_what_nothing_explains_is_gone_without_a_cause(account: Account) -> None:
    await account.first_reads()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1, long=1))
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.GONE, None)}
    assert "nothing explains it yet" in account.told[0].text


async def test_a_difference_that_goes_away_or_changes_begins_anew(account: Account) -> None:
    """Positions follow fills by some seconds, and come leg by leg."""
    await account.first_reads()
    await account.sees(0, less(short=1))
    await account.sees(20)
    await account.sees(40, less(short=1))
    await account.sees(50, less(short=1, long=1))
    await account.sees(79, less(short=1, long=1))
    assert (await account.units(), account.told) == (ALL_WHOLE, [])
    assert not await account.agrees()
    await account.sees(80, less(short=1, long=1))
    assert (await account.units())[P2] == (UnitState.GONE, None)


async def test_what_an_order_of_ours_closes_is_no_change(account: Account) -> None:
    await account.first_reads()
    await sent(account.records, exit_of((P1,)))
    for at_s in (0, 40):  # it may have filled: nobody has told yet
        await account.sees(at_s, less(short=1, long=1))
        assert await account.agrees()
    await account.records.exits.add_fills("x1", closing_fills((P1,)))
    await account.records.exits.become("x1", OrderState.FILLED, at=after(50))
    for at_s in (80, 120):
        await account.sees(at_s, less(short=1, long=1))
    assert await account.units() == {**ALL_WHOLE, P1: (UnitState.CLOSED, Ended.TARGET)}
    assert (await account.agrees(), account.told) == (True, [])


async def test_what_leaves_while_targets_rest_on_it_is_seen(account: Account) -> None:
    """The targets of all units rest as long as a trident is held: what they may take hid every assignment."""
    await account.first_reads()
    listed = []
    for number, unit in enumerate(UnitName):
        one = await sent(account.records, exit_of((unit,), f"x{number}"), f"7{number}")
        live = working(closed_by_hand(SHORT_PUT, LONG_PUT, order_id=f"7{number}"))
        listed.append(replace(live, identifier=one.identifier))
    await account.sees(-0.2, WHOLE, *listed)
    assert await account.agrees()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1), *listed, shares=100)
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.BROKEN, Ended.ASSIGNED)}
    assert [breaker.kind for breaker in account.breakers.open_now] == [BreakerKind.ASSIGNED]


async def test_foreign_contracts_are_used_up_before_ours(account: Account) -> None:
    await account.first_reads({**WHOLE, SHORT: 3, LONG: 2})
    for at_s in (0, 30):
        await account.sees(at_s, WHOLE, closed_by_hand(SHORT_PUT))
    assert await account.records.foreign.positions(ACCOUNT) == {}
    assert (await account.units(), account.told, await account.agrees()) == (ALL_WHOLE, [], True)


async def test_more_contracts_than_ours_are_told_once_and_bar_their_units(account: Account) -> None:
    await account.first_reads()
    for at_s in (0, 30, 60, 90):
        await account.sees(at_s, {**WHOLE, SHORT: 3})
    assert account.kinds() == [("positions.unexplained", Severity.CRITICAL)]
    assert (await account.units(), await account.agrees()) == (ALL_WHOLE, False)
    call = [unit for unit in (await account.records.tridents.get("one")).trident.units if unit.name is CALL]
    assert account.changes.agrees(ACCOUNT, call), "the others go on"


def working(order: OrderReport) -> OrderReport:
    """The order before anything of it has filled."""
    legs = tuple(replace(leg, remaining=leg.quantity, fills=()) for leg in order.legs)
    return replace(order, status="Live", legs=legs, terminal_at=None)


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_trident_is_left_alone_while_a_close_works_on_it_that_is_not_ours(
    account: Account, restarts: bool
) -> None:
    async def off() -> HandsOff:
        return (await account.records.tridents.get("one")).trident.hands_off

    await account.first_reads()
    order = working(closed_by_hand(SHORT_PUT))
    await account.sees(0, WHOLE, order)
    assert await off() is HandsOff.FOREIGN_CLOSE
    await account.sees(50)  # it is not listed: that proves nothing
    await account.sees(60, WHOLE, replace(order, status="Somewhere"))
    assert await off() is HandsOff.FOREIGN_CLOSE
    if restarts:
        account.restart()
    for at_s in (80, 109):
        await account.sees(at_s)
        assert await off() is HandsOff.FOREIGN_CLOSE
    await account.sees(110)
    assert await off() is HandsOff.NONE
    assert account.kinds() == [("trident.hands_off", Severity.CRITICAL), ("trident.hands_off", Severity.INFO)]


async def test_a_close_of_ours_or_of_other_legs_leaves_a_trident_as_it_is(account: Account) -> None:
    await account.first_reads()
    await sent(account.records, exit_of((P1,)))
    ours = replace(working(closed_by_hand(SHORT_PUT, LONG_PUT)), order_id="71", identifier="senexit-x1")
    others = working(closed_by_hand(SHORT_PUT))
    others = replace(others, legs=(replace(others.legs[0], symbol="QQQ   260417P00500000"),))
    opens = replace(others, legs=(replace(others.legs[0], symbol=LONG_PUT, action=Action.BUY_TO_OPEN.value),))
    await account.sees(0, WHOLE, ours, others, opens)
    assert (await account.records.tridents.get("one")).trident.hands_off is HandsOff.NONE


async def test_a_released_trident_stays_released(account: Account) -> None:
    await account.first_reads()
    await account.records.tridents.hand_off("one", HandsOff.RELEASED, "anna")
    for at_s in (0, 60):
        await account.sees(at_s, WHOLE, working(closed_by_hand(SHORT_PUT)))
    assert (await account.records.tridents.get("one")).trident.hands_off is HandsOff.RELEASED


@pytest.mark.parametrize("restart_at", [0, 1, 2])
async def test_a_change_is_recorded_once_whatever_process_sees_it(account: Account, restart_at: int) -> None:
    await account.first_reads()
    order, held = closed_by_hand(SHORT_PUT, LONG_PUT), less(short=1, long=1)
    for number, at_s in enumerate((0, 30, 60, 90)):
        if number == restart_at:
            account.restart()
        await account.sees(at_s, held, order)
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.GONE, Ended.HAND)}
    assert len((await account.records.tridents.gone_of(["one"]))["one"]) == 2
    assert len(account.told) == 1
