"""The broker's JSON of complex orders, and the parsing of their bodies (broker 2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.simulator.exchange.complex_orders import ComplexRequest, ComplexType, SimComplexOrder
from core.simulator.exchange.orders import DryRun, OrderRequest, SimOrder
from core.simulator.wire.payloads import Json, Payload, epoch_ms, iso
from core.simulator.wire.payloads_orders import (
    BodyInvalid,
    buying_power_effect,
    fee_calculation,
    messages,
    order,
    order_request,
)


def complex_request(body: Mapping[str, Any]) -> ComplexRequest:
    """Parses the body of POST /complex-orders. Raises BodyInvalid."""
    known = {each.value: each for each in ComplexType}
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in known:
        raise BodyInvalid(f"type {kind!r} does not have a valid value; give {', '.join(known)}")
    orders = body.get("orders")
    if not isinstance(orders, list) or not orders:
        raise BodyInvalid("orders is missing; give the orders that depend on each other")
    trigger = body.get("trigger-order")
    return ComplexRequest(
        known[kind],
        tuple(_single(each, "orders") for each in orders),
        None if trigger is None else _single(trigger, "trigger-order"),
    )


def _single(body: object, key: str) -> OrderRequest:
    if not isinstance(body, dict):
        raise BodyInvalid(f"{key} has something that is not an object")
    return order_request(body)


def complex_order(item: SimComplexOrder) -> Payload:
    """A complex order with its single ones. In `related-orders` every value is text: the SDK reads nothing else."""
    return _complex(item.account_number, item.type, item.orders, item.trigger) | {
        "id": item.id,
        "related-orders": [
            {"id": str(each.id), "complex-order-id": str(item.id), "status": each.status} for each in item.related
        ],
        **({} if item.terminal_at is None else {"terminal-at": iso(item.terminal_at)}),
    }


def complex_notice(item: SimComplexOrder, at: datetime) -> Payload:
    """The account alert of a complex order of which a single order has changed."""
    return {"type": "ComplexOrder", "data": complex_order(item), "timestamp": epoch_ms(at)}


def complex_response(placed: SimComplexOrder, run: DryRun, preflight_id: str) -> Payload:
    """The answer to POST /complex-orders. `run` is the dry run of the order that is routed first."""
    return _response(complex_order(placed), run, preflight_id)


def complex_dry_run(number: str, request: ComplexRequest, runs: Sequence[DryRun], preflight_id: str) -> Payload:
    """The answer to a dry run. `runs` are those of its orders, the trigger's first; they have no ids."""
    drafts = [run.order for run in runs if run.order is not None]
    trigger = drafts.pop(0) if request.trigger is not None else None
    return _response(_complex(number, request.type, drafts, trigger), runs[0], preflight_id)


def _complex(number: str, kind: ComplexType, orders: Sequence[SimOrder], trigger: SimOrder | None) -> Payload:
    listed: list[Json] = [order(each) for each in orders]
    payload: Payload = {"account-number": number, "type": kind.value, "orders": listed}
    return payload if trigger is None else {**payload, "trigger-order": order(trigger)}


def _response(shown: Payload, run: DryRun, preflight_id: str) -> Payload:
    return {
        "complex-order": shown,
        "buying-power-effect": buying_power_effect(run.buying_power_effect),
        "fee-calculation": fee_calculation(run.fees),
        "warnings": messages(run.warnings, preflight_id),
    }
