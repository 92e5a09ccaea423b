"""The legs of a spread are called live only while their quotes are (rules 6, 13)."""

from __future__ import annotations

from pathlib import Path

from core.simulator.exchange.faults import FaultKind
from core.snapshot import SpreadSlice
from tests.support.world import World, in_world


def shown(world: World) -> SpreadSlice:
    snapshot = world.snapshot()
    assert snapshot.spread is not None
    return snapshot.spread


def test_without_a_live_feed_the_legs_are_those_that_were_priced(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:47")
        live = shown(world)
        assert live.live
        kept = world.engine.builder.spread
        assert kept is not None
        world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=90)
        await world.until("09:48")
        silent = shown(world)
        assert not silent.live
        priced = getattr(kept.pricing, "legs", ())
        assert [(leg.bid, leg.ask) for leg in silent.legs] == [(quote.bid, quote.ask) for quote in priced]
        assert (silent.natural, silent.mid) == (
            getattr(kept.pricing, "natural", None),
            getattr(kept.pricing, "mid", None),
        )
        await world.until("09:51")
        assert shown(world).live
        await world.stop()

    in_world(day, tmp_path)


def test_a_crossed_leg_is_live_and_has_no_mid(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:47")
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".QQQ*", seconds=60)
        await world.clock.sleep(10)
        crossed = shown(world)
        assert crossed.live
        assert any(leg.crossed for leg in crossed.legs)
        assert all((leg.mid is None) == leg.crossed for leg in crossed.legs)
        assert (crossed.natural, crossed.mid) == (None, None)
        assert crossed.limit is not None, "what the order works at stays"
        await world.stop()

    in_world(day, tmp_path)
