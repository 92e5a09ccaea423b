"""How many cases a proof runs: a sample in `make test`, all in `make proofs`."""

from __future__ import annotations

import os

TABLE_PROPERTY = "crash points x faults"
"""The property under which a test reports its part of the table printed at the end."""

ALL = os.environ.get("SENEX_PROOFS") == "1"


def rounds(sampled: int, all_of_them: int) -> int:
    return all_of_them if ALL else sampled
