"""Moving through a recorded day: nothing of it is live, and nothing can be sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from core.domain.operation.commands import CommandKind, CommandState
from core.recording.playback import LONGEST_STEP_S, RecordedDay, ReplayClient
from core.snapshot import Mode
from tests.core.recording.days import BEGAN, moment, record, recorded, session
from tests.support.console.driver import Ticker


def client(folder: Path, speed: float | None = None, day: RecordedDay | None = None) -> tuple[ReplayClient, Ticker]:
    ticker = Ticker()
    return ReplayClient(day or recorded(folder), ticker, speed), ticker


def shown(replay: ReplayClient) -> timedelta:
    now = replay.snapshot().status.now
    assert isinstance(now, datetime)
    return now - BEGAN


def at(minutes: float, seconds: float = 0) -> timedelta:
    return timedelta(minutes=minutes, seconds=seconds)


def test_it_plays_at_its_speed_and_holds_at_the_end(tmp_path: Path) -> None:
    replay, ticker = client(tmp_path, speed=60)
    assert shown(replay) == at(0)
    ticker.now += 5
    assert shown(replay) == at(5)
    ticker.now += 54.9
    assert shown(replay) == at(59, 50)
    assert not replay.state.ended
    ticker.now += 100
    assert shown(replay) == at(60)
    assert (replay.state.ended, replay.state.playing) == (True, False)
    replay.play_or_hold()
    ticker.now += 1
    assert shown(replay) == at(1), "played again it begins again"


def test_without_a_speed_it_has_the_pace_of_the_day(tmp_path: Path) -> None:
    fast = [replace(each, status=replace(each.status, speed=30.0)) for each in session(minutes=10)]
    replay, ticker = client(tmp_path, day=recorded(tmp_path, fast))
    ticker.now += 10
    assert shown(replay) == at(5)


def test_a_replay_shows_the_recorded_screen_except_the_mode(tmp_path: Path) -> None:
    moments = session()
    replay, ticker = client(tmp_path, speed=1)
    ticker.now += 600
    seen, was = replay.snapshot(), moments[60]
    assert seen.status.mode is Mode.REPLAY
    assert replay.state.mode is was.status.mode
    assert replace(seen, status=was.status) == was


def test_it_moves_by_minutes_and_slots_and_never_beyond_the_day(tmp_path: Path) -> None:
    replay, _ = client(tmp_path, speed=1)
    for seconds, then in ((60, 1), (900, 16), (-60, 15), (-900, 0), (-60, 0), (9000, 60), (60, 60), (-60, 59)):
        replay.step(seconds)
        assert shown(replay) == at(then)


def test_frame_by_frame_it_holds(tmp_path: Path) -> None:
    replay, ticker = client(tmp_path, speed=1)
    replay.step_frames(3)
    ticker.now += 99
    assert shown(replay) == at(0, 30)
    replay.step_frames(-1)
    assert shown(replay) == at(0, 20)
    assert not replay.state.playing


def test_a_minute_always_moves_also_where_moments_are_further_apart(tmp_path: Path) -> None:
    replay, _ = client(tmp_path, day=recorded(tmp_path, session(every_s=100)), speed=1)
    replay.step(60)
    assert shown(replay) == at(0, 100)
    replay.step(-60)
    assert shown(replay) == at(0)


def test_it_jumps_from_cycle_to_cycle(tmp_path: Path) -> None:
    replay, ticker = client(tmp_path, speed=1)
    for minutes in (5, 20, 35, 50):
        assert replay.to_cycle(1)
        assert shown(replay) == at(minutes)
        assert replay.snapshot().cycle is not None
    assert not replay.to_cycle(1)
    ticker.now += 1
    assert replay.to_cycle(-1)
    assert shown(replay) == at(35), "one second into a cycle, the one before it is meant"
    ticker.now += 60
    assert replay.to_cycle(-1)
    assert shown(replay) == at(35), "a minute into it, its own beginning"
    replay.to_start()
    assert not replay.to_cycle(-1)


def test_it_goes_to_a_time(tmp_path: Path) -> None:
    replay, _ = client(tmp_path, speed=1)
    replay.to_time(BEGAN + at(12, 5))
    assert shown(replay) == at(12, 10)
    replay.to_time(BEGAN - at(5))
    assert shown(replay) == at(0)
    replay.to_time(BEGAN + at(500))
    assert shown(replay) == at(60)


def test_speeds_go_up_and_down_their_list(tmp_path: Path) -> None:
    replay, _ = client(tmp_path, speed=3)
    speeds = []
    for steps in (1, 1, 1, -1, -1, -1, -1, -1):
        replay.faster(steps)
        speeds.append(replay.state.speed)
    assert speeds == [4, 8, 15, 8, 4, 2, 1, 1]


def test_holes_are_short_and_a_market_that_began_anew_follows(tmp_path: Path) -> None:
    moments = [moment(second) for second in (0, 10, 7210, 7220, 5, 15)]
    replay, ticker = client(tmp_path, day=recorded(tmp_path, moments), speed=1)
    seen = []
    for _ in range(LONGEST_STEP_S + 40):
        seen.append(int(shown(replay).total_seconds()))
        ticker.now += 1
    assert list(dict.fromkeys(seen)) == [0, 10, 7210, 7220, 5, 15]


def test_moments_of_one_second_are_told_apart(tmp_path: Path) -> None:
    moments = [moment(0), moment(0, number=2), moment(0, number=3), moment(1)]
    replay, _ = client(tmp_path, day=recorded(tmp_path, moments), speed=1)
    numbers = []
    for _ in moments:
        cycle = replay.snapshot().cycle
        assert cycle is not None
        numbers.append(cycle.number)
        replay.step_frames(1)
    assert numbers == [1, 2, 3, 1]


def test_every_command_is_refused(tmp_path: Path) -> None:
    replay, _ = client(tmp_path)
    ids = {replay.send(kind, target="x", note="y") for kind in CommandKind}
    assert len(ids) == len(CommandKind)
    told = replay.snapshot().commands
    assert {view.state for view in told} == {CommandState.REFUSED}
    assert {view.text for view in told} == {"this is a replay: nothing here is live, and nothing was sent"}


def test_reading_a_long_day_tells_how_far_it_is(tmp_path: Path) -> None:
    path = record(tmp_path, [moment(second) for second in range(2500)])
    told: list[float] = []
    assert len(RecordedDay(path, told.append)) == 2500
    assert [round(share, 1) for share in told] == [0.4, 0.8]
