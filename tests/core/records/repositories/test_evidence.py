"""Evidence, cancel requests and re-entry: what is kept of them, and when a day may be freed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.orders.order_states import OrderState
from core.records.records import DayHeld, EvidenceRecord, Records, StateConflict
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, entry, fill, url_of

_S = OrderState


async def _sent(records: Records, name: str = "one", account: str = ACCOUNT, day: date = DAY) -> None:
    assert not isinstance(await records.entries.prepare(entry(name, account, day)), DayHeld)
    assert await records.entries.mark_sent(name, after(1), epoch=records.epoch, closes=CLOSES)


async def _ended(records: Records, state: OrderState, name: str, account: str, day: date = DAY) -> None:
    await _sent(records, name, account, day)
    await records.entries.become(name, state, at=after(2))


async def _add(records: Records, seen: EvidenceRecord) -> None:
    await records.entries.add_evidence(
        "one", seen.kind, who=seen.who, complete=seen.complete, detail=seen.detail, at=seen.at
    )


async def test_evidence_is_kept_whole_and_in_its_order(records: Records, path: Path) -> None:
    await _sent(records)
    await records.entries.become("one", _S.UNKNOWN, at=after(2))
    seen = (
        EvidenceRecord("answer", "engine", False, {"status": 504, "body": "\ud800\0<html>"}, after(2)),
        EvidenceRecord("listing", "engine", True, {"orders": ("71", "72"), "from": AT, "day": DAY}, after(122)),
        EvidenceRecord("listing", "engine", True, {"orders": ()}, after(122)),
        EvidenceRecord("positions", "engine", True, {"QQQ   260417P00622000": Decimal("-2.0")}, after(153)),
        EvidenceRecord("attestation", "anna", True, {"$note": "nothing there", "order": None}, after(160)),
    )
    for each in seen[:-1]:
        await _add(records, each)
    await records.entries.become("one", _S.ABSENT, at=after(155))
    await _add(records, seen[-1])
    reopened = await Records.open(url_of(path))
    try:
        found = await reopened.entries.evidence("one")
    finally:
        await reopened.close()
    assert repr(found) == repr(seen), "to the last digit, and in any state"


async def test_evidence_moves_nothing_by_itself_and_belongs_to_one_entry(records: Records) -> None:
    await _sent(records)
    await _sent(records, "two", "5WT00002")
    before = await records.entries.get("one")
    await records.entries.add_evidence("one", "listing", who="engine", complete=True, detail={}, at=after(5))
    assert await records.entries.get("one") == before
    assert len(await records.entries.history("one")) == 2
    assert await records.entries.evidence("two") == ()


async def test_evidence_of_nothing_recorded_or_of_a_strange_kind_of_value_is_refused(records: Records) -> None:
    await _sent(records)
    with pytest.raises(StateConflict, match="no entry nobody"):
        await records.entries.add_evidence("nobody", "answer", who="engine", complete=False, detail={}, at=AT)
    with pytest.raises(TypeError, match="cannot be recorded"):
        await records.entries.add_evidence("one", "answer", who="", complete=False, detail={"x": object()}, at=AT)
    assert await records.entries.evidence("one") == ()


async def test_who_asked_to_cancel_stays_on_record_whatever_the_entry_becomes(records: Records) -> None:
    await _ended(records, _S.WORKING, "one", ACCOUNT)
    asked = await records.entries.note_cancel_request("one", "anna", after(3))
    assert (asked.cancel_requested_by, asked.state, asked.detail) == ("anna", _S.WORKING, "")
    assert await records.entries.note_cancel_request("one", "bert", after(4)) == asked, "the first stands"
    await records.entries.note_status("one", "Cancel Requested", after(5))
    cancelled = await records.entries.become("one", _S.CANCELLED, at=after(6))
    assert cancelled.cancel_requested_by == "anna"
    assert await records.entries.get("one") == cancelled
    said = [(change.state, change.at, change.detail) for change in await records.entries.history("one")]
    assert said[3] == (_S.WORKING, after(3), "anna asked to cancel it")
    assert len(said) == 6
    with pytest.raises(StateConflict, match="no entry nobody"):
        await records.entries.note_cancel_request("nobody", "anna", AT)
    with pytest.raises(ValueError, match="by somebody"):
        await records.entries.note_cancel_request("one", "", AT)


async def test_an_entry_somebody_asked_to_cancel_before_it_left_is_not_sent(records: Records) -> None:
    await records.entries.prepare(entry())
    await records.entries.note_cancel_request("one", "anna", AT)
    assert not await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    await records.entries.become("one", _S.NOT_SENT, at=after(2))
    assert not await records.entries.mark_sent("one", after(4), epoch=records.epoch, closes=CLOSES)


@pytest.mark.parametrize("state", [_S.CANCELLED, _S.EXPIRED])
async def test_a_day_an_operator_closed_by_a_cancel_is_freed_only_by_an_operator(
    records: Records, state: OrderState
) -> None:
    await _ended(records, _S.WORKING, "one", ACCOUNT)
    await records.entries.note_cancel_request("one", "anna", after(3))
    before = await records.entries.become("one", state, at=after(4))
    with pytest.raises(StateConflict, match="anna asked to cancel entry one"):
        await records.entries.free_day("one", "two complete reads", after(200))
    assert await records.entries.get("one") == before
    assert isinstance(await records.entries.prepare(entry("two")), DayHeld)
    assert not await records.entries.reentry_allowed("one")
    await records.entries.allow_reentry("one", "bert", after(200))
    assert await records.entries.reentry_allowed("one")
    assert (await records.entries.get("one")).holds_day, "a word alone frees nothing"
    freed = await records.entries.free_day("one", "two complete reads", after(201))
    assert (freed.holds_day, freed.detail, freed.cancel_requested_by) == (False, "two complete reads", "anna")
    assert await records.entries.free_day("one", "again", after(202)) == freed
    assert await records.entries.prepare(entry("two")) == entry("two")


async def test_allowing_re_entry_frees_no_day_with_a_fill_or_an_open_order(records: Records) -> None:
    await _ended(records, _S.WORKING, "one", ACCOUNT)
    await records.entries.note_cancel_request("one", "anna", after(3))
    with pytest.raises(StateConflict, match="working"):
        await records.entries.allow_reentry("one", "anna", after(200))
    await records.entries.become("one", _S.CANCELLED, at=after(4))
    with pytest.raises(ValueError, match="by somebody"):
        await records.entries.allow_reentry("one", "", after(200))
    await records.entries.allow_reentry("one", "anna", after(200))
    await records.entries.add_fills("one", [fill("f1")])
    with pytest.raises(StateConflict, match="1 fills"):
        await records.entries.allow_reentry("one", "anna", after(201))
    with pytest.raises(StateConflict, match="1 fills"):
        await records.entries.free_day("one", "", after(201))


async def test_entries_that_wait_for_proof_to_free_their_day_are_found(records: Records) -> None:
    for number, state in enumerate((_S.WORKING, _S.FILLED, _S.REJECTED, _S.UNKNOWN, _S.CANCELLED, _S.EXPIRED)):
        await _ended(records, state, state.value, f"5WT{number:05}")
    await _ended(records, _S.CANCELLED, "other day", "5WT00004", DAY + timedelta(days=1))
    await _ended(records, _S.CANCELLED, "with a fill", "5WT00011")
    await records.entries.add_fills("with a fill", [fill("f1")])
    await _ended(records, _S.CANCELLED, "freed", "5WT00012")
    await records.entries.note_engine_cancel("freed", after(100))
    await records.entries.free_day("freed", "proof", after(200))
    assert [found.id for found in await records.entries.waiting(DAY)] == ["cancelled", "expired", "unknown"]


async def test_unknown_entries_of_all_accounts_and_days_are_found_oldest_first(records: Records) -> None:
    for seconds, (name, account, day) in enumerate(
        (("b", "5WT00002", DAY), ("a", ACCOUNT, DAY + timedelta(days=1)), ("c", ACCOUNT, DAY))
    ):
        await records.entries.prepare(replace(entry(name, account, day), prepared_at=after(-seconds)))
        await records.entries.mark_sent(name, after(1), epoch=records.epoch, closes=CLOSES)
        await records.entries.become(name, _S.UNKNOWN, at=after(2))
    await _sent(records, "sent", "5WT00003")
    assert [found.id for found in await records.entries.unknown()] == ["c", "a", "b"]
    await records.entries.become("a", _S.WORKING, at=after(3))
    assert [found.id for found in await records.entries.unknown()] == ["c", "b"]


async def test_each_failed_send_counts_once_and_only_what_was_tried(records: Records) -> None:
    async def failed(account: str = ACCOUNT) -> int:
        return (await records.entries.failed_sends(DAY))[account]

    await records.entries.prepare(entry("one"))
    await records.entries.become("one", _S.NOT_SENT, at=after(1), detail="the quotes are stale")
    assert await failed() == 0, "the guards refused it: nothing was tried"
    for tries in (1, 2):
        await records.entries.prepare(entry(f"try {tries}"))
        assert await failed() == tries - 1
        assert await records.entries.mark_sent(f"try {tries}", after(3), epoch=records.epoch, closes=CLOSES)
        await records.entries.become(f"try {tries}", _S.NOT_SENT, at=after(4), detail="no connection")
        assert await failed() == tries
    await _ended(records, _S.REJECTED, "two", ACCOUNT)
    assert await failed() == 3
    await _ended(records, _S.UNKNOWN, "three", ACCOUNT)
    assert await failed() == 4
    await records.entries.note_cancel_request("three", "anna", after(5))
    await records.entries.become("three", _S.UNKNOWN, at=after(5), detail="still not listed")
    await records.entries.become("three", _S.REJECTED, at=after(6))
    assert await failed() == 4, "one send, however often it is told"
    await _ended(records, _S.REJECTED, "other account", "5WT00002")
    await _ended(records, _S.REJECTED, "other day", ACCOUNT, DAY + timedelta(days=1))
    await _ended(records, _S.WORKING, "four", ACCOUNT)
    assert await failed() == 4
    assert await failed("5WT00002") == 1


async def test_the_newest_complete_look_of_each_kind_is_what_a_screen_reads(records: Records) -> None:
    await _sent(records)
    for second, (kind, complete) in enumerate(
        (("attestation", True), ("listing", True), ("listing", True), ("listing", False), ("answer", False))
    ):
        await records.entries.add_evidence(
            "one",
            kind,  # type: ignore[arg-type]
            who="engine",
            complete=complete,
            detail={"number": second},
            at=after(second),
        )
    newest = await records.entries.newest_evidence("one")
    assert [(one.kind, one.detail["number"]) for one in newest] == [("attestation", 0), ("listing", 2)]
