"""An entry that the broker refuses beside a closing order: over for its underlying today, and no failed send (rules 7,
15.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.settings import TradingSettings
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import StepResult
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.orders.fate import fate_of
from core.domain.orders.opposing import was_opposed
from core.domain.orders.order_states import OrderState
from tests.support.opposing_close import opposed_from_the_first
from tests.support.world import ACCOUNT, World, in_world

ONE_UNDERLYING = TradingSettings(underlyings=("QQQ",))


@pytest.mark.parametrize("call", ["send", "dry_run"])
def test_an_order_refused_beside_a_close_is_not_tried_again_today_and_counts_as_no_failure(
    tmp_path: Path, call: str
) -> None:
    async def days(world: World) -> None:
        world.exchange.fill_plan = "never"
        asked = opposed_from_the_first(world, call)
        await world.start()
        await world.until("09:46:30")
        entry = await world.entry()
        assert entry.state is (OrderState.REJECTED if call == "send" else OrderState.NOT_SENT)
        assert was_opposed(entry)
        assert not entry.holds_day
        [first] = await world.cycles()
        assert (first.reason_code, first.outcome) == (Reason.OPPOSING_ORDER.code, Outcome.SKIPPED.value)
        assert "an order on the other side works" in first.reason_text
        await world.until("10:50")
        assert asked == ["QQQ"], "the broker is not asked about it again"
        assert len(await world.entries()) == 1
        cycles = await world.cycles()
        assert len(cycles) > 3
        assert {one.reason_code for one in cycles} == {Reason.OPPOSING_ORDER.code}
        refused = [
            event.step
            for event in await world.records.journal.of_cycle(cycles[-1].number)
            if event.result is StepResult.REFUSED and event.underlying == "QQQ"
        ]
        assert [step.value for step in refused if step is not None] == ["judge"]
        assert (await world.answer(CommandKind.PREVIEW)).count("the broker refused an order on QQQ today") == 1
        assert not await world.records.entries.failed_sends(world.day)
        assert all(one.kind is not BreakerKind.SENDS for one in world.engine.breakers.open_now)
        rests = [one for one in await world.broker.live_orders(ACCOUNT) if one.identifier == "theirs"]
        assert [one.status for one in rests] == ["Live"], "the close stays"
        await world.crash()
        await world.until("09:40", "2026-03-03")
        await world.start()
        await world.until("09:46:30")
        judged = [one for one in await world.steps((await world.cycles())[0].number) if one[2] == "judge"]
        assert judged == [(1, "QQQ", "judge", "")], "another day is another one"
        await world.stop()

    in_world(days, tmp_path, trading=ONE_UNDERLYING, preflight=call == "dry_run")


def test_another_underlying_is_entered_at_the_next_slot(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        asked = opposed_from_the_first(world, "send")
        await world.start()
        await world.until("09:46:30")
        first = await world.entry()
        assert (first.state, fate_of(first).reason) == (OrderState.REJECTED, Reason.OPPOSING_ORDER)
        await world.until("10:31")
        assert asked.count(first.underlying) == 1
        later = [one for one in await world.entries() if one.id != first.id]
        assert {one.underlying for one in later} <= {"QQQ", "SPX"} - {first.underlying}
        assert later, "the other one is tried"
        await world.stop()

    in_world(day, tmp_path)


def test_any_other_refusal_is_tried_again_and_counts(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.refuse_orders = 2
        await world.start()
        await world.until("10:20")
        refused = [one for one in await world.entries() if one.state is OrderState.REJECTED]
        assert [one.underlying for one in refused] == ["QQQ", "QQQ"]
        assert not any(was_opposed(one) for one in refused)
        assert (await world.records.entries.failed_sends(world.day))[ACCOUNT] == 2
        await world.stop()

    in_world(day, tmp_path, trading=ONE_UNDERLYING)
