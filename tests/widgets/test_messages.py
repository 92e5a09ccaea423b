"""Fills and refusals stay in sight, equal messages are one, and a line marks what came since the operator looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.snapshot import Level, MessageView
from widgets.base.lines import Tone, plain, width_of
from widgets.messages import LastLook, MessagesPanel

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def message(number: int, text: str, level: Level = Level.INFO, **more: object) -> MessageView:
    return replace(MessageView(number, AT + timedelta(minutes=number), level, "order", text), **more)  # type: ignore[arg-type]


FILL = message(1, "QQQ …0007: order 41 is filled at 6.74 credit", about="entry", pinned=True)
REFUSED = message(2, "QQQ …0007: order 42 is rejected", Level.CRITICAL, about="other", pinned=True)
DAY = (FILL, REFUSED, *(message(number, f"said {number}") for number in range(3, 30)))


def drawn(messages: tuple[MessageView, ...], width: int = 58, height: int = 7, look: LastLook | None = None) -> str:
    panel = MessagesPanel()
    panel.last_look = look
    drawing = panel.draw(messages, width, height)
    assert all(width_of(line) <= width for line in drawing.lines)
    return plain(drawing.lines) + ("\n" + drawing.note if drawing.note else "")


@pytest.mark.parametrize(("height", "kept"), [(3, 1), (7, 2), (20, 2)])
def test_fills_and_refusals_stay_above_whatever_came_later(height: int, kept: int) -> None:
    lines = drawn(DAY, height=height).splitlines()
    assert [sign in line for sign, line in zip("✖✓"[:kept], lines, strict=False)] == [True] * kept
    assert "said 29" in lines[kept]


def test_what_stays_in_sight_takes_half_of_the_panel_at_most() -> None:
    reasons = ("too little buying power for it", "the account may not trade this spread", "the market is closed now")
    refused = [
        message(n, f"QQQ …0007: the broker rejected the order: {why}", pinned=True) for n, why in enumerate(reasons)
    ]
    lines = drawn((*refused, *DAY[2:])).splitlines()
    assert "closed now" in " ".join(lines[:2])
    assert "said 29" in lines[2]


def test_equal_refusals_are_one_row() -> None:
    again = [message(number, "QQQ …0007: the broker rejected the order", pinned=True) for number in range(1, 4)]
    assert drawn(tuple(again)) == "10:03:00 ✓ QQQ …0007: the broker rejected the order (x3)"


def test_a_fill_has_the_sign_of_success_and_a_refusal_that_of_failure() -> None:
    tones = {
        text.strip(): tone for line in MessagesPanel().draw(DAY, 58, 20).lines for text, tone in line if text.strip()
    }
    assert (tones["✓"], tones["✖"]) == (Tone.GOOD, Tone.BAD)


def test_equal_messages_are_one_with_their_count_where_the_newest_stands() -> None:
    lost = [message(number, "the quote feed is down", Level.WARNING) for number in (1, 3, 5)]
    between = [message(number, f"the feed is back {number}") for number in (2, 4)]
    lines = drawn((*lost, *between)).splitlines()
    assert lines[0] == "10:05:00 ▲ the quote feed is down (x3)"
    assert len(lines) == 3


def test_a_line_counts_what_came_since_the_operator_looked() -> None:
    lines = drawn(DAY, height=12, look=LastLook(27, AT + timedelta(minutes=27))).splitlines()
    marked = next(index for index, line in enumerate(lines) if "2 since you looked at 10:27" in line)
    assert "said 28" in lines[marked - 1]
    assert "said 27" in lines[marked + 1]


def test_in_three_rows_the_count_stands_in_the_border() -> None:
    text = drawn(DAY, height=3, look=LastLook(27, AT))
    assert text.splitlines()[-1] == "2 since you looked at 10:00"


def test_without_anything_new_there_is_no_line() -> None:
    assert "since you looked" not in drawn(DAY, look=LastLook(29, AT))


def test_a_repeat_that_is_new_is_not_merged_into_what_was_seen() -> None:
    twice = (message(1, "the feed is down", Level.WARNING), message(2, "the feed is down", Level.WARNING))
    lines = drawn(twice, look=LastLook(1, AT)).splitlines()
    assert ["the feed is down" in line for line in lines] == [True, False, True]
    assert "x2" not in "\n".join(lines)
