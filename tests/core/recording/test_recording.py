"""A day is recorded as it was seen, survives what a machine does to it, and never gets in the way."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core.recording import recorder as recorder_module
from core.recording.day_file import HEAD, DayUnreadable, day_path, read_frames, recorded_days
from core.recording.playback import RecordedDay
from core.recording.recorder import DayRecorder, prune
from core.recording.thread import Recording
from core.runtime.redaction import redact
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Snapshot
from core.snapshot.codec import decode, encode
from tests.core.recording.days import BEGAN, moment, record, recorded, session
from tests.support.console.scenes import SCENES
from tests.support.world import World, in_world

KEY_EVERY = 30


def shown(day: RecordedDay) -> list[Snapshot]:
    return [day.at(number) for number in range(len(day))]


def test_a_day_of_the_engine_is_seen_again_as_it_was(tmp_path: Path) -> None:
    """A retry, an entry and its fills: every moment, also backwards and out of order."""

    async def morning(world: World) -> list[Snapshot]:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".QQQ*", seconds=38)
        await world.start()
        recorder = DayRecorder(tmp_path / "days", pytest.fail)
        seen = []
        for _ in range(90):
            await world.clock.sleep(1)
            seen.append(world.snapshot())
            recorder.take(seen[-1])
        await world.stop()
        recorder.close()
        return seen

    seen = in_world(morning, tmp_path)
    day = RecordedDay(day_path(tmp_path / "days", date(2026, 3, 2)))
    assert shown(day) == seen
    assert any(snapshot.orders and snapshot.orders[0].fills for snapshot in seen)
    assert len(day.cycles) == 1
    for number in (89, 3, 50, 49, 88):
        assert encode(day.at(number)) == encode(seen[number])
        assert encode(decode(encode(seen[number]))) == encode(seen[number])


def test_a_recording_is_small_private_and_tells_cycles(tmp_path: Path) -> None:
    moments = session()
    path = record(tmp_path / "days", moments)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.stat().st_size < 60 * len(moments) + 20_000
    day = RecordedDay(path)
    assert shown(day) == moments
    assert [day.time(number) - BEGAN for number in day.cycles] == [timedelta(minutes=m) for m in (5, 20, 35, 50)]


def test_no_secret_and_no_account_number_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scrubber = type(redact)("hunter2hunter2")
    scrubber.add_accounts("5WT12345")
    monkeypatch.setattr(recorder_module, "redact", scrubber)
    words = "account 5WT12345 said hunter2hunter2"
    first, then = moment(0), moment(1)
    moments = [
        replace(first, status=replace(first.status, failure=words)),
        replace(then, messages=(replace(then.messages[0], text=words),)),
    ]
    day = recorded(tmp_path, moments)
    assert day.at(0).status.failure == day.at(1).messages[0].text == "account …2345 said ****"


def test_a_restarted_console_goes_on_with_the_day(tmp_path: Path) -> None:
    moments = session(minutes=10)
    record(tmp_path, moments[:20])
    path = record(tmp_path, moments[20:])
    assert shown(RecordedDay(path)) == moments


@pytest.mark.parametrize("cut", [1, 7, 13, 40])
def test_a_torn_end_costs_only_itself(tmp_path: Path, cut: int) -> None:
    moments = session(minutes=3)
    path = record(tmp_path, moments)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - cut)
    day = RecordedDay(path)
    assert len(moments) - 2 <= len(day) < len(moments)
    assert shown(day) == moments[: len(day)]
    assert day.lost > 0
    kept = len(day)
    record(tmp_path, moments[kept:])
    assert shown(RecordedDay(path)) == moments, "and the next console goes on behind it"


def test_damage_in_the_middle_is_kept_aside_and_the_day_begins_anew(tmp_path: Path) -> None:
    moments = session(minutes=10)
    path = record(tmp_path, moments[:30])
    content = bytearray(path.read_bytes())
    content[content.index(read_frames(path).frames[26].part) + 4] ^= 0xFF
    path.write_bytes(content)
    day = RecordedDay(path)
    assert 0 < len(day) < 30
    assert shown(day) == moments[: len(day)]
    record(tmp_path, moments[30:])
    assert shown(RecordedDay(path)) == moments[30:]
    assert path.with_name(f"{path.name}.1").read_bytes() == bytes(content)
    assert list(recorded_days(tmp_path)) == [BEGAN.date()]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEAD.replace(b" 1.", b" 2."), "by a newer version of senex, in the form 2.4; this one reads 1.2, 1.3 and 1.4"),
        (b"senex day 1.1\n", "by an older version of senex, in the form 1.1; this one reads 1.2, 1.3 and 1.4"),
        (b"%PDF-1.7\n", "is no recorded day"),
        (HEAD, "holds no whole frame"),
        (HEAD[:5], "holds no whole frame"),
        (b"", "holds no whole frame"),
    ],
)
def test_a_file_that_is_no_recorded_day_is_refused_with_the_reason(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "2026-11-20.day"
    path.write_bytes(content)
    with pytest.raises(DayUnreadable, match=says.replace("(", r"\(").replace(")", r"\)")):
        RecordedDay(path)
    record(tmp_path, session(minutes=1))
    assert len(RecordedDay(path)) == 7, "and it does not keep the day from being recorded"


def test_a_day_recorded_in_an_older_form_is_read_and_recorded_on(tmp_path: Path) -> None:
    record(tmp_path, session(minutes=1))
    (path,) = tmp_path.glob("*.day")
    path.write_bytes(path.read_bytes().replace(HEAD, b"senex day 1.2\n").replace(b'"version":4', b'"version":2'))
    older = len(RecordedDay(path))
    assert older > 0
    record(tmp_path, session(minutes=1))
    assert len(RecordedDay(path)) > older


def test_midnight_at_the_exchange_begins_a_new_file(tmp_path: Path) -> None:
    midnight = timedelta(hours=14).total_seconds()
    record(tmp_path, [moment(midnight - 1), moment(midnight), moment(midnight + 1)])
    assert list(recorded_days(tmp_path)) == [date(2026, 11, 20), date(2026, 11, 21)]
    assert [len(RecordedDay(day_path(tmp_path, day))) for day in recorded_days(tmp_path)] == [1, 2]


def test_whole_snapshots_stand_often_enough_for_a_quick_seek(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "KEY_EVERY", KEY_EVERY)
    moments = [moment(second) for second in range(2 * KEY_EVERY + 10)]
    frames = read_frames(record(tmp_path, moments)).frames
    assert [number for number, frame in enumerate(frames) if frame.key] == [0, KEY_EVERY, 2 * KEY_EVERY]
    day = recorded(tmp_path / "again", moments)
    assert day.at(KEY_EVERY + 5) == moments[KEY_EVERY + 5]
    assert day.at(KEY_EVERY - 1) == moments[KEY_EVERY - 1]


def test_every_scene_can_be_recorded(tmp_path: Path) -> None:
    moments = []
    for second, scene in enumerate(SCENES.values()):
        snapshot = scene()
        if snapshot.status.now is not None:
            moments.append(replace(snapshot, status=replace(snapshot.status, now=BEGAN + timedelta(seconds=second))))
    assert shown(recorded(tmp_path, moments)) == moments


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Keeps the files of this process from growing beyond this size, as a full disk would."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_said_once_and_the_recording_goes_on_when_there_is_room(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = DayRecorder(tmp_path, said.append)
    moments = [moment(second) for second in range(300)]
    recorder.take(moments[0])
    with at_most((tmp_path / "2026-11-20.day").stat().st_size + 200):
        for snapshot in moments[1:200]:
            recorder.take(snapshot)
    assert said == ["the day is not recorded: File too large; trading goes on, and so does trying"]
    for snapshot in moments[200:]:
        recorder.take(snapshot)
    recorder.close()
    assert said[1:] == ["the recording of the day goes on"]
    seen = shown(RecordedDay(tmp_path / "2026-11-20.day"))
    assert seen[0] == moments[0]
    assert seen[-1] == moments[-1]
    assert all(snapshot in moments for snapshot in seen)


def test_days_are_pruned_by_when_they_were_written(tmp_path: Path) -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    for name, age in (("2026-10-01.day", 31), ("2026-10-02.day.1", 31), ("2026-11-01.day", 19), ("notes.txt", 99)):
        path = tmp_path / name
        path.touch()
        written = (now - timedelta(days=age)).timestamp()
        os.utime(path, (written, written))
    assert prune([tmp_path, tmp_path / "none"], 30, now) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-01.day", "notes.txt"]


def test_the_thread_records_until_it_is_stopped_and_keeping_no_days_records_none(tmp_path: Path) -> None:
    one, none = (
        Recording(lambda: moment(0), tmp_path / name, days, pytest.fail) for name, days in (("a", 1), ("b", 0))
    )
    for each in (one, none):
        each.start()
        each.stop()
    assert len(RecordedDay(tmp_path / "a" / "2026-11-20.day")) == 1
    assert not (tmp_path / "b").exists()


def test_a_defect_of_the_recording_is_told_and_stops_only_the_recording(tmp_path: Path) -> None:
    said: list[str] = []

    def defect() -> Snapshot:
        raise RuntimeError("a defect")

    broken = Recording(defect, tmp_path, 1, said.append)
    broken.start()
    broken.stop()
    assert said == ["the day is no longer recorded: an error of the recording itself; the log has it"]


def test_a_killed_console_leaves_a_day_that_opens(tmp_path: Path) -> None:
    """The process is killed without warning while it writes as fast as it can."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.core.recording.record_until_killed", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recording\n"
        process.kill()
    day = RecordedDay(tmp_path / "2026-11-20.day")
    assert len(day) >= 20
    assert day.at(len(day) - 1) == moment(len(day) - 1)
