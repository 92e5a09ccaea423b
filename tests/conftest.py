"""What every test area shares."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from core.garbage import tune_gc
from tests.proofs import TABLE_PROPERTY

settings.register_profile("tests", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("proofs", settings.get_profile("tests"), max_examples=10_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


@pytest.fixture(autouse=True, scope="session")
def state_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Account locks are per user: those of the tests are not those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end: the collector need not look at all of it again and again."""
    tune_gc()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table of crash points and faults, whose parts many tests, in many workers, have filled."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    parts = [
        value for report in reports for name, value in getattr(report, "user_properties", ()) if name == TABLE_PROPERTY
    ]
    if parts:
        from tests.kill.table import Table  # deferred: it brings the simulator

        terminalreporter.write_line(Table.of(parts).markdown())
