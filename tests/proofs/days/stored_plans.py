"""Plans of days that once showed a violation, kept as they were: what a seed draws changes with the kinds of troubles.

`python -m tests.proofs.days.stored_plans NAME SEED` stores the plan of a seed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from tests.proofs.days.plan import Plan, draw

FOLDER = Path(__file__).parent / "plans"


def names() -> list[str]:
    """The names of all stored plans."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def stored_plan(name: str) -> Plan:
    """The plan that is stored under this name."""
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Plan)


def store(name: str, plan: Plan) -> None:
    """Stores the plan under this name."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")


if __name__ == "__main__":
    store(sys.argv[1], draw(int(sys.argv[2])))
