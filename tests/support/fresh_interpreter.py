"""Runs a function in an interpreter of its own, which no test has touched before.

A proof that has to fail when the product is broken breaks it there: nothing that other tests left behind can hide the
break, and nothing of it is left behind. Each is forked from one that has only imported what it needs, so that nothing
is loaded twice.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[2]
HASH_SEED = "0"
_ASKED, _ANSWERED, _WRITTEN = "asked", "answered", "written"
"""The files of one work: what was asked, the result, and what its interpreter wrote."""


def in_fresh_interpreter(work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """What the function returns there; it and its arguments go there by pickle, so it stands in a module.

    Raises AssertionError with what the interpreter wrote when the function fails.
    """
    with TemporaryDirectory(prefix="senex-fresh-") as name:
        folder = Path(name)
        (folder / _ASKED).write_bytes(pickle.dumps((work, args, more)))
        loaded = _loaded()
        assert loaded.stdin is not None
        assert loaded.stdout is not None
        loaded.stdin.write(f"{folder}\n")
        loaded.stdin.flush()
        ended = loaded.stdout.readline().strip()
        written = folder / _WRITTEN
        assert ended == "0", written.read_text() if written.exists() else "the interpreter did not start"
        result: T = pickle.loads((folder / _ANSWERED).read_bytes())
        return result


@cache
def _loaded() -> subprocess.Popen[str]:
    """The interpreter that the others are forked from; it ends with this process."""
    loaded = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": HASH_SEED},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(loaded.communicate)
    return loaded


def main() -> None:
    """Forks an interpreter for each folder that a line names, and answers with how it ended."""
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        asked = pickle.loads((folder / _ASKED).read_bytes())  # imports the modules, for all that are forked later
        _read_calendars()
        gc.freeze()
        child = os.fork()
        if child == 0:
            os._exit(_do(folder, *asked))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


@cache
def _read_calendars() -> None:
    """What every world reads once in a process, and no fault of a proof changes."""
    from core.simulator.market.sessions import sessions_of
    from tests.support.world import calendar_around

    for year in (2025, 2026, 2027):
        calendar_around(year)
        sessions_of(year)


def _do(folder: Path, work: Callable[..., object], args: tuple[object, ...], more: dict[str, object]) -> int:
    """Does what was asked and writes the result; 1 when it failed, and why in what was written."""
    written = os.open(folder / _WRITTEN, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(written, stream)
    try:
        (folder / _ANSWERED).write_bytes(pickle.dumps(work(*args, **more)))
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main()
