"""Runs the entry machine over random courses of events, with the records in SQLite and in PostgreSQL."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings

from tests.proofs.states.contradictory_machine import ContradictoryMachine
from tests.proofs.states.entry_machine import EntryMachine
from tests.proofs.states.stored import Reader
from tests.support.postgres_server import PostgresServer
from tests.support.proofs import ALL, rounds


class EntryMachineOnPostgres(EntryMachine):
    """The entry machine with the records in PostgreSQL, a database for every course of events."""

    server: ClassVar[PostgresServer]

    def new_records(self) -> tuple[str, Reader]:
        url = self.server.new_database()
        return url, self.server.reader(url)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "url"):
            self.server.drop(self.url)


@pytest.fixture(scope="class")
def machines_server(postgres: PostgresServer) -> None:
    EntryMachineOnPostgres.server = postgres


EntryMachineOnPostgres.TestCase.settings = settings(
    max_examples=rounds(2, 300), stateful_step_count=rounds(24, 30), suppress_health_check=[HealthCheck.too_slow]
)
TestEntryMachineOnPostgres = pytest.mark.usefixtures("machines_server")(
    pytest.mark.timeout(7200)(EntryMachineOnPostgres.TestCase) if ALL else EntryMachineOnPostgres.TestCase
)
EntryMachine.TestCase.settings = settings(max_examples=rounds(18, 2_500), stateful_step_count=rounds(24, 30))
TestEntryMachine = pytest.mark.timeout(7200)(EntryMachine.TestCase) if ALL else EntryMachine.TestCase
ContradictoryMachine.TestCase.settings = settings(max_examples=rounds(12, 2_500), stateful_step_count=rounds(24, 30))
TestContradictoryMachine = (
    pytest.mark.timeout(7200)(ContradictoryMachine.TestCase) if ALL else ContradictoryMachine.TestCase
)
