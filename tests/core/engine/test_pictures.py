"""The data of the charts, on the whole engine in virtual time: the credit since the entry, and the payoff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from core.domain.orders.order_states import OrderState
from core.domain.trident.payoff import Payoff
from core.engine.pictures import EVERY, payoff_view
from core.snapshot import Freshness, PicturesSlice, PositionsSlice
from tests.support.world import World, in_world


def test_the_credit_of_an_entry_is_followed_every_30_seconds_and_the_payoff_is_its_own(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        assert world.snapshot().pictures == PicturesSlice()
        await world.until("09:47")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        await world.engine.tridents.check()
        await world.until("09:55")
        shown = world.snapshot()
        [trail] = shown.pictures.credits
        assert (trail.underlying, trail.expiration, trail.strikes) == ("QQQ", entry.expiration, entry.strikes)
        times = [point.at for point in trail.points]
        assert 12 <= len(times) <= 20
        assert all(after - before >= EVERY - timedelta(seconds=1) for before, after in pairwise(times))
        assert all(point.natural < point.mid for point in trail.points)
        assert world.snapshot().pictures.credits is shown.pictures.credits, "the same until a point is added"

        view, [position] = shown.pictures.payoff, shown.positions.open
        assert view is not None
        assert position.credit is not None
        assert view.payoff == Payoff(view.payoff.body, entry.width, position.credit)
        assert f"{view.payoff.body.normalize():f}P/" in entry.strikes
        assert (view.basis, view.account, view.others) == ("fill", "…0001", 0)
        assert view.payoff.max_loss == position.max_risk
        assert (view.profit_mid, view.profit_natural) == (position.profit_mid, position.profit_natural)
        assert view.payoff.break_evens == (position.break_even_below, position.break_even_above)
        assert view.price is not None
        assert abs(view.price - view.payoff.body) < 20

        stale = [replace(quote, freshness=Freshness.STALE) for quote in shown.quotes]
        held = world.engine.tridents.held
        old = payoff_view(shown.spread, shown.positions, held, stale)
        assert old is not None
        assert old.price_stale
        assert old.price == view.price, "readable, and said to be old"
        await world.stop()

    in_world(day, tmp_path)


def test_a_working_entry_is_followed_too_and_its_payoff_is_at_the_limit(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:50")
        entry = await world.entry()
        assert entry.state is OrderState.WORKING
        shown = world.snapshot()
        [trail] = shown.pictures.credits
        assert len(trail.points) >= 3
        view = shown.pictures.payoff
        assert view is not None
        assert (view.basis, view.payoff.credit) == ("limit", entry.request.credit)
        assert (view.profit_mid, view.account, view.others) == (None, "", 0)
        await world.stop()

    in_world(day, tmp_path)


def test_a_new_day_begins_a_new_trail_and_shows_the_open_trident(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:48")
        await world.engine.tridents.check()
        await world.until("09:50")
        held = world.engine.tridents.held
        assert world.snapshot().pictures.credits
        refused = replace(world.snapshot().spread, verdict="refused", strikes="1P/2P/1C/3C")
        other = payoff_view(refused, PositionsSlice(), held, ())
        assert other is not None
        assert (other.strikes, other.price, other.profit_mid) == (held[0].strikes, None, None)
        pricing = payoff_view(replace(refused, verdict="pricing"), PositionsSlice(), held, ())
        assert pricing is not None
        assert (pricing.strikes, pricing.others) == ("1P/2P/1C/3C", 1)
        assert payoff_view(None, PositionsSlice(), (), ()) is None
        assert (
            payoff_view(replace(refused, fill_credit=None, limit=None, natural=None), PositionsSlice(), (), ()) is None
        )
        world.clock.suspend(16 * 3600)
        assert world.snapshot().pictures.credits == ()
        await world.stop()

    in_world(day, tmp_path)
