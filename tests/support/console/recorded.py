"""Real records with a few days in them, for pages that look things up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from core.broker.port import BrokerAccount
from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.records.records import Records
from tests.support.console.parts import NOW
from tests.support.record_samples import ACCOUNT, entry, request, url_of

DAY = timedelta(days=1)
MARKUP = "[/x] [red]margin[/] \x1b[2J of 5WT00001"
PRICES = ("5.12", "3.99", "7.24", "5.44")


def past(name: str, days: int, account: str = ACCOUNT) -> Entry:
    """An entry prepared so many days before the scenes' now."""
    at = NOW - days * DAY
    return replace(
        entry(name, account, at.date()),
        prepared_at=at,
        identifier=f"senex-{name}",
        request=request(f"senex-{name}"),
        detail="",
    )


async def fill_whole(records: Records, one: Entry) -> None:
    """Takes an entry from sent to filled, leg by leg; the first leg in two fills."""
    at = one.prepared_at
    await sent(records, one)
    await records.entries.become(one.id, OrderState.WORKING, at=at, order_id="4400", broker_status="Live")
    legs = list(zip(one.request.legs, PRICES, strict=True))
    for number, (leg, price) in enumerate(legs):
        parts = (1, leg.quantity - 1) if number == 0 else (leg.quantity,)
        for part, quantity in enumerate(parts):
            fill = Fill(f"{one.id}-{number}-{part}", leg.symbol, Decimal(quantity), Decimal(price), at)
            await records.entries.add_fills(one.id, [fill], at)
    await records.entries.become(one.id, OrderState.FILLED, at=at, broker_status="Filled")


async def sent(records: Records, one: Entry) -> None:
    await records.entries.prepare(one)
    closes = one.prepared_at + timedelta(hours=5)
    assert await records.entries.mark_sent(one.id, one.prepared_at, epoch=records.epoch, closes=closes)


async def reject(records: Records, one: Entry, why: str = MARKUP) -> None:
    await sent(records, one)
    await records.entries.become(one.id, OrderState.REJECTED, at=one.prepared_at, detail=why)


@asynccontextmanager
async def recorded(folder: Path) -> AsyncIterator[Records]:
    """Records with two accounts. The first is the primary one; nothing else about them was changed."""
    records = await Records.open(url_of(folder / "data" / "senex.db"))
    try:
        found = [BrokerAccount(ACCOUNT, "Trident", "Margin", False), BrokerAccount("5WT00002", "Roth", "IRA", False)]
        await records.accounts.discover("default", found, enable_new=True, at=NOW - 30 * DAY)
        yield records
    finally:
        await records.close()


async def some_days(records: Records) -> None:
    """Records a filled entry, one rejected with long words of the broker, a closed alert and two changed settings."""
    await fill_whole(records, past("filled", 1))
    await reject(records, past("rejected", 2))
    slow = DueAlert(AlertKind.SLOW_EXECUTION, "", "51.3 s from slot to acknowledgement")
    await records.alerts.open(slow, NOW - 5 * DAY)
    await records.alerts.close(1, NOW - 3 * DAY)
    await records.accounts.set(ACCOUNT, AccountSetting(AccountField.WIDTH, Decimal(5)), "ada [/x]", NOW - 2 * DAY)
    await records.accounts.set(ACCOUNT, AccountSetting(AccountField.WIDTH, None), "ada", NOW - DAY)
