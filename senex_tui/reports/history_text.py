"""Rows of the history as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.domain.operation import amounts
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Step, masked, masked_in
from core.domain.operation.figures import FigureValue
from core.domain.operation.times import minute, minute_stamp
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.trident_words import UNEXPLAINED, left_out_words
from core.domain.positions.units import UnitName
from core.records.search.history import HistoryKind, HistoryRow
from core.runtime.clock import exchange_time
from senex_tui.support.report import credit_shown, dollars_shown
from senex_tui.support.text import harmless, safe, table

_REALIZED = ("realized", "realized_estimated", "open_units")
_COMMON = ("at", "cycle", "account", "underlying", "outcome", "reason", "text")
_OWN: dict[HistoryKind, tuple[str, ...]] = {
    HistoryKind.CYCLES: (
        *("session_day", "slot", "forced", "ended_at"),
        *("processed", "skipped", "succeeded", "failed", "unknown", "word"),
        *("recorded_outcome", "recorded_text", *_REALIZED),
    ),
    HistoryKind.ATTEMPTS: ("attempt", "step", "figures"),
    HistoryKind.SUGGESTIONS: (
        *("session_day", "id", "attempt", "expiration", "strikes"),
        *("natural", "mid", "limit", "offset", "max_risk"),
    ),
    HistoryKind.ORDERS: (
        *("session_day", "id", "expiration", "strikes", "limit", "natural", "mid", "max_risk"),
        *("order_id", "broker_status", "sent_at", "terminal_at", "holds_day", "identifier", "suggestion_id"),
        *("fate", "told", "fill_credit", *_REALIZED),
    ),
    HistoryKind.FILLS: ("session_day", "entry_id", "order_id", "fill_id", "symbol", "quantity", "price"),
    HistoryKind.COMMANDS: ("id", "kind", "who", "target", "note", "finished_at"),
    HistoryKind.EXITS: (
        *("session_day", "id", "trident", "kind", "units", "debit", "paid", "order_id", "broker_status"),
        *("sent_at", "terminal_at", "released_at", "told"),
    ),
    HistoryKind.TRIDENTS: (
        *("id", "expiration", "strikes", "credit", "max_risk", "managed_since", "ended_at", "realized", "estimated"),
        *("unexplained", "difference"),
    ),
}


class HistoryText:
    """Writes rows of one kind. Each of the account numbers given is masked in every word."""

    def __init__(self, kind: HistoryKind, accounts: Sequence[str]) -> None:
        self._kind = kind
        self._accounts = tuple(accounts)

    def values(self, row: HistoryRow) -> dict[str, Any]:
        """The row as plain values: what --json prints. Instants are exchange time with their offset."""
        figures = {name: self._plain(value) for name, value in row.figures}
        if self._kind is HistoryKind.ATTEMPTS:
            own = {name: figures.pop(name) for name in ("attempt", "step")} | {"figures": figures}
        else:
            own = {name: figures.get(name) for name in _OWN[self._kind]}
        return {
            "at": self._plain(row.at),
            "cycle": row.cycle,
            "account": masked(row.account) if row.account else "",
            "underlying": row.underlying,
            "outcome": row.outcome,
            "reason": row.reason,
            "text": masked_in(row.text, self._accounts),
            **own,
        }

    def json(self, rows: Iterable[HistoryRow]) -> str:
        """One object: the kind and its rows, newest first."""
        values = {"kind": self._kind.value, "rows": [self.values(row) for row in rows]}
        return json.dumps(values)

    def csv_head(self) -> str:
        return _csv_line((*_COMMON, *_OWN[self._kind]))

    def csv_row(self, row: HistoryRow) -> str:
        return _csv_line([_cell(value) for value in self.values(row).values()])

    @property
    def heads(self) -> tuple[str, ...]:
        """The columns of the table."""
        return _TABLES[self._kind][0]

    def cells(self, row: HistoryRow) -> list[str]:
        """A row of the table."""
        return [safe(cell) for cell in _TABLES[self._kind][1](self.values(row))]

    def lines(self, rows: Sequence[HistoryRow]) -> list[str]:
        """The rows as a table of 80 columns."""
        return table(self.heads, [self.cells(row) for row in rows], right=frozenset({"cycle", "qty", "price"}))

    def _plain(self, value: FigureValue) -> str | int | bool | None:
        if isinstance(value, datetime):
            return exchange_time(value).isoformat(timespec="milliseconds")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal):
            return f"{value:f}"
        return masked_in(value, self._accounts) if isinstance(value, str) else value


def _csv_line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()


def _cell(value: Any) -> str:
    """A value as a cell of CSV; text that a spreadsheet would take for a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {'' if one is None else one}" for name, one in value.items())
    return harmless(str(value))


def _when(instant: str) -> str:
    return minute_stamp(datetime.fromisoformat(instant))


