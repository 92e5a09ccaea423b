"""Operator commands from another shell, with real processes: a simulated broker, a trader, and the command `senex`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.records.records import Records
from core.runtime.clock_file import noted_clock
from core.snapshot import Mode
from senex_tui.reports.status import read_status
from senex_tui.support.report import EXIT_CODES, Answer
from senex_tui.trader.place import Place
from senex_tui.trader.send_command import DONE, NO_ANSWER, NO_CONSOLE, REFUSED, send
from tests.support.forked_process import ForkedProcess
from tests.support.senex_command import Box

WITHIN_S = 60.0

pytestmark = pytest.mark.timeout(240)


@dataclass
class Shell:
    """A home with a data folder, its broker, and the traders started in it."""

    box: Box
    url: str
    traders: list[ForkedProcess] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.box.home / "data"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "SENEX_BROKER__URL": self.url,
            "TT_SECRET": "secret-ok",
            "TT_REFRESH": "refresh-ok",
            "SENEX_TRADING__STABILIZATION_SECONDS": "0.3",
        }

    def senex(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.box.run(*words, "--data-dir", str(self.data), **self.environ)

    @property
    def place(self) -> Place:
        return Place(Mode.DEMO, self.data / "demo" / "records.sqlite3", self.data / "HALT")

    def status(self) -> dict[str, Any]:
        """Returns what `senex status --json` prints, without starting a process."""
        return asyncio.run(read_status(self.place)).values

    def send(self, kind: CommandKind, **what: Any) -> Answer:
        """Does what `senex KIND` does, without starting a process."""
        return asyncio.run(send(self.place, kind, **what))

    def until(self, what: str, true: Any) -> dict[str, Any]:
        deadline = time.monotonic() + WITHIN_S
        while True:
            told = self.status()
            if true(told):
                return told
            assert time.monotonic() < deadline, (what, told)
            time.sleep(0.1)

    def trader(self, *, forcing: bool = False) -> ForkedProcess:
        process = ForkedProcess(
            [str(self.data), *(["force"] if forcing else [])],
            self.box.environment(**self.environ),
            self.box.home,
            module="tests.support.headless_console",
            stdout=subprocess.PIPE,
        )
        self.traders.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def stop(self, process: ForkedProcess) -> None:
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN_S)

    def ask_broker(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self.url + path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def shell(box: Box, simulator_url: str) -> Iterator[Shell]:
    opened = Shell(box, simulator_url)
    yield opened
    for process in opened.traders:
        process.kill()
        process.communicate(timeout=WITHIN_S)


def told_order(shell: Shell) -> str:
    order: str = shell.status()["accounts"][0]["entry"]["order"]
    return order


def entry_state(told: dict[str, Any]) -> str | None:
    entry = told["accounts"][0]["entry"] if told["accounts"] else None
    return None if entry is None else entry["state"]


def is_live(told: dict[str, Any]) -> bool:
    """The entry works, and the broker has reported it live; at first it reports the order in flight."""
    entry = told["accounts"][0]["entry"] if told["accounts"] else None
    return entry is not None and (entry["state"], entry["broker_status"]) == ("working", "Live")


def test_before_the_first_start_there_is_nothing_to_speak_to(box: Box) -> None:
    for command in (("status",), ("pause",)):
        done = box.run(*command)
        assert done.returncode == 2
        assert "no records yet" in done.stderr
        assert str(box.home / ".local/share/senex/HALT") in done.stderr
    for command, said in (("status", "there is no `senex demo` yet"), ("pause", "no `senex demo` is running")):
        no_demo = box.run(command, "--demo")
        assert (no_demo.returncode, said in no_demo.stderr) == (2, True), no_demo


def test_a_working_entry_is_shown_and_cancelled_from_another_shell(shell: Shell) -> None:
    shell.ask_broker("/simulator/fill-plan", {"plan": "never"})
    trader = shell.trader(forcing=True)
    told = shell.until("a working entry", is_live)
    assert told["trader"]["pid"] == trader.pid
    assert told["automation"]["state"] == "active"
    assert told["reconciled"] is not None
    assert told["unknown"] == []
    printed = json.loads(shell.senex("status", "--json").stdout)
    assert (printed["trader"], printed.keys()) == (told["trader"], told.keys())
    shown = shell.senex("status").stdout
    for text in ("mode        DEMO", f"process {trader.pid}", "automation  ON", "…0001", "0 of 6 filled (Live): QQQ"):
        assert text in shown
    assert "5WT00001" not in shown + json.dumps(told)

    paused = shell.senex("pause", "--why", "a phone call")
    assert (paused.returncode, paused.stdout) == (DONE, "pause: automation paused; no entries\n")
    told = shell.status()["automation"]
    assert (told["state"], told["why"], told["who"].endswith(" at a shell")) == ("paused", "a phone call", True)
    assert shell.senex("resume").returncode == DONE
    assert shell.status()["automation"]["state"] == "active"

    looked = shell.senex("reconcile")
    assert (looked.returncode, "reconciliation starts" in looked.stdout) == (DONE, True)

    cancelled = shell.senex("cancel")
    assert cancelled.returncode == DONE, cancelled.stderr
    assert "works until the broker confirms" in cancelled.stdout
    shell.until("the cancelled entry", lambda told: entry_state(told) == "cancelled")
    order = told_order(shell)
    allowed = shell.senex("allow-reentry", order)
    assert (allowed.returncode, "re-entry allowed" in allowed.stdout) == (DONE, True), allowed.stderr
    again = shell.senex("cancel")
    assert (again.returncode, "there is no working entry" in again.stderr) == (REFUSED, True)
    other = shell.senex("cancel", "nosuch")
    assert (other.returncode, "'nosuch'" in other.stderr) == (REFUSED, True), other.stderr
    none = shell.send(CommandKind.ATTEST, note="absent")
    assert (none.exit_code, "there is no unknown entry" in none.text) == (REFUSED, True)
    _a_stopped_trader_is_not_overtaken(shell, trader)


def _a_stopped_trader_is_not_overtaken(shell: Shell, trader: ForkedProcess) -> None:
    while True:
        os.kill(trader.pid, signal.SIGSTOP)
        try:
            answer = shell.send(CommandKind.PAUSE, wait_s=0.5)
        finally:
            os.kill(trader.pid, signal.SIGCONT)
        if "database is locked" not in answer.text:
            break
        # It was stopped in the middle of a write, and kept the records from everyone: it is to be stopped again.
        shell.until("the pause", lambda told: told["automation"]["state"] == "paused")
        assert shell.senex("resume").returncode == DONE
    assert answer.exit_code == NO_ANSWER
    assert "not answered within 0.5 s" in answer.text
    file = shell.place.stops_folder / f"{answer.command}.json"
    assert f"no entry is made while the file {file} is there" in answer.text
    shell.until("the pause", lambda told: told["automation"]["state"] == "paused")
    shell.until("the end of the file", lambda told: told["not_recorded"] is None)
    assert not file.exists()
    assert trader.poll() is None


def test_an_unknown_entry_is_told_with_its_way_out_and_attested(shell: Shell) -> None:
    lost = {"method": "POST", "path": "/accounts/5WT00001/orders"}
    shell.ask_broker("/simulator/faults", {"kind": "rest-drop-request", "count": 1, "match": lost})
    shell.trader(forcing=True)
    told = shell.until("an unknown entry", lambda told: bool(told["unknown"]))
    [unknown] = told["unknown"]
    assert unknown["state"] == "unknown"
    assert unknown["identifier"].startswith("senex-")
    shown = shell.senex("status").stdout
    for text in (
        "UNKNOWN     …0001",
        unknown["identifier"],
        "way out",
        f"`senex attest absent {unknown['id'][:8]} --data-dir {shell.data}`",
        "due in",
    ):
        assert text in shown

    assert shell.send(CommandKind.ATTEST, note="999999").exit_code == REFUSED
    assert shell.status()["unknown"][0]["state"] == "unknown"
    assert "attested order 999999" in shell.status()["unknown"][0]["known"]

    closed = shell.senex("attest", "absent", unknown["id"][:8])
    assert closed.returncode == DONE, closed.stderr
    told = shell.status()
    assert (told["unknown"], entry_state(told)) == ([], "absent")
    assert told["accounts"][0]["entry"]["holds_day"]


def test_a_cycle_is_forced_from_another_shell_and_followed_to_its_told_end(shell: Shell) -> None:
    """The exit code is that of the order's fate, not that of the acknowledgement (rules 4.4)."""
    shell.ask_broker("/simulator/fill-plan", {"plan": "reject"})
    shell.trader()
    nobody = shell.senex("force", "--account", "9999")
    assert (nobody.returncode, "names no known account" in nobody.stderr) == (REFUSED, True)
    rejected = shell.senex("force", "--account", "0001", "--wait", "40")
    assert rejected.returncode == EXIT_CODES["failed"], rejected
    assert rejected.stderr.startswith("cycle 1: REJECTED: ")
    shell.ask_broker("/simulator/fill-plan", {"plan": "immediate"})
    filled = shell.senex("force", "--wait", "40")
    assert (filled.returncode, filled.stdout.startswith("cycle 2: FILLED ")) == (DONE, True), filled
    again = shell.senex("force")
    assert (again.returncode, again.stdout) == (DONE, "force: cycle 3 starts now\n"), again


