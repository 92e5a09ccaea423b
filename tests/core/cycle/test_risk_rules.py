"""The risk limits of one account, on the whole engine in virtual time (rules 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update

from core.broker.port import AccountReads, Position
from core.config.settings import TradingSettings
from core.domain.operation.figures import Figures
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, OrderReport, ReportedLeg
from core.domain.orders.packages import risk_of
from core.domain.trident.trident import Trident
from core.records.store.tables import accounts
from core.simulator.exchange.faults import FaultKind
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.record_samples import AT, DAY, entry
from tests.support.world import ACCOUNT, World, in_world


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


async def _reason(world: World) -> str:
    await world.until("09:47")
    (cycle,) = await world.cycles()
    return cycle.reason_code


async def _figures(world: World, step: str) -> dict[str, object]:
    (found,) = [e for e in await world.records.journal.of_cycle(1) if e.step is not None and e.step.value == step]
    shown: Figures = found.figures
    return dict(shown)


async def _filled_yesterday(world: World, entry_id: str = "old") -> Entry:
    """Records a filled trident of the session before, as the engine would have. Which legs the broker holds is up to
    the test."""
    old = replace(entry(entry_id, day=DAY - timedelta(days=3)), prepared_at=AT - timedelta(days=3))
    entries = world.records.entries
    await entries.prepare(old)
    closes = AT - timedelta(days=2)
    await entries.mark_sent(old.id, old.prepared_at, epoch=world.records.epoch, closes=closes)
    for leg, price in zip(old.request.legs, ("5.20", "4.02", "7.30", "5.54"), strict=True):
        fill = Fill(f"{entry_id}-{leg.symbol}", leg.symbol, Decimal(leg.quantity), Decimal(price), old.prepared_at)
        await entries.add_fills(old.id, (fill,))
    return await entries.become(old.id, OrderState.FILLED, at=old.prepared_at, order_id="77")


def _with_positions(world: World, *positions: tuple[str, str, int]) -> None:
    """Makes the broker show these positions (symbol, direction, contracts) from now on."""
    read = world.broker.account_reads

    async def reads(number: str) -> AccountReads:
        held = tuple(
            Position(symbol, "QQQ", Decimal(quantity), direction, Decimal(1), Decimal(1))
            for symbol, direction, quantity in positions
        )
        return replace(await read(number), positions=held)

    setattr(world.broker, "account_reads", reads)  # noqa: B010 - the positions of this one broker


async def _set(world: World, **settings: object) -> None:
    """Sets the account's settings as the operator would."""
    async with world.records.database.write() as connection:
        await connection.execute(update(accounts).values(settings))


async def _refused_for_its_risk(world: World) -> Trident:
    """Runs the first slot, whose trident is too risky for the default tolerance, then sets a tolerance that allows it.
    Returns the trident."""
    assert await _reason(world) == "risk_above_budget"
    await _set(world, tolerance=Decimal("0.40"))
    progress = world.engine.progress
    assert progress is not None
    assert progress.spread is not None
    return progress.spread.trident


def _whole(old: Entry) -> tuple[tuple[str, str, int], ...]:
    sides = {"Sell to Open": "Short", "Buy to Open": "Long"}
    return tuple((leg.symbol, sides[leg.action.value], leg.quantity) for leg in old.request.legs)


def test_an_open_trident_counts_from_its_fill_until_its_legs_are_gone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        old = await _filled_yesterday(world)
        _with_positions(world, *_whole(old))
        await _reason(world)
        told = await _figures(world, "account")
        assert (told["open_risk"], told["open_tridents"]) == (risk_of(old), 1) == (Decimal(188), 1)
        risk = await _figures(world, "risk")
        buying_power, max_risk = told["buying_power"], risk["max_risk"]
        assert isinstance(buying_power, Decimal)
        assert isinstance(max_risk, Decimal)
        assert risk["capital"] == buying_power + 188
        assert risk["budget"] == (buying_power + 188) * Decimal("0.40") - 188
        used = (188 + max_risk) / ((buying_power + 188) * Decimal("0.40"))
        assert risk["utilization"] == round(used, 4)
        snapshot = world.snapshot()
        assert snapshot.spread is not None
        assert snapshot.spread.utilization == used
        await world.stop()

    in_world(day, tmp_path)


def test_a_trident_the_broker_no_longer_holds_is_no_risk(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await _filled_yesterday(world)
        await _reason(world)
        told = await _figures(world, "account")
        assert (told["open_risk"], told["open_tridents"]) == (Decimal(0), 0)
        await _end(world)

    in_world(day, tmp_path)


@pytest.mark.parametrize(("limit", "expected"), [(1, "position_limit"), (2, "")])
def test_the_accounts_own_limit_of_open_tridents_decides(tmp_path: Path, limit: int, expected: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        old = await _filled_yesterday(world)
        _with_positions(world, *_whole(old))
        await _set(world, position_limit=limit)
        assert await _reason(world) == expected
        await world.stop()

    in_world(day, tmp_path, trading=TradingSettings(position_limit=5))


@pytest.mark.parametrize(("direction", "expected"), [("Long", "opposite_side"), ("Short", "")])
def test_a_position_on_the_other_side_of_a_leg_refuses(tmp_path: Path, direction: str, expected: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        leg = (await _refused_for_its_risk(world)).short_put.symbols.occ
        _with_positions(world, (leg, direction, 1))
        result = await world.engine.force("anna")
        assert isinstance(result, tuple)
        refusal = result[0].refusal
        assert ("" if refusal is None else refusal.code) == expected
        await world.stop()

    in_world(day, tmp_path, trading=TradingSettings(tolerance=Decimal("0.0001")))


def test_a_working_order_on_the_other_side_of_a_leg_refuses(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        leg = (await _refused_for_its_risk(world)).short_call.symbols.occ
        listed = world.broker.orders_since
        closing = ReportedLeg(leg, "Buy to Close", Decimal(1), Decimal(1), ())
        other = OrderReport("99", ACCOUNT, "Live", None, "QQQ", None, (closing,), None, None, None)

        async def orders(number: str, day: object) -> tuple[OrderReport, ...]:
            return (*await listed(number, world.day), other)

        setattr(world.broker, "orders_since", orders)  # noqa: B010 - the orders of this one broker
        result = await world.engine.force("anna")
        assert isinstance(result, tuple)
        assert result[0].refusal is not None
        assert result[0].refusal.code == "opposite_side"
        assert leg in result[0].refusal.sentence()
        await world.stop()

    in_world(day, tmp_path, trading=TradingSettings(tolerance=Decimal("0.0001")))


def test_a_read_that_failed_is_transient_and_the_next_slot_enters(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:50")
        world.broker.arm(FaultKind.REST_429, path=f"/accounts/{ACCOUNT}/balances", count=None)
        assert await _reason(world) == "account_unreadable"
        (cycle,) = await world.cycles()
        assert cycle.outcome == "failed"
        await world.stop()

    in_world(day, tmp_path)


def test_a_buying_power_that_is_no_number_is_unavailable(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        read = world.broker.account_reads

        async def reads(number: str) -> AccountReads:
            return replace(await read(number), derivative_buying_power=Decimal("NaN"))

        setattr(world.broker, "account_reads", reads)  # noqa: B010 - the balances of this one broker
        assert await _reason(world) == "risk_input_missing"
        await world.stop()

    in_world(day, tmp_path)
