"""Reads the records directly, not through the product, and checks what must hold of them after every step."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol

from core.runtime.clock import exchange_time
from tests.proofs.states.scripted_broker import ENDED, ScriptedBroker
from tests.support.oracle import OPEN, SeenRow, is_attested, is_proved_absent, is_proved_forgotten, may_follow


@dataclass(frozen=True)
class StoredEntry:
    id: str
    account: str
    day: str
    identifier: str
    state: str
    holds_day: bool
    sent: bool
    order_id: str | None
    origin: str
    engine_cancelled: bool


class Reader(Protocol):
    """A connection to a SQLite file or a PostgreSQL database."""

    def execute(self, sql: str, /) -> Iterable[Any]: ...

    def close(self) -> None: ...


class Stored:
    """What is committed; `check` reads it again with a connection of its own."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.entries: dict[str, StoredEntry] = {}
        self.history: dict[str, list[tuple[str, str | None]]] = {}
        self.fills: set[tuple[str, str, str, str]] = set()  # entry, fill id, symbol, quantity
        self.evidence: dict[str, list[SeenRow]] = {}

    def close(self) -> None:
        self._reader.close()

    def check(self) -> None:
        """Reads what is committed now; raises AssertionError when something committed before is gone or changed."""
        query = self._reader.execute
        rows = query(
            "select id, account, session_day, identifier, state, holds_day, sent_at, order_id, origin, "
            "engine_cancel_at from entries"
        )
        entries = {
            name: StoredEntry(
                name, account, str(day), identifier, state, bool(holds), sent is not None, order, origin, by is not None
            )
            for name, account, day, identifier, state, holds, sent, order, origin, by in rows
        }
        history = defaultdict(list)
        for entry_id, state, order_id in query("select intent_id, state, order_id from intent_changes order by seq"):
            history[entry_id].append((state, order_id))
        fills = {(e, f, s, str(q)) for e, f, s, q in query("select intent_id, fill_id, symbol, quantity from fills")}
        evidence = defaultdict(list)
        for entry_id, *row in query("select intent_id, kind, complete, detail, at from evidence order by id"):
            evidence[entry_id].append(SeenRow.of(*row))
        assert self.entries.keys() <= entries.keys(), "an entry is gone"
        assert self.fills <= fills, f"fills are gone or changed: {self.fills - fills}"
        for entry_id, changes in self.history.items():
            assert history[entry_id][: len(changes)] == changes, f"the history of {entry_id} was rewritten"
        for entry_id, seen in self.evidence.items():
            assert evidence[entry_id][: len(seen)] == seen, f"the evidence about {entry_id} was rewritten"
        self.entries, self.history, self.fills, self.evidence = entries, dict(history), fills, dict(evidence)

    def by_identifier(self, identifier: str | None) -> StoredEntry | None:
        return next((entry for entry in self.entries.values() if entry.identifier == identifier), None)

    def fill_ids(self) -> set[str]:
        return {fill_id for _, fill_id, _, _ in self.fills}


def assert_one_entry_a_day(stored: Stored) -> None:
    """At most one entry of an account's day is under way by our own doing, and at most one holds the day (rules 9). An
    order that an operator attested or adopted beside it holds nothing."""
    entries = stored.entries.values()
    own = [e for e in entries if e.state in OPEN and not is_attested(stored.evidence.get(e.id, []))]
    under_way = Counter((e.account, e.day) for e in own)
    holding = Counter((e.account, e.day) for e in entries if e.holds_day)
    for what, counted in (("under way", under_way), ("holding the day", holding)):
        twice = [key for key, count in counted.items() if count > 1]
        assert not twice, f"two entries {what}: {twice}"


def assert_cancels_hold_the_day(stored: Stored) -> None:
    """A cancel that the engine did not ask for frees no day without an operator's word (rules 9)."""
    for entry in stored.entries.values():
        allowed = any(s.kind == "attestation" and "seen" not in s.detail for s in stored.evidence.get(entry.id, []))
        freed = entry.state == "cancelled" and not entry.holds_day
        # One that was attested or adopted beside another never held it.
        if freed and not is_attested(stored.evidence.get(entry.id, [])):
            assert entry.engine_cancelled or allowed, f"the day of entry {entry.id} is free after a cancel elsewhere"


def assert_history_is_allowed(stored: Stored, broker: ScriptedBroker) -> None:
    """States changed only as rules 9 allow, and left unknown or an order of the broker's only with evidence (rules
    13.5)."""
    named = {(str(o.id), o.external_identifier) for o in broker.ever}
    for entry_id, changes in stored.history.items():
        entry, seen = stored.entries[entry_id], stored.evidence.get(entry_id, [])
        adopted = entry.origin == "adopted"
        assert changes[0][0] == ("unknown" if adopted else "prepared")
        assert not adopted or is_attested(seen), "an order was adopted without an operator's word"
        assert changes[-1][0] == entry.state
        for (old, _), (new, order_id) in pairwise(changes):
            assert may_follow(old, new, attested=is_attested(seen)), f"{old} became {new}"
            if (old, new) == ("working", "unknown"):
                assert is_proved_forgotten(seen), "working became unknown without two complete looks and a 404"
            if old != "unknown" or new == "unknown":
                continue
            if new == "absent":
                assert is_proved_absent(seen), "absent without two complete reads"
            elif not is_attested(seen):  # an operator may know an order that does not carry our identifier
                assert (order_id, entry.identifier) in named, f"unknown became {new} by order {order_id}"


def assert_fills_fit(stored: Stored, broker: ScriptedBroker) -> None:
    """No fill is invented or counted twice, and no leg has more fills than its order asked for (rules 13.6)."""
    real = {
        (fill.fill_id, leg.symbol, Decimal(fill.quantity))
        for order in broker.ever
        for leg in order.legs
        for fill in leg.fills
    }
    filled: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry_id, fill_id, symbol, quantity in stored.fills:
        assert (fill_id, symbol, Decimal(quantity)) in real, f"fill {fill_id} is not the broker's"
        filled[entry_id, symbol] += Decimal(quantity)
    for post in broker.posts:
        entry = stored.by_identifier(post.request.identifier)
        assert entry is not None
        if entry.state == "incident":
            continue
        for leg in post.request.legs:
            assert filled[entry.id, leg.symbol] <= leg.quantity, f"more of {leg.symbol} than was ordered"


def assert_orders_are_intended(stored: Stored, broker: ScriptedBroker, freed_by_proof: Iterable[str]) -> None:
    """Every order of ours has an intent marked sent, and the orders of one intent live in an account's day (rules 13).

    Orders that filled after two complete reads had shown them dead are not counted: the proof cannot exclude those.
    """
    posted = Counter(post.request.identifier for post in broker.posts)
    assert all(count == 1 for count in posted.values()), "an intent was sent twice"
    alive = defaultdict(set)
    names = set(posted)
    for post in broker.posts:
        entry = stored.by_identifier(post.request.identifier)
        assert entry is not None, f"{post.request.identifier} was sent without an intent"
        assert entry.sent
    for order in broker.orders.values():
        if order.external_identifier not in names or order.external_identifier in freed_by_proof:
            continue
        if order.status not in ENDED or any(leg.fills for leg in order.legs):
            day = exchange_time(order.received_at).date()
            alive[order.account_number, day].add(order.external_identifier)
    assert all(len(names) <= 1 for names in alive.values()), f"two entries live at the broker: {dict(alive)}"
