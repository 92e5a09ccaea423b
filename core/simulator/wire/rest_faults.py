"""Changes answers as the faults say: keys missing or odd, unknown words, items of foreign kinds (broker 5)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from core.simulator.exchange.faults import FOREIGN_ID, FaultMatch
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

UNUSED = (
    "order-type",
    "nickname",
    "cash-balance",
    "cost-effect",
    "fee-schedule-name",
    "expiration-type",
    "instrument-collection",
    "market-cap",
    "summary-date",
)
"""Keys that the SDK insists on and no decision rests on, in the order in which they are searched."""

UNKNOWN_STATUS = "Dead"
"""An order status that is in the broker's specification but not in the SDK (broker 2.3)."""


def drop_mandatory_key(payload: Payload, match: FaultMatch) -> Payload:
    """A copy without `match.field`, or without the first of MANDATORY that it has. Only the first object changes."""
    copied = copy.deepcopy(payload)
    for name in (match.field,) if match.field is not None else MANDATORY:
        found_in = next(_with_key(copied, name, match.having), None)
        if found_in is not None:
            del found_in[name]
            break
    return copied


def set_odd_field(payload: Payload, match: FaultMatch, value: Any) -> Payload:
    """A copy in which `match.field`, or the first of UNUSED found, is `value` in every object that has the key."""
    copied = copy.deepcopy(payload)
    for name in (match.field,) if match.field is not None else UNUSED:
        found = list(_with_key(copied, name, match.having))
        for node in found:
            node[name] = value
        if found:
            break
    return copied


def set_unknown_status(payload: Payload) -> Payload:
    """A copy in which every order has the status UNKNOWN_STATUS."""
    copied = copy.deepcopy(payload)
    for order in _orders(copied):
        order["status"] = UNKNOWN_STATUS
    return copied


def add_foreign_item(payload: Payload, path: str) -> Payload:
    """A copy of a listing with one item more, of an unknown kind, at the end of its last page. Other answers stay."""
    data = payload.get("data")
    pages = payload.get("pagination")
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        return payload
    foreign = _foreign_item(path, data["items"])  # type: ignore[arg-type]
    if foreign is None:
        return payload
    copied = copy.deepcopy(payload)
    if isinstance(pages, dict) and pages["page-offset"] != int(str(pages["total-pages"])) - 1:
        counted: tuple[str, ...] = ("total-items",)
    else:
        copied["data"]["items"].append(foreign)  # type: ignore[index,call-overload,union-attr]
        counted = ("total-items", "current-item-count")
    for key in counted if isinstance(pages, dict) else ():
        copied["pagination"][key] += 1  # type: ignore[index,call-overload,operator]
    return copied


def _foreign_item(path: str, rows: list[Any]) -> Payload | None:
    """The item for a listing that has these rows; None where there is none."""
    parts = path.strip("/").split("/")
    if parts[-1] == "accounts":
        return {"account": {"account-number": "5WT77777", "is-closed": True, "nickname": None}, "authority-level": 7}
    number = parts[1] if len(parts) > 2 else ""
    if parts[-1] == "positions":
        return {
            "account-number": number,
            "symbol": "BTC/USD",
            "instrument-type": "Tokenised Deposit",
            "quantity": None,
            "quantity-direction": "Sideways",
        }
    if parts[-1] == "transactions" and rows:
        zero = {"value": "0.0", "value-effect": "None", "net-value": "0.0", "net-value-effect": "None"}
        kinds = {"transaction-type": "Barter", "transaction-sub-type": "Goat", "description": 7, "lots": "many"}
        when = {key: rows[-1][key] for key in ("executed-at", "transaction-date")}
        return {"id": FOREIGN_ID, "account-number": number, **kinds, **when, **zero, "is-estimated-fee": False}
    if parts[-1] == "orders" or parts[-2:] == ["orders", "live"]:
        return {
            "id": FOREIGN_ID,
            "account-number": number,
            "order-type": "Iceberg",
            "time-in-force": "Until Full Moon",
            "status": "Live",
            "underlying-symbol": "BTC/USD",
            "underlying-instrument-type": "Tokenised Deposit",
            "user-id": 123,
            "price": "unpriced",
            "legs": [
                {
                    "instrument-type": "Tokenised Deposit",
                    "symbol": "BTC/USD",
                    "action": "Allocate",
                    "quantity": None,
                    "remaining-quantity": None,
                    "fills": [],
                }
            ],
        }
    return None


def _with_key(node: Json, key: str, having: str | None) -> Iterator[Payload]:
    """The objects with this key, outermost first; with `having` only those that hold this text themselves."""
    if isinstance(node, dict):
        if key in node and (having is None or having in node.values()):
            yield node
        children = list(node.values())
    else:
        children = node if isinstance(node, list) else []
    for child in children:
        yield from _with_key(child, key, having)


def _orders(node: Json) -> list[Payload]:
    if isinstance(node, dict):
        if "order-type" in node and "status" in node:
            return [node]
        return [order for child in node.values() for order in _orders(child)]
    if isinstance(node, list):
        return [order for child in node for order in _orders(child)]
    return []