def _cycle_cells(v: dict[str, Any]) -> list[str]:
    began = minute(datetime.fromisoformat(v["at"] if v["slot"] is None else v["slot"]))
    slot = f"{began} forced" if v["slot"] is None else began
    text = v["text"] if v["text"] != v["word"] else ""
    why = ", ".join(filter(None, (text, _realized_words(v))))
    return [str(v["cycle"] or "-"), v["session_day"], slot, v["word"], why]


def _realized_words(v: dict[str, Any]) -> str:
    """What an entry has earned: `~+304.55 $`, and `so far` while units of it are open; empty without an entry."""
    if v["open_units"] is None:
        return ""
    if v["realized"] is None:
        return "open" if v["open_units"] else UNEXPLAINED
    so_far = " so far" if v["open_units"] else ""
    return f"{amounts.realized(Decimal(v['realized']), estimated=v['realized_estimated'])}{so_far}"


def _attempt_cells(v: dict[str, Any]) -> list[str]:
    f = v["figures"]
    priced = f"natural {credit_shown(f.get('natural_credit'))}, mid {credit_shown(f.get('mid_credit'))}"
    result = v["text"] if v["reason"] else f"{priced}, max risk {dollars_shown(f.get('max_risk'))}"
    which = f"{v['attempt']} {v['underlying']}"
    return [str(v["cycle"]), _when(v["at"]), v["account"], which, Step(v["step"]).word, result]


def _suggestion_cells(v: dict[str, Any]) -> list[str]:
    limit = f", limit {credit_shown(v['limit'])}" if v["limit"] else ""
    natural, mid = credit_shown(v["natural"]), credit_shown(v["mid"])
    credits = f"natural {natural}, mid {mid}{limit}, max risk {dollars_shown(v['max_risk'])}"
    return [str(v["cycle"]), _when(v["at"]), v["account"], v["outcome"], f"{_trident(v)}: {credits}"]


def _order_cells(v: dict[str, Any]) -> list[str]:
    order = f", order {v['order_id']}" if v["order_id"] else ""
    came_to = ", ".join(filter(None, (v["told"], _realized_words(v))))
    told = f"{came_to}: {_trident(v)} at {credit_shown(v['limit'])} credit{order}"
    return [str(v["cycle"]), _when(v["at"]), v["account"], v["fate"], told]


def _trident(v: dict[str, Any]) -> str:
    return f"{v['underlying']} {v['strikes']} {v['expiration']}"


def _fill_cells(v: dict[str, Any]) -> list[str]:
    quantity, price = amounts.quantity(Decimal(v["quantity"])), amounts.price(Decimal(v["price"]))
    told = f"{' '.join(v['symbol'].split())}, order {v['order_id']}"
    return [str(v["cycle"]), _when(v["at"]), v["account"], quantity, price, told]


def _command_cells(v: dict[str, Any]) -> list[str]:
    said = "".join(f" {word}" for word in (v["target"], v["note"] and f"({v['note']})") if word)
    answer = f": {v['text']}" if v["text"] else ""
    return [_when(v["at"]), CommandKind(v["kind"]).words, v["outcome"], f"{v['who']}{said}{answer}"]


def _exit_cells(v: dict[str, Any]) -> list[str]:
    order = f", order {v['order_id']}" if v["order_id"] else ""
    told = f"{v['kind']} of {v['units']} of {v['trident'][:SHORT_ID]}: {v['told']}{order}"
    return [_when(v["at"]), v["account"], v["outcome"], told]


def _trident_cells(v: dict[str, Any]) -> list[str]:
    is_known = v["realized"] is not None or v["unexplained"]
    found = None if v["realized"] is None else Decimal(v["realized"])
    left_out = left_out_words([UnitName(one) for one in v["unexplained"].split()], Decimal(v["difference"] or 0))
    told = f", realized {amounts.realized(found, estimated=v['estimated'])}{left_out}"
    realized = told if is_known else ""
    why = f": {v['text']}" if v["text"] else ""
    return [_when(v["at"]), v["account"], v["outcome"], f"{v['id'][:SHORT_ID]} {_trident(v)}{realized}{why}"]


_Draw = Callable[[dict[str, Any]], list[str]]
_TABLES: dict[HistoryKind, tuple[tuple[str, ...], _Draw]] = {
    HistoryKind.CYCLES: (("cycle", "session", "slot", "came to", "why"), _cycle_cells),
    HistoryKind.ATTEMPTS: (("cycle", "ET", "account", "attempt", "step", "came to"), _attempt_cells),
    HistoryKind.SUGGESTIONS: (("cycle", "ET", "account", "state", "trident"), _suggestion_cells),
    HistoryKind.ORDERS: (("cycle", "ET", "account", "state", "order"), _order_cells),
    HistoryKind.FILLS: (("cycle", "ET", "account", "qty", "price", "leg"), _fill_cells),
    HistoryKind.COMMANDS: (("ET", "command", "state", "by, and what it came to"), _command_cells),
    HistoryKind.EXITS: (("ET", "account", "state", "closing order"), _exit_cells),
    HistoryKind.TRIDENTS: (("ET", "account", "state", "trident"), _trident_cells),
}
