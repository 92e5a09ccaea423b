"""Whose cancel ended an order, by the broker's words and by the times (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.orders.engine_cancel import SOMEBODY_ELSE, canceller, is_not_carried_out
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from tests.support.record_samples import AT, entry

ASKED = AT + timedelta(minutes=10)
MINE = replace(entry(), state=OrderState.WORKING, order_id="7", engine_cancel_at=ASKED)
CANCELLED = OrderReport("7", MINE.account, "Cancelled", MINE.identifier, "QQQ", None, (), None, ASKED, ASKED)


@pytest.mark.parametrize(("after_s", "speed", "who"), [(2, 1, ""), (9, 1, ""), (11, 1, SOMEBODY_ELSE), (11, 60, "")])
def test_an_end_long_after_the_asking_is_somebody_elses(after_s: int, speed: float, who: str) -> None:
    ended = replace(CANCELLED, terminal_at=ASKED + timedelta(seconds=after_s))
    assert canceller(MINE, ended, ended.terminal_at or AT, speed) == who


def test_the_broker_s_word_comes_before_the_times() -> None:
    assert canceller(MINE, replace(CANCELLED, cancelled_by="bert"), ASKED, 1) == "bert"
    assert canceller(replace(MINE, engine_cancel_at=None), CANCELLED, ASKED, 1) == "", "nothing was asked here"


@pytest.mark.parametrize(
    ("status", "after_s", "ignored"), [("Live", 1, False), ("Live", 6, True), ("Cancel Requested", 60, False)]
)
def test_an_order_that_still_works_shows_that_the_cancel_is_not_carried_out(
    status: str, after_s: int, ignored: bool
) -> None:
    seen = replace(CANCELLED, status=status, terminal_at=None)
    assert is_not_carried_out(MINE, seen, ASKED + timedelta(seconds=after_s), 1) is ignored
