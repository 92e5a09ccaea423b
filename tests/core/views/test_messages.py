"""One message tells the latest state of an order; what other panels show is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.operation.reasons import Reason
from core.snapshot import Level, MessageView
from core.views.messages import message_of, without_older

AT = datetime(2026, 3, 2, 14, 45, tzinfo=UTC)


def shown(*events: Event) -> list[MessageView]:
    kept: list[MessageView] = []
    for number, event in enumerate(events, 1):
        message = message_of(event)
        if message is not None:
            kept = [*without_older(kept, message.about), message.numbered(number)]
    return kept


def order(kind: str, entry: str = "e1", **more: object) -> Event:
    name = "exit" if kind.startswith("exit.") else "entry"
    return Event(AT, kind, f"{entry} {kind}", figures=((name, entry),), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["order", "exit"])
def test_an_order_is_one_row_with_its_latest_state(kind: str) -> None:
    steps = ("working", "status", "status", "partially_filled", "filled")
    other = order(f"{kind}.working", "e2")
    [first, second] = shown(order(f"{kind}.working"), other, *(order(f"{kind}.{step}") for step in steps))
    assert (first.text, second.text) == (other.text, f"e1 {kind}.filled")
    assert second.number == 7
    assert second.pinned
    assert not first.pinned


def test_that_an_order_was_unknown_is_still_said_when_it_was_found() -> None:
    states = ("order.working", "order.status", "order.filled")
    told = shown(order("order.unknown", severity=Severity.CRITICAL), *(order(state) for state in states))
    assert [message.level for message in told] == [Level.CRITICAL, Level.INFO]


def test_what_is_more_than_a_state_stays_beside_it() -> None:
    said = shown(order("order.filled"), order("order.day_freed"), order("order.cancel_late"))
    assert len(said) == 3


def test_the_cycles_of_a_held_day_are_one_row_and_no_start_is_told() -> None:
    cycles = [
        event
        for number in range(4)
        for event in (
            Event(AT + timedelta(minutes=number), "cycle.started", f"cycle {number}"),
            Event(AT + timedelta(minutes=number), "cycle.ended", f"cycle {number}: held", reason=Reason.ENTRY_TODAY),
        )
    ]
    assert [message.text for message in shown(*cycles)] == ["cycle 3: held"]


def test_of_the_steps_only_a_refused_attempt_is_told() -> None:
    refused = Event(
        AT, "step.pricing", "no credit", attempt=2, underlying="QQQ", step=Step.PRICING, result=StepResult.REFUSED
    )
    assert [message.text for message in shown(refused, Event(AT, "step.send", "sent"))] == ["attempt 2 QQQ: no credit"]
