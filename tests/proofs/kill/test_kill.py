"""Kills the engine at every await of an entry and of reconciliation, restarts it, and checks the rules of rules 13."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proofs.kill.broker_faults import BrokerFault
from tests.proofs.kill.case import PathName, Verdict
from tests.proofs.kill.sweep import COLUMNS, every_point, sample
from tests.proofs.kill.table import Table
from tests.support.proofs import ALL, TABLE_PROPERTY

pytestmark = [pytest.mark.proof, pytest.mark.timeout(7200 if ALL else 240)]
SAMPLED = 4
SEED = 7
"""Of the sample in `make test`, which is the same each time."""


class Verdicts:
    """The outcomes of the cases run so far."""

    def __init__(self) -> None:
        self.table = Table()
        self.wrong: list[str] = []

    def note(self, verdict: Verdict) -> None:
        self.table.add(verdict)
        self.wrong += [f"{verdict.case}: {wrong}" for wrong in verdict.wrong]


async def test_a_sample_of_kills_breaks_no_rule(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    seed = int(pytestconfig.getoption("randomly_seed")) if ALL else SEED
    verdicts = Verdicts()
    await sample(seed, SAMPLED, tmp_path, verdicts.note)
    assert verdicts.table.cases == SAMPLED
    assert not verdicts.wrong, f"seed {seed}: " + "\n".join(verdicts.wrong)


if ALL:

    @pytest.mark.parametrize(
        ("path", "fault"),
        [pytest.param(path, fault, id=f"{path}-{fault.name}") for path, faults in COLUMNS.items() for fault in faults],
    )
    async def test_no_kill_breaks_a_rule(
        path: PathName, fault: BrokerFault, tmp_path: Path, record_property: Callable[[str, object], None]
    ) -> None:
        verdicts = Verdicts()
        await every_point(path, fault, tmp_path, verdicts.note)
        record_property(TABLE_PROPERTY, verdicts.table.rows())
        assert not verdicts.wrong, "\n".join(verdicts.wrong)
