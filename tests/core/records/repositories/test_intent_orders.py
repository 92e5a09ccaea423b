"""Every order of an entry, whose end is shown, fills by their order, and what an operator attests (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import ADOPTED, Entry, IntentOrder
from core.records.records import IllegalTransition, Records, RecordsError, StateConflict
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, entry, fill, request

_S = OrderState
_OTHER = "5WT00002"


async def _sent(records: Records, name: str = "one", account: str = ACCOUNT, day: date = DAY) -> Entry:
    await records.entries.prepare(entry(name, account, day))
    assert await records.entries.mark_sent(
        name, after(1), epoch=records.epoch, closes=CLOSES + (day - DAY if day > DAY else timedelta())
    )
    return await records.entries.get(name)


async def _working(records: Records, name: str = "one", order_id: str = "77", **more: object) -> Entry:
    await _sent(records, name, **more)  # type: ignore[arg-type]
    return await records.entries.become(name, _S.WORKING, at=after(2), order_id=order_id, broker_status="Live")


def seen(order_id: str, status: str, *, entry_id: str = "one", replaces: str = "", ended: bool = True) -> IntentOrder:
    return IntentOrder(entry_id, ACCOUNT, order_id, status, after(3), after(4), ended, replaces)


async def test_each_order_of_an_entry_is_kept_as_last_seen(records: Records) -> None:
    await _working(records)
    (first,) = await records.intent_orders.of("one")
    assert first == IntentOrder("one", ACCOUNT, "77", "Live", None, after(2))
    await records.intent_orders.note(seen("78", "Received", replaces="77", ended=False))
    await records.intent_orders.note(seen("77", "Cancelled"))
    await records.intent_orders.note(seen("78", "Filled"))
    old, new = await records.intent_orders.of("one")
    assert old == seen("77", "Cancelled")
    assert new == seen("78", "Filled", replaces="77"), "what it replaced stays known"
    await records.entries.become("one", _S.FILLED, at=after(5), order_id="78")
    assert len(await records.intent_orders.of("one")) == 2
    assert await records.intent_orders.of_all(["one", "nobody"]) == {"one": (old, new)}
    assert await records.intent_orders.of("nobody") == ()


async def test_an_entry_is_found_by_any_order_it_had_of_its_day(records: Records) -> None:
    await _working(records)
    await records.intent_orders.note(seen("78", "Live", replaces="77", ended=False))
    later = DAY + timedelta(days=1)
    await _sent(records, "two", day=later)
    await records.entries.become("two", _S.WORKING, at=after(9), order_id="77")  # its ids began again
    for order_id, day, found in (("78", None, "one"), ("77", DAY, "one"), ("77", later, "two"), ("78", later, None)):
        known = await records.entries.by_order(order_id, ACCOUNT, day)
        assert (None if known is None else known.id) == found
    assert await records.entries.by_order("77", _OTHER) is None
    assert {each.id for each in await records.entries.with_order("77")} == {"one", "two"}


async def test_an_entry_is_named_by_the_beginning_of_its_id(records: Records) -> None:
    for name, account in (("abcdef12-x", ACCOUNT), ("abcdef99", _OTHER)):
        await records.entries.prepare(entry(name, account))
    assert [e.id for e in await records.entries.beginning_with("abcdef12")] == ["abcdef12-x"]
    assert len(await records.entries.beginning_with("abcdef")) == 2
    assert await records.entries.beginning_with("%") == () == await records.entries.beginning_with("abcdef_2")


@pytest.mark.parametrize(
    ("state", "ended", "fills", "followed"),
    [
        (_S.WORKING, True, False, True),
        (_S.UNKNOWN, True, False, True),
        (_S.CANCELLED, True, False, False),
        (_S.CANCELLED, False, False, True),
        (_S.EXPIRED, True, False, False),
        (_S.REJECTED, True, False, False),
        (_S.REJECTED, None, False, True),  # refused at once: no order was ever shown
        (_S.UNKNOWN, None, False, True),
        (_S.INCIDENT, False, False, True),
        (_S.FILLED, True, False, True),  # its fill records are missing
        (_S.FILLED, True, True, False),
    ],
)
async def test_what_was_sent_is_followed_until_its_end_is_shown(
    records: Records, state: OrderState, ended: bool | None, fills: bool, followed: bool
) -> None:
    await _sent(records)
    order_id = None if ended is None else "77"
    await records.entries.become("one", state, at=after(2), order_id=order_id)
    if ended:
        await records.intent_orders.note(seen("77", "Ended"))
    if fills:
        legs = entry().request.legs
        await records.entries.add_fills(
            "one", [replace(fill(f"f{n}"), symbol=x.symbol, quantity=Decimal(x.quantity)) for n, x in enumerate(legs)]
        )
    assert bool(await records.entries.followed(DAY)) is followed
    tomorrow = DAY + timedelta(days=1)
    for_ever = state in (_S.WORKING, _S.UNKNOWN)
    assert bool(await records.entries.followed(tomorrow)) is for_ever, "others are followed for some sessions only"
    found = {each.id for each in await records.entries.open_or_followed(tomorrow)}
    assert found == ({"one"} if for_ever else set())


async def test_what_was_never_sent_is_not_followed(records: Records) -> None:
    await records.entries.prepare(entry())
    assert await records.entries.followed(DAY) == ()


# Fills


async def test_no_fill_is_dropped_because_its_id_was_seen_on_another_day(records: Records) -> None:
    later = DAY + timedelta(days=1)
    await _working(records, "one", "5")
    await _working(records, "two", "6", day=later)
    old, new = replace(fill("1"), order_id="5"), replace(fill("1"), order_id="6")
    assert await records.entries.add_fills("one", [old, old]) == 1
    assert await records.entries.add_fills("two", [new]) == 1, "the broker's fill ids began again"
    assert await records.entries.add_fills("two", [new]) == 0
    assert (await records.entries.get("two")).fills == (new,)
    assert (await records.entries.get("one")).fills == (old,)


async def test_a_fill_of_an_older_version_is_known_by_its_entry(records: Records) -> None:
    await _working(records, "one", "5")
    await _working(records, "two", "6", day=DAY + timedelta(days=1))
    assert await records.entries.add_fills("one", [fill("1")]) == 1  # as a version before revision 5 wrote it
    assert await records.entries.add_fills("one", [replace(fill("1"), order_id="5")]) == 0, "listed again"
    assert await records.entries.add_fills("two", [replace(fill("1"), order_id="6")]) == 1


# Who ended an order


async def test_the_engines_own_cancel_is_recorded_and_the_newest_counts(records: Records) -> None:
    await _working(records)
    await records.entries.note_engine_cancel("one", after(3))
    await records.entries.note_engine_cancel("one", after(9))
    found = await records.entries.get("one")
    assert (found.engine_cancel_at, found.state, found.detail) == (after(9), _S.WORKING, "")
    said = [change.detail for change in await records.entries.history("one")]
    assert said[-1] == "the broker took this console's own cancel"
    await records.entries.void_engine_cancel("one", after(10))
    assert (await records.entries.get("one")).engine_cancel_at is None
    said = [change.detail for change in await records.entries.history("one")]
    assert said[-1] == "the broker did not carry out this console's own cancel"
    with pytest.raises(StateConflict, match="no entry nobody"):
        await records.entries.note_engine_cancel("nobody", AT)


@pytest.mark.parametrize("by", ["", "bert"])
async def test_a_cancel_at_the_broker_frees_no_day_without_a_word(records: Records, by: str) -> None:
    await _working(records)
    if by:
        await records.entries.note_engine_cancel("one", after(3))
    cancelled = await records.entries.become("one", _S.CANCELLED, at=after(4), cancelled_by=by)
    assert cancelled.cancelled_by == by
    assert (await records.entries.become("one", _S.CANCELLED, at=after(5))).cancelled_by == by, "it is not forgotten"
    with pytest.raises(StateConflict, match="entry one was cancelled elsewhere"):
        await records.entries.free_day("one", "proof", after(200))
    assert (await records.entries.get("one")).holds_day
    await records.entries.allow_reentry("one", "anna", after(201))
    assert not (await records.entries.free_day("one", "proof", after(202))).holds_day


# What an operator attests


async def _incident(records: Records) -> Entry:
    await _working(records)
    return await records.entries.become("one", _S.INCIDENT, at=after(3), detail="asked 4.06, the broker shows 3.50")


async def _word(records: Records, who: str = "anna", name: str = "one") -> None:
    await records.entries.add_evidence(name, "attestation", who=who, complete=True, detail={"seen": "77"}, at=after(10))


@pytest.mark.parametrize("state", [_S.WORKING, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.ABSENT])
async def test_an_incident_becomes_what_an_operator_attests_and_keeps_its_day(
    records: Records, state: OrderState
) -> None:
    before = await _incident(records)
    with pytest.raises(IllegalTransition):
        await records.entries.become("one", state, at=after(11), detail="by itself")
    with pytest.raises(StateConflict, match="anna has said nothing"):
        await records.entries.become("one", state, at=after(11), detail="why", attested_by="anna")
    await _word(records, "bert")
    with pytest.raises(StateConflict, match="anna has said nothing"):
        await records.entries.become("one", state, at=after(11), detail="why", attested_by="anna")
    assert await records.entries.get("one") == before
    await _word(records)
    taken = request("senex-one", "3.50")
    now = await records.entries.become("one", state, at=after(12), detail="why", attested_by="anna", taken=taken)
    assert (now.state, now.detail, now.holds_day, now.taken, now.terms) == (state, "why", True, taken, taken)
    assert await records.entries.get("one") == now
    assert now.request == before.request, "what was asked for stays on record"


async def test_a_collided_incident_never_takes_the_day(records: Records) -> None:
    await _working(records)
    await records.entries.become("one", _S.EXPIRED, at=after(3))
    await records.entries.free_day("one", "proof", after(200))
    await _working(records, "two", "78")
    late = await records.entries.become("one", _S.FILLED, at=after(300))
    assert (late.state, late.holds_day) == (_S.INCIDENT, False)
    await _word(records)
    working = await records.entries.become("one", _S.WORKING, at=after(301), detail="why", attested_by="anna")
    assert not working.holds_day
    filled = await records.entries.become("one", _S.FILLED, at=after(302))
    assert (filled.state, filled.holds_day) == (_S.FILLED, False)
    holder = await records.entries.holding(ACCOUNT, DAY)
    assert holder is not None
    assert holder.id == "two"


async def test_a_word_about_reentry_attests_nothing(records: Records) -> None:
    await _working(records)
    await records.entries.become("one", _S.CANCELLED, at=after(3))
    await records.entries.allow_reentry("one", "anna", after(4))
    await records.entries.become("one", _S.INCIDENT, at=after(5), detail="filled after all")
    with pytest.raises(StateConflict, match="anna has said nothing"):
        await records.entries.become("one", _S.FILLED, at=after(11), detail="why", attested_by="anna")


async def test_an_order_is_taken_only_with_a_word_and_a_reason(records: Records) -> None:
    await _incident(records)
    await _word(records)
    for given in ({"taken": request("senex-one")}, {"attested_by": "anna"}):
        with pytest.raises(ValueError, match="word"):
            await records.entries.become("one", _S.INCIDENT, at=after(11), **given)  # type: ignore[arg-type]


def adopted(name: str = "found", order_id: str = "4471") -> Entry:
    return replace(
        entry(name), identifier=f"adopted-{name}", state=_S.UNKNOWN, holds_day=False, cycle=0, suggestion_id="",
        sent_at=AT, order_id=order_id, origin=ADOPTED,
    )  # fmt: skip


async def test_an_order_without_a_record_is_adopted_with_the_word_in_one_commit(records: Records) -> None:
    made = await records.entries.adopt(adopted(), "Filled", "anna", after(5))
    assert (made.holds_day, made.broker_status, made.origin) == (True, "Filled", "adopted")
    assert await records.entries.get("found") == made
    assert [(one.kind, one.who, one.detail) for one in await records.entries.evidence("found")] == [
        ("attestation", "anna", {"seen": "4471"})
    ]
    (order,) = await records.intent_orders.of("found")
    assert (order.order_id, order.status, order.ended) == ("4471", "Filled", False)
    (change,) = await records.entries.history("found")
    assert (change.state, change.request) == (_S.UNKNOWN, made.request)
    assert await records.entries.failed_sends(DAY) == {}
    filled = await records.entries.become("found", _S.FILLED, at=after(6))
    assert (filled.state, filled.holds_day) == (_S.FILLED, True)


async def test_an_adopted_order_never_makes_a_second_holder_of_the_day(records: Records) -> None:
    await _working(records)
    made = await records.entries.adopt(adopted(), "Live", "anna", after(5))
    assert not made.holds_day
    for state in (_S.WORKING, _S.FILLED):
        assert not (await records.entries.become("found", state, at=after(6))).holds_day
    with pytest.raises(RecordsError, match="already recorded"):
        await records.entries.adopt(replace(adopted(), id="again"), "Live", "anna", after(7))
    assert await records.entries.evidence("again") == ()


@pytest.mark.parametrize("wrong", [{"state": _S.WORKING}, {"origin": ""}, {"order_id": None}, {"fills": (fill("f"),)}])
async def test_only_an_unknown_order_with_its_id_is_adopted(records: Records, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="adopted"):
        await records.entries.adopt(replace(adopted(), **wrong), "Live", "anna", AT)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="adopted"):
        await records.entries.adopt(adopted(), "Live", "", AT)
