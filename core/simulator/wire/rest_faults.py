"""Makes answers unreadable for the SDK: without a mandatory key, or with an unknown order status (broker 5)."""

from __future__ import annotations

import copy

from core.simulator.wire.payloads import Json, Payload

MANDATORY = (
    "updated-at",
    "underlying-symbol",
    "strike-price",
    "account-number",
    "state",
    "market-holidays",
    "root-symbol",
    "token",
    "access_token",
    "symbol",
    "items",
)
"""Keys without which the SDK cannot read an answer, in the order in which they are searched."""

UNKNOWN_STATUS = "Dead"
"""An order status that is in the broker's specification but not in the SDK (broker 2.3)."""


def drop_mandatory_key(payload: Payload, key: str | None) -> Payload:
    """A copy without `key`, or without the first of MANDATORY that it has. Only the first object with it changes."""
    copied = copy.deepcopy(payload)
    for name in (key,) if key is not None else MANDATORY:
        found_in = _first_with_key(copied, name)
        if found_in is not None:
            del found_in[name]
            break
    return copied


def set_unknown_status(payload: Payload) -> Payload:
    """A copy in which every order has the status UNKNOWN_STATUS."""
    copied = copy.deepcopy(payload)
    for order in _orders(copied):
        order["status"] = UNKNOWN_STATUS
    return copied


def _first_with_key(node: Json, key: str) -> Payload | None:
    if isinstance(node, dict):
        if key in node:
            return node
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    else:
        return None
    return next((found for child in children if (found := _first_with_key(child, key)) is not None), None)


def _orders(node: Json) -> list[Payload]:
    if isinstance(node, dict):
        if "order-type" in node and "status" in node:
            return [node]
        return [order for child in node.values() for order in _orders(child)]
    if isinstance(node, list):
        return [order for child in node for order in _orders(child)]
    return []
