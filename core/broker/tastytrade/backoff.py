"""How long to wait before another try: exponential back-off with full jitter."""

from __future__ import annotations

FIRST_S = 0.2
LONGEST_S = 30.0


def backoff_s(failures: int, fraction: float, first: float = FIRST_S, longest: float = LONGEST_S) -> float:
    """Seconds to wait after this many failures, between `first` and `longest`. `fraction` in [0, 1) is the jitter."""
    ceiling = min(longest, first * 2.0 ** min(max(failures, 0), 16))
    return first + fraction * (ceiling - first)
