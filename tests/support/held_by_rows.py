"""The positions that the rows of an account add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from core.simulator.exchange.transactions import SimTransaction

ENDS = frozenset({"Expiration", "Assignment", "Exercise"})
"""The sub-kinds of rows that take contracts away, whichever way they were held."""


def held_by_rows(rows: Iterable[SimTransaction], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """Symbol to contracts or shares, negative when short; `before` is what was held before the first row.

    Rows that are not posted yet count as the last ones.
    """
    held = Counter(before or {})
    for row in sorted(rows, key=lambda row: (row.executed_at, row.id or 2**62)):
        if row.symbol is None or row.quantity is None or row.sub_kind.startswith("Cash Settled"):
            continue
        count = int(row.quantity) * (-1 if row.reverses is not None else 1)
        if row.sub_kind in ENDS:
            held[row.symbol] += count if held[row.symbol] < 0 else -count
        else:
            held[row.symbol] += count if (row.action or "").startswith("Buy") else -count
    return {symbol: count for symbol, count in held.items() if count}
