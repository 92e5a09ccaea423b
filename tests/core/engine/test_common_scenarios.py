"""The four common test scenarios of the product's first description, bearing their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from core.config.settings import TradingSettings
from core.domain.market.quotes import Quote
from core.domain.operation.commands import CommandKind
from core.simulator.exchange.faults import FaultKind
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, in_world

OPTIONS = ".*"
MID_4_10 = (("5.11", "5.17"), ("3.97", "4.01"), ("7.22", "7.36"), ("5.42", "5.56"))
"""Bid and ask of short put, long put, short call and long call; mid 4.10, natural 3.86."""


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


def test_negative_credit_detection(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_ZERO_BID, symbol=OPTIONS)
        await world.start()
        await world.until("09:46:30")
        prices = [step for step in await world.steps(1) if step[2] == "price"]
        assert prices == [
            (attempt, symbol, "price", "put_credit_not_positive") for attempt in (1, 2, 3) for symbol in ("QQQ", "SPX")
        ]
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "put_credit_not_positive")
        assert "natural credit is -" in cycle.reason_text
        (first, *_) = await world.events(1, "step.pricing")
        figures = dict(first.figures)
        assert "put 0.00 - " in str(figures["subtraction"])
        assert sum(1 for name in figures if name.startswith(".QQQ")) == 4
        assert await world.entries() == ()
        assert world.broker.posted == []
        await _end(world)

    in_world(day, tmp_path)


def test_retry_logic(tmp_path: Path) -> None:
    """No suggestion is found: three attempts, five seconds apart, and all reasons are kept."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_NAN, symbol=OPTIONS)
        await world.start()
        await world.until("09:46:30")
        assert [s for s in await world.steps(1) if s[2] == "price"] == [
            (attempt, symbol, "price", "leg_unusable") for attempt in (1, 2, 3) for symbol in ("QQQ", "SPX")
        ]
        judged = [e for e in await world.events(1, "step.judgement") if e.underlying == "QQQ"]
        ended = [e.at for e in await world.events(1, "step.pricing") if e.underlying == "SPX"]
        begun = [e.at - timedelta(milliseconds=e.duration_ms or 0) for e in judged]
        assert [begun[i + 1] - ended[i] for i in (0, 1)] == [timedelta(seconds=5)] * 2
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code, cycle.totals["failed"]) == ("failed", "leg_unusable", 1)
        assert "unusable bid" in cycle.reason_text
        snapshot = world.snapshot()
        assert [(a.attempt, a.result) for a in snapshot.attempts] == [
            (attempt, "REFUSED" if attempt == 3 else "RETRY") for attempt in (1, 2, 3) for _ in ("QQQ", "SPX")
        ], "after the third nothing is tried again"
        assert await world.entries() == ()
        await _end(world)

    in_world(day, tmp_path)


def test_offset_application(tmp_path: Path) -> None:
    """With mid 4.10 and an offset of 4 cents the order is sent at 4.06."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        engine = await world.start()
        real = engine.quotes.quotes

        def priced(symbols: Iterable[str]) -> dict[str, Quote]:
            """Gives the four legs, in their order, the prices of the scenario."""
            wanted = tuple(symbols)
            sides = dict(zip(wanted, MID_4_10, strict=True))
            return {
                symbol: replace(quote, bid=Decimal(sides[symbol][0]), ask=Decimal(sides[symbol][1]))
                for symbol, quote in real(wanted).items()
            }

        setattr(engine.quotes, "quotes", priced)  # noqa: B010 - the market of this scenario
        await world.until("09:46")
        entry = await world.entry()
        assert (entry.mid, entry.natural, entry.limit) == (Decimal("4.10"), Decimal("3.86"), Decimal("4.06"))
        (posted,) = world.broker.posted
        assert posted.request.credit == Decimal("4.06")
        (step,) = await world.events(1, "step.entry_price")
        told = dict(step.figures)
        assert (told["mid"], told["offset"], told["raw"], told["floored"]) == (
            Decimal("4.10"),
            Decimal("0.04"),
            Decimal("4.06"),
            False,
        )
        await world.stop()

    in_world(day, tmp_path, trading=TradingSettings(entry_offset_cents=4))


def test_duplicate_prevention(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:50")
        await world.command(CommandKind.FORCE)
        await world.until("10:01")
        assert [(c.forced, c.outcome, c.reason_code) for c in await world.cycles()] == [
            (False, "succeeded", ""),
            (True, "skipped", "entry_today"),
            (False, "skipped", "entry_today"),
        ]
        assert "already holds the day" in (await world.cycles())[1].reason_text
        assert len(world.exchange.orders(ACCOUNT)) == 1
        await _end(world)

    in_world(day, tmp_path)
