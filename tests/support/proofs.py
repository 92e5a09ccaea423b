"""How far a proof goes: a sample in `make test`, all of it in `make proofs`."""

from __future__ import annotations

import os

TABLE_PROPERTY = "crash points x faults"
"""Under this name a test reports its part of the table that is printed at the end."""

ALL = os.environ.get("SENEX_PROOFS") == "1"


def rounds(sampled: int, all_of_them: int) -> int:
    return all_of_them if ALL else sampled
