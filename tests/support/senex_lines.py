"""Runs many lines of `senex` cheaply: `python -m tests.support.senex_lines FOLDER`.

FOLDER has `lines.json`, a list of argument lists. Each line runs in a fork of this process, which has every command
imported, and its end is written to `ends.json`: exit code, stdout and stderr.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import typer

from core.market.calendar import SessionCalendar
from senex_tui.cli import main, registry
from tests.support.forked_process import SENEX

LONGEST_S = 60


def _run(arguments: list[str]) -> NoReturn:
    signal.alarm(LONGEST_S)
    sys.argv = [SENEX, *arguments]
    code: object = 0
    try:
        code = main.main()
    except SystemExit as ended:
        code = ended.code
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def ended(arguments: list[str], folder: Path) -> tuple[int, str, str]:
    """The exit code of this line, and what it wrote to stdout and stderr. A line that hangs ends with -14."""
    outputs = [folder / "stdout", folder / "stderr"]
    child = os.fork()
    if child == 0:
        for number, path in enumerate(outputs, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        _run(arguments)
    _, status = os.waitpid(child, 0)
    said, complained = (path.read_text(encoding="utf-8") for path in outputs)
    return os.waitstatus_to_exitcode(status), said, complained


if __name__ == "__main__":
    registry.add_other_commands(main.app)
    described = typer.main.get_command(main.app)  # for all lines: it takes longer than most of them run
    setattr(typer.main, "get_command", lambda app: described)  # noqa: B010
    setattr(registry, "add_other_commands", lambda app: None)  # noqa: B010
    SessionCalendar(datetime(2026, 3, 2, tzinfo=UTC))  # the library loads its calendar once
    gc.freeze()
    where = Path(sys.argv[1])
    ends = [ended(line, where) for line in json.loads((where / "lines.json").read_text())]
    (where / "ends.json").write_text(json.dumps(ends))
