"""How long to wait before trying again: exponential with full jitter."""

from __future__ import annotations

FIRST_S = 0.2
LONGEST_S = 30.0


def backoff_s(failures: int, fraction: float, first: float = FIRST_S, longest: float = LONGEST_S) -> float:
    """Seconds before try number `failures` + 1; `fraction` in [0, 1) is the jitter. Between `first` and `longest`."""
    ceiling = min(longest, first * 2.0 ** min(max(failures, 0), 16))
    return first + fraction * (ceiling - first)
