"""No sentence for a person is made of an exception's class name, or of a text that a library wrote (rules 12).

Both may go to the log, and into an error for a programmer. What failed is said by `failure_words`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(path for room in ("core", "senex_tui", "widgets") for path in (ROOT / room).rglob("*.py"))
NOT_THE_PRODUCT = ("core/simulator/",)

EXPLAINED = {
    "core/config/loader.py": "where the settings file is no TOML",
    "core/records/store/backup.py": "the database's own words, beside what to do",
    "core/notify/smtp.py": "the sentences of the mail library, which name what the server lacks",
    "core/remote/link.py": "the words of Redis, beside what to do",
    "core/broker/tastytrade/faults.py": "the field's name that an answer lacks",
    "core/broker/tastytrade/supervisor.py": "the broker's own words, which the SDK carries",
    "core/domain/operation/failures.py": "the class of a failure, as a field of the log",
    "core/snapshot/json_values.py": "the kind of a figure as stored",
    "senex_tui/cli/commands/logs.py": "what is wrong with an option, in our own words",
    "senex_tui/console/crash_screen.py": "the kind of a defect, by which it is reported",
    "senex_tui/console/screens/history.py": "what is wrong with a filter, in our own words",
    "senex_tui/doctor/machine.py": "the database's own words, beside what to do",
    "senex_tui/support/crash_report.py": "the kind of a defect, by which it is reported",
    "senex_tui/support/logs.py": "the log itself",
    "widgets/base/event_guard.py": "the kind of a Textual event, for the log",
}
"""Files that say a library's words on purpose, and which."""


def _own_exceptions() -> frozenset[str]:
    """Names of the exceptions that this product defines: their texts are sentences."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    own: set[str] = set()
    while True:
        more = {c.name for c in classes if {_last(b) for b in c.bases} & (own | {"Exception", "ValueError"})} - own
        if not more:
            return frozenset(own)
        own |= more


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _caught(handler: ast.ExceptHandler) -> set[str]:
    kind = handler.type
    if isinstance(kind, ast.Tuple):
        return {_last(each) for each in kind.elts}
    return {"BaseException" if kind is None else _last(kind)}


def _spoken(tree: ast.AST) -> Iterator[ast.AST]:
    """The parts of the code whose texts may reach a person: not the log's, not those of errors for a programmer."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call) and _last(child.exc.func) == "TypeError":
            continue
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and _last(child.func.value) == "log":
            continue
        yield child
        yield from _spoken(child)


def _class_names(tree: ast.AST) -> Iterator[int]:
    """Lines that make a text of `type(x).__name__`."""
    for node in _spoken(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "__name__"
            and isinstance(node.value, ast.Call)
            and _last(node.value.func) == "type"
        ):
            yield node.lineno


def _library_texts(tree: ast.AST, own: frozenset[str]) -> Iterator[int]:
    """Lines that make a text of a caught exception that is not our own."""
    for handler in _spoken(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None or _caught(handler) <= own:
            continue
        for node in _spoken(handler):
            told = node.value if isinstance(node, ast.FormattedValue) else None
            if isinstance(node, ast.Call) and _last(node.func) == "str" and node.args:
                told = node.args[0]
            if isinstance(told, ast.Name) and told.id == handler.name:
                yield node.lineno


def test_no_class_name_and_no_librarys_text_is_said_to_a_person() -> None:
    own, found = _own_exceptions(), []
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        if name in EXPLAINED or name.startswith(NOT_THE_PRODUCT):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [f"{name}:{line}" for line in (*_class_names(tree), *_library_texts(tree, own))]
    assert found == [], "say it by failure_words, and log the rest"


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("try: f()\nexcept Exception as e: say(f'failed: {e}')", True),
        ("try: f()\nexcept OSError as e: say(str(e))", True),
        ("say(f'{type(x).__name__} failed')", True),
        ("try: f()\nexcept Exception as e: log.info('failed: %s', e)", False),
        ("log.info('%s failed', type(x).__name__)", False),
        ("try: f()\nexcept Ours as e: say(str(e))", False),
        ("raise TypeError(f'a {type(x).__name__} cannot be recorded')", False),
    ],
)
def test_the_search_finds_what_it_is_for(code: str, *, is_found: bool) -> None:
    tree = ast.parse(code)
    assert bool([*_class_names(tree), *_library_texts(tree, frozenset({"Ours"}))]) is is_found
