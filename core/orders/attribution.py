"""Whose order at the broker is: the one answer for alerts, listings and the last guard (rules 9)."""

from __future__ import annotations

from core.domain.orders.orders import Entry, Intent, IntentKind, OrderReport
from core.records.repositories.intent_book import IntentBook
from core.runtime.clock import exchange_time


async def intent_of(book: IntentBook, report: OrderReport) -> Intent | None:
    """The intent that the order belongs to; None when no record explains it. Raises RecordsError.

    Its identifier comes first. Then its id among the orders of the intents of its day, because a broker may begin its
    ids again (broker 8). Then the order that it replaces: a replacement made at the broker may have lost our
    identifier.
    """
    if report.identifier is not None:
        named = await book.by_identifier(report.identifier)
        if named is not None:
            return named
    day = None if report.received_at is None else exchange_time(report.received_at).date()
    for order_id in (report.order_id, report.replaces):
        known = await book.by_order(order_id, report.account, day) if order_id else None
        if known is not None:
            return known
    return None


async def kind_of(book: IntentBook, report: OrderReport) -> IntentKind | None:
    """The kind of the intent that the order belongs to: `intent_of` without reading the intent. Raises RecordsError."""
    if report.identifier is not None and (kind := await book.kind_of(report.identifier)) is not None:
        return kind
    intent = await intent_of(book, report)
    return None if intent is None else intent.KIND


async def entry_of(book: IntentBook, report: OrderReport) -> Entry | None:
    """The entry that the order belongs to; None for an exit's order too, which opens nothing. Raises RecordsError."""
    intent = await intent_of(book, report)
    return intent if isinstance(intent, Entry) else None
