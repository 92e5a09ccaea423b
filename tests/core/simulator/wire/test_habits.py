"""GET and POST /simulator/habits: the answers that are not known of the real broker, chosen from outside."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from core.simulator.exchange.habits import Habits, WithoutPosition
from tests.core.simulator.wire.simulated_server import broker


async def test_habits_are_shown_and_changed_one_by_one() -> None:
    async with broker() as server:
        status, shown, _ = await server.get("/simulator/habits")
        assert (status, len(shown["data"])) == (200, len(fields(Habits)))
        assert shown["data"].items() >= {"strict-without-position": "discard", "trades-posted": "at once"}.items()
        change = {
            "strict-without-position": "refuse",
            "position-lag-s": [0, 0],
            "relabel": False,
            "pin-assignment": 0.5,
        }
        status, changed = await server.post("/simulator/habits", change)
        assert (status, changed["data"]) == (200, {**shown["data"], **change})
        habits = server.simulator.exchange.habits
        assert habits.strict_without_position is WithoutPosition.REFUSE
        assert (habits.position_lag_s, habits.relabel, habits.pin_assignment) == ((0.0, 0.0), False, 0.5)
        assert (await server.post("/simulator/habits", {}))[1] == changed


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"mood": 1}, "habit 'mood' is not known; use position-lag-s, strict-without-position"),
        ({"trades-posted": "noon"}, "trades-posted 'noon' is not known; use at once, 22:00"),
        ({"trades-posted": []}, "use at once, 22:00"),
        ({"relabel": 1}, "relabel 1 is neither true nor false"),
        ({"position-lag-s": 3}, "position-lag-s 3 is not a list of two numbers"),
        ({"position-lag-s": [3, 0]}, "is no range"),
        ({"pin-assignment": True}, "pin-assignment True is not a number"),
        ({"pin-assignment": 2}, "outside 0..1"),
    ],
)
async def test_a_body_that_is_wrong_changes_nothing(body: dict[str, Any], text: str) -> None:
    async with broker() as server:
        status, said = await server.post("/simulator/habits", {"warns-no-position": False, **body})
        assert status == 400
        assert text in said["error"]["message"]
        assert server.simulator.exchange.habits == Habits()


async def test_a_page_in_a_browser_changes_nothing() -> None:
    async with broker() as server:
        status, _ = await server.post("/simulator/habits", {"relabel": False}, Origin="http://elsewhere")
        assert (status, server.simulator.exchange.habits) == (403, Habits())
