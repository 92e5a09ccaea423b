"""Runs a function in an interpreter of its own, which no test has touched before.

A proof that has to fail when the product is broken breaks it there: nothing that other tests left behind can hide the
break, and nothing of it is left behind.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

ROOT = Path(__file__).parents[2]
HASH_SEED = "0"


def in_fresh_interpreter(work: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
    """What the function returns there; it and its arguments go there by pickle, so it stands in a module.

    Raises AssertionError with what the interpreter wrote when the function fails.
    """
    with TemporaryDirectory(prefix="senex-fresh-") as folder:
        asked, answered = Path(folder) / "asked", Path(folder) / "answered"
        asked.write_bytes(pickle.dumps((work, args, more)))
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(asked), str(answered)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": HASH_SEED},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result: T = pickle.loads(answered.read_bytes())
        return result


def main(asked: Path, answered: Path) -> None:
    """Does what was asked and writes the result."""
    work, args, more = pickle.loads(asked.read_bytes())
    answered.write_bytes(pickle.dumps(work(*args, **more)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
