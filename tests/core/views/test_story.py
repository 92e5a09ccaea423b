"""The story of a cycle: why it traded or not, with the figures a trader can check."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.config.settings import TradingSettings
from core.domain.operation import amounts
from core.domain.operation.commands import CommandKind
from core.domain.orders.fate import fate_of, fate_words
from core.domain.orders.order_states import OrderState
from core.records.repositories.rows import IntentChange
from core.records.search.history import HistoryFilter, HistoryKind
from core.simulator.exchange.faults import FaultKind
from core.snapshot.story import Story, StoryKind, StoryLine
from core.views.story import story_of_cycle, story_of_slot, told_at_once
from tests.support.record_samples import after
from tests.support.world import ACCOUNT, World, account, et, in_world

OPTIONS = ".QQQ*"


async def _story(world: World, number: int) -> Story:
    file = await world.records.cycle_details.of_cycle(number)
    assert file is not None
    return story_of_cycle(file)


def _events(story: Story, label: str) -> list[StoryLine]:
    return [line for line in story.lines if line.kind is StoryKind.EVENT and line.label == label]


def _figures(story: Story) -> dict[str, str]:
    return {line.label: line.text for line in story.lines if line.kind is StoryKind.FIGURE}


def test_an_entry_is_told_from_the_first_guard_to_the_fill(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=OPTIONS, seconds=38)  # SPX is tried and enters
        await world.start()
        await world.until("09:47")
        story = await _story(world, 1)
        assert story.title == "Cycle 1, slot 09:45, Monday 2026-03-02"
        entry = await world.entry()
        told = fate_words(fate_of(entry))
        assert told.startswith("FILLED ")
        assert story.verdict.startswith(f"{told}; began 09:45:00 ET and took ")
        sections = [line.label for line in story.lines if line.kind is StoryKind.SECTION]
        assert sections[:4] == ["account …0001", "attempt 1, QQQ", "attempt 1, SPX", "the suggestion"]
        limit = amounts.credit(entry.limit)
        assert sections[4] == f"entry of …0001: SPX {entry.strikes} {entry.expiration} at {limit} credit"
        crossed, priced = _events(story, "pricing")
        assert crossed.text.startswith("REFUSED: .QQQ")
        assert (crossed.reason, "is crossed" in crossed.text) == ("leg_crossed", True)
        assert f"natural {amounts.credit(entry.natural)}" in priced.text
        legs = [line for line in story.lines if line.kind is StoryKind.FIGURE and " ask " in line.text]
        assert len(legs) == 8, "every leg with bid, ask and age, of the refusal too"
        figures = _figures(story)
        assert figures["natural"].endswith(f"2 x put + call = {amounts.credit(entry.natural)}")
        assert "buying power 60,000.00 $ + open risk 0.00 $" in figures["capital"]
        assert "tolerance 0.40" in figures["budget"]
        assert figures["before ticks"].startswith("max(mid ")
        states = [line.label for line in story.lines if line.at and line.label in ("prepared", "sent", "filled")]
        assert states == ["prepared", "sent", "filled"]
        fills = _events(story, "fill")
        assert len(fills) == len(entry.fills)
        assert figures["now"] == f"{told}; no other entry follows that day; entry {entry.id}"
        await world.stop()

    in_world(day, tmp_path, accounts=(account(cash="60000.00"),))


def change(state: OrderState, seconds: float, status: str = "", detail: str = "") -> IntentChange:
    return IntentChange(state, True, after(seconds), "71", status or None, detail, None)


def test_what_the_broker_says_of_a_new_order_within_a_moment_is_one_line() -> None:
    W = OrderState.WORKING
    routed = [change(W, 0, "Received"), change(W, 0.5, "Routed"), change(W, 2, "In Flight"), change(W, 5, "Live")]
    [told] = told_at_once(routed)
    assert (told.broker_status, told.at) == ("Received, Routed, In Flight, Live", after(0))
    later = [*routed, change(W, 5.1, "Cancel Requested"), change(OrderState.CANCELLED, 5.2, "Cancelled")]
    assert [one.broker_status for one in told_at_once(later)] == [
        "Received, Routed, In Flight, Live", "Cancel Requested", "Cancelled",
    ], "nothing that comes later, and no other state, is told with it"  # fmt: skip
    apart = [change(OrderState.PREPARED, 0), change(OrderState.SENT, 0), change(W, 0, "Live"), change(W, 1, "x", "why")]
    assert told_at_once(apart) == apart


def test_a_score_too_low_shows_the_points_it_adds_up_from(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        story = await _story(world, 1)
        assert story.verdict.startswith("SKIPPED: QQQ scores ")
        assert "low_score" not in story.verdict, "a code is for programs"
        for refused in _events(story, "judgement"):
            start = story.lines.index(refused) + 1
            points = story.lines[start : start + 9]
            assert [points[0].label, points[-1].label] == ["start", "score"]
            assert points[0].points == Decimal(50)
            added = sum((line.points for line in points[:-1] if line.points is not None), Decimal(0))
            assert added == points[-1].points
            assert points[-1].text == "100.0 needed"
        assert len(_events(story, "judgement")) == 1
        await world.stop()

    in_world(day, tmp_path, trading=TradingSettings(minimum_score=Decimal(100), underlyings=("QQQ",)))


def test_a_suggestion_above_the_budget_is_kept_and_its_risk_can_be_checked_by_hand(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        story = await _story(world, 1)
        (risk,) = _events(story, "risk")
        assert (risk.reason, risk.text.startswith("REFUSED: max risk ")) == ("risk_above_budget", True)
        told = _figures(story)
        assert told["budget"] == "120.00 $ = capital x tolerance 0.40 - open risk 0.00 $"
        (kept,) = await world.records.history.page(HistoryKind.SUGGESTIONS, HistoryFilter(outcome="refused"), 9)
        figures = dict(kept.figures)
        assert (kept.cycle, kept.account, figures["limit"]) == (1, ACCOUNT, None)
        assert f"max risk {figures['max_risk']} $ is above the budget" in risk.text
        await world.stop()

    in_world(day, tmp_path, accounts=(account(cash="300.00"),))


def test_a_missed_slot_tells_its_reason_and_the_command_behind_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.command(CommandKind.PAUSE)
        await world.until("09:46")
        (record,) = await world.slots()
        around = await world.records.cycle_details.around(record.slot)
        story = story_of_slot(record.slot, record, around)
        assert (story.title, story.verdict) == (
            "Slot 09:45, Monday 2026-03-02",
            "MISSED: automation is paused",
        )
        (command,) = _events(story, "command")
        assert command.text == "pause by operator: done, automation paused; no entries"
        assert _events(story, "engine")[0].text == "engine started in demo mode"
        around = await world.records.cycle_details.around(et("2026-03-11", "10:00"))
        assert [one.command.kind for one in around.commands] == [CommandKind.PAUSE], "however long ago"
        await world.stop()

    in_world(day, tmp_path)


def test_a_lost_answer_is_no_refusal_also_once_the_order_is_found(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=f"/accounts/{ACCOUNT}/orders", method="POST")
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=30)  # else a look finds it before its answer is given up
        await world.start()
        await world.until("09:50")
        assert fate_of(await world.entry()).traded
        (send,) = _events(await _story(world, 1), "send")
        assert send.reason == "outcome_unknown"
        assert send.text.startswith("whether the broker took the order is unknown: no answer")
        await world.stop()

    in_world(day, tmp_path)
