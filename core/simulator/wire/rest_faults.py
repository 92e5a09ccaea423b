"""Answers made unreadable on purpose: a mandatory key gone, an order status nobody knows (reference 5)."""

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
"""Keys the SDK cannot do without, in the order they are looked for."""

UNKNOWN_STATUS = "Dead"
"""A status of the broker's own specification that the SDK does not know (reference 2.3)."""


def drop_mandatory_key(payload: Payload, key: str | None) -> Payload:
    """A copy whose first object with this key, or with a usual mandatory one, has lost it."""
    copied = copy.deepcopy(payload)
    for name in (key,) if key is not None else MANDATORY:
        found_in = _first_with_key(copied, name)
        if found_in is not None:
            del found_in[name]
            break
    return copied


def set_unknown_status(payload: Payload) -> Payload:
    """A copy in which every order has an unknown status."""
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
