"""The tables of the records."""

from __future__ import annotations

from core.records.store.tables.base import ONLY_ROW, metadata
from core.records.store.tables.money import (
    account_days,
    matches,
    official_closes,
    transaction_reads,
    transactions,
)
from core.records.store.tables.orders import (
    dry_runs,
    entries,
    evidence,
    fills,
    intent_changes,
    intent_orders,
    intents,
    suggestions,
)
from core.records.store.tables.trading import (
    account_changes,
    account_results,
    accounts,
    alerts,
    breakers,
    commands,
    cycles,
    engine,
    events,
    logins,
    messages,
    slots,
    trader,
    trading_state,
)

__all__ = [
    "ONLY_ROW",
    "account_changes",
    "account_days",
    "account_results",
    "accounts",
    "alerts",
    "breakers",
    "commands",
    "cycles",
    "dry_runs",
    "engine",
    "entries",
    "events",
    "evidence",
    "fills",
    "intent_changes",
    "intent_orders",
    "intents",
    "logins",
    "matches",
    "messages",
    "metadata",
    "official_closes",
    "slots",
    "suggestions",
    "trader",
    "trading_state",
    "transaction_reads",
    "transactions",
]
