"""The files that judge what the product did import none of its rules about orders: only the values that it hands over.

A judge that asked the product's own tables would find right whatever they say. `tests/support/oracle.py` has the tables
that were written by hand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORACLES = (
    "tests/support/oracle.py",
    "tests/support/invariants.py",
    "tests/proofs/days/exchange_orders.py",
    "tests/proofs/days/invariant_checker.py",
    "tests/proofs/days/send_checks.py",
    "tests/proofs/exits/exit_money.py",
    "tests/proofs/exits/exit_orders.py",
    "tests/proofs/exits/exit_times.py",
    "tests/proofs/exits/facts.py",
    "tests/proofs/exits/invariants.py",
    "tests/proofs/kill/rules.py",
    "tests/proofs/states/contradictory_machine.py",
    "tests/proofs/states/entry_machine.py",
    "tests/proofs/states/scripted_broker.py",
    "tests/proofs/states/stored.py",
    "tests/proofs/states/test_fold_laws.py",
)
RULES = ("core.domain.orders", "core.domain.positions")
VALUES = ("core.domain.orders.orders", "core.domain.orders.transactions")
"""The only modules about orders that they may import: requests, reports, fills, entries and the broker's rows."""


def rules_imported(tree: ast.AST) -> Iterator[str]:
    """The modules of rules about orders that this file imports, and what it takes from the package itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
            if node.module == "core.domain.orders":
                modules = [f"core.domain.orders.{name.name}" for name in node.names]
        else:
            continue
        yield from (m for m in modules if m.startswith(RULES) and m not in VALUES)


@pytest.mark.parametrize("path", ORACLES)
def test_an_oracle_asks_no_rule_of_the_product(path: str) -> None:
    assert list(rules_imported(ast.parse((ROOT / path).read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import core.domain.orders.fills",
        "from core.domain.orders import order_states",
        "from core.domain.orders.order_states import BROKER_STATUS",
        "def f():\n    from core.domain.orders.fills import is_complete",
    ],
)
def test_each_way_to_import_a_rule_is_found(code: str) -> None:
    assert len(list(rules_imported(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code", ["from core.domain.orders.orders import Entry", "from core.domain.orders import orders"]
)
def test_values_may_be_imported(code: str) -> None:
    assert list(rules_imported(ast.parse(code))) == []
