"""What the days earned by the records, against the cash of the simulated broker (rules 15.6)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from core.domain.positions.pnl import OfficialClose, by_broker
from core.domain.positions.units import UnitState
from core.domain.reporting.cash_sum import CashSum
from core.domain.reporting.money import Period, UnitMoney, money_of
from core.domain.trident.trident import SHARES_PER_CONTRACT
from core.records.records import Records

_NONE = Decimal(0)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def earned(records: Records, account: str, before: Decimal, now: Decimal) -> CashSum:
    """The sum of the account since its first trident. `before` and `now` are its cash by the broker, in $; the history
    up to now has been read. Raises RecordsError."""
    tridents = await records.pnl_rows.tridents(account, _EVER)
    money = (await records.money.recorded()).of(account)
    total = money_of(money.units, money.tridents, (), Period.DAY).total
    rows = await records.transactions.since(account, _EVER)
    matches = await records.transactions.matches_of([one.id for one in tridents])
    entries = {entry.id: entry for entry in await records.entries.these([one.id for one in tridents])}
    opened = ours = waiting = _NONE
    waits = 0
    closes: dict[str, tuple[OfficialClose, ...]] = {}
    for record in tridents:
        symbol = record.trident.underlying
        if symbol not in closes:
            closes[symbol] = tuple(await records.pnl_rows.closes(symbol, date.min))
        units = [unit for unit in money.units if unit.trident_id == record.id]
        of_rows = by_broker(entries[record.id], matches, closes[symbol])
        if of_rows is None:  # the close at which its shares count is not there
            of_rows = sum((one.net_value for one in matches if one.trident_id == record.id), _NONE)
        ended = sum((unit.received or _NONE for unit in units if unit.realized is not None), _NONE)
        still_open = SHARES_PER_CONTRACT * (record.credit or _NONE) - ended
        ours += of_rows
        opened += still_open
        is_broken = any(unit.state is UnitState.BROKEN for unit in record.trident.units)
        if is_broken or any(unit.is_unexplained for unit in units):
            waiting += of_rows - still_open - sum((_booked(unit) for unit in units), _NONE)
            waits += 1
    days = await records.pnl_rows.days(date.min, date.max)
    marks = [day.unrealized for day in days if day.account == account]
    return CashSum(
        before=before,
        now=now,
        realized=total.realized,
        fees=total.fees,
        estimated=total.estimated,
        open=opened,
        unrealized=marks[-1].mid if marks and marks[-1] is not None else None,
        own=sum((row.net_value for row in rows), _NONE) - ours,
        waiting=waiting,
        waits=waits,
    )


def _booked(unit: UnitMoney) -> Decimal:
    """What the figures of money count of a unit."""
    if unit.realized is not None:
        return unit.realized
    return -unit.opening_fees if unit.day is None else -unit.fees
