"""Rules 13.7: every failure carries secrets, and none of them reaches an output, log, database or report."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest

from core.runtime.clock import ShiftedClock
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import Login, SimulatorSettings
from tests.e2e import secrets_in_use
from tests.e2e.stalled_terminal import StallingTerminal
from tests.support.forked_process import run
from tests.support.senex_command import Box

ROOT = Path(__file__).parents[2]
TEN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MARKER = "secrets-follow"


@pytest.fixture
def url() -> Iterator[str]:
    """A simulated broker on a thread, with the login and the account of these tests."""
    login = Login(secrets_in_use.CLIENT_SECRET, secrets_in_use.REFRESH, "main")
    account = AccountSetup(number=secrets_in_use.ACCOUNT, nickname="Demo", login="main", cash=Decimal(25000))
    ready, ports = threading.Event(), list[int]()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        simulator = Simulator(
            SimulatorSettings(start=TEN, logins=(login,), accounts=(account,)), ShiftedClock(TEN, 1.0)
        )
        ports.append(await simulator.start())
        ready.set()
        try:
            await ended.wait()
        finally:
            await simulator.stop()

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    yield f"http://127.0.0.1:{ports[0]}"
    loop.call_soon_threadsafe(ended.set)
    thread.join(30)
    loop.close()


class FailingSenex:
    """Runs the failing `senex` in one home and keeps everything it printed."""

    def __init__(self, box: Box, url: str) -> None:
        self.data = box.home / "data"
        self.tokens = box.home.parent / f"{box.home.name}-tokens"
        self.said: dict[str, str] = {}
        self.box = box
        self.environ = box.environment(
            PYTHONPATH=os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"])),
            FAILING_TOKENS=str(self.tokens),
            SENEX_BROKER__URL=url,
            SENEX_TRADING__STABILIZATION_SECONDS="0.3",
            SENEX_NOTIFY__URLS=secrets_in_use.PHONE,
            TT_SECRET=secrets_in_use.CLIENT_SECRET,
            TT_REFRESH=secrets_in_use.REFRESH,
        )
        self.command = [sys.executable, "-m", "tests.e2e.failing_senex", "--data-dir", str(self.data)]

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        folder = ("--data-dir", str(self.data))
        done = run([*folder, *words], self.environ | environ, self.box.home, 120, module="tests.e2e.failing_senex")
        self.said[words[0]] = done.stdout + done.stderr
        return done

    def console(self) -> tuple[str, str]:
        """Runs the console until a key crashes it; returns everything painted, and the command line."""
        environ = self.environ | {"FAILING_CONSOLE": "1"}
        terminal = StallingTerminal(self.command, environ, self.box.home)
        try:
            terminal.read_until(MARKER)  # shown on the screen, as a line that the engine notes
            process = Path(f"/proc/{terminal.process.pid}/cmdline").read_bytes().decode()
            terminal.press("x")
            terminal.read_until("the report is ")
            assert terminal.wait() == 1
            return terminal.shown.decode(errors="replace"), process
        finally:
            terminal.close()

    def secrets(self) -> list[str]:
        """Every secret and every token the broker issued, as plain text and as JSON or an address spells it."""
        tokens = self.tokens.read_text().split()
        assert len(set(tokens)) >= 3, "access tokens and a quote token"
        values = [
            secrets_in_use.CLIENT_SECRET,
            secrets_in_use.REFRESH,
            secrets_in_use.SMTP_PASSWORD,
            *sorted(set(tokens)),
        ]
        values += [secrets_in_use.DATABASE_PASSWORD, secrets_in_use.REDIS_PASSWORD, secrets_in_use.PHONE_KEY]
        return sorted({spelled for v in values for spelled in (v, quote(v, safe=""), json.dumps(v)[1:-1])})


@pytest.mark.timeout(240)
def test_no_secret_leaves_by_any_way(box: Box, url: str) -> None:
    senex = FailingSenex(box, url)
    painted, command_line = senex.console()
    commands = (
        "once --json --wait 1 + check + status + notify + doctor + accounts + logs -n 500 + backup + history --csv + "
        "explain last + report --json + day + once"
    )
    done = senex.run(*commands.replace("+", f"+ --data-dir {senex.data}").split(), FAILING_START="1")
    once, looked = done.stdout.partition("\n")[::2]
    assert json.loads(once)["reason"] == "internal", done.stderr
    assert done.returncode == 1
    assert done.stderr.startswith("senex: it was stopped by a defect (RuntimeError); the report is ")

    # The secrets were really put everywhere; otherwise finding none would prove nothing.
    log = "".join(path.read_text() for path in (senex.data / "logs").iterdir())
    told = [json.loads(line) for line in log.splitlines()]
    assert {"tastytrade", "core.failing", "py.warnings", "senex", "asyncio", "senex.engine"} <= {
        line["logger"] for line in told if MARKER in json.dumps(line)
    }
    assert any(MARKER in line.get("traceback", "") for line in told)
    assert "…8765" in log
    reports = sorted((senex.data / "state" / "crashes").iterdir())
    assert [MARKER in report.read_text() for report in reports] == [True, True]
    assert str(reports[0]) in painted.replace("\r", "").replace("\n", "")
    records = senex.data / "demo" / "records.sqlite3"
    with sqlite3.connect(f"file:{records}?mode=ro", uri=True) as opened:
        assert opened.execute("SELECT count(*) FROM events WHERE text LIKE ?", (f"%{MARKER}%",)).fetchone()[0] >= 1
        assert (
            opened.execute("SELECT count(*) FROM accounts WHERE number = ?", (secrets_in_use.ACCOUNT,)).fetchone()[0]
            == 1
        )
    assert MARKER not in once, "the text of a defect is for the log and the report"
    assert all(word in looked for word in (MARKER, "trading.width", "automation", "read back and whole"))
    assert len(list((senex.data / "backups").iterdir())) == 1

    outputs = senex.said | {"the screen": painted, "the process list": command_line}
    files = {str(path): path.read_bytes() for path in box.home.rglob("*") if path.is_file()}
    assert any(name.endswith("senex.log") for name in files)
    assert any(name.endswith("records.sqlite3") for name in files)
    for secret in senex.secrets():
        assert [name for name, text in outputs.items() if secret in text] == []
        assert [name for name, content in files.items() if secret.encode() in content] == []
    account = secrets_in_use.ACCOUNT
    assert [name for name, text in outputs.items() if account in text] == []
    assert {Path(name).suffix for name, content in files.items() if account.encode() in content} <= {
        ".sqlite3", ".sqlite3-wal"
    }  # fmt: skip
