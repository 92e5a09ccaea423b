from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.valkey import Valkey, running_valkey


@pytest.fixture(scope="session")
def one_valkey() -> Iterator[Valkey]:
    with running_valkey() as server:
        yield server


@pytest.fixture
def valkey(one_valkey: Valkey) -> Valkey:
    """The worker's server, empty."""
    one_valkey.reset()
    return one_valkey


@pytest.fixture
def mortal_valkey() -> Iterator[Valkey]:
    """A server of the test's own, to be stopped or killed."""
    with running_valkey() as server:
        yield server
