"""Records of what two tridents earned, for tests of reports and of the page of money."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from core.broker.port import BrokerAccount
from core.domain.orders.order_states import OrderState
from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.closing import Gone
from core.domain.positions.exits import ExitKind
from core.domain.positions.pnl import Realized
from core.domain.positions.units import Ended, UnitName
from core.records.records import GoneRecord, Records
from core.records.repositories.pnl_rows import Earned
from tests.support.exit_samples import ALL, LONG_CALL, SHORT_CALL, exit_of, filled, sent
from tests.support.record_samples import ACCOUNT, AT, DAY, after, url_of
from tests.support.tridents import D

OTHER = "5WT00002"
PUT_1, PUT_2, CALL = ALL
NONE = Decimal(0)


def _earned(received: str, paid: str, fees: str, day: date | None, *, estimated: bool = False) -> Earned:
    gross = D(received) - D(paid)
    return Earned(Realized(gross, NONE, D(fees), estimated, received=D(received), opening_fees=D("2.24")), day)


async def record_earned(file: Path) -> None:
    """Makes a file with the records of two tridents: one whose units all ended, and one of another account of which the
    call is gone for nobody knows how much."""
    file.parent.mkdir(parents=True, exist_ok=True)
    records = await Records.open(url_of(file))
    known = [BrokerAccount(number, "", "Margin", False) for number in (ACCOUNT, OTHER)]
    await records.accounts.discover("main", known, enable_new=True, at=AT)
    for name, account in (("one", ACCOUNT), ("two", OTHER)):
        await filled(records, name, account)
    april = date(2026, 4, 6)
    await _closes(records, "one", PUT_1, ExitKind.TARGET, "71")
    await _closes(records, "one", PUT_2, ExitKind.TIME, "72", mid="0.70")
    gone = [
        GoneRecord(trident, Gone(CALL, symbol, cause, after(40)), "us")
        for trident, cause in (("one", Ended.EXPIRED), ("two", None))
        for symbol in (SHORT_CALL, LONG_CALL)
    ]
    await records.tridents.note_gone(gone)
    assert await records.pnl_rows.note_earned(
        "one",
        {
            PUT_1: _earned("122", "73", "2.48", DAY + timedelta(days=3)),
            PUT_2: _earned("122", "76", "2.48", april),
            CALL: _earned("162", "0", "2.24", april),
        },
        D("-0.50"),
    )
    left_out = Earned(Realized(NONE, NONE, D("2.24"), True, (CALL,), opening_fees=D("2.24")), april)
    open_ones = {name: _earned("0", "0", "2.24", None, estimated=True) for name in (PUT_1, PUT_2)}
    assert not await records.pnl_rows.note_earned("two", {**open_ones, CALL: left_out})
    at_close = AccountAtClose(ACCOUNT, DAY, D("190.00"), D("19000.00"), None, NONE, NONE, after(50))
    assert await records.pnl_rows.add_day(at_close)
    await records.close()


async def _closes(
    records: Records, trident: str, unit: UnitName, kind: ExitKind, order_id: str, mid: str | None = None
) -> None:
    new = replace(exit_of([unit], f"x{order_id}", trident=trident, kind=kind), mid=None if mid is None else D(mid))
    await sent(records, new, order_id)
    await records.exits.become(new.id, OrderState.FILLED, at=after(30))
