from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis.valkey import Valkey


@pytest.fixture(scope="session")
def one_valkey() -> Iterator[Valkey]:
    # Not below pytest's own folder: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        yield server
        server.kill()


@pytest.fixture
def valkey(one_valkey: Valkey) -> Valkey:
    """The worker's server, empty."""
    one_valkey.reset()
    return one_valkey


@pytest.fixture
def mortal_valkey() -> Iterator[Valkey]:
    """A server of the test's own, to be stopped or killed."""
    with tempfile.TemporaryDirectory(prefix="vk") as folder:
        server = Valkey(Path(folder))
        yield server
        server.kill()
