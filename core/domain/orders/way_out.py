"""What leads out of an entry that holds up its account: the sentence with the command that works now (rules 9).

It is the only place that names these commands, so that no screen, mail or report names another one.
"""

from __future__ import annotations

from collections.abc import Collection

from core.domain.operation.breakers import BreakerKind
from core.domain.orders.fate import Fate, FateKind

SHORT_ID = 8
"""Characters of an entry's id that name it in a sentence. A command takes an id by its beginning."""
FORGOTTEN_MINUTES = 3
"""Within this time a working order that the broker no longer knows makes its entry unknown (rules 9)."""


def adopting(order_id: str) -> str:
    """What makes an entry of an order that no record here knows. ORDER stands for an id that is not known either."""
    return f"`senex attest {order_id}` adopts it"


def way_out(fate: Fate, breakers: Collection[BreakerKind] = (), *, reentry_allowed: bool = False) -> str:
    """What the operator can do about the entry, with the command and its words; empty when nothing is needed or helps.

    `breakers` are the kinds that are open for its account; `reentry_allowed`: an operator has allowed another entry.
    ORDER in a command stands for the order's id at the broker, where none is known here.
    """
    entry, order = fate.entry_id[:SHORT_ID], fate.order_id or "ORDER"
    match fate.kind:
        case FateKind.UNKNOWN:
            seen = f"`senex attest absent {entry}` or `senex attest {order} {entry}` records what you saw there"
            return f"`senex reconcile` looks again, {seen}"
        case FateKind.INCIDENT:
            corrects = f"`senex attest {order} {entry}` corrects the record"
            if fate.filled > fate.contracts:  # of two orders neither is the entry's
                corrects += " if that order alone filled so much"
            elif fate.max_risk is None:
                corrects += " if that order is of whole tridents"
            if BreakerKind.INCIDENT in breakers:
                return f"settle it at the broker, then `senex reset incident`; {corrects}"
            return corrects
        case FateKind.ABSENT:
            return f"`senex attest {order} {entry}` corrects the record if its order is at the broker after all"
        case FateKind.WORKING | FateKind.PARTLY if BreakerKind.EARLIER_ENTRY in breakers:
            return (
                "ends by itself when the broker shows how it ended; when the broker no longer knows its order, "
                f"it is unknown within {FORGOTTEN_MINUTES} minutes"
            )
        case FateKind.CANCELLED | FateKind.EXPIRED if fate.needs_word and not reentry_allowed and _may_be_freed(fate):
            return f"`senex allow-reentry {entry}`"
    return ""


def _may_be_freed(fate: Fate) -> bool:
    return fate.holds_day and not fate.traded
