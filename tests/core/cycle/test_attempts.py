"""The attempts of a cycle, their refusals, and what follows from each (rules 2, 4, 5, 6, 7, 8)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.config.settings import TradingSettings
from core.domain.operation.outcomes import Outcome
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from core.views.step_words import words_of
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, account, in_world

OPTIONS = ".*"
TICK = Decimal("0.01")


async def _one_cycle(world: World, until: str = "09:46:30") -> None:
    await world.start()
    await world.until(until)
    assert len(await world.cycles()) == 1


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


def test_the_steps_of_a_cycle_come_in_order_with_figures_and_durations(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await _one_cycle(world)
        assert await world.steps(1) == [
            (None, None, "guard", ""),
            (None, None, "market", ""),
            (None, None, "account", ""),
            (1, "QQQ", "judge", ""),
            (1, "QQQ", "strikes", ""),
            (1, "QQQ", "quotes", ""),
            (1, "QQQ", "price", ""),
            (None, None, "risk", ""),
            (None, None, "limit", ""),
            (None, None, "send", ""),
        ]
        steps = [e for e in await world.records.journal.of_cycle(1) if e.step is not None]
        (quotes,) = [e for e in steps if e.step is not None and e.step.value == "quotes"]
        assert quotes.duration_ms == 3000
        assert re.fullmatch(r"a quote of every leg after 3.0 s, the oldest [0-3]\.\d s old", words_of(quotes))
        assert all(e.duration_ms is not None for e in steps)
        await _end(world)

    in_world(day, tmp_path)


def test_retry_logic_second_attempt_succeeds_after_crossed_quotes(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=OPTIONS, seconds=38)  # until 09:45:08
        await _one_cycle(world)
        prices = [step for step in await world.steps(1) if step[2] == "price"]
        assert prices == [
            (1, "QQQ", "price", "leg_crossed"),
            (1, "SPX", "price", "leg_crossed"),
            (2, "QQQ", "price", ""),
        ]
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("succeeded", "")
        judged = await world.events(1, "step.judgement")
        refused = await world.events(1, "step.pricing")
        assert [e.attempt for e in judged] == [1, 1, 2]
        assert judged[2].at - refused[1].at - timedelta(milliseconds=judged[2].duration_ms or 0) == timedelta(seconds=5)
        snapshot = world.snapshot()
        assert [(a.attempt, a.underlying, a.result, a.code) for a in snapshot.attempts] == [
            (1, "QQQ", "RETRY", "leg_crossed"),
            (1, "SPX", "RETRY", "leg_crossed"),
            (2, "QQQ", "PASS", ""),
        ]
        await _end(world)

    in_world(day, tmp_path)


def test_quotes_that_never_move_are_waited_for_and_refused(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        world.broker.arm(FaultKind.MARKET_STALE_SNAPSHOT, symbol=OPTIONS)
        await world.until("09:46:30")
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "leg_stale")
        quotes = (await world.events(1, "step.quotes"))[0]
        seen = dict(quotes.figures)
        assert float(str(seen["oldest_age_s"])) > float(str(seen["limit_s"])) == 30
        words = words_of(quotes)
        assert words.startswith(f"a quote of every leg after 3.0 s, but {seen['oldest']} is ")
        assert words.endswith(" s old; at most 30 s")
        assert "fresh" not in words
        pricing = (await world.events(1, "step.pricing"))[0]
        suspected = "the feed answered with cached quotes of "
        assert str(dict(pricing.figures)["suspected"]).startswith(suspected)
        assert f"; suspected: {suspected}" in words_of(pricing)
        assert "stale data near the open, 15 minutes ago" in words_of(pricing)
        await _end(world)

    in_world(day, tmp_path)


def test_a_terminal_refusal_of_qqq_falls_to_spx_with_its_own_ticks_and_roots(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.market.halt("QQQ", world.clock.now())
        await _one_cycle(world)
        entry = await world.entry()
        assert (entry.underlying, entry.state) == ("SPX", OrderState.FILLED)
        assert {leg.symbol[:6] for leg in entry.request.legs} == {"SPXW  "}
        tick = Decimal("0.05") if entry.limit < 3 else Decimal("0.1")
        assert entry.limit % tick == 0
        strikes = [world.market.option(leg.symbol) for leg in entry.request.legs]
        body = strikes[0].strike if strikes[0] is not None else Decimal(0)
        assert body % 10 == 0
        assert entry.width == 5
        judged = [s for s in await world.steps(1) if s[2] == "judge"]
        assert judged == [(1, "QQQ", "judge", "trading_halted"), (1, "SPX", "judge", "")]
        told = [e for e in await world.events(1, "step.structure") if e.underlying == "SPX"]
        assert re.search(r" at a price of \d,\d{3}\.\d{2,3}, width ", words_of(told[0])), "as every other price"
        await _end(world)

    in_world(day, tmp_path)


def test_a_terminal_refusal_is_not_tried_again_while_a_transient_one_is(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.market.halt("QQQ", world.clock.now())
        world.broker.arm(FaultKind.MARKET_NAN, symbol=".SPX*")
        await _one_cycle(world)
        judged = [(s[0], s[1]) for s in await world.steps(1) if s[2] == "judge"]
        assert judged == [(1, "QQQ"), (1, "SPX"), (2, "SPX"), (3, "SPX")]
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "leg_unusable")
        await _end(world)

    in_world(day, tmp_path)


def test_a_low_score_skips_after_one_attempt(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await _one_cycle(world)
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("skipped", "low_score")
        assert [s[0] for s in await world.steps(1) if s[2] == "judge"] == [1, 1]
        snapshot = world.snapshot()
        assert snapshot.cycle is not None
        told = [part.split(" scores ")[0] for part in snapshot.cycle.reason.split("; ") if "needed" not in part[:3]]
        assert [word for word in told if word in ("QQQ", "SPX")] == ["QQQ", "SPX"], "both refusals are in sight"
        assert await world.entries() == ()
        await _end(world)

    in_world(day, tmp_path, trading=TradingSettings(minimum_score=Decimal(145)))


def test_a_risk_above_the_budget_skips(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await _one_cycle(world)
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("skipped", "risk_above_budget")
        assert "above the budget of 100" in cycle.reason_text
        assert await world.entries() == ()
        await _end(world)

    in_world(day, tmp_path, accounts=[account(cash="250.00")])


def test_a_closed_account_whose_reads_fail_is_skipped_and_fails_no_cycle(tmp_path: Path) -> None:
    closed = "5WT00002"

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{closed}", count=None)
        await _one_cycle(world)
        runs = await world.records.results.of_day(date(2026, 3, 2))
        assert {run.account: (run.outcome, run.reason) for run in runs} == {
            ACCOUNT: (Outcome.SUCCEEDED, ""),
            closed: (Outcome.SKIPPED, "account_restricted"),
        }
        await _end(world)

    in_world(day, tmp_path, accounts=(account(), replace(account(closed), is_closed=True)))


def test_a_restricted_account_skips_before_any_attempt(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.restrict(world.accounts[0], is_closing_only=True)
        await _one_cycle(world)
        assert [s[2:] for s in await world.steps(1)] == [
            ("guard", ""),
            ("market", ""),
            ("account", "account_restricted"),
        ]
        (cycle,) = await world.cycles()
        assert cycle.outcome == "skipped"
        assert "closing only" in cycle.reason_text
        await _end(world)

    in_world(day, tmp_path)


@pytest.mark.parametrize(
    ("kind", "reason", "outcome"),
    [
        (FaultKind.SESSION_CLOSED, "market_closed", "skipped"),
        (FaultKind.SESSION_UNREADABLE, "session_unreadable", "failed"),
    ],
)
def test_a_market_closed_or_unreadable_at_the_broker_means_no_entry(
    tmp_path: Path, kind: FaultKind, reason: str, outcome: str
) -> None:
    async def day(world: World) -> None:
        await world.start()
        world.broker.arm(kind, count=None)
        await world.until("09:46")
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == (outcome, reason)
        assert await world.entries() == ()
        await _end(world)

    in_world(day, tmp_path)


def test_a_slow_account_delays_no_other(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:59")  # what is read at the start is not meant
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, path="/accounts/5WT00001/balances", seconds=9)
        await world.until("09:45:08")
        assert [e.account for e in await world.entries()] == ["5WT00002"]
        await world.until("09:47")
        assert {e.account: e.state for e in await world.entries()} == {
            "5WT00001": OrderState.FILLED,
            "5WT00002": OrderState.FILLED,
        }
        (cycle,) = await world.cycles()
        assert cycle.totals == {"processed": 2, "succeeded": 2, "skipped": 0, "failed": 0, "unknown": 0}
        await _end(world)

    in_world(day, tmp_path, accounts=[account("5WT00001"), account("5WT00002")])


def test_one_account_failing_makes_the_cycle_failed_and_the_other_still_enters(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:59")  # what is read at the start is not meant
        world.broker.arm(FaultKind.REST_5XX_HTML, path="/accounts/5WT00001/balances")
        await world.until("09:46")
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "account_unreadable")
        assert (cycle.totals["failed"], cycle.totals["succeeded"]) == (1, 1)
        assert [e.account for e in await world.entries()] == ["5WT00002"]
        await _end(world)

    in_world(day, tmp_path, accounts=[account("5WT00001"), account("5WT00002")])


@pytest.mark.parametrize("cents", [0, 4])
def test_offset_application(tmp_path: Path, cents: int) -> None:
    async def day(world: World) -> Entry:
        await _one_cycle(world)
        entry = await world.entry()
        await _end(world)
        return entry

    entry = in_world(day, tmp_path, trading=TradingSettings(entry_offset_cents=cents))
    raw = max(entry.mid - Decimal(cents) / 100, entry.natural)
    assert entry.natural < entry.mid - Decimal("0.05"), "the floor would hide the offset"
    assert abs(entry.limit - raw) <= TICK / 2
    assert entry.limit % TICK == 0


def test_offset_application_is_floored_at_natural(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await _one_cycle(world)
        entry = await world.entry()
        assert entry.mid - Decimal("0.25") < entry.natural
        assert entry.limit == entry.natural
        (step,) = await world.events(1, "step.entry_price")
        assert dict(step.figures)["floored"] is True
        await _end(world)

    in_world(day, tmp_path, trading=TradingSettings(entry_offset_cents=25))


def test_the_expiration_is_the_nearest_to_45_days(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await _one_cycle(world)
        entry = await world.entry()
        today = date(2026, 3, 2)
        listed = {e.day for root in world.market.chain("QQQ", today) for e in root.expirations}
        assert entry.expiration == min(listed, key=lambda d: (abs((d - today).days - 45), d))
        await _end(world)

    in_world(day, tmp_path)


def test_a_feed_that_fell_silent_is_no_feed(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:40")
        world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=90)
        await world.until("09:46")
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "feed_down")
        assert [s[0] for s in await world.steps(1) if s[2] == "judge"] == [1, 1, 2, 2, 3, 3]
        await _end(world)

    in_world(day, tmp_path)


def test_a_feed_lost_while_waiting_for_quotes_comes_back_within_the_cycle(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:45:01")
        world.broker.arm(FaultKind.DXLINK_CLOSE)
        await world.until("09:46")
        assert world.engine.feed.health().connections == 2
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        (quotes,) = [e for e in await world.records.journal.of_cycle(1) if e.kind == "step.quotes"]
        assert (quotes.duration_ms or 0) > 3000
        await _end(world)

    in_world(day, tmp_path)


def test_the_search_for_forbidden_things_finds_an_order_without_an_intent(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        rogue = replace(entry.request, identifier="senex-rogue", credit=Decimal("9.00"))
        world.exchange.submit(world.accounts[0], order_body(rogue), world.clock.now())
        with pytest.raises(AssertionError, match=r"two entries of a day|has no intent"):
            await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)
