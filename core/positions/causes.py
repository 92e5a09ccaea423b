"""Why contracts left without an order of ours, from everything that is known when they are missed (rules 15.5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.domain.orders.orders import OrderReport
from core.domain.orders.transactions import Transaction
from core.domain.positions.attribution import cause, cause_of_row, is_adjusted_root
from core.domain.positions.matching import is_row_of
from core.domain.positions.units import Ended
from core.domain.trident.sides import LegSide
from core.domain.trident.trident import SHARES_PER_CONTRACT
from core.orders.attribution import kind_of
from core.positions.complete_reads import CompleteRead
from core.records.records import GoneRecord, Records, TridentRecord

_NONE = Decimal(0)


@dataclass(slots=True)
class _Row:
    """A row of the account's history, and how many contracts of it explain nothing yet."""

    row: Transaction
    left: Decimal


@dataclass(slots=True)
class Known:
    """What is known of an account when contracts of ours are missed. What explains one contract explains no other: it
    is used up.

    `shares` came since they were last counted, by symbol, negative where they left. `desk_orders` are the orders of
    others that another user than the account's placed. `held` are the symbols that the broker shows.
    """

    rows: Sequence[_Row]
    shares: dict[str, Decimal]
    desk_orders: frozenset[str]
    held: Collection[str]

    def cause_of(self, leg: LegSide, order_ids: Sequence[str], underlying: str) -> tuple[Ended | None, str | None]:
        """Why a contract of this leg left, and the id of the row that says so. None while nothing explains it."""
        by_order = cause(leg, order_ids, shares=_NONE, rows=(), desk_orders=self.desk_orders)
        if by_order is not None:
            return by_order, None
        why, row_id = self._by_row(leg)
        shares = self.shares.get(underlying, _NONE)
        by_shares = cause(leg, (), shares=shares, rows=())
        if by_shares is not None and why in (None, by_shares):
            self.shares[underlying] = shares - Decimal(SHARES_PER_CONTRACT).copy_sign(shares)
        if why is None and any(is_adjusted_root(symbol, leg[0]) for symbol in self.held):
            return Ended.SPLIT, None
        return why or by_shares, row_id

    def _by_row(self, leg: LegSide) -> tuple[Ended | None, str | None]:
        for one in self.rows:
            why = cause(leg, (), shares=_NONE, rows=(one.row,), desk_orders=self.desk_orders) if one.left > 0 else None
            if why is not None:
                one.left -= 1
                return why, one.row.id
        return None, None


@dataclass(eq=False, repr=False)
class Causes:
    """Gathers what is known, and keeps what only reads tell: shares, and who places orders."""

    records: Records
    # The shares at the last read that agreed: what came or left since tells an assignment before its row is posted.
    _shares: dict[str, Mapping[str, Decimal]] = field(init=False, default_factory=dict)
    # Who placed orders of ours. An order of another user is the broker's own, or of somebody whom the account lets in.
    _users: dict[str, set[str]] = field(init=False, default_factory=dict)

    def note_agreed(self, read: CompleteRead) -> None:
        """Takes note of the shares in a read that agrees with the records."""
        self._shares[read.account] = read.shares()

    async def others(self, read: CompleteRead) -> tuple[OrderReport, ...]:
        """The orders of the read that are not ours. Raises RecordsError."""
        found = []
        for order in read.orders:
            if await kind_of(self.records.intents, order) is None:
                found.append(order)
            elif order.user:
                self._users.setdefault(read.account, set()).add(order.user)
        return tuple(found)

    def is_of_desk(self, order: OrderReport) -> bool:
        """Whether an order that is not ours was placed by another user than the account's. As long as nobody knows who
        that is, no order counts so."""
        ours = self._users.get(order.account, set())
        return bool(ours) and bool(order.user) and order.user not in ours

    async def known(
        self, read: CompleteRead, others: Sequence[OrderReport], tridents: Sequence[TridentRecord]
    ) -> Known:
        """What may explain contracts that these tridents of the account are missing. Raises RecordsError."""
        before, now = self._shares.get(read.account), read.shares()
        came = (
            {}
            if before is None
            else {symbol: now.get(symbol, _NONE) - before.get(symbol, _NONE) for symbol in (*now, *before)}
        )
        desk = frozenset(order.order_id for order in others if self.is_of_desk(order))
        return Known(await self._rows(read.account, tridents), came, desk, [symbol for symbol, _ in read.options()])

    async def _rows(self, account: str, tridents: Sequence[TridentRecord]) -> Sequence[_Row]:
        """The rows about contracts of these tridents that are not of our orders, without what is explained already."""
        if not tridents:
            return ()
        since = min(one.opened_at for one in tridents)
        symbols = {symbol for one in tridents for unit in one.trident.units for symbol in (unit.short, unit.long)}
        rows = await self.records.transactions.since(account, since)
        undone = {row.reverses for row in rows if row.reverses}
        found = [
            _Row(row, row.quantity or _NONE)
            for row in rows
            if row.symbol in symbols and not row.reverses and row.id not in undone and not await self._is_ours(row)
        ]
        known = [*tridents, *await self.records.pnl_rows.tridents(account, since)]
        gone = await self.records.tridents.gone_of(list(dict.fromkeys(one.id for one in known)))
        explained = {
            (left.trident_id, left.gone.unit, left.gone.symbol): left for of_one in gone.values() for left in of_one
        }
        for left in sorted(explained.values(), key=lambda one: one.transaction_id is None):
            used = next((one for one in found if one.left > 0 and _explains(one.row, left)), None)
            if used is not None:
                used.left -= 1
        return found

    async def _is_ours(self, row: Transaction) -> bool:
        if not row.order_id:
            return False
        known = await self.records.intents.with_order(row.order_id)
        return any(intent.account == row.account and is_row_of(row, intent) for intent in known)


def _explains(row: Transaction, left: GoneRecord) -> bool:
    """Whether a row is what explains a contract that left."""
    if left.transaction_id is not None:
        return left.transaction_id == row.id
    by_order = bool(row.order_id) and row.order_id in left.order_ids
    by_kind = left.gone.cause is not None and cause_of_row(row) is left.gone.cause
    return row.symbol == left.gone.symbol and (by_order or by_kind)
