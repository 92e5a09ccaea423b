"""Checks rules 13.1 to 13.6, after every step: every commit, every change at the exchange, every order sent.

An event of the bus is recorded before it is shown, so its commit is its step. The checker reads what is newly committed
with a connection of its own; the exchange reports its changes to it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import SimOrder
from core.simulator.exchange.transactions import RECEIVE_DELIVER
from core.simulator.in_process.broker import Posted
from tests.proofs.days.exchange_orders import ExchangeOrders, differs, fills_of, is_rivals, trades
from tests.proofs.days.mail import mail_violations
from tests.proofs.days.send_checks import send_violations
from tests.proofs.days.world import DayWorld
from tests.support.held_by_rows import held_by_rows
from tests.support.oracle import (
    SeenRow,
    is_attested,
    is_ours,
    is_proved_absent,
    is_proved_forgotten,
    may_follow,
)

HISTORIES = {
    "events": "seq",
    "intent_changes": "seq",
    "fills": "seq",
    "evidence": "id",
}
"""Tables that only grow, and the column that numbers their rows without a gap."""
LOOKS_AGAIN = 1.1
"""All of them is read again each night, later when there are so many times the nights of the last look, and at the end:
a year costs no more than its days."""
_NEWEST = f"SELECT {', '.join(f'(SELECT max({number}) FROM {table})' for table, number in HISTORIES.items())}"
CLOCKS_APART = timedelta(minutes=20)
"""The trader's clock, by which a breaker is dated, may be that far from the exchange's."""


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
        self._nights = self._nights_looked_at = 0
        self._alive: dict[tuple[str, date], set[str]] = defaultdict(set)
        self._posted: set[str] = set()
        self._refused: set[str] = set()
        """Identifiers of orders that were recorded as refused when another one was sent."""
        self._orders = ExchangeOrders(world)
        self._evidence_at: dict[int, datetime] = {}
        self._lost_on = date.min
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

    def records_lost(self) -> None:
        """The records were replaced: what they hold now is read anew."""
        self.close()
        self._reader = None
        self.entries, self._by_identifier = {}, {}
        self._seen = dict.fromkeys(HISTORIES, 0)
        self._hashes = {name: blake2b() for name in HISTORIES}
        self.committed()
        self._evidence_at = {}  # what an older copy holds keeps its own times
        self._lost_on = exchange_time(self._world.exchange_clock.now()).date()

    def unrecorded(self) -> list[str]:
        """The ids of our own orders that no record knows any more, newest last."""
        return [str(order.id) for order in self._orders.lost(self._by_identifier)]

    def works_without_its_order(self) -> list[str]:
        """The entries that are recorded as working, and whose order the broker no longer knows."""
        return [e.id for e in self.entries.values() if e.state == "working" and not self._present(e)]

    def without_their_order(self) -> list[str]:
        """The entries that are unknown, and whose order the broker does not know."""
        return [e.id for e in self.entries.values() if e.state == "unknown" and not self._present(e)]

    def newest_event(self) -> int:
        """The number of the newest committed event."""
        return self._seen["events"]

    def add(self, item: str, text: str) -> None:
        self.violations.append(f"{self._world.exchange_clock.now():%Y-%m-%d %H:%M:%S.%f} UTC  13.{item}: {text}")

    # Steps

    def committed(self) -> None:
        """The engine has committed."""
        self.steps += 1
        newest = dict(zip(HISTORIES, self.reader.execute(_NEWEST).fetchone(), strict=True))
        grown = {table for table, number in newest.items() if (number or 0) > self._seen[table]}
        for row in self._new("intent_changes", grown):
            if self._is_entry(row["intent_id"]):
                self._changed(row)
        for row in self._new("fills", grown):
            if row["intent_id"] in self.entries:
                self._filled(row)
        for row in self._new("evidence", grown):
            self._evidence_at[row["id"]] = self._world.exchange_clock.now()
        for _ in self._new("events", grown):
            pass

    def posted(self, posted: Posted) -> None:
        """An order is sent to the broker."""
        self.steps += 1
        identifier = posted.request.identifier
        if not is_ours(identifier):
            return  # an exit
        if identifier in self._posted:
            self.add("1", f"intent {identifier} was sent twice")
        self._posted.add(identifier)
        self._orders.posted(posted)
        self._refused |= {entry.identifier for entry in self.entries.values() if entry.state == "rejected"}
        for item, text in send_violations(self._world, self.reader, posted):
            self.add(item, text)

    def at_exchange(self, order: SimOrder) -> None:
        """An order has changed at the exchange."""
        self.steps += 1
        first, identifier = self._orders.changed(order), order.external_identifier
        if identifier is None or not is_ours(identifier) or is_rivals(order):
            return
        holding = self._alive[order.account_number, exchange_time(order.received_at).date()]
        if any(trades(one) for one in self._orders.of(identifier)):
            holding.add(identifier)
        else:
            holding.discard(identifier)
        # An order that the broker refused and has after all leaves room for a second one until it is listed.
        if len(holding - self._refused) > 1:
            self.add("1", f"two entries of a day at the exchange: {sorted(holding)}")
        if first:
            self._has_intent(order, identifier)

    # What each row may say

    def _new(self, table: str, grown: Container[str]) -> Iterator[Any]:
        """The rows that this commit added to the table."""
        if table not in grown:
            return
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
        entry = self.entries.get(row["intent_id"])
        if entry is None:
            entry = self._first_seen(row["intent_id"], state)
        elif not may_follow(entry.state, state, attested=is_attested(self._evidence(entry.id))):
            self.add("6", f"entry {entry.id} went from {entry.state} to {state}")
        if entry.holds_day and not row["holds_day"] and state == "cancelled" and not self._reentry_allowed(entry.id):
            self.add("1", f"entry {entry.id} was cancelled, and its day was freed without an operator's word")
        before, entry.state, entry.holds_day = entry.state, state, bool(row["holds_day"])
        own = {entry.order_id, *(str(order.id) for order in self._orders.of(entry.identifier))}
        if entry.order_id is not None and row["order_id"] not in own:
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

    def _is_entry(self, intent_id: str) -> bool:
        if intent_id in self.entries:
            return True
        (kind,) = self.reader.execute("SELECT kind FROM intents WHERE id = ?", (intent_id,)).fetchone()
        return bool(kind == "entry")

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
        own = {str(order.id) for order in self._orders.of(entry.identifier)}
        if row["order_id"] is None or row["broker_status"] is None or not own:
            self.add("5", f"entry {entry.id} left unknown for {entry.state} without an order at the broker")
        elif row["order_id"] not in own:
            self.add("5", f"entry {entry.id} took order {row['order_id']}, and its own is {sorted(own)}")

    def _evidence(self, entry_id: str) -> list[SeenRow]:
        """What was seen of the entry, dated by the exchange's clock: the trader's may have been set in between."""
        query = "SELECT id, kind, complete, detail, at FROM evidence WHERE intent_id = ? ORDER BY id"
        rows = [(number, SeenRow.of(*row)) for number, *row in self.reader.execute(query, (entry_id,))]
        return [replace(row, at=self._evidence_at.get(number, row.at)) for number, row in rows]

    def _filled(self, row: dict[str, Any]) -> None:
        entry, orders = self.entries[row["intent_id"]], self._orders.of(self.entries[row["intent_id"]].identifier)
        symbol, quantity = row["symbol"], Decimal(row["quantity"])
        wanted = sum(leg.quantity for order in orders for leg in order.legs if leg.symbol == symbol)
        entry.filled[symbol] = entry.filled.get(symbol, Decimal(0)) + quantity
        if entry.filled[symbol] > wanted:
            self.add("6", f"entry {entry.id} has more fills of {symbol} than contracts")
        theirs = {(str(o.id), f.fill_id): f for o in orders for leg in o.legs for f in leg.fills}
        fill = theirs.get((row["order_id"], row["fill_id"]))
        if fill is None or (fill.quantity, fill.fill_price) != (quantity, Decimal(row["price"])):
            self.add("6", f"fill {row['fill_id']} of entry {entry.id} is not the exchange's")

    def _reentry_allowed(self, entry_id: str) -> bool:
        return any(seen.kind == "attestation" and "seen" not in seen.detail for seen in self._evidence(entry_id))

    def _has_intent(self, order: SimOrder, identifier: str) -> None:
        row = self.reader.execute("SELECT sent_at, state FROM entries WHERE identifier = ?", (identifier,)).fetchone()
        if row is None:
            self.add("2", f"order {order.id} has no intent")
        elif row[0] is None:
            self.add("2", f"order {order.id} was never marked sent; its intent is {row[1]}")

    def _present(self, entry: SeenEntry) -> list[SimOrder]:
        return self._orders.present(entry.identifier)

    # At the end of a day, when everything works again

    def end_of_day(self, *, is_last: bool = False) -> None:
        """Checks the stronger rules that hold once the engine has reconciled and nothing is broken."""
        self._nights += 1
        if is_last or self._nights >= self._nights_looked_at * LOOKS_AGAIN:
            self._nights_looked_at = self._nights
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
            self._strangers(number)

    def _nothing_changed_afterwards(self) -> None:
        for table, number in HISTORIES.items():
            again = blake2b()
            for row in self.reader.execute(f"SELECT * FROM {table} ORDER BY {number}"):
                again.update(repr(row).encode())
            if again.digest() != self._hashes[table].digest():
                self.add("6", f"{table} was changed after it was committed")

    def _settled(self, entry: SeenEntry) -> None:
        if entry.state in ("prepared", "sent"):
            self.add("5", f"entry {entry.id} is still {entry.state}")
        orders = self._present(entry)
        if not orders:
            self._settled_without(entry)
            return
        listed = [order for order in orders if self._world.broker.is_listed(order.id)]
        shown = ", ".join(f"{order.id} {order.status}" for order in listed)
        if entry.state in ("unknown", "absent", "not_sent") and listed:
            self.add("5", f"entry {entry.id} is {entry.state}, and in the listing is {shown}")
        if entry.state == "rejected" and any(trades(order) for order in listed):
            self.add("5", f"entry {entry.id} is rejected, and in the listing is {shown}")
        if listed and entry.state != "incident" and not is_attested(self._evidence(entry.id)):
            self._as_asked(entry, listed, shown)
        theirs = {fill for order in orders for fill in fills_of(order)}
        query = "SELECT order_id, fill_id FROM fills WHERE intent_id = ?"
        ours = set(self.reader.execute(query, (entry.id,)))
        if listed and not theirs <= ours:
            self.add("6", f"entry {entry.id} has fills {sorted(ours)}, the exchange {sorted(theirs)}")

    def _settled_without(self, entry: SeenEntry) -> None:
        """The broker has no order of the entry: it has none any more, or never had one."""
        had = bool(self._orders.of(entry.identifier))
        if entry.state == "working" or (entry.state in ("filled", "cancelled", "expired") and not had):
            self.add("5", f"entry {entry.id} is {entry.state} without an order at the exchange")

    def _as_asked(self, entry: SeenEntry, listed: list[SimOrder], shown: str) -> None:
        """What differs from the order that was asked for is an incident that says so (rules 13.2)."""
        asked = self._orders.asked.get(entry.identifier)
        if len(listed) > 1:
            self.add("2", f"entry {entry.id} is {entry.state}, and under its identifier are {shown}")
        elif asked is not None and differs(asked, listed[0]) and trades(listed[0]):
            self.add("2", f"entry {entry.id} is {entry.state}, and {shown} is not the order that was asked for")

    def _positions(self, number: str) -> None:
        """The positions are what the recorded fills add up to, with the trades of orders that no record knows, and with
        what the broker's own transactions changed: expiration, exercise, assignment."""
        held = {p.symbol: p.quantity for p in self._world.exchange.positions(number, self._world.exchange_clock.now())}
        counting = self._orders.all_of(number)
        fold = self._orders.signed_fills(o for o in counting if o.external_identifier not in self._by_identifier)
        for order in counting:
            entry = self._by_identifier.get(order.external_identifier or "")
            if entry is None:
                continue
            if not self._world.broker.is_listed(order.id):
                return  # its fills may not be known yet
            sells = {leg.symbol: leg.sells for leg in order.legs}
            query = "SELECT symbol, quantity FROM fills WHERE intent_id = ? AND order_id = ?"
            for symbol, quantity in self.reader.execute(query, (entry.id, str(order.id))):
                fold[symbol] = fold.get(symbol, 0) + int(-Decimal(quantity) if sells[symbol] else Decimal(quantity))
        rows = self._world.exchange.transactions(number, self._world.exchange_clock.now())
        fold = held_by_rows([row for row in rows if row.kind == RECEIVE_DELIVER], fold)
        folded = {symbol: abs(quantity) for symbol, quantity in fold.items() if quantity}
        if folded != held:
            self.add("6", f"account {number} holds {held}, the fills add up to {folded}")

    def _strangers(self, number: str) -> None:
        """Another trader's order under our prefix, or one that traded beside ours, and an order of ours that no record
        knows, have stopped the account (rules 9)."""
        strange = [*self._orders.strangers(number)]
        strange += [o for o in self._orders.lost(self._by_identifier) if o.account_number == number]
        for order in strange:
            if exchange_time(order.received_at).date() < self._lost_on and not fills_of(order):
                continue  # what it stopped was lost with the records, and nothing of it is left to see
            since = order.received_at - CLOCKS_APART
            opened = self.reader.execute(
                "SELECT 1 FROM breakers WHERE subject = ? AND kind IN ('mismatch', 'incident') AND opened_at >= ?",
                (number, since.strftime("%Y-%m-%dT%H:%M:%S")),
            ).fetchone()
            if opened is None:
                self.add("2", f"order {order.id} ({order.external_identifier}) of account {number} stopped nothing")
