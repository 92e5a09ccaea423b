"""When the operator looked last is known by his keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.snapshot import EngineState, Level, MessageView, Mode, Snapshot
from senex_tui.console.last_look import AWAY_S, FILE, READ_S, KeptLook, Looking
from tests.support.console import parts, scenes
from tests.support.console.driver import Ticker, driven


def with_messages(count: int) -> Snapshot:
    at = parts.status().now
    assert at is not None
    said = tuple(MessageView(number, at, Level.INFO, "cycle", f"said {number}") for number in range(1, count + 1))
    return replace(scenes.calm(), messages=said)


def test_what_came_while_the_operator_was_away_stays_marked_after_the_return() -> None:
    ticker = Ticker()
    looking = Looking(ticker)
    looking.pulled(with_messages(3))
    ticker.now += READ_S
    looking.pressed(with_messages(3))
    ticker.now += AWAY_S
    looking.pressed(with_messages(5))
    assert looking.mark is not None
    assert looking.mark.number == 3
    ticker.now += 1
    looking.pressed(with_messages(6))
    assert looking.mark.number == 3, "there was no time to read it"
    ticker.now += READ_S
    looking.pressed(with_messages(6))
    assert looking.mark.number == 6


def test_what_a_start_says_is_not_news() -> None:
    looking = Looking(Ticker())
    starting = with_messages(2)
    looking.pulled(replace(starting, status=replace(starting.status, engine=EngineState.STARTING)))
    looking.pulled(replace(with_messages(4), status=replace(starting.status, engine=EngineState.STARTING)))
    looking.pulled(with_messages(5))
    looking.pulled(with_messages(7))
    assert looking.mark is not None
    assert looking.mark.number == 5


@pytest.mark.parametrize(
    ("first", "engine"), [(-2, EngineState.RUNNING), (1, EngineState.RUNNING), (56, EngineState.UNSEEN)]
)
def test_messages_that_another_engine_numbers_anew_count_by_their_time(first: int, engine: EngineState) -> None:
    """A watcher sees the messages of the day with other numbers after the trader's restart, and while it is gone."""
    shown = with_messages(57)
    at = shown.status.now
    assert at is not None
    looking = Looking(Ticker())
    looking.pulled(shown)
    times = [at + timedelta(minutes=n - 2) for n in range(5)]
    later = tuple(MessageView(first + n, when, Level.INFO, "fill", f"new {n}") for n, when in enumerate(times))
    looking.pulled(replace(shown, status=replace(shown.status, engine=engine), messages=later))
    assert looking.mark is not None
    assert [one.text for one in later if one.number > looking.mark.number] == ["new 3", "new 4"]


def restarted(level: Level, *, pinned: bool = False) -> Snapshot:
    """Another console an hour later: of the hour is one message, of its start another."""
    shown = with_messages(2)
    at = shown.status.now
    assert at is not None
    came = MessageView(-1, at + timedelta(minutes=30), level, "fill", "came", pinned=pinned)
    begins = MessageView(1, at + timedelta(hours=1), Level.INFO, "engine", "starts")
    old = tuple(replace(one, number=one.number - 10, at=at - timedelta(minutes=1)) for one in shown.messages)
    later = replace(shown.status, now=at + timedelta(hours=1))
    return replace(shown, status=later, messages=(*old, came, begins))


@pytest.mark.parametrize(
    ("level", "pinned", "unseen"),
    [
        (Level.INFO, True, ["came", "starts"]),
        (Level.WARNING, False, ["came", "starts"]),
        (Level.INFO, False, []),
    ],
)
def test_what_came_while_no_console_was_open_is_marked_at_the_next_one(
    tmp_path: Path, level: Level, pinned: bool, unseen: list[str]
) -> None:
    file = tmp_path / "state" / FILE
    first = Looking(Ticker(), KeptLook(file))
    first.pulled(with_messages(2))
    first.pressed(with_messages(2))
    first.keep(with_messages(2))
    shown = restarted(level, pinned=pinned)
    again = Looking(Ticker(), KeptLook(file))
    again.pulled(shown)
    assert again.mark is not None
    assert [one.text for one in shown.messages if one.number > again.mark.number] == unseen
    other = replace(shown, status=replace(shown.status, mode=Mode.LIVE))
    apart = Looking(Ticker(), KeptLook(file))
    apart.pulled(other)
    assert apart.mark is not None
    assert apart.mark.number == 1, "a look at one mode is none at another"


@pytest.mark.parametrize("content", ["", "[]", '{"demo": 3}', '{"demo": "soon"}', '{"demo": "2026-03-02T10:00"}'])
def test_a_file_that_says_no_time_is_no_look(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    kept = KeptLook(tmp_path / FILE)
    assert kept.at("demo") is None
    at = scenes.calm().status.now
    assert at is not None
    kept.keep("demo", at)
    assert kept.at("demo") == at
    KeptLook().keep("demo", at)
    assert KeptLook().at("demo") is None


async def test_the_console_keeps_the_look_as_it_ends(tmp_path: Path) -> None:
    async with driven(with_messages(2), state_folder=tmp_path) as console:
        await console.press("x")
        await console.pull()
    status = with_messages(2).status
    assert KeptLook(tmp_path / FILE).at(status.mode.value) == status.now


async def test_the_dashboard_counts_what_came_and_a_key_later_ends_it() -> None:
    async with driven(with_messages(2), size=(120, 40)) as console:
        console.engine.current = with_messages(4)
        await console.pull()
        assert "2 since you looked" in console.text
        console.ticker.now += READ_S
        await console.press("x")
        await console.pull()
        assert "since you looked" not in console.text
