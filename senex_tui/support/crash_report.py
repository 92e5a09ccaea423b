"""Reports of a defect: a file for the developer, and one sentence for the operator. Neither holds a secret."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime
from pathlib import Path

from core.runtime.clock import SystemClock
from core.runtime.redaction import redact
from senex_tui.support.logs import traceback_of

FOLDER = "crashes"
KEPT = 20


_reports_in: list[Path] = []


def keep_reports_in(state: Path) -> None:
    """Sends the reports of this process to a folder below the state folder."""
    _reports_in[:] = [state / FOLDER]


def tell_crash(what: str, failure: BaseException) -> str:
    """Writes a report of the failure and returns the sentence that names it.

    `what` says who failed ("the engine was"). The report has places and messages, but no local variables. When it
    cannot be written the sentence says so: that never hides the failure.
    """
    named = f"{what} stopped by a defect ({type(failure).__name__})"
    if not _reports_in:
        return redact(f"{named}: {failure}.")
    try:
        return f"{named}; the report is {_write(_reports_in[0], failure, SystemClock().now())}."
    except OSError as full:
        return f"{named}; no report could be written ({full.strerror}), the log has the details."


def _write(folder: Path, failure: BaseException, now: datetime) -> Path:
    from importlib.metadata import version

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"crash-{now:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.txt"
    text = "\n".join(
        (
            f"senex {version('senex-tui')}, Python {platform.python_version()}, {sys.platform}",
            f"{now.isoformat()} UTC, process {os.getpid()}",
            "",
            traceback_of(failure),
        )
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(redact(text))
    for old in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return path
