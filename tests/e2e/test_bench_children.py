"""A bench that is killed leaves no process behind, also none that a terminal or tmux keeps."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.pty_child import PtyChild

ROOT = Path(__file__).parents[2]
GONE_WITHIN_S = 10.0
ON_A_TERMINAL = """
import sys, time
from pathlib import Path
from bench.pty_child import PtyChild
child = PtyChild(["sh", "-c", "trap '' HUP; sleep 600 & wait"], Path(sys.argv[1]))
print(child._process.pid, flush=True)
time.sleep(600)
"""
IN_TMUX = """
import os, subprocess, sys, time
watched = f"from bench import end_with; end_with.process({os.getpid()}); import time; "
watched += "print(flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", watched], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("bench", [ON_A_TERMINAL, IN_TMUX], ids=["on a terminal", "in tmux"])
def test_a_killed_bench_takes_its_children_along(tmp_path: Path, bench: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", bench, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            assert started.stdout is not None
            child = int(started.stdout.readline())
            assert runs(child)
        finally:
            started.kill()
        started.wait()
        deadline = time.monotonic() + GONE_WITHIN_S
        while runs(child):
            assert time.monotonic() < deadline, "the child outlived the bench"
            time.sleep(0.05)


def test_the_terminal_of_a_bench_is_the_childs_own(tmp_path: Path) -> None:
    """Else the child hears of no hang-up."""
    with PtyChild(["sh", "-c", "exec </dev/tty && echo its own; sleep 60"], tmp_path) as child:
        told = b""
        while b"\n" not in told:
            told += child.read(10)
    assert b"its own" in told
