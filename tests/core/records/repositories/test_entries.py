"""Entries in the records: their states, what holds a day, and their history."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.domain.orders.order_states import FREES_DAY, OPEN_STATES, OrderState, may_become
from core.domain.orders.orders import Entry
from core.records.records import (
    DayHeld,
    FencedOff,
    IllegalTransition,
    Records,
    RecordsError,
    RecordsRefusal,
    StateConflict,
)
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, entry, fill, request, same, url_of

_S = OrderState

_WAYS: dict[OrderState, tuple[OrderState, ...]] = {
    _S.PREPARED: (),
    _S.SENT: (_S.SENT,),
    _S.WORKING: (_S.SENT, _S.WORKING),
    _S.FILLED: (_S.SENT, _S.FILLED),
    _S.REJECTED: (_S.SENT, _S.REJECTED),
    _S.CANCELLED: (_S.SENT, _S.CANCELLED),
    _S.EXPIRED: (_S.SENT, _S.EXPIRED),
    _S.NOT_SENT: (_S.SENT, _S.NOT_SENT),
    _S.UNKNOWN: (_S.SENT, _S.UNKNOWN),
    _S.ABSENT: (_S.SENT, _S.UNKNOWN, _S.ABSENT),
    _S.INCIDENT: (_S.SENT, _S.WORKING, _S.INCIDENT),
}


async def _in_state(records: Records, state: OrderState, new: Entry) -> Entry:
    assert not isinstance(await records.entries.prepare(new), DayHeld)
    for step in _WAYS[state]:
        if step is _S.SENT:
            assert await records.entries.mark_sent(new.id, after(1), epoch=records.epoch, closes=CLOSES)
        else:
            await records.entries.become(new.id, step, at=after(2))
    found = await records.entries.get(new.id)
    assert found.state is state
    return found


async def test_an_entry_is_read_back_to_the_last_digit_after_reopening(records: Records, path: Path) -> None:
    new = replace(entry(), natural=Decimal("3.8600"), max_risk=Decimal("2.14E+2"), detail="…\ud800\0")
    assert await records.entries.prepare(new) is new
    reopened = await Records.open(url_of(path))
    try:
        found = await reopened.entries.get(new.id)
    finally:
        await reopened.close()
    assert found is not None
    assert same(found, replace(new, detail="…??"))


async def test_instants_come_back_in_utc_whatever_zone_they_were_given_in(records: Records) -> None:
    local = datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=ZoneInfo("America/New_York"))
    await records.entries.prepare(replace(entry(), prepared_at=local))
    found = await records.entries.get("one")
    assert found.prepared_at.utcoffset() == timedelta(0)
    assert found.prepared_at.isoformat() == "2026-11-01T06:30:00+00:00"


async def test_a_naive_instant_a_float_and_an_instant_for_a_day_are_refused(records: Records) -> None:
    wrong = (
        replace(entry(), prepared_at=AT.replace(tzinfo=None)),
        replace(entry(), limit=4.06),  # type: ignore[arg-type]
        replace(entry(), session_day=AT),
        replace(entry(), limit=Decimal("NaN")),
    )
    for each in wrong:
        with pytest.raises((ValueError, TypeError), match=r"time zone|Decimal|session day|finite"):
            await records.entries.prepare(each)
    assert await records.entries.of_day(DAY) == ()


async def test_the_second_entry_of_a_day_is_refused_and_names_the_first(records: Records) -> None:
    first = await records.entries.prepare(entry("one"))
    answer = await records.entries.prepare(entry("two"))
    assert answer == DayHeld(existing=entry("one"))
    assert await records.entries.of_day(DAY) == (first,)
    assert not isinstance(await records.entries.prepare(entry("three", account="5WT00002")), DayHeld)
    assert not isinstance(await records.entries.prepare(entry("four", day=date(2026, 3, 3))), DayHeld)


async def test_of_many_concurrent_prepares_by_two_programs_exactly_one_wins(records: Records, second: Records) -> None:
    answers = await asyncio.gather(
        *((records if number % 2 else second).entries.prepare(entry(f"e{number}")) for number in range(8))
    )
    won = [answer for answer in answers if isinstance(answer, Entry)]
    assert len(won) == 1
    assert {answer.existing.id for answer in answers if isinstance(answer, DayHeld)} == {won[0].id}
    assert await records.entries.of_day(DAY) == (won[0],)


async def test_an_identifier_is_never_recorded_twice(records: Records) -> None:
    await _in_state(records, _S.NOT_SENT, entry("one"))
    twin = replace(entry("two"), identifier="senex-one")
    with pytest.raises(RecordsError, match="senex-one is already recorded"):
        await records.entries.prepare(twin)
    with pytest.raises(StateConflict, match="no entry two is recorded"):
        await records.entries.get("two")


async def test_only_a_prepared_entry_is_marked_sent_and_only_once(records: Records) -> None:
    assert not await records.entries.mark_sent("nobody", AT, epoch=records.epoch, closes=CLOSES)
    await records.entries.prepare(entry())
    assert await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    assert not await records.entries.mark_sent("one", after(2), epoch=records.epoch, closes=CLOSES)
    found = await records.entries.get("one")
    assert (found.state, found.sent_at) == (_S.SENT, after(1))


async def test_nothing_is_sent_after_the_close(records: Records) -> None:
    await records.entries.prepare(entry())
    assert not await records.entries.mark_sent("one", CLOSES, epoch=records.epoch, closes=CLOSES)
    assert await records.entries.mark_sent("one", CLOSES - timedelta(seconds=1), epoch=records.epoch, closes=CLOSES)


async def test_nothing_is_sent_while_paused_or_halted(records: Records) -> None:
    await records.entries.prepare(entry())
    await records.trading.pause("anna", "lunch", AT)
    assert not await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
    await records.trading.halt("reconcile", "mismatch", AT)
    assert not await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
    await records.trading.resolve_halt("anna", "explained", AT)
    assert not await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
    await records.trading.resume("anna", "", AT)
    assert await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)


async def test_an_earlier_trader_and_a_watcher_send_nothing(records: Records, path: Path) -> None:
    await records.entries.prepare(entry())
    newer = await Records.open(url_of(path))
    watcher = await Records.open(url_of(path), trader=False)
    try:
        assert newer.epoch == records.epoch + 1
        with pytest.raises(FencedOff, match="was taken over by another console"):
            await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
        with pytest.raises(RecordsRefusal, match="only the trader writes entries"):
            await watcher.entries.mark_sent("one", AT, epoch=watcher.epoch, closes=CLOSES)
        assert not await newer.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
        assert await newer.entries.mark_sent("one", AT, epoch=newer.epoch, closes=CLOSES)
    finally:
        await newer.close()
        await watcher.close()


async def test_after_a_pause_is_acknowledged_nothing_becomes_sent(records: Records, second: Records) -> None:
    """Whatever the order of commits, an entry that was sent was marked sent before the pause was recorded."""
    for number in range(12):
        account = f"5WT{number:05}"
        name = f"race{number}"
        await records.entries.prepare(entry(name, account=account))

        async def pause() -> OrderState:
            await second.trading.pause("watcher", "", AT)
            found = await second.entries.get(name)  # noqa: B023 - awaited in this round
            assert found is not None
            return found.state

        send = records.entries.mark_sent(name, AT, epoch=records.epoch, closes=CLOSES)
        state_at_pause, sent = await asyncio.gather(pause(), send)
        found = await records.entries.get(name)
        assert found.state is state_at_pause is (_S.SENT if sent else _S.PREPARED)
        await records.trading.resume("anna", "", AT)


@pytest.mark.parametrize("old", list(OrderState))
async def test_every_transition_is_allowed_or_refused_as_the_table_says(records: Records, old: OrderState) -> None:
    for number, new in enumerate(OrderState):
        name = f"{old.value}-{new.value}"
        before = await _in_state(records, old, entry(name, account=f"5WT{number:05}"))
        own_door = new in {_S.SENT, _S.PREPARED} and new is not old
        if may_become(old, new) and not own_door:
            became = await records.entries.become(name, new, at=after(9), broker_status="Word")
            assert became.state is new
            assert became.holds_day == (before.holds_day if new is old else new not in FREES_DAY)
            assert became == await records.entries.get(name)
        else:
            with pytest.raises(IllegalTransition):
                await records.entries.become(name, new, at=after(9))
            assert await records.entries.get(name) == before


async def test_the_states_an_entry_went_through_stay_on_record(records: Records) -> None:
    await _in_state(records, _S.UNKNOWN, entry())
    await records.entries.become("one", _S.WORKING, at=after(3), order_id="77", broker_status="Live", detail="found")
    await records.entries.note_status("one", "Cancel Requested", after(4))
    await records.entries.note_status("one", "Cancel Requested", after(5))
    await records.entries.become("one", _S.CANCELLED, at=after(6), broker_status="Cancelled")
    history = await records.entries.history("one")
    assert [(change.state, change.broker_status) for change in history] == [
        (_S.PREPARED, None),
        (_S.SENT, None),
        (_S.UNKNOWN, None),
        (_S.WORKING, "Live"),
        (_S.WORKING, "Cancel Requested"),
        (_S.CANCELLED, "Cancelled"),
    ]
    assert history[0].request == request("senex-one")
    assert all(one.at <= two.at for one, two in pairwise(history))
    found = await records.entries.get("one")
    assert (found.order_id, found.terminal_at, found.detail) == ("77", after(6), "")
    assert [change.detail for change in history[3:]] == ["found", "found", ""]


async def test_a_day_is_freed_by_proof_alone_and_late_news_after_it_becomes_an_incident(records: Records) -> None:
    await _in_state(records, _S.CANCELLED, entry("one"))
    assert isinstance(await records.entries.prepare(entry("two")), DayHeld)
    await records.entries.note_engine_cancel("one", after(100))
    freed = await records.entries.free_day("one", "two complete reads without a fill", after(200))
    assert not freed.holds_day
    again = await records.entries.become("one", _S.CANCELLED, at=after(201))
    assert not again.holds_day, "a repeated report takes no day back"
    await _in_state(records, _S.WORKING, entry("two"))

    assert await records.entries.add_fills("one", [fill("f1")]) == 1
    late = await records.entries.become("one", _S.FILLED, at=after(300), broker_status="Filled", detail="alert")
    assert late.state is _S.INCIDENT
    assert not late.holds_day
    assert late.detail == "filled, but entry two (working) holds the day; alert"
    assert late.broker_status == "Filled"
    assert late.fills == (fill("f1"),)
    assert await records.entries.get("one") == late
    assert (await records.entries.history("one"))[-1].state is _S.INCIDENT
    holder = await records.entries.holding(ACCOUNT, DAY)
    assert holder is not None
    assert (holder.id, holder.state) == ("two", _S.WORKING)
    assert await records.entries.filled_open(ACCOUNT, DAY) == (late,), "its position is at risk"


async def test_a_rejected_entry_that_filled_after_all_collides_as_an_incident(records: Records) -> None:
    await _in_state(records, _S.REJECTED, entry("one"))
    await _in_state(records, _S.FILLED, entry("two"))
    late = await records.entries.become("one", _S.FILLED, at=after(300), order_id="5")
    assert (late.state, late.holds_day, late.order_id) == (_S.INCIDENT, False, "5")
    assert await records.entries.by_order("5", ACCOUNT) == late


async def test_a_late_fill_without_another_entry_takes_the_day_back(records: Records) -> None:
    await _in_state(records, _S.CANCELLED, entry("one"))
    await records.entries.note_engine_cancel("one", after(100))
    await records.entries.free_day("one", "proof", after(200))
    late = await records.entries.become("one", _S.FILLED, at=after(300))
    assert (late.state, late.holds_day) == (_S.FILLED, True)
    assert isinstance(await records.entries.prepare(entry("two")), DayHeld)


async def test_a_day_with_a_fill_or_an_open_order_is_not_freed(records: Records) -> None:
    await _in_state(records, _S.WORKING, entry("one"))
    with pytest.raises(StateConflict, match="working"):
        await records.entries.free_day("one", "", after(200))
    await records.entries.become("one", _S.CANCELLED, at=after(3))
    await records.entries.add_fills("one", [fill("f1")])
    with pytest.raises(StateConflict, match="1 fills"):
        await records.entries.free_day("one", "", after(200))


async def test_fills_are_recorded_once_by_account_and_id_in_any_state(records: Records) -> None:
    await _in_state(records, _S.CANCELLED, entry("one"))
    assert await records.entries.add_fills("one", [fill("f1"), fill("f2"), fill("f1")]) == 2
    assert await records.entries.add_fills("one", [fill("f2", price="9.99"), fill("f3")]) == 1
    found = await records.entries.get("one")
    assert repr(found.fills) == repr((fill("f1"), fill("f2"), fill("f3"))), "a recorded fill never changes"
    await records.entries.prepare(entry("other", account="5WT00002"))
    assert await records.entries.add_fills("other", [fill("f1")]) == 1


async def test_the_same_fills_from_two_programs_at_once_are_recorded_once(records: Records, second: Records) -> None:
    await _in_state(records, _S.WORKING, entry("one"))
    told = [fill(f"f{number}") for number in range(4)]
    counts = await asyncio.gather(*(each.entries.add_fills("one", told) for each in (records, second, records)))
    assert sum(counts) == 4
    found = await records.entries.get("one")
    assert set(found.fills) == set(told)


async def test_entries_are_found_by_what_is_known_of_them(records: Records) -> None:
    made = {
        state: await _in_state(records, state, entry(state.value, account=f"5WT{number:05}"))
        for number, state in enumerate(OrderState)
    }
    assert {found.state for found in await records.entries.open()} == OPEN_STATES
    assert len(await records.entries.of_day(DAY)) == len(made)
    assert await records.entries.by_identifier("senex-filled") == made[_S.FILLED]
    assert await records.entries.by_identifier("senex-nobody") is None
    filled = made[_S.FILLED]
    assert await records.entries.filled_open(filled.account, filled.expiration) == (filled,)
    assert await records.entries.filled_open(filled.account, filled.expiration + timedelta(days=1)) == ()
    assert await records.entries.filled_open(made[_S.INCIDENT].account, DAY) == (), "no fill, no position"


async def test_what_is_not_recorded_cannot_change(records: Records) -> None:
    with pytest.raises(StateConflict, match="nobody"):
        await records.entries.become("nobody", _S.WORKING, at=AT)
    with pytest.raises(ValueError, match="prepared"):
        await records.entries.prepare(replace(entry(), state=_S.FILLED))
