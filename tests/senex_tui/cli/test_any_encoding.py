"""In any encoding, and with an output that takes nothing, each command does what it does in UTF-8."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from core.broker.port import BrokerAccount
from core.domain.operation.commands import Command, CommandKind
from core.records.records import Records
from core.snapshot import Mode
from tests.support.forked_process import ForkedProcess, run
from tests.support.record_samples import AT
from tests.support.senex_command import SENEX, Box, running_simulator

ENCODINGS = ("latin-1", "ascii", "cp1252")
READS = (
    ("status",), ("status", "--json"), ("day",), ("day", "--json"), ("report",), ("report", "--csv"), ("mail",),
    ("accounts",), ("accounts", "changes"), ("history", "--kind", "commands"),
    ("history", "--kind", "commands", "--json"), ("check",),
)  # fmt: skip
STEERING = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x1b]8;;http://x\x1b\\ \u202e株 Müller"
"""The clipboard, a cleared screen, a colour by one C1 character, a link, reversed text: and a name."""


@pytest.fixture
def recorded(box: Box) -> Box:
    """Records that hold such words wherever the broker or an operator may put them."""
    (box.home / "data" / Mode.DRY_RUN.value).mkdir(parents=True)

    async def left_behind() -> None:
        file = box.home / "data" / Mode.DRY_RUN.value / "records.sqlite3"
        records = await Records.open(f"sqlite+aiosqlite:///{file}")
        found = BrokerAccount("5WT00001", f"Main {STEERING}", "Margin", False)
        await records.accounts.discover("primary", [found], enable_new=False, at=AT)
        await records.logins.note("primary", is_valid=False, detail=f"revoked {STEERING}", at=AT)
        await records.trading.pause(f"ana {STEERING}", f"why {STEERING}", AT)
        await records.inbox.post(Command("c1", CommandKind.PAUSE, f"ana {STEERING}", AT, note=f"why {STEERING}"))
        await records.close()

    asyncio.run(left_behind())
    return box


def ran(box: Box, words: tuple[str, ...], **environ: str) -> tuple[int, bytes, bytes]:
    """The exit code, standard output and standard error of `senex`."""
    files = [box.home / "out", box.home / "err"]
    out, err = (os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for file in files)
    try:
        with ForkedProcess(
            ["--data-dir", str(box.home / "data"), *words], box.environment(**environ), box.home, stdout=out, stderr=err
        ) as process:
            code = process.wait(60)
    finally:
        os.close(out)
        os.close(err)
    return code, *(file.read_bytes() for file in files)  # type: ignore[return-value]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_a_read_is_the_same_in_every_encoding_and_steers_no_terminal(recorded: Box, words: tuple[str, ...]) -> None:
    code, out, err = ran(recorded, words)
    assert err == b""
    assert out
    for encoding in ENCODINGS:
        there = ran(recorded, words, PYTHONIOENCODING=f"{encoding}:strict")
        assert (there[0], there[2]) == (code, b"")
        assert len(there[1].decode(encoding)) == len(out.decode())
        assert all(c.isprintable() or c in "\n\t" for c in there[1].decode(encoding))
    assert all(c.isprintable() or c in "\n\t" for c in out.decode())
    if "--json" in words:
        json.loads(out)
        assert out.isascii()


def test_an_output_that_takes_nothing_is_said_and_the_exit_code_tells_it(recorded: Box) -> None:
    with open("/dev/full", "w") as full:
        told = subprocess.run(
            [SENEX, "--data-dir", str(recorded.home / "data"), "status"],
            env=recorded.environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (told.returncode, told.stderr) == (1, "senex: the output could not be written (No space left on device)\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error_and_no_file_takes_its_place(recorded: Box, closed: str) -> None:
    records = recorded.home / "data" / Mode.DRY_RUN.value / "records.sqlite3"
    told = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {closed}', SENEX, "--data-dir", str(recorded.home / "data"), "accounts"],
        env=recorded.environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (told.returncode, told.stderr) == (0, "")
    assert records.read_bytes().startswith(b"SQLite format 3")


@pytest.fixture
def trading(box: Box) -> Iterator[dict[str, str]]:
    """The environment of a trader at a simulated broker."""
    with running_simulator(box) as port:
        yield box.environment(
            SENEX_BROKER__URL=f"http://127.0.0.1:{port}", TT_SECRET="secret-ok", TT_REFRESH="refresh-ok",
            SENEX_TRADING__STABILIZATION_SECONDS="0.3",
        )  # fmt: skip


@pytest.mark.parametrize("output", ["latin-1", "full", "closed"])
def test_once_ends_with_the_code_of_its_cycle(box: Box, trading: dict[str, str], output: str) -> None:
    """The order is sent whatever becomes of the report."""
    if output == "latin-1":
        done = run(["once", "--wait", "0"], trading | {"PYTHONIOENCODING": "latin-1:strict"}, box.home, 80)
        assert done.returncode == 0, done.stderr
        assert "account ~0001" in done.stdout
        return
    to = ">/dev/full" if output == "full" else ">&-"
    told = subprocess.run(
        ["sh", "-c", f'exec "$0" once --wait 0 {to}', SENEX],
        env=trading, cwd=box.home, capture_output=True, text=True, timeout=80, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert ("could not be written" in told.stderr) == (output == "full")


def test_plain_goes_on_in_latin_1(box: Box, trading: dict[str, str]) -> None:
    with ForkedProcess(
        ["--plain"], trading | {"PYTHONIOENCODING": "latin-1:strict"}, box.home, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")
            assert any("broker ok" in line for line in lines)
            process.send_signal(signal.SIGTERM)
            assert any("engine stopped" in line or "ending in order" in line for line in lines)
            assert process.wait(30) == 0
        finally:
            process.kill()
