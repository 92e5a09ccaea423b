"""The rules of entries, written by hand from rules 9 for the proofs.

A proof that asked the product's own tables would find right whatever they say. Nothing here is imported from them, and
one test compares the two. States and statuses are plain words, as the records and the broker write them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
NOTHING_THERE = {"not_sent", "rejected", "absent"}
"""States that say that the broker holds no order."""
BETWEEN_READS_S = 30.0
"""Between the two reads of a proof, in seconds of the market."""

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


class Leg(Protocol):
    """A leg of an order that was asked for."""

    @property
    def symbol(self) -> str: ...

    @property
    def quantity(self) -> int: ...


class Seen(Protocol):
    """A row of the evidence about an entry."""

    @property
    def kind(self) -> str: ...

    @property
    def complete(self) -> bool: ...

    @property
    def detail(self) -> Mapping[str, object]: ...

    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A row of the evidence, read from the database directly."""

    kind: str
    complete: bool
    detail: Mapping[str, object]
    at: datetime

    @classmethod
    def of(cls, kind: str, complete: object, detail: str, at: str) -> SeenRow:
        """The row as it is stored: the detail is JSON text, the instant ISO text."""
        return cls(kind, bool(complete), json.loads(detail), datetime.fromisoformat(at))


class Filled(Protocol):
    """A fill record, of the records or of the exchange's own."""

    @property
    def symbol(self) -> str: ...

    @property
    def quantity(self) -> Decimal: ...


def is_ours(identifier: str | None) -> bool:
    """Whether this product gave an order its identifier."""
    return identifier is not None and identifier[: len(IDENTIFIER_PREFIX)] == IDENTIFIER_PREFIX


def may_follow(old: str, new: str, *, attested: bool = False) -> bool:
    """Whether an entry in the state `old` may be in the state `new` next."""
    return old == new or new in CHANGES[old] or (attested and new in BY_ATTESTATION.get(old, set()))


def contracts(fills: Iterable[Filled]) -> dict[str, Decimal]:
    """The contracts filled of each symbol."""
    found: dict[str, Decimal] = {}
    for fill in fills:
        found[fill.symbol] = found.get(fill.symbol, Decimal(0)) + fill.quantity
    return found


def is_whole(legs: Iterable[Leg], fills: Iterable[Filled]) -> bool:
    """Whether all contracts of every leg are filled."""
    filled = contracts(fills)
    return not any(filled.get(leg.symbol, Decimal(0)) < leg.quantity for leg in legs)


def is_attested(evidence: Iterable[Seen]) -> bool:
    """Whether an operator has said what they saw at the broker. The word that allows re-entry is another one."""
    return any(seen.kind == "attestation" and "seen" in seen.detail for seen in evidence)


def is_proved_absent(evidence: Iterable[Seen], between_s: float = BETWEEN_READS_S) -> bool:
    """Whether two complete reads, so far apart and over one connection of the alerts, show no such order and the same
    positions; or an operator's word that there is none."""
    rows = list(evidence)
    reads = [seen for seen in rows if seen.kind == "listing" and seen.complete and seen.detail.get("found") is False]
    return is_attested(rows) or _agree(reads, between_s, ("alerts", "positions"))


def is_proved_forgotten(evidence: Iterable[Seen], between_s: float = BETWEEN_READS_S) -> bool:
    """Whether two complete looks, so far apart, do not show the order, and the broker says of its id that there is no
    such order."""
    return _agree([seen for seen in evidence if seen.kind == "missing" and seen.complete], between_s, ())


def _agree(reads: Sequence[Seen], between_s: float, about: Sequence[str]) -> bool:
    return any(
        (second.at - first.at).total_seconds() >= between_s
        and all(first.detail.get(name) == second.detail.get(name) is not None for name in about)
        for first in reads
        for second in reads
    )
