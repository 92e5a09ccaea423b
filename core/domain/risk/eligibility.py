"""Whether the broker's options level allows an account to open defined-risk spreads (rules 4)."""

from __future__ import annotations

SUFFICIENT_LEVELS = frozenset({"defined risk spreads", "no restrictions"})
"""The broker's words, in lower case, for levels that allow selling a spread to open."""


def restriction_by_level(options_level: str) -> str | None:
    """What the level forbids, in words; None when it is sufficient. An unknown level is not sufficient."""
    if options_level.strip().lower() in SUFFICIENT_LEVELS:
        return None
    return f"its options level {options_level!r} does not allow spreads"
