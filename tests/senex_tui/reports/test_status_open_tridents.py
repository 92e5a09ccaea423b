"""`senex status` lists the open tridents by their recorded fills (rules 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from core.broker.port import BrokerAccount
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.records.records import Records
from core.runtime.clock import SystemClock, exchange_time
from core.snapshot import Mode
from senex_tui.reports.status import read_status
from senex_tui.trader.place import Place
from tests.support.record_samples import ACCOUNT, entry


async def test_an_open_trident_is_told_with_its_warning_and_a_settled_one_is_not(tmp_path: Path) -> None:
    now = SystemClock().now()
    day = exchange_time(now).date()
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT")
    records = await Records.open(place.url)
    try:
        found = (BrokerAccount(ACCOUNT, "Demo", "Margin", is_closed=False),)
        await records.accounts.discover("main", found, enable_new=True, at=now)
        for number, days in (("one", 5), ("two", -1)):
            sent_on = day - timedelta(days=40 + len(number) + days)
            made = replace(entry(number, day=sent_on), prepared_at=now, expiration=day + timedelta(days=days))
            await records.entries.prepare(made)
            assert await records.entries.mark_sent(made.id, now, epoch=records.epoch, closes=now + timedelta(hours=1))
            fills = tuple(
                Fill(f"{number}-{leg.symbol}", leg.symbol, Decimal(leg.quantity), Decimal(price), now)
                for leg, price in zip(made.request.legs, ("5.20", "4.02", "7.30", "5.54"), strict=True)
            )
            await records.entries.add_fills(made.id, fills)
            await records.entries.become(made.id, OrderState.FILLED, at=now, order_id=f"77{number}")
    finally:
        await records.close()

    status = await read_status(place)

    [told] = status.values["open_tridents"]
    assert (told["account"], told["strikes"], told["dte"]) == ("…0001", "622P/619P/622C/625C", 5)
    assert (told["credit"], told["max_risk"]) == ("4.12", "188.00")
    assert (told["break_even_below"], told["break_even_above"]) == ("619.94", None)
    text = status.to_text()
    assert "credit 4.12, break-even 619.94, none above, open risk 188.00 $" in text
    assert "warning: 5 days to expiration, no automatic exit" in text
