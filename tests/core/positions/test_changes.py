"""What changes behind our back is believed after two reads 30 s apart, attributed, recorded once and told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity
from core.domain.orders.order_states import OrderState
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.trident.sides import LegSide
from core.domain.trident.trident import Action
from core.positions.changes import SHOWN_WITHIN_S
from tests.support.exit_samples import LONG_PUT, SHORT_PUT, closing_fills, exit_of, sent
from tests.support.judged_account import (
    CALL,
    LONG,
    OTHER,
    P1,
    P2,
    SHORT,
    WHOLE,
    Account,
    closed_by_hand,
    judged,
    less,
    working,
)
from tests.support.record_samples import ACCOUNT, CLOSES, DAY, after, entry


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Account]:
    async with judged(tmp_path) as one:
        yield one


HIDDEN = ("everything", "all but a leg", "the puts", "a contract")
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


async def test_nothing_is_taken_for_foreign_while_an_entry_of_ours_may_fill(account: Account) -> None:
    records = account.records
    new = entry("two", day=DAY + timedelta(days=1))
    await records.entries.prepare(new)
    await records.entries.mark_sent("two", after(1), epoch=records.epoch, closes=CLOSES)
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


async def test_after_the_session_what_an_order_closed_is_gone_and_what_is_missing_is_not(account: Account) -> None:
    """What expired leaves the positions at night: the broker's rows of the next morning tell of it."""
    await account.first_reads()
    account.clock.at = after(10 * 3600)
    order, held = closed_by_hand(SHORT_PUT, LONG_PUT), {SHORT: 1, LONG: 1}
    for at_s in (0, 30, 60, 90):
        await account.sees(at_s, held, order)
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.GONE, Ended.HAND)}
    assert not await account.agrees(), "nothing is sent for the call"


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


@pytest.mark.parametrize("hidden", [{}, {SHORT: 2}, less(short=2, long=2), less(short=1)], ids=HIDDEN)
@pytest.mark.parametrize("restarts", [False, True])
async def test_what_a_listing_left_out_again_and_again_is_ours_again_once_it_is_shown(
    account: Account, hidden: Mapping[LegSide, int], restarts: bool
) -> None:
    """Listings that were not whole for 30 s ended a trident for good: it was held, and nobody closed it."""
    await account.first_reads()
    for at_s in (0, 15, 30):
        await account.sees(at_s, hidden)
    assert await account.units() != ALL_WHOLE, "no broker that is honest can be told from this one"
    if restarts:
        account.restart()
    lost = len(account.told)
    await account.sees(60)
    assert await account.units() != ALL_WHOLE, "one read proves nothing"
    await account.sees(90)
    assert await account.units() == ALL_WHOLE
    for at_s in (91, 120, 150):
        await account.sees(at_s)
    assert await account.agrees()
    assert {event.kind for event in account.told[lost:]} == {"trident.found_again"}
    assert all(event.text.endswith("it is whole") for event in account.told[lost:])


async def test_only_what_nothing_explains_is_ours_again(account: Account) -> None:
    """A contract that is shown beside one which somebody closed is not taken for it."""
    await account.first_reads()
    order = closed_by_hand(SHORT_PUT, LONG_PUT)
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1, long=1), order)
    for at_s in (60, 90):
        await account.sees(at_s, less(long=1), order)
    assert await account.units() == {**ALL_WHOLE, P2: (UnitState.GONE, Ended.HAND)}
    assert account.kinds()[1:] == [("positions.unexplained", Severity.CRITICAL)]


async def test_what_is_shown_beyond_what_was_missed_is_told(account: Account) -> None:
    await account.first_reads()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=2))
    for at_s in (60, 90):
        await account.sees(at_s, {**WHOLE, SHORT: 3})
    assert await account.units() == ALL_WHOLE
    assert ("positions.unexplained", Severity.CRITICAL) in account.kinds()


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
