"""The table of crash points and broker faults, with the number of violations in each cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.proofs.kill.broker_faults import FAULTS
from tests.proofs.kill.case import Verdict
from tests.proofs.kill.exit_case import ExitVerdict
from tests.proofs.kill.exit_faults import EXIT_FAULTS

COLUMN_NAMES: Sequence[str] = [fault.name for fault in (*FAULTS, *EXIT_FAULTS)]


@dataclass
class Table:
    """Rows are named points and the places of suspensions. A cell holds two counts: its cases, and those with
    violations."""

    cells: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, verdict: Verdict | ExitVerdict) -> None:
        self.count(f"{verdict.case.path}: {verdict.row}", verdict.case.fault.name, 1, int(bool(verdict.wrong)))

    def count(self, row: str, column: str, cases: int, bad: int) -> None:
        cell = self.cells[row, column]
        cell[0] += cases
        cell[1] += bad

    @classmethod
    def of(cls, parts: Iterable[Iterable[tuple[str, str, int, int]]]) -> Table:
        """Adds up the parts of several tests."""
        table = cls()
        for part in parts:
            for row, column, cases, bad in part:
                table.count(row, column, cases, bad)
        return table

    def rows(self) -> list[tuple[str, str, int, int]]:
        """The cells as plain values (row, column, cases, violations), as a test reports them."""
        return [(row, column, cases, bad) for (row, column), (cases, bad) in self.cells.items()]

    @property
    def cases(self) -> int:
        return sum(cases for cases, _ in self.cells.values())

    @property
    def bad(self) -> int:
        return sum(bad for _, bad in self.cells.values())

    def markdown(self) -> str:
        """One line per row: the violations in each cell, then the number of cases. The columns are those that have
        cases, in their order."""
        used = {column for _, column in self.cells}
        columns = [name for name in COLUMN_NAMES if name in used]
        rows = sorted({row for row, _ in self.cells}, key=lambda row: (" > " in row, row))
        lines = [
            f"| crash point | {' | '.join(columns)} | cases |",
            f"|---|{'---:|' * (len(columns) + 1)}",
        ]
        for row in rows:
            lines.append(f"| {row} | {' | '.join(self._cells(row, columns))} | {self._sum(row)} |")
        return "\n".join(lines)

    def _cells(self, row: str, columns: Iterable[str]) -> list[str]:
        return [str(self.cells[row, c][1]) if (row, c) in self.cells else "" for c in columns]

    def _sum(self, row: str) -> int:
        return sum(cases for (each, _), (cases, _bad) in self.cells.items() if each == row)
