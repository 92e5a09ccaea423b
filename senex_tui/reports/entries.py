"""An entry as the reports tell it, with its account masked: its values, and the words made from them."""

from __future__ import annotations

from datetime import date
from typing import Any

from core.domain.operation.events import masked
from core.domain.orders.fate import day_words, fate_of, fate_words
from core.domain.orders.orders import Entry
from core.views.plain_words import plain_words
from senex_tui.support.report import credit_shown, instant_text


def entry_values(entry: Entry, names: tuple[str, ...], today: date, *, reentry_allowed: bool = False) -> dict[str, Any]:
    """The values of these names, in their order, on the exchange's date `today`. Contracts are those of all legs.

    `limit` and `credit` are per share, `max_risk` is in $ for all packages, None when it is
    unknown; they are plain decimals as text. `fate`, `told`
    and `day_words` come from the entry's fate, and `detail` is empty where that needs no reason (rules 4.4).
    """
    fate = fate_of(entry)
    values = {
        "id": entry.id,
        "account": masked(entry.account),
        "day": entry.session_day.isoformat(),
        "cycle": entry.cycle,
        "state": entry.state.value,
        "fate": fate.kind.value,
        "told": fate_words(fate),
        "day_words": day_words(fate, reentry_allowed=reentry_allowed, today=today),
        "underlying": entry.underlying,
        "expiration": entry.expiration.isoformat(),
        "strikes": entry.strikes,
        "limit": f"{fate.limit:f}",
        "credit": None if fate.credit is None else f"{fate.credit:f}",
        "max_risk": None if fate.max_risk is None else f"{fate.max_risk:f}",
        "order": entry.order_id,
        "broker_status": entry.broker_status,
        "sent": instant_text(entry.sent_at),
        "holds_day": entry.holds_day,
        "contracts_filled": fate.filled,
        "detail": plain_words(fate.why),
    }
    return {name: values[name] for name in names}


def order_words(entry: dict[str, Any]) -> str:
    """The trident and its limit, like `QQQ 624P/619P/624C/629C 2026-04-17 at 6.71 credit`."""
    limit = credit_shown(entry["limit"])
    return f"{entry['underlying']} {entry['strikes']} {entry['expiration']} at {limit} credit"


def entry_words(entry: dict[str, Any], note: str | None) -> str:
    """The fate with its figures, a note to it, the trident, the broker's order, and what it means for the day."""
    noted = f" ({note})" if note else ""
    order = f", order {entry['order']}" if entry["order"] else ""
    return f"{entry['told']}{noted}: {order_words(entry)}{order}; {entry['day_words']}"
