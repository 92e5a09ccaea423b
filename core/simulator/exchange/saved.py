"""The state of a simulated broker as a file: everything its market and its seed do not tell (rules 14).

The file is one JSON object with `format`, `version`, `code` (what wrote it), `sha256` (of the body's text) and `body`,
the fields of SavedExchange. The version rises with every change of the body's meaning; a file of another version, or of
other code, is refused and made again by whoever can.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from core.runtime.durable_file import write_durably
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.book import Book, Holding
from core.simulator.exchange.complex_orders import Group
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.lifecycle import BookEntry, FillPlan
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.orders import SimOrder
from core.simulator.exchange.schedule import Due
from core.simulator.exchange.transactions import Posting, SimTransaction
from core.simulator.market.market import Market

FORMAT = "senex-simulator"
VERSION = 2
_WORDS = 625
_PACKED = struct.Struct(f">{_WORDS}I")
"""The state of one generator of random numbers: the words of its Mersenne twister and its place among them."""


class StateRefused(Exception):
    """A file that cannot be taken as the state of a simulated broker. The text says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class SavedMarket:
    """What tells a market apart from others: all its prices follow.

    `halts` are by underlying, with their first and last instant; one without an end has None there. `splits` are by
    underlying: the date, and how many shares each one has become.
    """

    seed: int
    start: datetime
    halts: dict[str, list[tuple[datetime, datetime | None]]]
    splits: dict[str, tuple[date, Decimal]]


@dataclass(frozen=True, slots=True)
class SavedHolding:
    """A position as a book keeps it (`book.Holding`); the symbol names the instrument."""

    symbol: str
    quantity: int
    average_open_price: Decimal
    opened_on: date
    created_at: datetime
    updated_at: datetime
    day_basis: Decimal
    basis_on: date
    realized_on: date
    realized_today: Decimal
    realized_day: Decimal


@dataclass(frozen=True, slots=True)
class SavedAccount:
    """An account with its restrictions, its cash in $, its positions as they are and as they are shown, and its
    transactions: those that are due, and those that are posted."""

    setup: AccountSetup
    cash: Decimal
    call_by_hand: bool
    true: tuple[SavedHolding, ...]
    shown: tuple[SavedHolding, ...]
    postings: tuple[Posting, ...]
    posted: tuple[SimTransaction, ...]


@dataclass(frozen=True, slots=True)
class SavedBook:
    """The orders that have not ended, with the instants at which something next happens to them and their chance."""

    entries: tuple[BookEntry, ...]
    fill_plan: FillPlan
    account_plans: dict[str, FillPlan]
    daily_fills: dict[date, int]


@dataclass(frozen=True, slots=True)
class SavedExchange:
    """One simulated broker at the instant `at`. `orders` has every order it knows, in the order of their arrival."""

    at: datetime
    seed: int
    market: SavedMarket
    habits: Habits
    accounts: tuple[SavedAccount, ...]
    last_transaction: int
    orders: tuple[SimOrder, ...]
    book: SavedBook
    due: tuple[Due, ...]
    revived_after: dict[int, timedelta]
    complex_orders: tuple[Group, ...]
    last_complex_order: int
    last_order_id: int
    daily_order_ids: dict[date, int]
    settled_to: datetime
    opened_by_close: tuple[tuple[int, str], ...]


def saved_market(market: Market) -> SavedMarket:
    """What the market has to be made of again."""
    return SavedMarket(market.seed, market.start, market.halts, market.splits)


def restored_market(saved: SavedMarket) -> Market:
    """The market that was saved. Raises StateRefused for a split that it cannot have had."""
    market = Market(saved.seed, saved.start)
    market.halts.update(saved.halts)
    for symbol, (day, ratio) in saved.splits.items():
        try:
            market.split(symbol, ratio, day)
        except ValueError as error:
            raise StateRefused(f"is torn ({error})") from None
    return market


def saved_account(ledger: Ledger) -> SavedAccount:
    """What the ledger has to be made of again."""
    return SavedAccount(
        ledger.setup,
        ledger.cash,
        ledger.call_by_hand,
        _saved_book(ledger.true),
        _saved_book(ledger.shown),
        tuple(ledger.postings),
        tuple(ledger.log.posted.values()),
    )


def restore_ledger(ledger: Ledger, saved: SavedAccount) -> None:
    """Makes a new ledger the one that was saved. Raises StateRefused for a position in what cannot be held."""
    ledger.cash, ledger.call_by_hand = saved.cash, saved.call_by_hand
    _restore_book(ledger, ledger.true, saved.true)
    _restore_book(ledger, ledger.shown, saved.shown)
    ledger.postings.extend(saved.postings)
    ledger.log.posted.update((row.id, row) for row in saved.posted)
    ledger.log.estimated.update(row.id for row in saved.posted if row.estimated)


