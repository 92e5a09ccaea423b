"""`senex logs`: the lines of the log and its rotated files as text, and new ones as they come."""

from __future__ import annotations

import json
import logging
import os
import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from core.domain.operation.figures import FigureValue, figure_words
from core.domain.operation.times import stamp
from core.runtime.clock import Clock
from senex_tui.support.logs import FIELDS, FILE_NAME, OLDER_FILES
from senex_tui.support.refusals import Refused
from senex_tui.support.text import one_line

LOOK_EVERY_S = 0.2
LONGEST_FIGURE = 200
"""The most characters of a figure that a line shows."""
LEVELS = ("debug", "info", "warning", "error", "critical")
_NUMBERS: dict[str, int] = {name: getattr(logging, name.upper()) for name in LEVELS}
_ALIASES = {"warn": "warning", "crit": "critical"}
# The line's text or time says these already.
_SILENT = frozenset({"market_at", "kind", "result"})
_NOT_KNOWN = "None"
"""What lines of earlier versions have where a figure was not known."""
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*[+-]\d\d:\d\d")


def level_named(text: str) -> str:
    """The level of this name; `warn` and `crit` are names too. Raises ValueError for any other word."""
    name = _ALIASES.get(text.lower(), text.lower())
    if name not in LEVELS:
        raise ValueError(f"{text!r} is not a level; use one of {', '.join(LEVELS)}")
    return name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are wanted: of at least this level and, when given, of this cycle, not older than `since`, and with
    this `text`.

    The text is looked for in the line as it is shown, with its traceback; case is ignored and no character is special.
    """

    level: str = "debug"
    cycle: int | None = None
    since: datetime | None = None
    text: str = ""

    def __call__(self, line: dict[str, Any], at: datetime) -> bool:
        """Whether the line is wanted by all but its text."""
        if self.since is not None and at < self.since:
            return False
        if self.cycle is not None and line.get("cycle") != self.cycle:
            return False
        return _NUMBERS.get(str(line.get("level")), logging.CRITICAL) >= _NUMBERS[self.level]

    def has_text(self, shown: str) -> bool:
        return self.text.casefold() in shown.casefold()


def newest(folder: Path, wanted: Wanted, count: int | None) -> list[str]:
    """The newest `count` wanted lines as text, oldest first; all of them without a count.

    Raises Refused when there is no log yet.
    """
    files = _files(folder)
    if not files:
        raise Refused(f"there is no log yet in {folder}; start `senex` once, or wait for one with --follow.")
    kept: deque[str] = deque(maxlen=count)
    for file in files:
        try:
            with file.open(encoding="utf-8", errors="replace") as opened:
                kept.extend(shown for text in opened if (shown := _shown_line(text, wanted)))
        except FileNotFoundError:  # rotated away in the meantime
            continue
    return list(kept)


async def follow(folder: Path, wanted: Wanted, clock: Clock, count: int | None) -> AsyncIterator[str]:
    """The newest `count` wanted lines, then each new one as it is written, also after a rotation. Never ends."""
    path = folder / FILE_NAME
    stream = _opened(path)
    if stream is not None:
        stream.seek(0, os.SEEK_END)
        for shown in newest(folder, wanted, count):
            yield shown
    part = ""
    while True:
        part += "" if stream is None else stream.readline()
        if not part.endswith("\n"):
            following = _next(folder, stream)
            if following is None:
                await clock.sleep(LOOK_EVERY_S)
                continue
            if stream is not None:
                part += stream.readline()  # what was written between the last read and the rotation
                if part:
                    following.close()
                else:
                    stream.close()
                    stream = following
            else:
                stream = following
            if not part.endswith("\n"):
                continue
        row, part = _shown_line(part, wanted), ""
        if row:
            yield row


def _files(folder: Path) -> list[Path]:
    """The log and its rotated files, oldest first."""
    names = [*(f"{FILE_NAME}.{number}" for number in range(OLDER_FILES, 0, -1)), FILE_NAME]
    return [folder / name for name in names if (folder / name).is_file()]


def _opened(path: Path) -> IO[str] | None:
    try:
        return path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _next(folder: Path, stream: IO[str] | None) -> IO[str] | None:
    """Opens the file that follows the open one; None while the open one is the newest."""
    files = _files(folder)
    if stream is None:
        return _opened(files[-1]) if files else None
    ours = os.fstat(stream.fileno())
    for place, file in enumerate(files):
        try:
            if os.path.samestat(ours, file.stat()):
                return _opened(files[place + 1]) if place + 1 < len(files) else None
        except FileNotFoundError:
            return None  # in the middle of a rotation; the next read comes after it
    return _opened(files[0]) if files else None


def _shown_line(text: str, wanted: Wanted) -> str | None:
    """A line of the file as text; None when it is not wanted. A line that is not ours stays as it is, and is shown when
    only a text is looked for."""
    try:
        line = json.loads(text)
        at = datetime.fromisoformat(line["at"]).astimezone(UTC)
    except (ValueError, KeyError, TypeError):
        shown = one_line(text.rstrip("\n"))
        return shown if shown and wanted == Wanted(text=wanted.text) and wanted.has_text(shown) else None
    if not wanted(line, at):
        return None
    shown = _shown(line, at)
    return shown if wanted.has_text(shown) else None


def _shown(line: dict[str, Any], at: datetime) -> str:
    fields = [f"{name}={_value(line[name])}" for name in FIELDS if name in line and name not in _SILENT]
    if "error_type" in line:
        said = (str(line["error_type"]), str(line.get("error", "")))
        fields.append("error=" + one_line(": ".join(part for part in said if part)))
    parts = [
        stamp(at),
        f"{one_line(str(line.get('level', ''))).upper():<8}",
        one_line(str(line.get("event", ""))),
        *fields,
    ]
    trace = [f"    {one_line(row)}" for row in str(line.get("traceback", "")).splitlines()]
    return "\n".join(["  ".join(parts), *trace])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        known = {str(name): str(one) for name, one in value.items() if str(one) != _NOT_KNOWN}
        return ", ".join(f"{one_line(name)} {_figure(name, one)}" for name, one in known.items())
    return one_line(str(value))


def _figure(name: str, text: str) -> str:
    """A figure as people read it (rules 12); of one that is a document only its size, because nobody reads it in a
    line. The file keeps the exact text."""
    shown = one_line(figure_words(name, _read(text)))
    return shown if len(shown) <= LONGEST_FIGURE else f"({len(shown)} characters, in the file)"


def _read(text: str) -> FigureValue:
    """The figure that the log keeps as this text: a number, an instant, or words."""
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    if _INSTANT.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return text
    return {"True": "yes", "False": "no"}.get(text, text)
