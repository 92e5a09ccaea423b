"""Checks that the modules about money use floats for seconds only: no other literal, `float()` or `float` type.

Money is Decimal: as floats, 0.1 + 0.2 is not 0.3, and an exchange refuses a limit that is slightly off its tick.
Seconds are floats, because the clocks return floats. Their names end in `_s`, or are in the list SECONDS.

    .ci/no_float_in_money.py [FILE...]     checks these files; without any, the modules about money
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parent.parent
MONEY = (
    "core/domain",
    "core/records",
    "core/orders/decision.py",
    "core/orders/desk.py",
    "core/orders/entry_desk.py",
    "core/orders/entry_sending.py",
    "core/orders/exit_events.py",
    "core/orders/folding.py",
    "core/orders/sending.py",
    "core/orders/tracker.py",
    "core/orders/unseen_fills.py",
    "core/orders/settlement.py",
    "core/orders/reconciler.py",
)
NOT_MONEY = {
    "core/domain/market/indicators.py": "statistics in the floats of their library; the results come back as Decimal",
    "core/records/store/json_text.py": "keeps any value of JSON; a Decimal stays one",
}
NOT_MONEY_CLASSES = {"Candle": "the bars the indicators are computed on"}
SECONDS = frozenset({"age", "mono", "received", "as_of", "decided", "now", "now_monotonic", "_began", "speed"})
"""Names of monotonic seconds and ages that do not end in `_s`, and of the scale between the two times."""


def money_modules() -> list[Path]:
    """The modules about money, in the order of their paths."""
    found = [
        path for name in MONEY for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    ]
    return sorted(path for path in found if str(path.relative_to(ROOT)) not in NOT_MONEY)


def is_seconds(name: str) -> bool:
    """Whether the name is one of seconds."""
    return name.lower().endswith("_s") or name in SECONDS


def floats_in(node: ast.AST, goes_to: Sequence[str] = ()) -> Iterator[tuple[int, str]]:
    """The line and the kind of every float in a node that is not seconds.

    `goes_to` holds the names that the value of the node is assigned to, passed as or compared with.
    """
    if isinstance(node, ast.ClassDef) and node.name in NOT_MONEY_CLASSES:
        return
    names = [*goes_to, *bound_names(node)]
    if not any(is_seconds(name) for name in names):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the literal {node.value!r}"
        if isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float"
    for child in ast.iter_child_nodes(node):
        yield from floats_in(child, names if carries(node, child) else ())


def carries(node: ast.AST, child: ast.AST) -> bool:
    """Whether the names of a node also name the value of its child. A function's name names what it returns."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return child is node.returns or isinstance(child, ast.Return)
    return isinstance(node, ast.expr | ast.AnnAssign | ast.Assign | ast.arg | ast.keyword | ast.Return)


def bound_names(node: ast.AST) -> list[str]:
    """The names that a node assigns its value to, passes it as, compares it with or offers as an alternative."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.arg | ast.keyword):
        return [node.arg or ""]
    parts: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        parts = node.targets
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        parts = [node.target]
    elif isinstance(node, ast.Compare):
        parts = [node.left, *node.comparators]
    elif isinstance(node, ast.BoolOp):
        parts = node.values
    return [part.id if isinstance(part, ast.Name) else part.attr for part in parts if _is_name(part)]


def _is_name(part: ast.expr) -> TypeGuard[ast.Name | ast.Attribute]:
    return isinstance(part, ast.Name | ast.Attribute)


def main(files: Sequence[str]) -> int:
    """Prints every float that is not seconds. Returns the exit status: 1 if there are any."""
    paths = [Path(name).resolve() for name in files] or money_modules()
    found = 0
    for path in paths:
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for line, what in floats_in(ast.parse(path.read_text(encoding="utf-8"))):
            found += 1
            print(f"{shown}:{line}: {what} in a money module; money is Decimal, and seconds are named *_s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
