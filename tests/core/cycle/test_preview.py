"""A preview says what a cycle would do now and every reason it would not, and leaves no trace (rules 5)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import COMMAND, PREVIEW_DONE, PREVIEWS, CommandKind, CommandState
from core.domain.orders.order_states import OrderState
from core.simulator.exchange.faults import FaultKind
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.record_samples import KEPT_IN_POSTGRES
from tests.support.world import ACCOUNT, MONDAY, World, account, et, in_world

KEPT = ("cycles", "slots", "suggestions", "entries", "fills", "dry_runs", "account_results", "evidence")


async def _previews(world: World, target: str = "") -> list[dict[str, Any]]:
    """What the event of the answer has, after a check that nothing was sent, claimed or recorded."""
    before, posted = _rows(world), len(world.broker.posted)
    record = await _asked(world, target)
    assert record.state is CommandState.DONE, record.text
    assert len(world.broker.posted) == posted
    assert _rows(world) == before
    event = await world.records.journal.newest_with(PREVIEW_DONE, (COMMAND, record.command.id))
    assert event is not None
    made: list[dict[str, Any]] = json.loads(str(dict(event.figures)[PREVIEWS]))
    return made


async def _asked(world: World, target: str = "") -> Any:
    command_id = (await world.engine.preview("ada", target)).id
    return await world.records.inbox.get(command_id)


def _rows(world: World) -> dict[str, int]:
    return {name: _count(world.records_file, name) for name in KEPT}


def _count(file: Path, table: str) -> int:
    query = f"SELECT count(*) FROM {table}"
    in_postgres = KEPT_IN_POSTGRES.ask(file, query)
    if in_postgres is not None:
        return int(in_postgres[0][0])
    with sqlite3.connect(file) as opened:
        return int(opened.execute(query).fetchone()[0])


def _codes(preview: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["step"], one["reason"]) for one in preview["reasons"]]


def in_day(folder: Path, script: Callable[[World], Coroutine[Any, Any, None]], at: str = "09:50", **more: Any) -> None:
    """Runs the script in an engine that has run since this time and has had no slot."""

    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        await script(world)
        await world.stop()

    in_world(day, folder, start=et(MONDAY, at), **more)


@pytest.mark.usefixtures("store")
def test_a_preview_prices_what_a_cycle_then_sends(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        [preview] = await _previews(world)
        assert (preview["account"], preview["would_send"], preview["reasons"]) == ("…0001", True, [])
        qqq, spx = preview["underlyings"]
        assert (preview["underlying"], qqq["underlying"], spx["underlying"]) == ("QQQ", "QQQ", "SPX")
        assert [leg["quantity"] for leg in qqq["legs"]] == [2, 2, 1, 1]
        assert all(Decimal(leg["bid"]) <= Decimal(leg["ask"]) and leg["age_s"] < 10 for leg in qqq["legs"])
        assert Decimal(qqq["natural"]) <= Decimal(qqq["limit"]) <= Decimal(qqq["mid"])
        assert Decimal(qqq["max_risk_at_limit"]) == 100 * (2 * Decimal(qqq["width"]) - Decimal(qqq["limit"]))
        assert 0 < Decimal(qqq["utilization"]) < 1
        low, high = qqq["break_evens"]
        assert Decimal(low) < Decimal(qqq["body"]) < Decimal(high or "Infinity")
        assert qqq["judgement"]["passed"]
        await world.command(CommandKind.FORCE)
        await world.clock.sleep(20)
        entry = await world.entry()
        assert (entry.underlying, entry.strikes) == (qqq["underlying"], qqq["strikes"])

    in_day(tmp_path, day)


async def _paused(world: World) -> None:
    await world.command(CommandKind.PAUSE)


async def _off(world: World) -> None:
    await world.answer(CommandKind.SET_ACCOUNT, ACCOUNT, "automation off")


async def _skipped(world: World) -> None:
    await world.answer(CommandKind.SET_ACCOUNT, ACCOUNT, "skip today")


async def _halted_by_file(world: World) -> None:
    world.kill_file.touch()


async def _breaker(world: World) -> None:
    await world.engine.breakers.open(BreakerKind.MISMATCH, ACCOUNT, "a test")


async def _held(world: World) -> None:
    await world.command(CommandKind.FORCE)
    await world.clock.sleep(20)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (_paused, ("guard", "paused")),
        (_off, ("guard", "account_disabled")),
        (_skipped, ("guard", "skip_today")),
        (_halted_by_file, ("guard", "kill_file")),
        (_breaker, ("guard", "breaker_open")),
        (_held, ("guard", "entry_today")),
    ],
)
def test_what_forbids_an_entry_is_named_and_the_price_is_shown_all_the_same(
    tmp_path: Path, state: Callable[[World], Coroutine[Any, Any, None]], expected: tuple[str, str]
) -> None:
    async def day(world: World) -> None:
        await state(world)
        [preview] = await _previews(world)
        assert not preview["would_send"]
        assert expected in _codes(preview)
        assert preview["underlyings"][0]["limit"] is not None

    in_day(tmp_path, day)


def test_every_reason_is_named_at_once_not_only_the_first(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        for state in (_paused, _halted_by_file, _breaker, _off):
            await state(world)
        [preview] = await _previews(world)
        assert _codes(preview) == [
            ("guard", "account_disabled"),
            ("guard", "kill_file"),
            ("guard", "paused"),
            ("guard", "breaker_open"),
            ("risk", "risk_above_budget"),
            ("risk", "risk_above_buying_power"),
        ]
        [other] = await _previews(world, ACCOUNT[-4:])
        assert _codes(other) == _codes(preview)

    in_day(tmp_path, day, accounts=(account(cash="150.00"),))


def test_a_closed_market_is_named_and_nothing_is_priced_as_live(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        [preview] = await _previews(world)
        assert ("market", "market_closed") in _codes(preview)
        assert not preview["would_send"]

    in_day(tmp_path, day, at="17:00")
    (tmp_path / "early").mkdir()

    async def early(world: World) -> None:
        [preview] = await _previews(world)
        assert ("guard", "before_first_slot") in _codes(preview)

    in_day(tmp_path / "early", early, at="09:35")


@pytest.mark.parametrize(
    ("fault", "match", "expected"),
    [
        (FaultKind.MARKET_CROSSED, {"symbol": ".*"}, ("pricing", "leg_crossed")),
        (FaultKind.REST_5XX_HTML, {"path": "/market-metrics"}, ("judgement", "metrics_missing")),
    ],
)
def test_what_each_underlying_lacks_is_named_with_the_step(
    tmp_path: Path, fault: FaultKind, match: dict[str, str], expected: tuple[str, str]
) -> None:
    async def day(world: World) -> None:
        world.broker.arm(fault, count=None, **match)
        [preview] = await _previews(world)
        assert (preview["would_send"], preview["underlying"]) == (False, None)
        for one in preview["underlyings"]:
            assert expected in _codes(one)
            assert len(one["legs"]) == 4

    in_day(tmp_path, day)


def test_an_account_that_cannot_be_read_is_named_and_judged_all_the_same(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{ACCOUNT}/balances", count=None)
        [preview] = await _previews(world)
        assert ("account", "account_unreadable") in _codes(preview)
        assert [one["judgement"]["passed"] for one in preview["underlyings"]] == [True, True]
        assert [one["would_pass"] for one in preview["underlyings"]] == [False, False]
        assert (preview["would_send"], preview["underlying"]) == (False, None)

    in_day(tmp_path, day)


def test_no_preview_is_made_while_a_cycle_runs_and_one_is_given_up_when_one_starts(tmp_path: Path) -> None:
    """The slot starts on its second and enters: a preview never holds a cycle up."""

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:58")
        asked = asyncio.create_task(_asked(world))
        await world.until("09:45:01")
        given_up = await asked
        assert (given_up.state, given_up.text) == (
            CommandState.REFUSED,
            "a cycle started; ask again when it has ended",
        )
        running = await _asked(world)
        assert (running.state, running.text) == (CommandState.REFUSED, "another cycle is running")
        await world.until("09:46")
        [cycle] = await world.cycles()
        assert (cycle.began_at - et(MONDAY, "09:45")).total_seconds() < 0.5
        assert (await world.entry()).state is OrderState.FILLED
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_the_legs_of_a_preview_are_subscribed_no_longer_than_it_takes(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        before = world.engine.feed.health().symbols
        await _previews(world)
        assert world.engine.feed.health().symbols == before

    in_day(tmp_path, day)


def test_a_preview_comes_through_the_inbox_as_from_another_shell(tmp_path: Path) -> None:
    """A pause asked for meanwhile is answered first: no command waits for the quotes of a preview."""

    async def day(world: World) -> None:
        asked = asyncio.create_task(world.command(CommandKind.PREVIEW, target="0001"))
        await world.clock.sleep(0.3)
        paused = await world.command(CommandKind.PAUSE)
        preview = await asked
        assert (paused.state, preview.state) == (CommandState.DONE, CommandState.DONE)
        assert paused.finished_at is not None
        assert preview.finished_at is not None
        assert paused.finished_at < preview.finished_at
        unknown = await world.command(CommandKind.PREVIEW, target="9999")
        assert (unknown.state, "names no known account" in unknown.text) == (CommandState.REFUSED, True)

    in_day(tmp_path, day)
