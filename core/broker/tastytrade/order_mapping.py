"""Turns the broker's JSON of orders and dry runs into our values (broker 2.3). Each raises Unreadable."""

from __future__ import annotations

from decimal import Decimal

from core.broker.port import DryRunAnswer
from core.broker.tastytrade.fields import (
    JsonObject,
    Unreadable,
    identity,
    instant,
    json_object,
    number,
    optional_identity,
    optional_list,
    optional_number,
    optional_object,
    optional_signed,
    required_list,
    shown_instant,
    shown_text,
    signed,
    text,
)
from core.domain.orders.identifiers import maker_of
from core.domain.orders.orders import Fill, OrderReport, ReportedLeg

UNKNOWN_CODE = "unknown"
"""The code of a warning or an error that has none, so that it is not taken for one that is known to be harmless."""


def order_report(o: JsonObject) -> OrderReport:
    """The report of an order. A credit is positive, a debit negative (broker 2.3).

    The words of its status and of its actions are kept as they are: the caller says which it knows. Raises Unreadable
    for a missing id, account, status or leg, and for legs, fills, identifier and, in an order of ours, a price that
    cannot be read.
    """
    identifier = optional_identity(o, "external-identifier")
    return OrderReport(
        order_id=identity(o, "id"),
        account=text(o, "account-number"),
        status=text(o, "status"),
        identifier=identifier,
        underlying=shown_text(o, "underlying-symbol"),
        credit=_price(o, ours=maker_of(identifier) is not None),
        legs=tuple(_leg(json_object(leg, "legs")) for leg in required_list(o, "legs")),
        received_at=shown_instant(o, "received-at"),
        terminal_at=shown_instant(o, "terminal-at"),
        updated_at=shown_instant(o, "updated-at"),
        reject_reason=shown_text(o, "reject-reason") or None,
        replaces=_other_order(o, "replaces-order-id"),
        replaced_by=_other_order(o, "replacing-order-id"),
        cancelled_by=_other_user(o),
        time_in_force=shown_text(o, "time-in-force"),
        order_type=shown_text(o, "order-type"),
        user=shown_text(o, "username") or shown_text(o, "user-id"),
    )


def dry_run_answer(data: JsonObject) -> DryRunAnswer:
    """The broker's answer to a dry run.

    Its fees are signed, a debit negative; ours are a cost, so a debit is positive. They are only shown.
    """
    effect = json_object(data.get("buying-power-effect"), "buying-power-effect")
    return DryRunAnswer(
        buying_power_change=signed(effect, "change-in-buying-power"),
        new_buying_power=signed(effect, "new-buying-power"),
        fees=_fees(data),
        warnings=tuple(messages(data, "warnings")),
    )


def messages(data: JsonObject, key: str) -> list[tuple[str, str]]:
    """The code and the words of each warning or error in a list, which may be absent."""
    found = []
    for item in optional_list(data, key):
        said = item if isinstance(item, dict) else {}
        found.append((shown_text(said, "code") or UNKNOWN_CODE, shown_text(said, "message")))
    return found


def _price(o: JsonObject, *, ours: bool) -> Decimal | None:
    try:
        return optional_signed(o, "price")
    except Unreadable:
        if ours:
            raise
        return None


def _leg(o: JsonObject) -> ReportedLeg:
    symbol = text(o, "symbol")
    return ReportedLeg(
        symbol=symbol,
        action=text(o, "action"),
        quantity=optional_number(o, "quantity") or Decimal(0),
        remaining=optional_number(o, "remaining-quantity"),
        fills=tuple(_fill(json_object(fill, "fills"), symbol) for fill in optional_list(o, "fills")),
    )


def _fill(o: JsonObject, symbol: str) -> Fill:
    return Fill(
        fill_id=identity(o, "fill-id"),
        symbol=symbol,
        quantity=number(o, "quantity"),
        price=number(o, "fill-price"),
        at=instant(o, "filled-at"),
    )


def _other_order(o: JsonObject, key: str) -> str:
    found = shown_text(o, key)
    return "" if found == "0" else found


def _other_user(o: JsonObject) -> str:
    """The user who cancelled, empty when it is the order's own user: then it may have been this console.

    One sign that it is another counts more than one that it is not. A name is told rather than an id. Who cannot be
    compared counts as another.
    """
    name, own_name = shown_text(o, "cancel-username"), shown_text(o, "username")
    number, own_number = shown_text(o, "cancel-user-id"), shown_text(o, "user-id")
    compared = [(name, own_name), (number, own_number)]
    differs = any(cancelled_by and own and cancelled_by != own for cancelled_by, own in compared)
    if not differs and any(cancelled_by and cancelled_by == own for cancelled_by, own in compared):
        return ""
    return number if not name or (number and name == own_name) else name


def _fees(data: JsonObject) -> Decimal | None:
    try:
        fees = optional_object(data, "fee-calculation")
        total = optional_signed(fees, "total-fees") if fees is not None else None
    except Unreadable:
        return None
    return -total if total is not None else None
