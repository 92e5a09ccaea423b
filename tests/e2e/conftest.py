from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.postgres_server import PostgresServer
from tests.support.senex_command import Box, running_simulator


@pytest.fixture
def broker(box: Box) -> Iterator[SimulatedBroker]:
    """A simulated broker in a process of its own."""
    with running_simulator(box) as port:
        yield SimulatedBroker(port)


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database for this test."""
    made = postgres.new_database()
    yield made
    postgres.drop(made)
