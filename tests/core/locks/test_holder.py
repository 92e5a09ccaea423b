"""The note that names who holds a lock: written, read back, and safe to print in a terminal."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.locks.holder import Holder
from core.runtime.ids import RandomIds

NOW = datetime(2026, 3, 2, 14, 31, tzinfo=UTC)


def test_words_come_back_as_they_were_written() -> None:
    holder = Holder(4242, NOW, "dry-run", "tmux attach -t 'my desk'")
    assert Holder.from_text(holder.to_text()) == holder


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"pid": 1, "since": "2026-03-02T14:31:00", "mode": "demo", "attach": ""}',
        '{"pid": "x", "since": "2026-03-02T14:31:00+00:00", "mode": "demo", "attach": ""}',
        '{"pid": 0, "since": "2026-03-02T14:31:00+00:00", "mode": "demo", "attach": ""}',
        '{"pid": 1, "since": null, "mode": "demo", "attach": ""}',
        '{"pid": 1, "since": "2026-03-02T14:31:00+00:00", "mode": "demo"}',
    ],
)
def test_an_incomplete_holder_file_names_nobody(text: str) -> None:
    assert Holder.from_text(text) is None


def test_words_from_a_file_cannot_write_to_the_terminal() -> None:
    found = Holder.from_text(Holder(1, NOW, "de\x1b[2Jmo\n", "x" * 900).to_text())
    assert found is not None
    assert found.mode == "de[2Jmo"
    assert len(found.attach) == 200


def test_a_dead_process_is_not_running() -> None:
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    assert not Holder(dead.pid, NOW, "demo", "").is_running()
    assert not Holder(2**80, NOW, "demo", "").is_running()
    assert Holder(os.getpid(), NOW, "demo", "").is_running()


@pytest.mark.parametrize("session", ["desk", "my desk"])
def test_inside_tmux_the_session_is_named(tmp_path: Path, session: str) -> None:
    socket = Path("/tmp") / f"senex-{RandomIds().new()[:8]}"  # pytest's own folders are too long for a socket
    tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "-s", session], check=True, timeout=10)
    try:
        inside = {"TMUX": f"{socket},1,0", "PATH": os.environ["PATH"]}
        quoted = f"'{session}'" if " " in session else session
        assert Holder.this_process("demo", NOW, inside).attach == f"tmux -S {socket} attach -t {quoted}"
    finally:
        subprocess.run([*tmux, "kill-server"], check=True, timeout=10)
        socket.unlink(missing_ok=True)


def test_the_usual_server_needs_no_socket_and_a_stuck_one_no_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.locks.holder.TMUX_WITHIN_S", 5)
    program = tmp_path / "tmux"
    program.write_text("#!/bin/sh\necho desk\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    inside = {"TMUX": "/tmp/tmux-0/default,1,0", "PATH": os.environ["PATH"]}
    assert Holder.this_process("demo", NOW, inside).attach == "tmux attach -t desk"

    program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("core.locks.holder.TMUX_WITHIN_S", 0.1)
    assert Holder.this_process("demo", NOW, inside).attach == ""


@pytest.mark.parametrize("environ", [{}, {"TMUX": ""}, {"TMUX": "/nowhere/default,1,0"}])
def test_outside_tmux_nothing_is_named(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert Holder.this_process("demo", NOW, {**environ, "PATH": os.environ["PATH"]}).attach == ""
