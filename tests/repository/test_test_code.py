"""Two rules for the code of tests: no test file is imported, and private names of other modules are not used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("tests", "bench", ".ci") for path in (ROOT / folder).rglob("*.py"))

ALLOWED = {
    "_writing_engine": "Fault injection: the process dies at a write statement of a commit.",
    "_context": "The lock for which a signal must not wait is in Textual's writer thread; no public name leads there.",
    "_driver": "As _context.",
    "_writer_thread": "As _context.",
    "_queue": "As _context.",
    "_given": "Forgetting secrets is not something the product may do; only the tests forget, from one to the next.",
    "_learned": "As _given.",
    "_accounts": "As _given.",
    "_renew": "As _given.",
    "_without_acknowledgement": "Fault injection: a check of the product is switched off, and the proof must notice.",
    "_to_disk": "Fault injection: a full disk in the middle of a backup.",
    "_expire": "The end of a question's time, without waiting for it.",
    "_title": "The random walk knows a question by what it asks.",
    "_word": "The random walk knows the word a question wants typed.",
    "_NAMED": "The filter's names on the screen, compared with its fields.",
    "_reports_in": "A module's variable that a test sets back.",
    "_compositor": "Textual: the only way to the painted screen.",
    "_notifications": "Textual: the only way to the toasts.",
    "_merged_bindings": "Textual: the only way to a screen's keys in the order in which it looks for them.",
    "_exception": "Textual: the only way to the error that ended an app.",
    "_exit_renderables": "Textual: as _exception.",
    "_print_error_renderables": "Textual: as _exception.",
    "_response": "aiohttp: the only way to break off a websocket's connection.",
    "_exit": "os._exit is documented; it ends a forked process.",
    "_shutdown": "CPython: what the interpreter does at its end, done by a forked process.",
    "_run_exitfuncs": "CPython: as _shutdown.",
    "_backends": "anyio: imported before it is needed, so that a forked process need not.",
    "_asyncio": "anyio: as _backends.",
    "_run": "asyncio: the only way to count a loop's callbacks.",
    "_upgrade": "The revisions of the schema run once in a test process, and are copied after that.",
    "_made": "As _upgrade: what was copied, compared with what the revisions make.",
    "_dialect": "SQLAlchemy: the only way to share what it compiled between engines.",
    "_compiled_cache": "SQLAlchemy: as _dialect.",
}
"""Private names of others that tests may use, and why."""


def imported_test_files(tree: ast.AST) -> Iterator[str]:
    """The imported modules that are test files."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{name.name}" for name in node.names]
        else:
            continue
        yield from (module for module in modules if any(part.startswith("test_") for part in module.split(".")))


def private_names_of_others(tree: ast.AST) -> Iterator[str]:
    """The private names used here that no class or function of this file defines."""
    own = set(_defined(tree))
    yield from (name for name in _used(tree) if _is_private(name) and name not in own)


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif _is_of_self(node) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not _is_of_self(node):
            yield node.attr
        elif isinstance(node, ast.Import):
            yield from (part for name in node.names for part in name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.Call) and _called(node).endswith("attr"):
            texts = (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
            yield from (text.rpartition(".")[2] for text in texts)


def _is_of_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def test_no_test_file_is_imported() -> None:
    found = [f"{path.relative_to(ROOT)}: {name}" for path in SOURCES for name in imported_test_files(_parsed(path))]
    assert found == [], "move what is shared to tests/support, or to a file beside the tests without test_ in its name"


def test_private_names_of_others_are_used_only_with_a_reason() -> None:
    tests = [path for path in SOURCES if path.is_relative_to(ROOT / "tests")]
    used = [(str(path.relative_to(ROOT)), name) for path in tests for name in private_names_of_others(_parsed(path))]
    assert [(path, name) for path, name in used if name not in ALLOWED] == []
    assert ALLOWED.keys() - {name for _, name in used} == set(), "no longer used: take them off the list"


@pytest.mark.parametrize(
    "code", ["import tests.core.test_a", "from tests.core.test_a import b", "from tests.core import test_a"]
)
def test_each_way_to_import_a_test_file_is_found(code: str) -> None:
    assert len(list(imported_test_files(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "engine._parts",
        "engine.runner._cycle = None",
        "from core.orders.desk import _decide",
        "import core._desk",
        "monkeypatch.setattr('core.orders.desk._decide', None)",
        "monkeypatch.setattr(desk, '_decide', None)",
        "getattr(desk, '_decide')()",
    ],
)
def test_each_way_to_use_a_private_name_is_found(code: str) -> None:
    assert len(list(private_names_of_others(ast.parse(code)))) == 1


def test_a_files_own_private_names_are_its_own_business() -> None:
    code = "class A:\n    def __init__(self):\n        self._a = 1\n\ndef _b(a):\n    return a._a\n\nc._b"
    assert list(private_names_of_others(ast.parse(code))) == []


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
