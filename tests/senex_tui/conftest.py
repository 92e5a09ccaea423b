from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.support.senex_command import Box, running_simulator


@pytest.fixture
def simulator_url(box: Box) -> Iterator[str]:
    """A simulated broker in a process of its own, at a free port."""
    with running_simulator(box) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """A process whose log is set up nowhere; afterwards the log is as it was."""
    root = logging.getLogger()
    before, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    hooks = threading.excepthook, sys.unraisablehook
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, logging.raiseExceptions = before, raising
    threading.excepthook, sys.unraisablehook = hooks
    root.setLevel(level)
    logging.captureWarnings(False)
