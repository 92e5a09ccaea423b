"""Checks rules 13.1 to 13.6, after every step: every commit, every change at the exchange, every order sent.

An event of the bus is recorded before it is shown, so its commit is its step. The checker reads what is newly committed
with a connection of its own; the exchange reports its changes to it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import SimOrder
from core.simulator.in_process.broker import Posted
from tests.proofs.days.mail import mail_violations
from tests.proofs.days.send_checks import send_violations
from tests.proofs.days.world import DayWorld
from tests.support.oracle import (
    DEAD,
    SeenRow,
    is_attested,
    is_ours,
    is_proved_absent,
    is_proved_forgotten,
    may_follow,
)

HISTORIES = {
    "events": "seq",
    "entry_changes": "seq",
    "fills": "seq",
    "evidence": "id",
}
"""Tables that only grow, and the column that numbers their rows without a gap."""


@dataclass
class SeenEntry:
    """An entry as its committed history shows it so far."""

    id: str
    account: str
    day: str
    identifier: str
    state: str
    holds_day: bool
    order_id: str | None
    filled: dict[str, Decimal] = field(default_factory=dict)
    wanted: dict[str, Decimal] = field(default_factory=dict)


class InvariantChecker:
    """Collects `violations`, each with its time; changes nothing."""

    def __init__(self, world: DayWorld) -> None:
        self._world = world
        self.violations: list[str] = []
        self.steps = 0
        self.entries: dict[str, SeenEntry] = {}
        self._by_identifier: dict[str, SeenEntry] = {}
        self._seen = dict.fromkeys(HISTORIES, 0)
        self._hashes = {name: blake2b() for name in HISTORIES}
        self._alive: dict[tuple[str, date], set[int]] = defaultdict(set)
        self._posted: set[str] = set()
        self._orders: set[int] = set()
        self._reader: sqlite3.Connection | None = None

    @property
    def reader(self) -> sqlite3.Connection:
        """A connection of its own to the committed records."""
        if self._reader is None:
            self._reader = sqlite3.connect(self._world.records_file, isolation_level=None)
        return self._reader

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def unknown(self) -> list[tuple[str, str, str]]:
        """The entries that are unknown now: id, account, identifier."""
        return [(e.id, e.account, e.identifier) for e in self.entries.values() if e.state == "unknown"]

    def newest_event(self) -> int:
        """The number of the newest committed event."""
        return self._seen["events"]

    def add(self, item: str, text: str) -> None:
        self.violations.append(f"{self._world.exchange_clock.now():%Y-%m-%d %H:%M:%S.%f} UTC  13.{item}: {text}")

    # Steps

    def committed(self) -> None:
        """The engine has committed."""
        self.steps += 1
        for row in self._new("entry_changes"):
            self._changed(row)
        for row in self._new("fills"):
            self._filled(row)
        for _ in self._new("evidence"):
            pass
        for _ in self._new("events"):
            pass

    def posted(self, posted: Posted) -> None:
        """An order is sent to the broker."""
        self.steps += 1
        identifier = posted.request.identifier
        if identifier in self._posted:
            self.add("1", f"intent {identifier} was sent twice")
        self._posted.add(identifier)
        for item, text in send_violations(self._world, self.reader, posted):
            self.add(item, text)

    def at_exchange(self, order: SimOrder) -> None:
        """An order has changed at the exchange."""
        self.steps += 1
        identifier = order.external_identifier
        if identifier is None or not is_ours(identifier):
            return
        holding = self._alive[order.account_number, exchange_time(order.received_at).date()]
        if order.status in DEAD and not any(leg.fills for leg in order.legs):
            holding.discard(order.id)
        else:
            holding.add(order.id)
        if len(holding) > 1:
            self.add("1", f"two entries of a day at the exchange: {sorted(holding)}")
        if order.id not in self._orders:
            self._orders.add(order.id)
            self._has_intent(order, identifier)

    # What each row may say

    def _new(self, table: str) -> Iterator[Any]:
        number = HISTORIES[table]
        query = f"SELECT * FROM {table} WHERE {number} > ? ORDER BY {number}"
        cursor = self.reader.execute(query, (self._seen[table],))
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            named = dict(zip(names, row, strict=True))
            if named[number] != self._seen[table] + 1:
                self.add("6", f"{table} has a gap before {number} {named[number]}")
            self._seen[table] = named[number]
            self._hashes[table].update(repr(row).encode())
            yield named

    def _changed(self, row: dict[str, Any]) -> None:
        state: str = row["state"]
        entry = self.entries.get(row["entry_id"])
        if entry is None:
            entry = self._first_seen(row["entry_id"], state)
        elif not may_follow(entry.state, state, attested=is_attested(self._evidence(entry.id))):
            self.add("6", f"entry {entry.id} went from {entry.state} to {state}")
        before, entry.state, entry.holds_day = entry.state, state, bool(row["holds_day"])
        if entry.order_id is not None and row["order_id"] != entry.order_id:
            self.add("6", f"entry {entry.id} forgot its order {entry.order_id}")
        entry.order_id = row["order_id"]
        if (before, state) == ("working", "unknown") and not is_proved_forgotten(self._evidence(entry.id)):
            self.add("5", f"entry {entry.id} became unknown, and nothing proves that the broker forgot its order")
        if before == "unknown" and state != "unknown":
            self._left_unknown(entry, row)
        if state == "not_sent" and before is not state and entry.identifier in self._posted:
            self.add("5", f"entry {entry.id} is recorded as not sent, and it left")
        holders = [e for e in self.entries.values() if e.holds_day and (e.account, e.day) == (entry.account, entry.day)]
        if len(holders) > 1:
            self.add("1", f"{len(holders)} entries hold {entry.day} in the records")

    def _first_seen(self, entry_id: str, state: str) -> SeenEntry:
        account, day, identifier = self.reader.execute(
            "SELECT account, session_day, identifier FROM entries WHERE id = ?", (entry_id,)
        ).fetchone()
        entry = self.entries[entry_id] = SeenEntry(entry_id, account, day, identifier, state, True, None)
        if identifier in self._by_identifier:
            self.add("1", f"two intents have the identifier {identifier}")
        self._by_identifier[identifier] = entry
        return entry

    def _left_unknown(self, entry: SeenEntry, row: dict[str, Any]) -> None:
        if entry.state == "absent":
            if not is_proved_absent(self._evidence(entry.id)):
                self.add("5", f"entry {entry.id} became absent without proof")
            return
        order = self._order(entry)
        if row["order_id"] is None or row["broker_status"] is None or order is None:
            self.add("5", f"entry {entry.id} left unknown for {entry.state} without an order at the broker")
        elif str(order.id) != row["order_id"]:
            self.add("5", f"entry {entry.id} took order {row['order_id']}, and its own is {order.id}")

    def _evidence(self, entry_id: str) -> list[SeenRow]:
        query = "SELECT kind, complete, detail, at FROM evidence WHERE entry_id = ? ORDER BY id"
        return [SeenRow.of(*row) for row in self.reader.execute(query, (entry_id,))]

    def _filled(self, row: dict[str, Any]) -> None:
        entry = self.entries[row["entry_id"]]
        if not entry.wanted:
            order = self._order(entry)
            entry.wanted = {} if order is None else {leg.symbol: Decimal(leg.quantity) for leg in order.legs}
        symbol, quantity = row["symbol"], Decimal(row["quantity"])
        entry.filled[symbol] = entry.filled.get(symbol, Decimal(0)) + quantity
        if entry.filled[symbol] > entry.wanted.get(symbol, Decimal(0)):
            self.add("6", f"entry {entry.id} has more fills of {symbol} than contracts")
        theirs = {f.fill_id: f for leg in getattr(self._order(entry), "legs", ()) for f in leg.fills}.get(
            row["fill_id"]
        )
        if theirs is None or (theirs.quantity, theirs.fill_price) != (quantity, Decimal(row["price"])):
            self.add("6", f"fill {row['fill_id']} of entry {entry.id} is not the exchange's")

    def _has_intent(self, order: SimOrder, identifier: str) -> None:
        row = self.reader.execute("SELECT sent_at, state FROM entries WHERE identifier = ?", (identifier,)).fetchone()
        if row is None:
            self.add("2", f"order {order.id} has no intent")
        elif row[0] is None:
            self.add("2", f"order {order.id} was never marked sent; its intent is {row[1]}")

    def _order(self, entry: SeenEntry) -> SimOrder | None:
        orders = self._world.exchange.orders(entry.account)
        return next((order for order in orders if order.external_identifier == entry.identifier), None)

    # At the end of a day, when everything works again

    def end_of_day(self) -> None:
        """Checks the stronger rules that hold once the engine has reconciled and nothing is broken."""
        self._nothing_changed_afterwards()
        for wrong in mail_violations(self.reader, self._world.mail_server):
            self.add("mail", wrong)
        stored = self.reader.execute("SELECT id, state, holds_day, order_id FROM entries").fetchall()
        for entry_id, state, holds_day, order_id in stored:
            known = self.entries.get(entry_id)
            if known is None or (known.state, known.holds_day, known.order_id) != (state, bool(holds_day), order_id):
                self.add("6", f"entry {entry_id} is {state}, and its history ends as {known}")
        for entry in self.entries.values():
            self._settled(entry)
        for number in self._world.accounts:
            self._positions(number)

    def _nothing_changed_afterwards(self) -> None:
        for table, number in HISTORIES.items():
            again = blake2b()
            for row in self.reader.execute(f"SELECT * FROM {table} ORDER BY {number}"):
                again.update(repr(row).encode())
            if again.digest() != self._hashes[table].digest():
                self.add("6", f"{table} was changed after it was committed")

    def _settled(self, entry: SeenEntry) -> None:
        order = self._order(entry)
        if entry.state in ("prepared", "sent"):
            self.add("5", f"entry {entry.id} is still {entry.state}")
        if order is None:
            if entry.state in ("working", "filled", "cancelled", "expired"):
                self.add("5", f"entry {entry.id} is {entry.state} without an order at the exchange")
            return
        listed = self._world.broker.is_listed(order.id)
        if entry.state in ("unknown", "absent") and listed:
            self.add("5", f"entry {entry.id} is {entry.state}, and order {order.id} is {order.status} in the listing")
        theirs = {f.fill_id for leg in order.legs for f in leg.fills}
        ours = {r[0] for r in self.reader.execute("SELECT fill_id FROM fills WHERE entry_id = ?", (entry.id,))}
        if listed and theirs != ours:
            self.add("6", f"entry {entry.id} has fills {sorted(ours)}, the exchange {sorted(theirs)}")

    def _positions(self, number: str) -> None:
        held = {p.symbol: p.quantity for p in self._world.exchange.positions(number, self._world.exchange_clock.now())}
        fold: dict[str, int] = defaultdict(int)
        unlisted = False
        for entry in self.entries.values():
            order = self._order(entry)
            if entry.account != number or order is None:
                continue
            unlisted |= not self._world.broker.is_listed(order.id)
            sells = {leg.symbol: leg.sells for leg in order.legs}
            for symbol, quantity in entry.filled.items():
                fold[symbol] += int(-quantity if sells[symbol] else quantity)
        folded = {symbol: abs(quantity) for symbol, quantity in fold.items() if quantity}
        if folded != held and not unlisted:
            self.add("6", f"account {number} holds {held}, the fills add up to {folded}")