def saved_book(book: OrderBook) -> SavedBook:
    """What the order book has to be made of again."""
    entries = tuple(replace(entry, ticket=0) for entry in book.all())  # a place in the queue is given anew
    return SavedBook(entries, book.fill_plan, book.account_plans, dict(book.daily_fills))


def restore_orders(book: OrderBook, saved: SavedBook) -> None:
    """Makes a new order book the one that was saved."""
    book.put_back(saved.entries)
    book.fill_plan = saved.fill_plan
    book.account_plans.update(saved.account_plans)
    book.daily_fills.update(saved.daily_fills)


def _saved_book(book: Book) -> tuple[SavedHolding, ...]:
    return tuple(
        SavedHolding(
            symbol,
            h.quantity,
            h.average_open_price,
            h.opened_on,
            h.created_at,
            h.updated_at,
            h.day_basis,
            h.basis_on,
            h.realized_on,
            h.realized_today,
            h.realized_day,
        )
        for symbol, h in book.holdings.items()
    )


def _restore_book(ledger: Ledger, book: Book, saved: Sequence[SavedHolding]) -> None:
    for h in saved:
        try:
            instrument = ledger.instrument(h.symbol)
        except KeyError:
            raise StateRefused(f"is torn (nothing is named {h.symbol!r})") from None
        book.holdings[h.symbol] = Holding(
            instrument,
            h.quantity,
            h.average_open_price,
            h.opened_on,
            h.created_at,
            h.updated_at,
            h.day_basis,
            h.basis_on,
            h.realized_on,
            h.realized_today,
            h.realized_day,
        )


class _File(msgspec.Struct):
    """The file, its body still text."""

    format: str
    version: int
    code: str
    sha256: str
    body: msgspec.Raw


def encoded(state: SavedExchange) -> bytes:
    """The body of the file: equal states give equal bytes."""
    return msgspec.json.encode(state, enc_hook=_written)


def decoded(body: bytes) -> SavedExchange:
    """The state of a body. Raises StateRefused."""
    try:
        return msgspec.json.decode(body, type=SavedExchange, dec_hook=_read)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StateRefused(f"is torn ({error})") from None


def write_state(path: Path, state: SavedExchange, code: str) -> None:
    """Writes the file whole and durably, for its owner alone. Raises OSError."""
    body = encoded(state)
    head = {"format": FORMAT, "version": VERSION, "code": code, "sha256": hashlib.sha256(body).hexdigest()}
    write_durably(path, msgspec.json.encode(head | {"body": msgspec.Raw(body)}).decode())


def read_state(path: Path, code: str) -> SavedExchange:
    """The state in a file that this code wrote. Raises StateRefused for any other file, OSError."""
    text = path.read_bytes()
    try:
        found = msgspec.json.decode(text)
        known = isinstance(found, dict) and found.get("format") == FORMAT
    except (msgspec.MsgspecError, ValueError):
        known = f'"{FORMAT}"'.encode() in text[:200]
        raise StateRefused("is torn (no whole JSON)" if known else "is no state of a simulated broker") from None
    if not known:
        raise StateRefused("is no state of a simulated broker")
    try:
        file = msgspec.json.decode(text, type=_File)
    except msgspec.MsgspecError as error:
        raise StateRefused(f"is torn ({error})") from None
    if file.version != VERSION or file.code != code:
        raise StateRefused("was made by another version")
    body = bytes(file.body)
    if hashlib.sha256(body).hexdigest() != file.sha256:
        raise StateRefused("is torn (its checksum is wrong)")
    return decoded(body)


def _written(value: object) -> object:
    if isinstance(value, random.Random):
        _, words, gauss = value.getstate()
        return [base64.b64encode(_PACKED.pack(*words)).decode(), gauss]
    raise NotImplementedError(f"{type(value).__name__} has no form in a saved state")


def _read(kind: type, value: Any) -> object:
    if kind is not random.Random:
        raise NotImplementedError(f"{kind.__name__} has no form in a saved state")
    try:
        words, gauss = value
        chance = random.Random()
        chance.setstate((3, _PACKED.unpack(base64.b64decode(words, validate=True)), gauss))
    except (TypeError, ValueError, struct.error, binascii.Error) as error:
        raise ValueError(f"a chance cannot be read: {error}") from None
    return chance
