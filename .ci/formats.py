"""Checks that texts for people format amounts and times by `amounts` and `times` of core.domain.operation (rules 12).

A format of its own is how one place says 6.74 where another says 6.745, and UTC where another says ET. Refused in an
f-string, in `format` and in `strftime`: a format of a day or a time, of a number with two places or more, with
separated thousands or with a sign, and of any number before ` $`. So is the name of a class inside a sentence, also one
of the log, which has a field for it. Seconds and counts may have a format of their own.

    .ci/formats.py [FILE...]     checks these files; without any, the rooms that make texts
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    *(
        "core/accounts",
        "core/broker",
        "core/commands",
        "core/cycle",
        "core/domain",
        "core/engine",
        "core/guards",
        "core/locks",
    ),
    *("core/notify", "core/orders", "core/positions", "core/views", "senex_tui", "widgets"),
)
FORMATTERS = frozenset({"core/domain/operation/amounts.py", "core/domain/operation/times.py"})
_AXIS = "a label of an axis"
_NARROW = "a table whose columns have no room for the weekday"
_DEFECT = "a defect, which is reported by the name of its class"
ALLOWED = {
    "core/cycle/attempts.py": {"+": "a figure of the records, which the story reads again"},
    "core/cycle/timetable.py": {"%H:%M:%S": "the form in which `schedule` takes a time of day"},
    "core/domain/reporting/event_notices.py": {"%Y-%m-%d %H": "a key of the records: one message an hour"},
    "senex_tui/console/export.py": {"%Y-%m-%d-%H%M%S": "the name of a file"},
    "senex_tui/console/screens/history.py": {"%Y-%m-%d-%H%M": "the name of a file"},
    "senex_tui/console/actions/entry_questions.py": {"%b": "an expiration as the spread's title has it"},
    "senex_tui/reports/check.py": {"%H:%M": "a setting as it is written in its file"},
    "senex_tui/reports/figures.py": {"+.4f": "a value of --json and --csv"},
    "senex_tui/reports/pnl.py": {".2f": "a value of --json and --csv", "+.4f": "a value of --json"},
    "senex_tui/run/backup.py": {"%Y%m%dT%H%M%SZ": "the name of a file"},
    "senex_tui/support/crash_report.py": {"%Y%m%dT%H%M%S.%fZ": "the name of a file", "__name__": _DEFECT},
    "senex_tui/doctor/machine.py": {",.1f": "a size of a disk"},
    "widgets/base/format.py": {"%H:%M": _AXIS, "%b %d": _AXIS, "%b'%y": _AXIS, "%b %d %H:%M": _NARROW},
    "widgets/charts/earned.py": {"%b": _AXIS, "%Y": _AXIS},
    "widgets/charts/plot.py": {",.f": _AXIS},
    "widgets/charts/weeks.py": {"%b %d": _NARROW},
    "widgets/figures_panel.py": {"%b %d": _NARROW},
    "widgets/months.py": {"%Y-%m": "the name of a month in a table"},
    "core/domain/market/indicators.py": {"z.6f": "makes a number of a float, no text"},
    **{
        f"widgets/{name}.py": {"%b": "an expiration like Apr 17, where there is no room for the weekday"}
        for name in ("alarms", "charts/payoff", "order_list", "orders", "positions", "spread", "trade", "trident_list")
    },
    "senex_tui/console/base.py": {"__name__": _DEFECT},
    "widgets/base/event_guard.py": {"__name__": _DEFECT},
    "senex_tui/console/crash_screen.py": {"__name__": _DEFECT},
}
"""The formats that are no text of an amount or a time for people, by file, each with what it is."""

_TIME = re.compile(r"%[A-Za-z]")
_AMOUNT = re.compile(r",.*f|\.([2-9]|\d\d+)f|^\+")
_ANY_NUMBER = re.compile(r"[fd]$|^,$")
_DOLLARS, _SECONDS = " $", " s"


def is_refused(spec: str, after: str = "") -> bool:
    """Whether the format is one of a time or of an amount. `after` is the text that follows the value."""
    is_amount = _AMOUNT.search(spec) or (after.startswith(_DOLLARS) and _ANY_NUMBER.search(spec))
    return bool(_TIME.search(spec) or (is_amount and not after.startswith(_SECONDS)))


def formats_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the text of every refused format in a module; `__name__` for the name of a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for part, following in zip(node.values, [*node.values[1:], None], strict=True):
                after = following.value if isinstance(following, ast.Constant) else ""
                if isinstance(part, ast.FormattedValue):
                    yield from _in_value(part, str(after))
        if isinstance(node, ast.Call) and _called(node) in ("strftime", "format"):
            for given in node.args[-1:]:
                if isinstance(given, ast.Constant) and isinstance(given.value, str) and is_refused(given.value):
                    yield node.lineno, given.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func.value):
            for given in node.args:
                if any(_is_class_name(inner) for inner in ast.walk(given)):
                    yield given.lineno, "__name__"


def _in_value(value: ast.FormattedValue, after: str) -> Iterator[tuple[int, str]]:
    if isinstance(value.format_spec, ast.JoinedStr) and is_refused(spec := _text(value.format_spec), after):
        yield value.lineno, spec
    if any(_is_class_name(inner) for inner in ast.walk(value.value)):
        yield value.lineno, "__name__"


def _text(spec: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in spec.values if isinstance(part, ast.Constant))


def _is_class_name(node: ast.AST) -> bool:
    """Whether this is `type(x).__name__`."""
    named = isinstance(node, ast.Attribute) and node.attr == "__name__"
    return named and isinstance(node.value, ast.Call) and _called(node.value) == "type"  # type: ignore[attr-defined]


def _is_log(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "log"


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def text_modules() -> list[Path]:
    """The modules that make texts, in the order of their paths."""
    found = {path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    return sorted(path for path in found if str(path.relative_to(ROOT)) not in FORMATTERS)


def main(files: Sequence[str]) -> int:
    """Prints every refused format, and every allowed one that no module has any more. Returns 1 if there are any."""
    paths = [Path(name).resolve() for name in files] or text_modules()
    left = {(name, spec) for name, specs in ALLOWED.items() for spec in specs}
    found = 0
    for path in paths:
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        for line, spec in formats_in(ast.parse(path.read_text(encoding="utf-8"))):
            left.discard((name, spec))
            if spec not in ALLOWED.get(name, {}):
                found += 1
                print(f"{name}:{line}: {spec!r} formats by itself; use core.domain.operation amounts or times")
    for name, spec in sorted(() if files else left):
        found += 1
        print(f".ci/formats.py: {name} has no {spec!r} any more; take it out of ALLOWED")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
