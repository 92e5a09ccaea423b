"""How far a proof goes: a sample in `make test`, all of it in `make proofs`."""

from __future__ import annotations

import os

ALL = os.environ.get("SENEX_PROOFS") == "1"


def rounds(sampled: int, all_of_them: int) -> int:
    return all_of_them if ALL else sampled
