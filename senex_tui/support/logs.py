"""The log file: one JSON object a line, rotated, readable by this user only, without secrets, never on the terminal."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from core.runtime.redaction import Redactor

FILE_NAME = "senex.log"
LARGEST_BYTES = 5_000_000
OLDER_FILES = 5
_FILE_MODE = 0o600
# Below a warning these write every frame or address; the SDK also sets itself to DEBUG when it is imported and logs
# its tokens there, which is why the handler filters rather than the loggers.
QUIET_LIBRARIES = frozenset(
    {
        "aiohttp",
        "aiosqlite",
        "alembic",
        "asyncio",
        "httpcore2",
        "httpx2",
        "keyring",
        "schedule",
        "sqlalchemy",
        "tastytrade",
    }
)
FIELDS = (
    "kind",
    "market_at",
    "cycle",
    "account",
    "entry",
    "attempt",
    "underlying",
    "step",
    "result",
    "reason",
    "figures",
    "duration_ms",
)
"""The fields that a line may have beside its text. `account` is masked by whoever sets it, and again here."""
ERROR_FIELDS = ("error_type", "error")
"""The class of an error and its own words: fields too, because no sentence names a class."""


class LineFormatter(logging.Formatter):
    """Writes a record as one line of JSON. Secrets are masked in every value, and once more in the finished line.

    structlog is loaded with the first line, which comes after the console's first paint.
    """

    def __init__(self, scrubber: Redactor) -> None:
        super().__init__()
        self._scrub = scrubber
        self._made: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._made is None:
            self._made = self._make()
        return _harmless(self._scrub.by_value(self._made.format(record)))

    def _make(self) -> logging.Formatter:
        from structlog.contextvars import merge_contextvars
        from structlog.processors import JSONRenderer
        from structlog.stdlib import ExtraAdder, ProcessorFormatter

        return ProcessorFormatter(
            foreign_pre_chain=[merge_contextvars, ExtraAdder(allow=(*FIELDS, *ERROR_FIELDS))],
            processors=[_line, self._scrub_values, JSONRenderer(ensure_ascii=False, default=str)],
        )

    def _scrub_values(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {name: self._scrubbed(value) for name, value in line.items()}

    def _scrubbed(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, dict):
            return {self._scrub(str(name)): self._scrubbed(one) for name, one in value.items()}
        return self._scrub(str(value))


def _harmless(line: str) -> str:
    """The line of JSON with an escape for every character that could steer a terminal: people read it with `tail`."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c).strip('"') for c in line)


def _line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a line in their order. An error is given by its type, its words and its traceback."""
    record: logging.LogRecord = event["_record"]
    line: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event["event"],
    }
    line |= {name: event[name] for name in (*FIELDS, *ERROR_FIELDS) if name in event}
    failed = event.get("exc_info")
    error = failed[1] if isinstance(failed, tuple) else None
    if error is not None:
        line |= {"error_type": type(error).__name__, "error": str(error), "traceback": traceback_of(error)}
    return line


def traceback_of(error: BaseException) -> str:
    """The traceback as text: places and messages, but no local variables, which may hold secrets."""
    return "".join(traceback.format_exception(error))


class OneLogFile(RotatingFileHandler):
    """A log file rotated by size and written by several processes.

    When another one has rotated it, this process goes on in the new file.
    """

    def _open(self) -> TextIOWrapper:
        # A link is refused, and with it a change to the file it points to; a pipe that nobody reads would block.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        handle = os.open(self.baseFilename, flags, _FILE_MODE)
        found = os.fstat(handle)
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(handle, _FILE_MODE)
        return open(handle, "a", encoding="utf-8", errors="backslashreplace")

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        if self.stream is not None and _was_rotated_away(self.stream, self.baseFilename):
            self.stream.close()
            self.stream = self._open()
        return bool(super().shouldRollover(record))


def _was_rotated_away(stream: IO[str], name: str) -> bool:
    ours = os.fstat(stream.fileno())
    try:
        there = os.stat(name)
    except FileNotFoundError:
        return True
    return not os.path.samestat(ours, there)


def worth_writing(record: logging.LogRecord) -> bool:
    """Whether a record belongs in the log: all of ours, and of noisy libraries only warnings and worse."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in QUIET_LIBRARIES


def set_up_logging(folder: Path, scrubber: Redactor) -> Path:
    """Sends all logging of this process to one file and returns its path. Raises OSError when it cannot be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE_NAME
    handler = OneLogFile(path, maxBytes=LARGEST_BYTES, backupCount=OLDER_FILES, encoding="utf-8")
    handler.setFormatter(LineFormatter(scrubber))
    handler.addFilter(worth_writing)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log that cannot be written must not draw over the console
    threading.excepthook = _thread_failed
    sys.unraisablehook = _unraisable
    return path


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """Logs what ended a thread. Python itself would print the traceback over the console."""
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        name = "a thread" if failed.thread is None else f"thread {failed.thread.name}"
        logging.getLogger("senex").error("%s failed", name, exc_info=failed.exc_value)


def _unraisable(failed: sys.UnraisableHookArgs) -> None:
    if failed.exc_value is not None:
        logging.getLogger("senex").error("an error nobody could be told of", exc_info=failed.exc_value)
