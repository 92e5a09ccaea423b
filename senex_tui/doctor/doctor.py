"""`senex doctor`: all that a trading day needs, looked at side by side; each row says what to do."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from core.runtime.clock import Clock
from core.runtime.redaction import redact

WITHIN_S = 13.0
ABOUT_THE_BROKER = ("credentials", "broker", "clock", "feed")
log = logging.getLogger(__name__)


class Finding(StrEnum):
    """SKIP: not used here, or not to be told because of another row."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Row:
    """`todo` is empty when there is nothing to do."""

    name: str
    finding: Finding
    found: str
    todo: str = ""


Post = Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class Check:
    """`run` posts one row for each of the names, as soon as it knows it; it may take as long as it likes, and may fail.

    `todo` is what to do about a row that did not come.
    """

    names: tuple[str, ...]
    run: Callable[[Post], None]
    todo: str


def one(name: str, look: Callable[[], Row], todo: str) -> Check:
    """A check of one row."""
    return Check((name,), lambda post: post(look()), todo)


def examine(checks: Sequence[Check], clock: Clock, within_s: float = WITHIN_S) -> tuple[Row, ...]:
    """The rows of all checks in their order, `within_s` wall seconds later at most.

    Each check has a thread of its own, so that none can keep another, or the command, from its end.
    """
    arrived: queue.SimpleQueue[Row] = queue.SimpleQueue()
    deadline = clock.monotonic() + within_s
    for check in checks:
        threading.Thread(target=_isolated, args=(check, arrived.put), name=check.names[0], daemon=True).start()
    names = [(name, check) for check in checks for name in check.names]
    rows: dict[str, Row] = {}
    while len(rows) < len(names):
        try:
            row = arrived.get(timeout=max(deadline - clock.monotonic(), 0))
        except queue.Empty:
            break
        rows.setdefault(row.name, row)
    late = f"no answer within {within_s:g} s"
    return tuple(rows.get(name) or Row(name, Finding.FAIL, late, check.todo) for name, check in names)


def _isolated(check: Check, post: Post) -> None:
    try:
        check.run(post)
    except Exception as error:
        log.exception("the check of %s failed", ", ".join(check.names))
        for name in check.names:  # those it has posted already stand
            post(Row(name, Finding.FAIL, f"could not be looked at: {type(error).__name__}: {error}", check.todo))


def exit_code(rows: Sequence[Row]) -> int:
    """1 when a row is FAIL, else 0."""
    return int(any(row.finding is Finding.FAIL for row in rows))


def to_text(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        lines.append(f"{row.finding:<4}  {row.name:<{width}}  {_plain(row.found)}")
        if row.todo:
            lines.append(f"{'':<{width + 8}}-> {_plain(row.todo)}")
    return redact("\n".join(lines))


def to_json(rows: Sequence[Row]) -> str:
    scrubbed = [{name: redact(str(value)) for name, value in asdict(row).items()} for row in rows]
    return json.dumps({"ok": exit_code(rows) == 0, "rows": scrubbed}, ensure_ascii=False)


def _plain(text: str) -> str:
    """One printable line: a row may quote what a server said."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
