"""An entry as the reports tell it, with its account masked: its values, and the words made from them."""

from __future__ import annotations

from typing import Any

from core.domain.operation.events import masked
from core.domain.orders.orders import Entry
from senex_tui.support.report import instant_text


def entry_values(entry: Entry, names: tuple[str, ...]) -> dict[str, Any]:
    """The values of these names, in their order. The limit is per share, as text; contracts are those of all legs."""
    values = {
        "id": entry.id,
        "account": masked(entry.account),
        "day": entry.session_day.isoformat(),
        "cycle": entry.cycle,
        "state": entry.state.value,
        "underlying": entry.underlying,
        "expiration": entry.expiration.isoformat(),
        "strikes": entry.strikes,
        "limit": str(entry.limit),
        "order": entry.order_id,
        "broker_status": entry.broker_status,
        "sent": instant_text(entry.sent_at),
        "holds_day": entry.holds_day,
        "contracts_filled": int(sum(fill.quantity for fill in entry.fills)),
        "detail": entry.detail,
    }
    return {name: values[name] for name in names}


def order_words(entry: dict[str, Any]) -> str:
    """The trident and its limit, like `QQQ 624P/619P/624C/629C 2026-04-17 at 6.71 credit`."""
    return f"{entry['underlying']} {entry['strikes']} {entry['expiration']} at {entry['limit']} credit"


def entry_words(entry: dict[str, Any], note: str | None) -> str:
    """The state with a note to it, the trident, the broker's order, and what was filled."""
    noted = f" ({note})" if note else ""
    order = f", order {entry['order']}" if entry["order"] else ""
    filled = f", {entry['contracts_filled']} contracts filled" if entry["contracts_filled"] else ""
    return f"{entry['state'].upper()}{noted}: {order_words(entry)}{order}{filled}"
