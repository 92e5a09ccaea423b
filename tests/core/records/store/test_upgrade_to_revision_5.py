"""Records of every older revision: each order of an entry is known, and no fill is lost or counted twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import IntentOrder
from core.records.records import Records
from tests.core.records.store.older_records import STATES, account_of, make_older
from tests.support.record_samples import ACCOUNT, AT, after, entry, fill

OLDER = ("0001", "0002", "0003", "0004")


@pytest.mark.parametrize("revision", OLDER)
async def test_the_orders_and_fills_of_an_older_revision_are_read_as_they_were_meant(path: Path, revision: str) -> None:
    records = await Records.open(await make_older(path, revision))
    try:
        orders = await records.intent_orders.of_all(list(STATES))
        assert {name: (found[0].order_id, found[0].ended) for name, found in orders.items()} == {
            name: kept for name, kept in STATES.items() if kept[0] is not None
        }
        assert orders["filled"] == (
            IntentOrder("filled", account_of("filled"), "77", "filled", None, after(9), ended=True),
        )
        assert orders["incident"][0].status == ""
        assert orders["working"][0].seen_at == after(1)
        for name in STATES:
            found = await records.entries.get(name)
            assert (found.state.value, found.engine_cancel_at, found.cancelled_by) == (name, None, "")
            assert (found.origin, found.taken, found.terms) == ("", None, entry(name).request)
        kept = (await records.entries.get("filled")).fills
        assert [(one.fill_id, one.order_id, one.at) for one in kept] == [
            ("f0", "", after(0)), ("f1", "", after(1)), ("f2", "", after(2)),
        ]  # fmt: skip
    finally:
        await records.close()


@pytest.mark.parametrize("revision", OLDER)
async def test_after_the_upgrade_fills_are_known_and_new_ones_join_them(path: Path, revision: str) -> None:
    records = await Records.open(await make_older(path, revision))
    try:
        listed = [replace(fill(f"f{number}"), order_id="77") for number in range(4)]
        assert await records.entries.add_fills("filled", listed) == 1, "three of them were known already"
        assert await records.entries.add_fills("filled", listed) == 0
        assert len((await records.entries.get("filled")).fills) == 4
        again = replace(entry("next", account_of("filled"), date(2026, 3, 3)), prepared_at=AT)
        await records.entries.prepare(again)
        assert await records.entries.add_fills("next", [replace(fill("f0"), order_id="5")]) == 1, "ids began again"
        assert await records.entries.by_order("78", account_of("cancelled")) is not None
        assert {each.id for each in await records.entries.followed(again.session_day)} == {"working", "unknown"}
        late = {each.id for each in await records.entries.followed(entry().session_day)}
        assert late == {"working", "unknown", "incident", "absent", "filled"}, "of the filled one records are missing"
        cancelled = await records.entries.get("cancelled")
        assert (cancelled.state, cancelled.holds_day) == (OrderState.CANCELLED, True)
        assert ACCOUNT not in {each.account for each in await records.entries.followed(entry().session_day)}
    finally:
        await records.close()
