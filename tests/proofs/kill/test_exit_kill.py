"""Kills the console at every await of the exit paths, restarts it, and judges the invariants of exits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proofs.kill.exit_case import ExitVerdict, run_exit_case
from tests.proofs.kill.exit_faults import EXIT_COLUMNS, ExitFault, ExitPath
from tests.proofs.kill.exit_sweep import every_exit_point, exit_sample, workers
from tests.proofs.kill.exit_templates import make_templates
from tests.proofs.kill.table import Table
from tests.support.proofs import ALL, TABLE_PROPERTY

pytestmark = [pytest.mark.proof, pytest.mark.timeout(7200 if ALL else 240)]
SAMPLED = 6
SEED = 7
"""Of the sample in `make test`, which is the same each time."""


class Verdicts:
    """The outcomes of the cases run so far."""

    def __init__(self) -> None:
        self.table = Table()
        self.wrong: list[str] = []

    def note(self, verdict: ExitVerdict) -> None:
        self.table.add(verdict)
        self.wrong += [f"{verdict.case}: {wrong}" for wrong in verdict.wrong]


def test_a_sample_of_kills_breaks_no_rule_of_exits(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    seed = int(pytestconfig.getoption("randomly_seed")) if ALL else SEED
    verdicts = Verdicts()
    make_templates(tmp_path)
    for case in exit_sample(seed, SAMPLED):
        verdicts.note(run_exit_case(case, tmp_path))
    assert verdicts.table.cases == SAMPLED
    assert not verdicts.wrong, f"seed {seed}: " + "\n".join(verdicts.wrong)


if ALL:

    @pytest.mark.parametrize(
        ("path", "fault"),
        [
            pytest.param(path, fault, id=f"{path}-{fault.name}")
            for path, faults in EXIT_COLUMNS.items()
            for fault in faults
        ],
    )
    def test_no_kill_breaks_a_rule_of_exits(
        path: ExitPath, fault: ExitFault, tmp_path: Path, record_property: Callable[[str, object], None]
    ) -> None:
        verdicts = Verdicts()
        with workers(tmp_path) as pool:
            every_exit_point(path, fault, pool, tmp_path, verdicts.note)
        record_property(TABLE_PROPERTY, verdicts.table.rows())
        assert not verdicts.wrong, "\n".join(verdicts.wrong)
