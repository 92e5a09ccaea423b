"""When the dividends of underlyings are read (rules 15.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from core.broker.pace import Pace
from core.domain.market.judgement import Metrics
from core.positions.dividends import RETRY_S, Dividends
from tests.support.world import ACCOUNT, LOGIN, World, in_world


def test_tridents_that_want_a_dividend_at_a_time_have_it_read_once(tmp_path: Path) -> None:
    """Each asked, the second found nothing to clear, and that ended the turns of all tridents."""

    async def day(world: World) -> None:
        asked, metrics = [], world.broker.metrics

        async def counted(symbols: Sequence[str]) -> tuple[Metrics, ...]:
            asked.append(tuple(symbols))
            return await metrics(symbols)

        setattr(world.broker, "metrics", counted)  # noqa: B010 - a method of this one instance
        dividends = Dividends(world.broker, Pace(world.clock), world.clock)
        assert dividends.is_due("QQQ")
        takers = [dividends.take("QQQ") for _ in range(3)]
        assert takers == [True, False, False]
        assert not dividends.is_due("QQQ"), "it is being read"
        await asyncio.gather(*(dividends.read("QQQ", ACCOUNT, LOGIN) for took in takers if took))
        assert asked == [("QQQ",)]
        assert not dividends.is_due("QQQ")
        assert dividends.known["QQQ"] is not None
        await world.clock.sleep(24 * 3600)
        assert dividends.is_due("QQQ")
        world.broker.unreachable = True
        assert dividends.take("QQQ")
        await dividends.read("QQQ", ACCOUNT, LOGIN)
        assert not dividends.is_due("QQQ"), "one that failed waits"
        assert dividends.known["QQQ"] is not None
        await world.clock.sleep(RETRY_S)
        assert dividends.is_due("QQQ")

    in_world(day, tmp_path)
