"""What leads out of an entry that holds up its account: the sentence with the command that works now (rules 9)."""

from __future__ import annotations

from core.domain.orders.fate import Fate, FateKind


def way_out(fate: Fate) -> str:
    """What the operator can do about the entry, with the command; empty when nothing is needed."""
    match fate.kind:
        case FateKind.UNKNOWN:
            return "`senex reconcile` looks again, `senex attest` records what you saw"
        case FateKind.INCIDENT:
            return "settle it at the broker, then `senex reset incident`"
    return ""
