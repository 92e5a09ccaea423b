from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.senex_command import Box, running_simulator


@pytest.fixture
def simulator_url(box: Box) -> Iterator[str]:
    """A simulated broker in a process of its own, at a free port."""
    with running_simulator(box) as port:
        yield f"http://127.0.0.1:{port}"
