"""The truth is written apart: this folder imports nothing that tells a fate or a next step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
TELLING = (
    "core.views",
    "core.domain.orders.fate",
    "core.domain.orders.next_step",
    "core.domain.orders.settling",
    "core.domain.reporting.told",
    "core.records.search.told_cycles",
)


def telling_imports(code: str) -> Iterator[str]:
    """The imported modules that tell a fate or a next step."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{name.name}" for name in node.names]
        else:
            continue
        for module in modules:
            if any(f"{module}.".startswith(f"{telling}.") for telling in TELLING):
                yield module


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_no_file_imports_what_it_checks(path: Path) -> None:
    assert list(telling_imports(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import core.views.orders",
        "from core.views import orders",
        "from core.domain.orders import fate",
        "from core.domain.orders.next_step import next_step",
        "def f():\n    from core.domain.reporting.told import told_run",
    ],
)
def test_each_way_to_import_it_is_found(code: str) -> None:
    assert len(list(telling_imports(code))) == 1


def test_only_the_oracle_and_its_words_know_no_part_of_the_product() -> None:
    for name in ("values.py", "oracle.py", "ladder.py", "said.py", "words.py", "compare.py"):
        tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        modules += [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
        assert [module for module in modules if module.split(".")[0] in ("core", "senex_tui", "widgets")] == []
