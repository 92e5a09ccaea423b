"""Prints the operator's questions as a table, with the keys that answer each in each state.

`python -m tests.proofs.truth`
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.proofs.truth.console_screens import answered, lived
from tests.proofs.truth.operator_questions import QUESTIONS, STATES, as_table


def main() -> int:
    """Returns 1 when a question is not answered, else 0."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    rows: dict[str, dict[str, str]] = {question.asked: {} for question in QUESTIONS}
    wrong = 0
    with TemporaryDirectory() as folder:
        for state, (scene, _) in STATES.items():
            found, _screens = asyncio.run(answered(state, lived(scene, Path(folder))))
            for asked, (keys, missing) in found.items():
                wrong += bool(missing)
                rows[asked][state] = f"NO: {', '.join(missing)}" if missing else f"`{keys or 'in sight'}`"
    sys.stdout.write(as_table(list(rows.items()), list(STATES)) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
