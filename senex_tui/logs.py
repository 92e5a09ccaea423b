"""The log file: rotated, for this user only, without secrets, and never on the terminal the console draws on."""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from core.scrubber import Scrubber

FILE_NAME = "senex.log"
LARGEST_BYTES = 2_000_000
OLDER_FILES = 5
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


class ScrubbingFormatter(logging.Formatter):
    """Scrubs the finished line, so that arguments and tracebacks are covered too. Times are UTC."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime
        self._scrub = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrub(super().format(record))


def worth_writing(record: logging.LogRecord) -> bool:
    """Everything of ours; of the libraries only warnings and worse."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in QUIET_LIBRARIES


def set_up_logging(folder: Path, scrubber: Scrubber) -> Path:
    """Sends all logging of this process to one file and returns its path. Raises OSError when it cannot be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE_NAME
    handler = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=OLDER_FILES, encoding="utf-8")
    handler.setFormatter(ScrubbingFormatter(scrubber))
    handler.addFilter(worth_writing)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log that cannot be written must not draw over the console
    return path