def test_a_preview_comes_from_the_running_console_and_without_one_from_the_broker(shell: Shell) -> None:
    trader = shell.trader()
    printed = shell.senex("preview", "--json")
    [preview] = json.loads(printed.stdout)["previews"]
    assert (printed.returncode, preview["account"], preview["would_send"]) == (DONE, "…0001", True), preview
    assert all(leg["bid"] and leg["ask"] for one in preview["underlyings"] for leg in one["legs"])
    assert "5WT00001" not in printed.stdout
    nobody = shell.senex("preview", "--account", "9999")
    assert (nobody.returncode, "names no known account" in nobody.stderr) == (REFUSED, True), nobody

    shell.stop(trader)
    shell.send(CommandKind.PAUSE)
    shown = shell.senex("preview", "--account", "0001")
    assert (shown.returncode, shown.stderr) == (0, ""), shown
    paused = "! guard    automation is paused"
    for text in ("…0001: a cycle would send nothing now", paused, "QQQ passes", "break-evens"):
        assert text in shown.stdout
    assert all(len(line) <= 100 for line in shown.stdout.splitlines())
    assert shell.status()["accounts"][0]["entry"] is None
    assert shell.status()["slots"]["outcomes"].get("succeeded") is None


def test_without_a_console_only_what_is_safe_is_done(shell: Shell) -> None:
    shell.stop(shell.trader())
    told = shell.status()
    assert told["trader"] is None
    done = shell.senex("cancel")
    assert (done.returncode, "no console is running" in done.stderr) == (NO_CONSOLE, True)
    for kind in (CommandKind.RECONCILE, CommandKind.ATTEST, CommandKind.RESUME, CommandKind.FORCE):
        assert shell.send(kind, note="absent").exit_code == NO_CONSOLE

    assert shell.send(CommandKind.PAUSE, note="holiday").exit_code == DONE
    told = shell.status()["automation"]
    assert (told["state"], told["why"]) == ("paused", "holiday")
    halted = shell.senex("halt", "--why", "margin call")
    assert (halted.returncode, "starts halted" in halted.stdout) == (DONE, True)
    refused = shell.send(CommandKind.PAUSE)
    assert (refused.exit_code, "entries are halted" in refused.text) == (REFUSED, True)
    shown = shell.senex("status").stdout
    for text in (
        "none is running: no cycle will run",
        "HALTED, by",
        f"margin call; `senex reset halt --data-dir {shell.data}` ends it",
    ):
        assert text in shown
    _login_breaker_opens_ends_and_is_gone(shell)
    stranger = shell.send(CommandKind.ALLOW_REENTRY, target="4471")
    assert (stranger.exit_code, "there is no entry of today '4471'" in stranger.text) == (REFUSED, True)
    unknown = shell.send(CommandKind.RESET, target="login")
    assert (unknown.exit_code, "there is no " in unknown.text) == (REFUSED, True)
    _what_is_held_is_attested_without_a_console(shell)

    trader = shell.trader()
    assert shell.status()["automation"]["state"] == "halted"
    assert shell.send(CommandKind.RESUME).exit_code == REFUSED
    assert shell.senex("reset", "halt").returncode == DONE
    assert shell.status()["automation"]["state"] == "paused"
    assert trader.poll() is None, "a command must never fence a running trader off"


