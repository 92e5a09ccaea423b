"""Whose order at the broker is: the one answer for alerts, listings and the last guard (rules 9)."""

from __future__ import annotations

from core.domain.orders.orders import AnyIntent, Entry, OrderReport
from core.records.repositories.entry_reads import EntryReads
from core.records.repositories.intent_queries import KindReads
from core.runtime.clock import exchange_time


async def entry_of(entries: EntryReads, report: OrderReport) -> Entry | None:
    """The entry that the order belongs to; None when it is none of an entry. Raises RecordsError."""
    return await intent_of(entries, report)


async def intent_of(intents: KindReads[AnyIntent], report: OrderReport) -> AnyIntent | None:
    """The intent of one kind that the order belongs to; None when no record of it explains it. Raises RecordsError.

    Its identifier comes first. Then its id among the orders of the intents of its day, because a broker may begin its
    ids again (broker 8). Then the order that it replaces: a replacement made at the broker may have lost our
    identifier.
    """
    if report.identifier is not None:
        named = await intents.by_identifier(report.identifier)
        if named is not None:
            return named
    day = None if report.received_at is None else exchange_time(report.received_at).date()
    for order_id in (report.order_id, report.replaces):
        known = await intents.by_order(order_id, report.account, day) if order_id else None
        if known is not None:
            return known
    return None
