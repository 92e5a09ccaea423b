"""The opaque identifier of an intent, which its order carries at the broker (rules 9, 13.7).

An intent is the record, written before anything is sent, that an entry is about to be placed.
"""

from __future__ import annotations

PREFIX = "senex-"


def identifier_for(intent: str) -> str:
    """The identifier of the intent with this id.

    It holds no account number, and is the same for every attempt to send.
    """
    return f"{PREFIX}{intent}"


def is_ours(identifier: str | None) -> bool:
    """Whether this product gave an order its identifier."""
    return identifier is not None and identifier.startswith(PREFIX)
