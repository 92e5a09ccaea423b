"""Open tridents on the whole engine in virtual time: read at the broker, quoted for the screen, warned of (rules 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.account_settings import AccountField
from core.domain.orders.order_states import OrderState
from core.domain.orders.packages import risk_of
from core.orders import open_tridents
from core.orders.positions import CONFIRMED_S
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.habits import Habits
from core.snapshot import Freshness, PositionsSlice
from tests.support.shown_positions import show_positions
from tests.support.trident_world import held, set_account
from tests.support.world import ACCOUNT, World, et, in_world


def _shown(world: World) -> PositionsSlice:
    snapshot = world.snapshot()
    return snapshot.positions


async def _looked(world: World) -> PositionsSlice:
    await world.engine.tridents.check()
    await world.clock.sleep(2)
    return _shown(world)


def test_a_filled_entry_is_shown_marked_from_its_own_legs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:47")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        [view] = (await _looked(world)).open
        assert (view.strikes, view.account, view.dte) == (entry.strikes, "…0001", (entry.expiration - world.day).days)
        assert view.credit is not None
        assert view.max_risk == 100 * (2 * entry.width - view.credit)
        assert view.freshness in (Freshness.LIVE, Freshness.QUIET)
        assert view.mark_mid is not None
        assert view.mark_natural is not None
        assert view.mark_mid < view.mark_natural, "closing at the worst prices costs more"
        assert view.profit_mid == 100 * (view.credit - view.mark_mid)
        assert view.profit_natural == 100 * (view.credit - view.mark_natural)
        assert view.warnings == ()

        world.broker.arm(FaultKind.REST_429, path=f"/accounts/{ACCOUNT}/positions")
        shown = await _looked(world)
        assert len(shown.open) == 1, "what was known stays"
        assert "positions of …0001 could not be read" in shown.trouble

        world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=60)
        await world.clock.sleep(35)
        [closed] = _shown(world).open
        assert closed.freshness is Freshness.STALE
        assert closed.mark_mid is not None, "readable, and said to be old"
        await world.stop()

    in_world(day, tmp_path)


def test_a_fill_is_counted_as_soon_as_it_is_recorded(tmp_path: Path) -> None:
    """No comparison with the broker has run: panel and records tell of one trident all the same."""

    async def day(world: World) -> None:
        world.broker.exchange.habits = Habits(position_lag_s=(0, 0))  # what is asked here is when the records tell
        await world.start()
        await world.until("09:44")
        assert _shown(world).open == ()
        while (await world.records.entries.filled_open(ACCOUNT, world.day)) == ():
            await world.clock.sleep(0.25)
        await world.clock.sleep(0.25)
        [view] = _shown(world).open
        [entry] = await world.records.entries.filled_open(ACCOUNT, world.day)
        assert view.entry_id == entry.id
        assert view.max_risk == risk_of(entry)
        await _looked(world)
        assert [one.entry_id for one in _shown(world).open] == [entry.id], "and once only"
        await world.stop()

    in_world(day, tmp_path)


def test_one_closed_at_the_broker_is_shown_no_more_and_its_legs_are_let_go(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:47")
        assert len((await _looked(world)).open) == 1
        legs = [leg.streamer for leg in world.engine.tridents.held[0].legs]
        assert all(world.broker.market_data.shown(symbol) is not None for symbol in legs)
        show_positions(world.broker, lambda held: ())  # closed by hand
        assert len((await _looked(world)).open) == 1, "one read alone proves no end"
        await world.clock.sleep(CONFIRMED_S)
        assert await _looked(world) == PositionsSlice()
        assert all(world.broker.market_data.shown(symbol) is None for symbol in legs)
        await world.stop()

    in_world(day, tmp_path)


def test_it_is_found_again_after_a_restart_and_warns_as_it_nears_its_end(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        await world.start()
        await world.until("09:47")
        entry = await world.entry()
        await world.stop()
        await world.clock.sleep((et("2026-04-13", "10:00") - world.clock.now()).total_seconds())
        world.intervals = replace(world.intervals, positions_s=30.0)
        await world.start()
        await world.clock.sleep(10)
        [view] = _shown(world).open
        assert (view.strikes, view.dte) == (entry.strikes, (entry.expiration - world.day).days)
        assert view.dte <= 7
        assert view.warnings[0].startswith(f"{view.dte} days to expiration")
        body, price = Decimal(entry.strikes.split("P/")[0]), view.price
        assert price is not None
        assert any("can be assigned any day" in told for told in view.warnings) is (price != body)
        await world.stop()

    in_world(days, tmp_path)


def test_its_warning_says_what_closes_it_by_how_the_exits_of_its_account_are_set(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.intervals = replace(world.intervals, positions_s=30.0)
        await held(world)
        await world.stop()
        await world.until("10:30", "2026-04-13")
        await world.start()
        await world.clock.sleep(10)
        [view] = _shown(world).open
        assert view.warnings[0] == f"{view.dte} days to expiration, its time exit closes it"
        await set_account(world, AccountField.EXITS, "off")
        await world.clock.sleep(60)
        [view] = _shown(world).open
        assert view.warnings[0] == f"{view.dte} days to expiration, no automatic exit"
        await world.stop()

    in_world(days, tmp_path)


def test_where_not_all_can_be_quoted_the_newest_is_the_one_that_the_dashboard_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def days(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:47")
        await world.stop()
        await world.clock.sleep((et("2025-11-20", "10:25") - world.clock.now()).total_seconds())
        await world.start()
        await world.until("10:31", "2025-11-20")
        asked: list[tuple[str, ...]] = []
        show_legs = world.engine.feed.show_legs

        async def noted(symbols: Iterable[str]) -> None:
            asked.append(tuple(symbols))
            await show_legs(asked[-1])

        monkeypatch.setattr(world.engine.feed, "show_legs", noted)
        monkeypatch.setattr(open_tridents, "SHOWN_LEGS", 6)
        await _looked(world)
        older, newest = world.engine.tridents.held
        assert older.expiration < newest.expiration
        in_order = [leg.streamer for trident in (newest, older) for leg in trident.legs]
        assert asked == [tuple(in_order[:6])]
        await world.stop()

    in_world(days, tmp_path, start=et("2025-10-09", "09:44:30"), poll_s=60)
