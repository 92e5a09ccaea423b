"""Records of an older revision are upgraded without losing a value."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.records.records import DayHeld, Records, RecordsError, TradingState
from core.records.store.schema import newest_revision
from tests.core.records.store.revision_1 import make_revision_1, rows_of
from tests.support.record_samples import ACCOUNT, AT, DAY, after, entry, fill, same, url_of

pytestmark = pytest.mark.sqlite

_OTHER = "5WT00002"


def _at(second: int) -> datetime:
    return datetime(2026, 3, 2, 14, 45, second, 123456, tzinfo=UTC)


async def test_no_row_of_the_first_revision_is_lost_or_changed(path: Path) -> None:
    make_revision_1(path)
    before = rows_of(path)
    assert {name for name, (_, rows) in before.items() if not rows} == set(), "a row in every table"
    records = await Records.open(url_of(path))
    await records.close()
    after_it = rows_of(path, like=before)
    assert after_it.pop("alembic_version")[1] == [(newest_revision(),)]
    assert after_it.pop("engine")[1] == [(1, 8)]
    assert after_it == {name: rows for name, rows in before.items() if name not in {"alembic_version", "engine"}}


async def test_what_the_first_revision_recorded_is_read_as_it_was_meant(path: Path) -> None:
    make_revision_1(path)
    records = await Records.open(url_of(path))
    try:
        filled = await records.entries.get("one")
        assert same(
            filled,
            replace(
                entry("one"),
                state=OrderState.FILLED,
                prepared_at=_at(2),
                sent_at=_at(3),
                order_id="77",
                broker_status="Filled",
                terminal_at=_at(4),
                detail="filled",
                fills=(Fill("f1", "QQQ   260417P00622000", Decimal(2), Decimal("3.155"), _at(4)),),
            ),
        )
        history = await records.entries.history("one")
        assert [change.state.value for change in history] == ["prepared", "sent", "filled"]
        assert await records.inbox.pending() == (Command("c2", CommandKind.FORCE, "bert", _at(9), 3),)
        done = await records.inbox.get("c1")
        assert done is not None
        assert (done.state, done.text, done.command.target, done.command.note) == (CommandState.DONE, "paused", "", "")
        assert await records.trading.read() == TradingState("paused", "anna", _at(9), "lunch")
        one, two = await records.accounts.all()
        assert (one.login, one.enabled, one.offset_cents, one.tolerance) == ("first", True, 4, Decimal("0.30"))
        assert (two.login, two.enabled, two.offset_cents) == ("second", False, None)
        (event,) = await records.journal.of_cycle(1)
        assert event.figures == (("limit", Decimal("4.060")),)
        (suggestion,) = await records.journal.suggestions_of(ACCOUNT, DAY)
        assert (suggestion.id, suggestion.evidence) == ("suggestion-one", {"score": 61})
        (slot,) = await records.slots.of_day(DAY)
        assert (slot.state, slot.cycle) == ("done", 1)
        assert await records.cycles.newest() == 1
    finally:
        await records.close()


async def test_after_the_upgrade_old_rules_hold_and_new_records_join_the_old(path: Path) -> None:
    make_revision_1(path)
    records = await Records.open(url_of(path))
    try:
        assert isinstance(await records.entries.prepare(entry("three", account=_OTHER)), DayHeld)
        assert await records.entries.add_fills("one", [fill("f1", price="9.99")]) == 0
        assert [found.id for found in await records.entries.waiting(DAY)] == ["two"]
        assert await records.breakers.open_now() == ()
        assert await records.breakers.open(BreakerKind.LOGIN, "second", "refused twice", AT)
        await records.entries.add_evidence("two", "listing", who="engine", complete=True, detail={}, at=AT)
        assert (await records.entries.note_cancel_request("two", "anna", AT)).cancel_requested_by == "anna"
        await records.inbox.post(Command("c3", CommandKind.CANCEL, "anna", AT, target="two"))
        assert [command.target for command in await records.inbox.pending()] == ["", "two"]
        await records.entries.allow_reentry("two", "anna", after(100))
        assert not (await records.entries.free_day("two", "proof", after(200))).holds_day
    finally:
        await records.close()


async def test_a_watcher_does_not_upgrade_under_the_trader(path: Path) -> None:
    make_revision_1(path)
    before = rows_of(path)
    with pytest.raises(RecordsError, match=f"revision 0001, this version of senex needs {newest_revision()}"):
        await Records.open(url_of(path), trader=False)
    assert rows_of(path) == before


async def test_an_upgrade_that_fails_halfway_leaves_the_file_as_it_was(path: Path) -> None:
    make_revision_1(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE evidence (note TEXT)")  # in the way of the second table of the revision
        connection.execute("INSERT INTO evidence VALUES ('somebody else wrote this')")
    before = rows_of(path)
    with pytest.raises(RecordsError, match="evidence already exists"):
        await Records.open(url_of(path))
    assert rows_of(path) == before
