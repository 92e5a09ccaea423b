"""A dry run validates the targets that its suggestion would have, and holds nothing (rules 15.2)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.broker.port import DryRunAnswer
from core.domain.operation.events import Event, Severity
from core.domain.orders.orders import OrderRequest, TimeInForce
from core.domain.positions.tridents import ExitMode
from core.records.repositories.rows import SuggestionRecord
from core.simulator.exchange.habits import Habits, WithoutPosition
from core.snapshot import Mode
from tests.support.world import ACCOUNT, World, in_world


async def validated(world: World, **habits: Any) -> tuple[list[OrderRequest], list[Event], SuggestionRecord]:
    """Runs the first slot in dry-run mode. The dry runs of closing orders, what is told of them, and the suggestion."""
    world.sends, world.mode = False, Mode.DRY_RUN
    world.exchange.habits = replace(Habits(), **habits)
    asked: list[OrderRequest] = []
    dry_run = world.broker.dry_run

    async def watched(number: str, request: OrderRequest) -> DryRunAnswer:
        if request.closes:
            asked.append(request)
        return await dry_run(number, request)

    setattr(world.broker, "dry_run", watched)  # noqa: B010 - of this one broker
    await world.start()
    await world.until("09:50")
    told = [event for event in await world.records.journal.newest(300) if event.kind == "exit.validated"]
    (made,) = [one for one in await world.records.journal.suggestions_of(ACCOUNT, world.day) if one.validated]
    return asked, told, made


@pytest.mark.parametrize(
    "habits",
    [{"warns_no_position": True}, {"strict_without_position": WithoutPosition.REFUSE}],
    ids=["warned", "refused for it"],
)
def test_its_three_targets_are_validated_and_none_is_kept(tmp_path: Path, habits: dict[str, Any]) -> None:
    async def day(world: World) -> None:
        world.exits = None
        asked, told, made = await validated(world, **habits)
        assert made.limit is not None
        prices = [-order.credit for order in asked]
        for order in asked:
            assert (order.strict, order.time_in_force) == (True, TimeInForce.GTC)
            assert [leg.quantity for leg in order.legs] == [1, 1]
        credits = [price / Decimal(part) for price, part in zip(prices, ("0.6", "0.4", "0.6"), strict=True)]
        assert abs(sum(credits, Decimal(0)) - made.limit) < Decimal("0.08"), "each is down to the cent"
        [event] = told
        words = ", ".join(f"{name} {price}" for name, price in zip(("put-1", "put-2", "call"), prices, strict=True))
        assert event.text.endswith(
            f"filled at its limit its targets would be {words}; the broker validated them; a dry run sends nothing"
        )
        assert event.severity is Severity.INFO
        assert world.broker.posted == []
        assert await world.records.exits.of_day(world.day) == ()
        assert await world.records.tridents.held() == ()
        await world.stop()

    in_world(day, tmp_path)


def test_what_else_the_broker_says_of_them_is_a_warning(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = None
        dry_run = world.broker.dry_run

        async def warns(number: str, request: OrderRequest) -> DryRunAnswer:
            answer = await dry_run(number, request)
            if not request.closes:
                return answer
            return replace(answer, warnings=(*answer.warnings, ("odd", "this one is odd")))

        setattr(world.broker, "dry_run", warns)  # noqa: B010 - of this one broker
        _, told, _ = await validated(world, warns_no_position=True, strict_without_position=WithoutPosition.DISCARD)
        [event] = told
        assert "the broker says of them: put-1: odd: this one is odd; put-2: odd" in event.text
        assert event.severity is Severity.WARNING
        await world.stop()

    in_world(day, tmp_path)


def test_an_account_whose_exits_are_off_has_none(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.OFF
        asked, told, _ = await validated(world)
        assert (asked, told) == ([], [])
        await world.stop()

    in_world(day, tmp_path)
