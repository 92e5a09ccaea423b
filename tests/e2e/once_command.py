"""Runs `senex once --json` against a simulated broker."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.forked_process import run
from tests.support.senex_command import Box


def once(broker: SimulatedBroker, box: Box, *words: str, **environment: str) -> tuple[int, dict[str, Any], str]:
    """Runs `senex once`; returns the exit code, the JSON object of stdout, and stderr."""
    done = run(["once", "--json", *words], broker.environment(box, **environment), box.home, 80)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr
