"""`senex logs` shows the log to a person."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from httpx2 import RemoteProtocolError

from core.broker.tastytrade.faults import transport_words
from core.domain.operation.events import Event
from core.notify.event_log import log_event
from core.runtime.clock import EXCHANGE_ZONE, SystemClock, exchange_time
from core.runtime.redaction import Redactor
from senex_tui.reports.log_lines import Wanted, follow, newest
from senex_tui.support.logs import FILE_NAME, set_up_logging
from senex_tui.support.when import moment_named
from tests.support.senex_command import SENEX, Box

AT = "2026-03-02T14:45:00.000+00:00"


def written(text: str, level: str = "info", **fields: Any) -> str:
    return json.dumps({"at": AT, "level": level, "logger": "senex.engine", "event": text, **fields}) + "\n"


def test_lines_are_readable_over_rotated_files_and_filtered(box: Box) -> None:
    logs = box.home / "d" / "logs"
    box.write(logs / f"{FILE_NAME}.1", written("older", cycle=3) + "a line of an earlier version\n")
    box.write(
        logs / FILE_NAME,
        written("cycle 09:45 started", cycle=4, account="…0001", kind="cycle.started")
        + written("quotes \x1b[31mred", "warning", cycle=4, figures={"age": "31", "all": f"[{'1, ' * 400}1]"})
        + written("failed", "error", error_type="ValueError", error="no", traceback="Traceback\n  File\n"),
    )

    def shown(wanted: Wanted, count: int = 50) -> list[str]:
        return "\n".join(newest(logs, wanted, count)).splitlines()

    everything = shown(Wanted())
    assert everything == [
        "2026-03-02 09:45:00 ET  INFO      older  cycle=3",
        "a line of an earlier version",
        "2026-03-02 09:45:00 ET  INFO      cycle 09:45 started  cycle=4  account=…0001",
        "2026-03-02 09:45:00 ET  WARNING   quotes  [31mred  cycle=4  "
        "figures=age 31, all (1203 characters, in the file)",
        "2026-03-02 09:45:00 ET  ERROR     failed  error=ValueError: no",
        "    Traceback",
        "      File",
    ]
    assert shown(Wanted(cycle=4)) == everything[2:4]
    assert shown(Wanted("warning")) == everything[3:]
    assert shown(Wanted("info", 4), 1) == everything[3:4]
    assert shown(Wanted(), 0) == []

    done = box.run("logs", "--data-dir", str(box.home / "d"), "-n", "1", "--level", "WARN", "--cycle", "4")
    assert (done.returncode, done.stdout, done.stderr) == (0, everything[3] + "\n", "")


@pytest.mark.usefixtures("logging_as_before")
def test_the_log_reads_like_every_text_and_its_file_keeps_the_figures_exact(box: Box) -> None:
    """One format of amounts and scores, ET, nothing that is not known, and no class of an exception in a sentence."""
    folder = box.home / "d" / "logs"
    set_up_logging(folder, Redactor())
    figures = (
        *(("score", Decimal("82.5565277500")), ("natural_credit", Decimal("6.9250")), ("max_risk", Decimal("326.5"))),
        *(("close", datetime(2026, 3, 2, 21, tzinfo=UTC)), ("order_id", None), ("root", "SPXW"), ("strangers", 2)),
    )
    log_event(Event(datetime(2026, 3, 2, 15, tzinfo=UTC), "step.judgement", "SPX: judged", figures=figures))
    assert transport_words(RemoteProtocolError("Server disconnected")) == "the connection broke before an answer"
    older = written("older", figures={"close": "2026-03-02 21:00:00+00:00", "order_id": "None", "floored": "True"})
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(older)
    told, broke, of_earlier = newest(folder, Wanted(), None)
    assert told.endswith(
        "SPX: judged  figures=score 82.5, natural_credit 6.925, max_risk 326.50, close 16:00 ET, root SPXW, strangers 2"
    )
    sentence, error = broke.split("  ")[-2:]
    assert sentence == "on the way to the broker: the connection broke before an answer"
    assert error == "error=RemoteProtocolError: Server disconnected"
    assert of_earlier.endswith("older  figures=close 16:00 ET, floored yes")
    first = json.loads((folder / FILE_NAME).read_text(encoding="utf-8").splitlines()[0])
    assert first["figures"]["score"] == "82.5565277500"
    assert "order_id" not in first["figures"]


def test_lines_since_a_moment_and_with_a_text(box: Box) -> None:
    logs = box.home / "d" / "logs"
    late = json.dumps({"at": "2026-03-02T15:00:00.000+00:00", "level": "info", "event": "pause [10:00] by ana"}) + "\n"
    failed = written("failed", "error", error_type="ValueError", error="no", traceback="Traceback\n  Deep.py\n")
    box.write(logs / FILE_NAME, written("first") + failed + "a Pause of an earlier version\n" + late)

    def shown(wanted: Wanted, count: int | None = None) -> list[str]:
        return [line.splitlines()[0].split("  ")[-1] for line in newest(logs, wanted, count)]

    assert shown(Wanted()) == ["first", "error=ValueError: no", "a Pause of an earlier version", "pause [10:00] by ana"]
    assert shown(Wanted(since=datetime(2026, 3, 2, 15, tzinfo=UTC))) == ["pause [10:00] by ana"]
    assert shown(Wanted(since=datetime(2026, 3, 2, 15, 0, 1, tzinfo=UTC))) == []
    assert shown(Wanted(text="PAUSE")) == ["a Pause of an earlier version", "pause [10:00] by ana"]
    assert shown(Wanted(text="deep.py")) == ["error=ValueError: no"], "the traceback is part of the line"
    assert shown(Wanted(text="[10:00]")) == ["pause [10:00] by ana"], "no character is special"
    assert shown(Wanted(text="10.00")) == []

    where = ("--data-dir", str(box.home / "d"))
    done = box.run("logs", *where, "--since", "2026-03-02T10:00", "--grep", "Pause")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "2026-03-02 10:00:00 ET  INFO      pause [10:00] by ana\n",
        "",
    )


def test_since_lifts_the_limit_of_fifty_lines(box: Box) -> None:
    box.write(box.home / "d" / "logs" / FILE_NAME, "".join(written(f"line {number}") for number in range(60)))
    where = ("--data-dir", str(box.home / "d"))
    assert len(box.run("logs", *where).stdout.splitlines()) == 50
    assert len(box.run("logs", *where, "--since", "2026-03-02").stdout.splitlines()) == 60
    assert len(box.run("logs", *where, "--since", "2026-03-02", "-n", "5").stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("15m", "2026-03-02 10:05"),
        ("2H", "2026-03-02 08:20"),
        ("1d", "2026-03-01 10:20"),
        ("10:15", "2026-03-02 10:15"),
        ("2026-03-01", "2026-03-01 00:00"),
        ("2026-03-01T15:30+00:00", "2026-03-01 10:30"),
    ],
)
def test_a_moment_is_exchange_time_unless_it_has_a_zone(text: str, meant: str) -> None:
    now = datetime(2026, 3, 2, 10, 20, tzinfo=EXCHANGE_ZONE)
    assert f"{exchange_time(moment_named(text, now)):%Y-%m-%d %H:%M}" == meant


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--since", "noon"), "'noon' is no time; write it like 15m, 2h, 10:30, 2026-03-02"),
        (("--since", "999999d"), "'999999d' is no time"),
        (("--level", "loud"), "'loud' is not a level; use one of debug, info, warning, error, critical"),
        (("--cycle", "0"), "'--cycle'"),
        ((), "there is no log yet in"),
    ],
)
def test_options_that_cannot_be_used_are_refused_with_the_reason(
    box: Box, options: tuple[str, ...], words: str
) -> None:
    done = box.run("logs", "--data-dir", str(box.home / "d"), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


async def test_following_goes_on_across_two_rotations_between_two_looks(tmp_path: Path) -> None:
    log = tmp_path / FILE_NAME
    log.write_text(written("one") + written("two"))
    told: list[str] = []

    async def read() -> None:
        async for line in follow(tmp_path, Wanted(), SystemClock(), 1):
            told.append(line.rpartition("  ")[2])

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while len(told) < count:  # noqa: ASYNC110 - nothing tells when a line was shown
                await asyncio.sleep(0.01)

    reading = asyncio.create_task(read())
    try:
        await until(1)
        with log.open("a") as opened:
            opened.write(written("three")[:20])
            opened.flush()
            await asyncio.sleep(0)
            opened.write(written("three")[20:] + written("four"))
        log.rename(tmp_path / f"{FILE_NAME}.2")
        (tmp_path / f"{FILE_NAME}.1").write_text(written("five"))
        log.write_text(written("six"))
        await until(5)
    finally:
        reading.cancel()
        await asyncio.wait({reading})
    assert told == ["two", "three", "four", "five", "six"]


async def test_following_waits_for_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    lines = follow(tmp_path, Wanted(level="warning"), SystemClock(), 10)
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    (tmp_path / FILE_NAME).write_text(written("quiet") + written("loud", "error"))
    assert (await asyncio.wait_for(first, 10)).endswith("loud")


def test_ctrl_c_ends_following_quietly(box: Box) -> None:
    box.write(box.home / "d" / "logs" / FILE_NAME, written("one"))
    with subprocess.Popen(
        [SENEX, "logs", "-f", "--data-dir", str(box.home / "d")],
        env=box.environment(PYTHONUNBUFFERED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests run in the background of a shell have inherited that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("one\n")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 130


def test_newest_needs_no_whole_line_at_the_end(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(written("one").rstrip("\n"))
    assert len(newest(tmp_path, Wanted(), 5)) == 1
