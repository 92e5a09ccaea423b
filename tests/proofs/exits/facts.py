"""What the invariants of exits are judged on: the committed records, read by SQL of their own, and the exchange.

Nothing here asks the product what its records mean. Instants are aware UTC; prices are $ per share.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.orders import SimLeg, SimOrder
from core.simulator.in_process.broker import Posted
from core.simulator.market.market import Market
from tests.support.oracle import SeenRow

EXIT_MARK, ENTRY_MARK = "senexit-", "senex-"
UNITS = ("put-1", "put-2", "call")
NOWHERE = frozenset({"not_sent", "absent"})
"""States that say that no order of the exit is at the broker."""


class Reader(Protocol):
    """A connection to the records; sqlite3's fits."""

    def execute(self, sql: str, /) -> Iterable[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Sending was stopped from `since` to `until` (None: it still is), by the true clock. `account` "" means all."""

    since: datetime
    until: datetime | None
    why: str
    account: str = ""

    def covers(self, account: str, at: datetime) -> bool:
        return self.account in ("", account) and self.since <= at and (self.until is None or at < self.until)


@dataclass
class Kept:
    """What earlier calls saw committed. One for each file of records."""

    fills: set[tuple[str, ...]] = field(default_factory=set)
    changes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitWorldFacts:
    """A world in which exits are sent, at the instant `now` of the exchange, which has been brought up to it.

    `posts` are the orders that consoles sent, `cancels` the account and order id of each cancel that they asked for.
    `stops` stopped exits, `entry_stops` entries. `free` are the periods in which nothing blocked an exit: without any,
    punctuality is not judged; `within` is how long a step may take there. `fills_as_asked`: the exchange fills what is
    asked at its price. `first_cash` is each account's first cash; `at_rest`: every row is posted and read. `others` are
    the identifiers of a console with other records. The trader's clock may be off by `clock_off`. Listings may hide an
    order for `hidden`, on its last day for `last_day`; two reads of a proof are `between` apart. With `recent` the
    records are read of those tridents only that are held, or ended since then.
    """

    reader: Reader
    exchange: Exchange
    market: Market
    now: datetime
    posts: Sequence[Posted] = ()
    cancels: Sequence[tuple[str, str]] = ()
    stops: Sequence[Stop] = ()
    entry_stops: Sequence[Stop] = ()
    free: Sequence[tuple[datetime, datetime]] = ()
    within: timedelta = timedelta(seconds=120)
    fills_as_asked: bool = False
    first_cash: Mapping[str, Decimal] = field(default_factory=dict)
    at_rest: bool = False
    others: frozenset[str] = frozenset()
    clock_off: timedelta = timedelta()
    hidden: timedelta = timedelta(minutes=45)
    last_day: timedelta = timedelta(minutes=5)
    between: timedelta = timedelta(seconds=30)
    kept: Kept = field(default_factory=Kept)
    recent: datetime | None = None


@dataclass(frozen=True, slots=True)
class FillRow:
    intent: str
    order_id: str
    fill_id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class ExitRow:
    """An exit as stored; `legs` maps a symbol to the word of its action and its contracts."""

    id: str
    account: str
    trident: str
    kind: str
    units: tuple[str, ...]
    identifier: str
    debit: Decimal
    legs: Mapping[str, tuple[str, int]]
    state: str
    prepared_at: datetime
    sent_at: datetime | None
    order_id: str | None
    terminal_at: datetime | None
    cancel_asked_at: datetime | None
    released_at: datetime | None
    origin: str


@dataclass(frozen=True, slots=True)
class UnitRow:
    trident: str
    name: str
    short: str
    long: str
    credit: Decimal | None
    estimated: bool
    state: str
    how: str | None
    ended_at: datetime | None
    received: Decimal | None
    paid: Decimal | None
    settlement: Decimal | None
    fees: Decimal | None
    fees_estimated: bool
    realized: Decimal | None


@dataclass(frozen=True, slots=True)
class TridentRow:
    id: str
    account: str
    underlying: str
    expiration: date
    body: Decimal
    width: Decimal
    credit: Decimal | None
    filled_at: datetime
    mode: str
    targets: Mapping[str, int | None]
    exit_dte: int
    lets_expire: bool
    call_last: bool
    managed_since: datetime | None
    phase: str
    closing_since: datetime | None
    split: bool
    hands_off: str
    asked: bool
    ended_at: datetime | None

    @property
    def cash_settled(self) -> bool:
        return self.underlying == "SPX"


@dataclass(frozen=True, slots=True)
class ClaimRow:
    exit: str
    trident: str
    unit: str
    claimed_at: datetime
    released_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class GoneRow:
    trident: str
    unit: str
    symbol: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRow:
    intent: str
    state: str
    at: datetime
    order_id: str | None
    status: str | None


class Facts:
    """The facts of a world with its records and orders, each read once."""

    def __init__(self, world: ExitWorldFacts) -> None:
        self.world = world
        self._sql = world.reader.execute
        self._tridents = self._exits = ""
        """Conditions on the columns of a trident's id and of an exit's id; empty without `recent`."""
        if world.recent is not None:
            since = world.recent.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            ids = f"SELECT id FROM tridents WHERE ended_at IS NULL OR ended_at > '{since}'"
            self._tridents = f"WHERE {{}} IN ({ids})"
            self._exits = f"WHERE {{}} IN (SELECT id FROM exits WHERE trident_id IN ({ids}))"

    # The records

    @cached_property
    def exits(self) -> dict[str, ExitRow]:
        """By id, oldest first."""
        rows = self._sql(
            'SELECT id, account, trident_id, kind, units, identifier, "limit", request, state, prepared_at, sent_at, '
            "order_id, terminal_at, cancel_asked_at, released_at, origin FROM exits "
            f"{self._tridents.format('trident_id')} ORDER BY prepared_at, id"
        )
        return {
            row[0]: ExitRow(
                row[0],
                row[1],
                row[2],
                row[3],
                tuple(row[4].split()),
                row[5],
                Decimal(row[6]),
                {leg["symbol"]: (leg["action"], int(leg["quantity"])) for leg in json.loads(row[7])["legs"]},
                row[8],
                _at(row[9]),
                _maybe(row[10]),
                row[11],
                _maybe(row[12]),
                _maybe(row[13]),
                _maybe(row[14]),
                row[15],
            )
            for row in rows
        }

    @cached_property
    def by_identifier(self) -> dict[str, ExitRow]:
        return {one.identifier: one for one in self.exits.values()}

    @cached_property
    def entries(self) -> dict[str, tuple[str, str, datetime | None]]:
        """Identifier to id, state and when it was marked as sent."""
        rows = self._sql("SELECT identifier, id, state, sent_at FROM entries")
        return {identifier: (entry, state, _maybe(sent)) for identifier, entry, state, sent in rows}

    @cached_property
    def tridents(self) -> dict[str, TridentRow]:
        rows = self._sql(
            "SELECT id, account, underlying, expiration, body, width, credit, filled_at, rules, managed_since, phase, "
            "closing_since, split, hands_off, asked, ended_at FROM tridents "
            f"{self._tridents.format('id')} ORDER BY opened_at, id"
        )
        found = {}
        for row in rows:
            rules = json.loads(row[8])
            found[row[0]] = TridentRow(
                row[0],
                row[1],
                row[2],
                _day(row[3]),
                Decimal(row[4]),
                Decimal(row[5]),
                _amount(row[6]),
                _at(row[7]),
                rules["mode"],
                rules["targets"],
                rules["exit_dte"],
                rules["let_index_expire"],
                rules["call_last"],
                _maybe(row[9]),
                row[10],
                _maybe(row[11]),
                bool(row[12]),
                row[13],
                row[14] is not None,
                _maybe(row[15]),
            )
        return found

    @cached_property
    def units(self) -> dict[str, dict[str, UnitRow]]:
        """By trident and name."""
        rows = self._sql(
            "SELECT trident_id, unit, short_symbol, long_symbol, credit, estimated, state, how, ended_at, received, "
            f"paid, settlement, fees, fees_estimated, realized FROM units {self._tridents.format('trident_id')}"
        )
        found: dict[str, dict[str, UnitRow]] = defaultdict(dict)
        for row in rows:
            found[row[0]][row[1]] = UnitRow(
                row[0],
                row[1],
                row[2],
                row[3],
                _amount(row[4]),
                bool(row[5]),
                row[6],
                row[7],
                _maybe(row[8]),
                _amount(row[9]),
                _amount(row[10]),
                _amount(row[11]),
                _amount(row[12]),
                bool(row[13]),
                _amount(row[14]),
            )
        return dict(found)

    @cached_property
    def fills(self) -> dict[str, list[FillRow]]:
        """By intent, in the order in which they were recorded."""
        found: dict[str, list[FillRow]] = defaultdict(list)
        rows = self._sql(
            "SELECT intent_id, order_id, fill_id, symbol, quantity, price, at FROM fills "
            f"{self._exits.format('intent_id')} ORDER BY seq"
        )
        for intent, order, fill, symbol, quantity, price, at in rows:
            found[intent].append(FillRow(intent, order, fill, symbol, Decimal(quantity), Decimal(price), _at(at)))
        return found

    @cached_property
    def claims(self) -> list[ClaimRow]:
        rows = self._sql(
            "SELECT exit_id, trident_id, unit, claimed_at, released_at, why FROM claims "
            f"{self._tridents.format('trident_id')} ORDER BY seq"
        )
        return [ClaimRow(row[0], row[1], row[2], _at(row[3]), _maybe(row[4]), row[5]) for row in rows]

    @cached_property
    def gone(self) -> dict[tuple[str, str, str], GoneRow]:
        """The contracts that left, by trident, unit and symbol: each as it was found first since it was last held."""
        found: dict[tuple[str, str, str], GoneRow] = {}
        rows = self._sql(
            "SELECT trident_id, unit, symbol, quantity, found_at FROM gone "
            f"{self._tridents.format('trident_id')} ORDER BY seq"
        )
        for trident, unit, symbol, quantity, at in rows:
            if quantity == 0:  # it is held after all
                found.pop((trident, unit, symbol), None)
                continue
            found.setdefault((trident, unit, symbol), GoneRow(trident, unit, symbol, _at(at)))
        return found

    @cached_property
    def changes(self) -> dict[str, list[ChangeRow]]:
        found: dict[str, list[ChangeRow]] = defaultdict(list)
        rows = self._sql(
            "SELECT intent_id, state, at, order_id, broker_status FROM intent_changes "
            f"{self._exits.format('intent_id')} ORDER BY seq"
        )
        for row in rows:
            found[row[0]].append(ChangeRow(row[0], row[1], _at(row[2]), row[3], row[4]))
        return found

    @cached_property
    def evidence(self) -> dict[str, list[SeenRow]]:
        found: dict[str, list[SeenRow]] = defaultdict(list)
        rows = self._sql(
            f"SELECT intent_id, kind, complete, detail, at FROM evidence {self._exits.format('intent_id')} ORDER BY id"
        )
        for intent, *row in rows:
            found[intent].append(SeenRow.of(*row))
        return found

    # The exchange

    @cached_property
    def accounts(self) -> tuple[str, ...]:
        return tuple(self.world.exchange.back_office.ledgers)

    @cached_property
    def orders(self) -> list[SimOrder]:
        """All orders of all accounts, in the order in which they arrived."""
        orders = [order for number in self.accounts for order in self.world.exchange.orders(number)]
        return sorted(orders, key=lambda order: (order.received_at, order.id))

    @cached_property
    def closes(self) -> list[SimOrder]:
        """The closing orders of these records' console, in the order in which they arrived."""
        return [order for order in self.orders if is_exit(order) and order.external_identifier not in self.world.others]

    @cached_property
    def openings(self) -> list[SimOrder]:
        """The entries of this product, in the order in which they arrived."""
        return [order for order in self.orders if (order.external_identifier or "").startswith(ENTRY_MARK)]

    @cached_property
    def exits_of(self) -> dict[str, list[ExitRow]]:
        """By trident, oldest first."""
        found: dict[str, list[ExitRow]] = defaultdict(list)
        for row in self.exits.values():
            found[row.trident].append(row)
        return found

    @cached_property
    def tridents_with(self) -> dict[tuple[str, str], list[str]]:
        """The tridents of an account that have a symbol."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name, trident in self.tridents.items():
            units = self.units[name].values()
            for symbol in {symbol for unit in units for symbol in (unit.short, unit.long)}:
                found[trident.account, symbol].append(name)
        return found

    @cached_property
    def closes_in(self) -> dict[tuple[str, str], list[tuple[SimOrder, SimLeg]]]:
        """The closing orders of an account with a leg in a symbol, and that leg."""
        return _by_symbol(self.closes)

    @cached_property
    def openings_in(self) -> dict[tuple[str, str], list[tuple[SimOrder, SimLeg]]]:
        """The entries of an account with a leg in a symbol, and that leg."""
        return _by_symbol(self.openings)

    @cached_property
    def closes_of(self) -> dict[str, list[tuple[SimOrder, ExitRow]]]:
        """The closing orders of a trident with their exits, in the order in which they arrived."""
        found: dict[str, list[tuple[SimOrder, ExitRow]]] = defaultdict(list)
        for order in self.closes:
            row = self.row_of(order)
            if row is not None:
                found[row.trident].append((order, row))
        return found

    def row_of(self, order: SimOrder) -> ExitRow | None:
        """The exit whose identifier the order carries."""
        return self.by_identifier.get(order.external_identifier or "")

    def held_units(self, trident: str, at: datetime) -> list[UnitRow]:
        """The units of a trident of which nothing had been closed, and nothing found to be gone, at the instant."""
        closed = self.closed_by(trident, at)
        left = {(row.unit) for row in self.gone.values() if row.trident == trident and row.found_at <= at}
        units = self.units[trident]
        return [units[name] for name in UNITS if name not in closed and name not in left]

    def closed_by(self, trident: str, at: datetime) -> dict[str, ExitRow]:
        """The units that fills up to the instant had closed whole, each with its exit: of two puts the first one first.
        Fills are those of the exchange."""
        closed: dict[str, ExitRow] = {}
        for order, row in self.closes_of.get(trident, ()):
            count = {leg.symbol: sum(f.quantity for f in leg.fills if f.filled_at <= at) for leg in order.legs}
            for name in (name for name in UNITS if name in row.units):
                unit = self.units[trident][name]
                if all(count.get(symbol, 0) > 0 for symbol in (unit.short, unit.long)):
                    closed.setdefault(name, row)
                for symbol in (unit.short, unit.long):
                    count[symbol] = count.get(symbol, 0) - 1
        return closed


def _by_symbol(orders: Iterable[SimOrder]) -> dict[tuple[str, str], list[tuple[SimOrder, SimLeg]]]:
    found: dict[tuple[str, str], list[tuple[SimOrder, SimLeg]]] = defaultdict(list)
    for order in orders:
        for leg in order.legs:
            found[order.account_number, leg.symbol].append((order, leg))
    return found


def is_exit(order: SimOrder) -> bool:
    return (order.external_identifier or "").startswith(EXIT_MARK)


def filled(leg: SimLeg, at: datetime) -> int:
    """How many contracts of a leg were filled by the instant."""
    return sum(fill.quantity for fill in leg.fills if fill.filled_at <= at)


def is_over(order: SimOrder, at: datetime) -> bool:
    """Whether an order had ended at the exchange by the instant."""
    return order.terminal_at is not None and order.terminal_at <= at


def last_day(market: Market, expiration: date) -> date:
    """The last session's date before an expiration."""
    day = expiration - timedelta(days=1)
    while market.session(day) is None:
        day -= timedelta(days=1)
    return day


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _at(text)


def _day(value: object) -> date:
    return date.fromisoformat(str(value))


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