def _what_is_held_is_attested_without_a_console(shell: Shell) -> None:
    gone = shell.senex("attest", "gone", "abcdefgh", "put-1", "-7300")
    assert (gone.returncode, "there is no trident 'abcdefgh'" in gone.stderr) == (REFUSED, True), gone
    words = shell.senex("attest", "foreign", "QQQ", "-2")
    assert (words.returncode, "'QQQ' was given" in words.stderr) == (REFUSED, True), words
    foreign = shell.send(CommandKind.ATTEST, note="foreign QQQ251219P00622000 -2")
    assert (foreign.exit_code, "is not known yet" in foreign.text) == (REFUSED, True), foreign
    several = shell.senex("attest", "4471", "abcdefgh", "ijklmnop")
    assert (several.returncode, "one ID follows '4471'" in several.stderr) == (2, True), several


def test_a_stop_that_cannot_be_recorded_is_kept_in_a_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a console and without one; the console obeys it at once and records it when it can."""
    monkeypatch.setattr("core.records.store.database.BUSY_TIMEOUT_MS", 200)
    shell.stop(shell.trader())
    with closing(sqlite3.connect(shell.place.records_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        kept = shell.send(CommandKind.PAUSE, note="lunch")
        assert (kept.exit_code, kept.text.startswith("entries are stopped by ")) == (DONE, True), kept
        assert "the records could not be written" in kept.text
        told = shell.status()
        assert (told["automation"]["state"], "pause by " in told["not_recorded"]) == ("active", True)
        shown = shell.senex("status").stdout
        assert "stops entries: pause by " in shown
        other.execute("ROLLBACK")
    shell.trader()
    told = shell.until("the pause", lambda told: told["not_recorded"] is None)
    assert (told["automation"]["state"], told["automation"]["why"]) == ("paused", "lunch")

    assert shell.send(CommandKind.RESUME).exit_code == DONE
    with closing(sqlite3.connect(shell.place.records_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        kept = shell.send(CommandKind.HALT, note="margin call")
        assert (kept.exit_code, "the console records it when that is possible" in kept.text) == (DONE, True), kept
        other.execute("ROLLBACK")
    told = shell.until("the halt", lambda told: told["not_recorded"] is None)
    assert (told["automation"]["state"], told["automation"]["why"]) == ("halted", "margin call")


def _login_breaker_opens_ends_and_is_gone(shell: Shell) -> None:
    """An engine whose login was refused twice does not start, so no running console could execute the reset."""
    asyncio.run(_refuse_login(shell.place))
    [breaker] = shell.status()["breakers"]
    assert (breaker["code"], "`senex reset login`" in breaker["reset"]) == ("login", True)
    barred = shell.senex("once")
    assert (barred.returncode, "is not tried again" in barred.stderr) == (2, True)
    done = shell.senex("reset", "login", "--why", "new token")
    assert (done.returncode, "tries the login once more" in done.stdout) == (DONE, True)
    assert shell.status()["breakers"] == []


async def _refuse_login(place: Place) -> None:
    """Records what two refused logins leave behind."""
    records = await Records.open(place.url)
    try:
        at = noted_clock(place.records_file.parent).now()
        await records.breakers.open(BreakerKind.LOGIN, "primary", "the broker refused login primary 2 times", at)
    finally:
        await records.close()
