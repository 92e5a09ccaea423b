"""Whether an account may open defined-risk spreads, by the broker's options level (SPEC 4)."""

from __future__ import annotations

SUFFICIENT_LEVELS = frozenset({"defined risk spreads", "no restrictions"})
"""The broker's words for levels that may sell a spread to open, in small letters."""


def restriction_by_level(options_level: str) -> str | None:
    """What the level forbids, in words, or None when it is sufficient. An unknown word is not sufficient."""
    if options_level.strip().lower() in SUFFICIENT_LEVELS:
        return None
    return f"its options level {options_level!r} does not allow spreads"
