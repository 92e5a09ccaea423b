"""The start script and the systemd unit of docs/units: tmux sees no secret, and the exit code is passed on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.runtime.ids import RandomIds
from tests.support.senex_command import Box

UNITS = Path(__file__).parents[2] / "docs" / "units"
WITHIN_S = 20.0
SECRETS = {
    "TT_SECRET": "unseen-client-secret",
    "TT_REFRESH": "unseen-refresh",
    "TT_SECRET_ROTH": "unseen-second-secret",
    "TT_REFRESH_ROTH": "unseen-second-refresh",
    "SENEX_MAIL_PASSWORD": "unseen-mail-password",
    "PGPASSWORD": "unseen-database-password",
    "FOO_KEY": "unseen-key-of-something-else",
    "LESSOPEN": "unseen-whatever-it-is",
    "XDG_ACTIVATION_TOKEN": "unseen-activation",
    "HTTPS_PROXY": "http://me:unseen-proxy@proxy.example.com",
}
SETTINGS = {
    "SENEX_PING__URL": "https://ping.example.com/unseen-key",
    "SENEX_DATABASE__URL": "postgresql+asyncpg://me:unseen-database@host/x",
    "SENEX_REDIS__URL": "rediss://unseen-token@host",
    "SENEX_Redis__Url": "rediss://unseen-token@host",
    "SENEX_MAIL__ORDERS_URL": "https://me:unseen@host",
    "SENEX_MAIL__USER": "https://me:unseen@host",
    "SENEX_BROKER__URL": "http://me:unseen@127.0.0.1:8700",
}
"""Settings that may hold a secret. Without them the console would be another one, with other records."""
CONSOLE = """#!/bin/sh
env > "$HOME/seen"
trap 'echo ended in order > "$HOME/end"; exit 0' TERM HUP
echo ready > "$HOME/ready"
[ "$1" = refuse ] && exit 2
while :; do sleep 0.05; done
"""


class Served:
    """Runs `senex-tmux.sh` with a stand-in for the console that writes down what it sees."""

    def __init__(self, box: Box) -> None:
        self.home = box.home
        self.name = f"senex-test-{RandomIds().new()[:8]}"
        console = box.write(box.home / "console", CONSOLE, 0o700)
        self.environ = box.environment(SENEX=str(console), CONSOLE=self.name)
        self.started: list[subprocess.Popen[str]] = []

    def script(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(UNITS / "senex-tmux.sh"), *words],
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self.name, *words], env=self.environ, capture_output=True, text=True, timeout=WITHIN_S
        ).stdout

    def known_to_tmux(self) -> str:
        """What tmux shows of its environment, and what the system shows of its processes."""
        server = int(self.tmux("display-message", "-p", "-t", f"={self.name}:", "#{pid}"))
        pane = int(self.tmux("list-panes", "-a", "-F", "#{pane_pid}"))
        told = self.tmux("show-environment", "-g") + self.tmux("show-environment", "-t", f"={self.name}")
        for process in (server, pane):
            for name in ("environ", "cmdline"):
                told += Path(f"/proc/{process}/{name}").read_bytes().decode()
        return told

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def served(box: Box) -> Iterator[Served]:
    made = Served(box)
    yield made
    made.tmux("kill-server")
    for process in made.started:
        process.kill()
        process.communicate()


def test_no_secret_reaches_tmux_and_a_stop_is_orderly(box: Box, served: Served) -> None:
    own = "".join(f"{name}={value}\n" for name, value in SETTINGS.items())
    written = f"# for the mail\n{own}SENEX_MAIL_PASSWORD=unseen = behind\n"
    box.write(box.home / ".config" / "senex" / "environment", written)
    kept = {"SENEX_TRADING__LIVE": "false", "TZ": "UTC", "XDG_RUNTIME_DIR": "/nowhere", "NO_COLOR": "1"}
    serving = served.script("serve", "--data-dir", "there", **(SECRETS | SETTINGS | kept))
    served.until((box.home / "ready").exists)

    told = served.known_to_tmux()
    assert "CONSOLE=" in told, "this is how it would show"
    assert "unseen" not in told
    seen = (box.home / "seen").read_text().splitlines()
    assert "SENEX_MAIL_PASSWORD=unseen = behind" in seen
    assert {f"{name}={value}" for name, value in (SETTINGS | kept).items()} <= set(seen)
    assert not any(line.startswith(("TT_", "PG", "FOO_", "LESS", "XDG_ACT")) for line in seen)

    second = served.script("serve")
    assert second.wait(WITHIN_S) == 2
    stopping = served.script("stop", **SETTINGS)
    assert stopping.wait(WITHIN_S) == 0
    assert serving.wait(WITHIN_S) == 0
    assert (box.home / "end").read_text() == "ended in order\n"
    assert serving.stderr is not None
    said = serving.stderr.read()
    for name in ("TT_SECRET", "TT_REFRESH", "TT_SECRET_ROTH", "TT_REFRESH_ROTH", "SENEX_MAIL_PASSWORD", "PGPASSWORD"):
        assert f"{name} is not handed on to tmux" in said
    assert said.count("\n") == 6, "nothing is said of what is not ours, nor of what the file has"
    assert "unseen" not in said


def test_no_variable_that_is_not_named_reaches_tmux(served: Served, box: Box) -> None:
    served.script("serve", **SECRETS)
    served.until((box.home / "ready").exists)
    assert "unseen" not in served.known_to_tmux()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_would_be_lost_is_a_refusal(box: Box, served: Served, name: str) -> None:
    refused = served.script("serve", **{name: SETTINGS[name]})
    assert refused.wait(WITHIN_S) == 2
    assert refused.stderr is not None
    said = refused.stderr.read()
    assert f"{name} may hold a password and is not handed on to tmux; write it into {box.home}/.config/senex/" in said
    assert "unseen" not in said
    assert not (box.home / "ready").exists()


def test_the_file_may_begin_with_a_byte_order_mark(box: Box, served: Served) -> None:
    box.write(box.home / ".config" / "senex" / "environment", "\ufeffSENEX_MAIL_PASSWORD=unseen\n")
    served.script("serve")
    served.until((box.home / "ready").exists)
    assert "SENEX_MAIL_PASSWORD=unseen" in (box.home / "seen").read_text().splitlines()


def test_the_exit_code_of_a_refusal_comes_through_and_a_kill_is_a_failure(box: Box, served: Served) -> None:
    assert served.script("serve", "refuse").wait(WITHIN_S) == 2
    (box.home / "ready").unlink()
    killed = served.script("serve")
    served.until((box.home / "ready").exists)
    os.kill(int(served.tmux("list-panes", "-a", "-F", "#{pane_pid}")), signal.SIGKILL)
    assert killed.wait(WITHIN_S) == 1


def test_a_window_that_is_closed_ends_the_console_in_order(box: Box, served: Served) -> None:
    serving = served.script("serve")
    served.until((box.home / "ready").exists)
    served.tmux("kill-server")
    assert serving.wait(WITHIN_S) == 0
    assert (box.home / "end").read_text() == "ended in order\n"


def test_an_environment_file_that_others_may_read_is_refused(box: Box, served: Served) -> None:
    box.write(box.home / ".config" / "senex" / "environment", "SENEX_MAIL_PASSWORD=unseen\n", 0o644)
    assert served.script("serve").wait(WITHIN_S) == 2
    assert not (box.home / "seen").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(box: Box, tmp_path: Path) -> None:
    unit = (UNITS / "senex.service").read_text()
    assert "RestartPreventExitStatus=2" in unit
    good = box.write(tmp_path / "senex.service", unit.replace("%h/senex/docs/units", str(UNITS)))
    bad = box.write(tmp_path / "bad.service", good.read_text().replace("RestartSec=30", "RestartSec=soon"))
    for path, clean in ((good, True), (bad, False)):
        done = subprocess.run(
            ["systemd-analyze", "--user", "verify", str(path)],
            env=box.environment(XDG_RUNTIME_DIR=str(tmp_path)),
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert ((done.returncode, done.stderr) == (0, "")) is clean, done.stderr
