"""`senex doctor`: runs its checks side by side and shows a row for each thing that a trading day needs."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from core.domain.operation.failures import failure_words
from core.runtime.clock import Clock
from core.runtime.redaction import redact
from core.snapshot.health import Finding as Finding
from senex_tui.support.text import one_line

WITHIN_S = 13.0
ABOUT_THE_BROKER = ("credentials", "broker", "clock", "feed")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was checked. `todo` is what to do about it, empty when there is nothing to do."""

    name: str
    finding: Finding
    found: str
    todo: str = ""


Post = Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one or more rows. `run` posts a row for each of the names once it is known; it may be slow or fail.

    `todo` is what to do about a row that did not come in time.
    """

    names: tuple[str, ...]
    run: Callable[[Post], None]
    todo: str


def one(name: str, look: Callable[[], Row], todo: str) -> Check:
    """A check of one row."""
    return Check((name,), lambda post: post(look()), todo)


def examine(checks: Sequence[Check], clock: Clock, within_s: float = WITHIN_S) -> tuple[Row, ...]:
    """The rows of all checks in their order, after `within_s` wall seconds at most.

    Each check has a thread of its own, so that none can hold up another, or the end of the command.
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
        for name in check.names:  # rows that it posted before stay as they are
            post(Row(name, Finding.FAIL, f"could not be looked at: {failure_words(error)}", check.todo))


def exit_code(rows: Sequence[Row]) -> int:
    """1 when a row is FAIL, else 0."""
    return int(any(row.finding is Finding.FAIL for row in rows))


def to_text(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        lines.append(f"{row.finding:<4}  {row.name:<{width}}  {one_line(row.found)}")
        if row.todo:
            lines.append(f"{'':<{width + 8}}-> {one_line(row.todo)}")
    return redact("\n".join(lines))


def to_json(rows: Sequence[Row]) -> str:
    scrubbed = [{name: redact(str(value)) for name, value in asdict(row).items()} for row in rows]
    return json.dumps({"ok": exit_code(rows) == 0, "rows": scrubbed})
