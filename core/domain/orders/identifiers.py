"""The opaque identifier of an intent, which its order carries at the broker (SPEC 9, 13.7)."""

from __future__ import annotations

PREFIX = "senex-"


def identifier_for(intent: str) -> str:
    """The identifier of an intent; it names the intent, not the attempt, and holds no account number."""
    return f"{PREFIX}{intent}"


def is_ours(identifier: str | None) -> bool:
    """Whether an order's identifier was given by this product."""
    return identifier is not None and identifier.startswith(PREFIX)
