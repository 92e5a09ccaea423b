"""The rules of entries, written by hand from rules 9 for the proofs.

A proof that asked the product's own tables would find right whatever they say. Nothing here is imported from them, and
one test compares the two. States and statuses are plain words, as the records and the broker write them.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

IDENTIFIER_PREFIX = "senex-"

CHANGES: dict[str, set[str]] = {
    "prepared": {"sent", "not_sent"},
    "sent": {"working", "filled", "rejected", "cancelled", "expired", "not_sent", "unknown", "incident"},
    "working": {"filled", "rejected", "cancelled", "expired", "unknown", "incident"},
    "unknown": {"working", "filled", "rejected", "cancelled", "expired", "absent", "incident"},
    "absent": {"working", "filled", "rejected", "cancelled", "expired", "incident"},
    "cancelled": {"filled", "incident"},
    "expired": {"filled", "incident"},
    "rejected": {"filled", "incident"},
    "filled": {"incident"},
    "not_sent": {"incident"},
    "incident": set(),
}
"""The states that each state may become by itself."""
BY_ATTESTATION: dict[str, set[str]] = {
    "incident": {"working", "filled", "cancelled", "expired", "rejected", "absent"},
}
"""What an operator's attestation allows besides."""
OPEN = {"prepared", "sent", "working", "unknown"}
"""States in which an order is being sent, or may still change at the broker."""
NEVER_HOLDS_DAY = {"not_sent", "rejected"}

STATE_OF_STATUS = {
    "Received": "working",
    "Routed": "working",
    "In Flight": "working",
    "Live": "working",
    "Contingent": "working",
    "Cancel Requested": "working",
    "Replace Requested": "working",
    "Filled": "filled",
    "Rejected": "rejected",
    "Cancelled": "cancelled",
    "Removed": "cancelled",
    "Partially Removed": "cancelled",
    "Expired": "expired",
}
DEAD = {"Rejected", "Cancelled", "Removed", "Partially Removed", "Expired"}
"""Statuses of an order that will not fill any more."""


class Filled(Protocol):
    """A fill record, of the records or of the exchange's own."""

    @property
    def symbol(self) -> str: ...

    @property
    def quantity(self) -> Decimal: ...


def may_follow(old: str, new: str, *, attested: bool = False) -> bool:
    """Whether an entry in the state `old` may be in the state `new` next."""
    return old == new or new in CHANGES[old] or (attested and new in BY_ATTESTATION.get(old, set()))


def contracts(fills: Iterable[Filled]) -> dict[str, Decimal]:
    """The contracts filled of each symbol."""
    found: dict[str, Decimal] = {}
    for fill in fills:
        found[fill.symbol] = found.get(fill.symbol, Decimal(0)) + fill.quantity
    return found
