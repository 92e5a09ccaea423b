"""The broker's JSON of orders, dry runs and alerts, and the parsing of order bodies (broker 2.3, 4)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from core.simulator.exchange.orders import (
    BuyingPowerEffect,
    DryRun,
    FeeCalculation,
    Notice,
    OrderChanges,
    OrderLeg,
    OrderMessage,
    OrderRequest,
    SimBalances,
    SimFill,
    SimLeg,
    SimOrder,
    SimPosition,
)
from core.simulator.wire.payloads import (
    Json,
    Payload,
    epoch_ms,
    iso,
    maybe_iso,
    maybe_money,
    money,
    omit_none,
    signed,
)
from core.simulator.wire.payloads_accounts import balances, position

ACTIONS = frozenset({"Buy to Open", "Buy to Close", "Sell to Open", "Sell to Close", "Buy", "Sell"})
TIMES_IN_FORCE = frozenset({"Day", "GTC", "GTD", "Ext", "Ext Overnight", "GTC Ext", "GTC Ext Overnight", "IOC"})
ORDER_TYPES = frozenset({"Limit", "Market", "Marketable Limit", "Stop", "Stop Limit", "Notional Market"})
EFFECTS = frozenset({"Credit", "Debit", "None"})

MIN_AMOUNT = Decimal("1e-8")
MAX_AMOUNT = Decimal("1e9")
"""The smallest and largest absolute amount that is accepted, apart from zero. They keep arithmetic in bounds."""


class BodyInvalid(ValueError):
    """The body of an order is invalid. The answer is 400 validation_error with this text."""


def order(item: SimOrder) -> Payload:
    """One order, as REST and alerts send it. The order of a dry run (id 0) has no id."""
    payload = omit_none(
        id=item.id or None,
        account_number=item.account_number,
        time_in_force=item.time_in_force,
        gtc_date=item.gtc_date.isoformat() if item.gtc_date is not None else None,
        order_type=item.order_type,
        size=item.size,
        underlying_symbol=item.underlying_symbol,
        underlying_instrument_type=item.underlying_instrument_type,
        stop_trigger=maybe_money(item.stop_trigger),
        status=item.status,
        contingent_status=item.contingent_status,
        cancellable=item.cancellable,
        cancelled_at=maybe_iso(item.cancelled_at),
        editable=item.editable,
        edited=item.edited,
        ext_exchange_order_number=item.ext_exchange_order_number,
        ext_client_order_id=item.ext_client_order_id,
        ext_global_order_number=item.ext_global_order_number,
        global_request_id=item.global_request_id,
        replacing_order_id=item.replacing_order_id,
        replaces_order_id=item.replaces_order_id,
        received_at=iso(item.received_at),
        in_flight_at=maybe_iso(item.in_flight_at),
        live_at=maybe_iso(item.live_at),
        terminal_at=maybe_iso(item.terminal_at),
        reject_reason=item.reject_reason,
        updated_at=epoch_ms(item.updated_at),
        complex_order_id=item.complex_order_id,
        complex_order_tag=item.complex_order_tag,
        source=item.source,
        external_identifier=item.external_identifier,
        preflight_id=item.preflight_id,
        user_id=_user_id(item.username),
        username=item.username,
        cancel_user_id=_user_id(item.cancel_username),
        cancel_username=item.cancel_username,
    )
    if item.price is not None:
        payload.update(signed("price", item.price))
    if item.value is not None:
        payload.update(signed("value", item.value))
    payload["legs"] = [leg(entry) for entry in item.legs]
    return payload


def _user_id(username: str | None) -> str | None:
    """The id of a user: text, because the SDK cannot read a number (broker 2.3)."""
    return None if username is None else str(zlib.crc32(username.encode()))


def leg(item: SimLeg) -> Payload:
    return {
        "instrument-type": item.instrument_type,
        "symbol": item.symbol,
        "quantity": item.quantity,
        "remaining-quantity": item.remaining_quantity,
        "action": item.action,
        "fills": [fill(entry) for entry in item.fills],
    }


def fill(item: SimFill) -> Payload:
    return {
        "ext-group-fill-id": item.ext_group_fill_id,
        "ext-exec-id": item.ext_exec_id,
        "fill-id": item.fill_id,
        "quantity": item.quantity,
        "fill-price": money(item.fill_price),
        "filled-at": iso(item.filled_at),
        "destination-venue": item.destination_venue,
    }


def buying_power_effect(item: BuyingPowerEffect) -> Payload:
    return {
        **signed("change-in-margin-requirement", item.change_in_margin_requirement),
        **signed("change-in-buying-power", item.change_in_buying_power),
        **signed("current-buying-power", item.current_buying_power),
        **signed("new-buying-power", item.new_buying_power),
        **signed("isolated-order-margin-requirement", item.isolated_order_margin_requirement),
        "is-spread": item.is_spread,
        "impact": money(abs(item.impact)),
        "effect": item.effect,
    }


def fee_calculation(item: FeeCalculation) -> Payload:
    """The fees of an order. They are costs, which the broker sends as debits."""
    return {
        **signed("regulatory-fees", -item.regulatory_fees),
        **signed("clearing-fees", -item.clearing_fees),
        **signed("commission", -item.commission),
        **signed("proprietary-index-option-fees", -item.proprietary_index_option_fees),
        **signed("total-fees", -item.total_fees),
    }


def messages(values: Sequence[OrderMessage], preflight_id: str) -> list[Json]:
    return [{"code": item.code, "message": item.message, "preflight-id": preflight_id} for item in values]


def order_response(item: SimOrder, run: DryRun, preflight_id: str) -> Payload:
    """A PlacedOrderResponse: the order, with the buying power effect, fees and warnings of its dry run."""
    payload: Payload = {
        "order": order(item),
        "buying-power-effect": buying_power_effect(run.buying_power_effect),
        "fee-calculation": fee_calculation(run.fees),
        "warnings": messages(run.warnings, preflight_id),
    }
    if run.errors:
        payload["errors"] = messages(run.errors, preflight_id)
    return payload


def notice(item: Notice) -> Payload:
    """An account alert: its type, the full object and a timestamp."""
    data: Payload
    match item.obj:
        case SimOrder():
            data = order(item.obj)
        case SimBalances():
            data = balances(item.obj)
        case SimPosition():
            data = position(item.obj)
    return {"type": item.type, "data": data, "timestamp": epoch_ms(item.at)}


def order_request(body: Mapping[str, Any]) -> OrderRequest:
    """Parses the body of POST /orders. Raises BodyInvalid."""
    legs = body.get("legs")
    if not isinstance(legs, list) or not legs:
        raise BodyInvalid("legs is missing; give one to four legs")
    price, effect = _price(body)
    return OrderRequest(
        time_in_force=_one_of(body, "time-in-force", TIMES_IN_FORCE),
        order_type=_one_of(body, "order-type", ORDER_TYPES),
        legs=tuple(_leg(entry) for entry in legs),
        price=price,
        price_effect=effect,
        source=_text(body, "source"),
        external_identifier=_text(body, "external-identifier"),
        gtc_date=_date(body, "gtc-date"),
        stop_trigger=_decimal(body, "stop-trigger"),
        value=_decimal(body, "value"),
        preflight_id=_text(body, "preflight-id"),
        strict=_strict(body),
    )


def order_changes(body: Mapping[str, Any]) -> OrderChanges:
    """Parses the body of PUT /orders/{id}. Raises BodyInvalid."""
    price, effect = _price(body)
    return OrderChanges(
        time_in_force=_one_of(body, "time-in-force", TIMES_IN_FORCE),
        order_type=_one_of(body, "order-type", ORDER_TYPES),
        price=price,
        price_effect=effect,
        source=_text(body, "source"),
        external_identifier=_text(body, "external-identifier"),
        gtc_date=_date(body, "gtc-date"),
    )


def _price(body: Mapping[str, Any]) -> tuple[Decimal | None, str | None]:
    """The price and its effect. A price of zero may have no effect (broker 2.3)."""
    price = _decimal(body, "price")
    effect = _one_of(body, "price-effect", EFFECTS) if body.get("price-effect") is not None else None
    if price is not None and price < 0:
        raise BodyInvalid(f"price {price} is negative; give an absolute price and a price-effect")
    if price is not None and price > 0 and effect is None:
        raise BodyInvalid("price-effect is missing; give Credit or Debit")
    return price, effect


def _strict(body: Mapping[str, Any]) -> bool:
    """Whether its legs may only close what is held. An order in an answer does not say it (broker 9)."""
    instructions = body.get("advanced-instructions")
    if instructions is None:
        return False
    if not isinstance(instructions, dict):
        raise BodyInvalid("advanced-instructions is not an object")
    strict = instructions.get("strict-position-effect-validation", False)
    if not isinstance(strict, bool):
        raise BodyInvalid(f"strict-position-effect-validation {strict!r} is neither true nor false")
    return strict


def _leg(entry: object) -> OrderLeg:
    if not isinstance(entry, dict):
        raise BodyInvalid("a leg is not an object")
    quantity = _decimal(entry, "quantity")
    if quantity is None or quantity <= 0:
        raise BodyInvalid(f"quantity {entry.get('quantity')!r} of a leg is not above zero")
    return OrderLeg(
        instrument_type=_text(entry, "instrument-type") or "Equity Option",
        symbol=_text(entry, "symbol") or "",
        action=_one_of(entry, "action", ACTIONS),
        quantity=quantity,
    )


def _one_of(body: Mapping[str, Any], key: str, allowed: frozenset[str]) -> str:
    value = body.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise BodyInvalid(f"{key} {value!r} does not have a valid value")
    return value


def _text(body: Mapping[str, Any], key: str) -> str | None:
    value = body.get(key)
    return None if value is None else str(value)


def _decimal(body: Mapping[str, Any], key: str) -> Decimal | None:
    value = body.get(key)
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise BodyInvalid(f"{key} {value!r} is not a number") from error
    if not number.is_finite():
        raise BodyInvalid(f"{key} {value!r} is not a number")
    if number and not MIN_AMOUNT <= abs(number) < MAX_AMOUNT:
        raise BodyInvalid(f"{key} {value!r} is out of range")
    return number


def _date(body: Mapping[str, Any], key: str) -> date | None:
    value = body.get(key)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise BodyInvalid(f"{key} {value!r} is not a date") from error
