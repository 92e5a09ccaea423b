"""The opaque identifier of an intent, which its order carries at the broker (rules 9, 13.7, 15.4).

An intent is the record, written before anything is sent, that an order is about to be placed. An exit's identifier does
not begin as an entry's, so that nothing takes the close of a position for the entry of a day.
"""

from __future__ import annotations

from core.domain.orders.orders import IntentKind

PREFIX = "senex-"
EXIT_PREFIX = "senexit-"
_PREFIXES = {IntentKind.ENTRY: PREFIX, IntentKind.EXIT: EXIT_PREFIX}


def identifier_for(intent: str, kind: IntentKind = IntentKind.ENTRY) -> str:
    """The identifier of the intent with this id.

    It holds no account number, and is the same for every attempt to send.
    """
    return f"{_PREFIXES[kind]}{intent}"


def maker_of(identifier: str | None) -> IntentKind | None:
    """What this product made the order for, by the identifier it carries; None for an order of anybody else's."""
    if identifier is None:
        return None
    return next((kind for kind, prefix in _PREFIXES.items() if identifier.startswith(prefix)), None)
