"""Transactions as the adapter reads them: rows in the shapes that were recorded of the broker (broker 2.7)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade import TastytradeBroker
from core.domain.orders.transactions import Transaction
from tests.core.broker.raw_broker import ACCOUNT, RawBroker, json_answer

PATH = f"/accounts/{ACCOUNT}/transactions"
SINCE = date(2026, 11, 16)
PUT = "QQQ   270108P00622000"
INDEX_PUT = "SPXW  261127P06850000"


def amounts(**amount: str) -> dict[str, str]:
    """Amounts with their effects: `net_value="-805.0"` is 805.0 Debit."""
    found: dict[str, str] = {}
    for name, text in amount.items():
        key, value = name.replace("_", "-"), Decimal(text)
        found[key] = text.removeprefix("-")
        found[f"{key}-effect"] = "Debit" if value < 0 else "Credit" if value else "None"
    return found


def row(number: int, kind: str, sub_kind: str, value: str, net: str, **more: Any) -> dict[str, Any]:
    """A row with the keys that all rows have; a key of `more` that is None is taken away."""
    found = {
        "id": number,
        "account-number": ACCOUNT,
        "transaction-type": kind,
        "transaction-sub-type": sub_kind,
        "description": "Removal of option due to expiration",
        "executed-at": "2026-11-24T15:00:01.250+00:00",
        "transaction-date": "2026-11-24",
        **amounts(value=value, net_value=net),
        "is-estimated-fee": True,
        "created-at": "2026-11-24T15:00:02.000+00:00",
        **{key.replace("_", "-"): each for key, each in more.items()},
    }
    return {key: each for key, each in found.items() if each is not None}


def option(symbol: str, underlying: str) -> dict[str, str]:
    return {"symbol": symbol, "instrument_type": "Equity Option", "underlying_symbol": underlying}


SOLD = row(
    500_000_001,
    "Trade",
    "Sell to Open",
    "122.0",
    "120.877",
    **option(PUT, "QQQ"),
    description="Sold 1 QQQ 01/08/27 Put 622.00 @ 1.22",
    action="Sell to Open",
    quantity="1.0",
    price="1.22",
    order_id=73,
    leg_count=4,
    destination_venue="CBOE_COB",
    ext_group_id="0",
    exec_id="24_TOs0",
    **amounts(regulatory_fees="-0.023", clearing_fees="-0.1", commission="-1.0", proprietary_index_option_fees="0.0"),
)
SETTLED = row(
    500_000_002,
    "Receive Deliver",
    "Cash Settled Assignment",
    "-800.0",
    "-805.0",
    **option(INDEX_PUT, "SPX"),
    quantity="2.0",
    price="6850.0",
    executed_at="2026-11-28T03:00:00.000+00:00",
    transaction_date="2026-11-27",
    **amounts(clearing_fees="-5.0"),
)
REMOVED = row(500_000_003, "Receive Deliver", "Assignment", "0.0", "0.0", **option(INDEX_PUT, "SPX"), quantity="2.0")
DELIVERED = row(
    500_000_004,
    "Receive Deliver",
    "Buy to Open",
    "-62200.0",
    "-62205.0",
    symbol="QQQ",
    instrument_type="Equity",
    underlying_symbol="QQQ",
    description="Buy to Open 100 QQQ @ 622.00",
    action="Buy to Open",
    quantity="100.0",
    price="622.0",
)
DIVIDEND = row(
    500_000_005, "Money Movement", "Dividend", "79.41", "79.41", symbol="QQQ", is_estimated_fee=False, quantity=None
)
REVERSAL = row(500_000_006, "Money Movement", "Balance Adjustment", "0.02", "0.02", reverses_id=500_000_001)
ROWS = [SOLD, SETTLED, REMOVED, DELIVERED, DIVIDEND, REVERSAL]


def page(rows: list[Any], total: int | None = None, **pages: int) -> dict[str, Any]:
    count = len(rows)
    counts = {"per_page": 250, "page_offset": 0, "item_offset": 0, "total_pages": 1, **pages}
    counts |= {"total_items": count if total is None else total, "current_item_count": count}
    links = dict.fromkeys(("previous-link", "next-link", "paging-link-template"))
    return {
        "data": {"items": rows},
        "context": PATH,
        "pagination": {key.replace("_", "-"): number for key, number in counts.items()} | links,
    }


async def unreadable(broker: TastytradeBroker) -> str:
    with pytest.raises(BrokerError) as caught:
        await broker.transactions(ACCOUNT, SINCE)
    assert caught.value.fault is BrokerFault.UNREADABLE
    return caught.value.detail


async def test_rows_are_read_with_signed_amounts(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("GET", PATH, json_answer(page(ROWS[::-1])))
    sold, settled, removed, delivered, dividend, reversal = await broker.transactions(ACCOUNT, SINCE)
    assert sold == Transaction(
        id="500000001",
        account=ACCOUNT,
        kind="Trade",
        sub_kind="Sell to Open",
        instrument_type="Equity Option",
        symbol=PUT,
        underlying="QQQ",
        action="Sell to Open",
        quantity=Decimal(1),
        price=Decimal("1.22"),
        value=Decimal(122),
        net_value=Decimal("120.877"),
        fees_estimated=True,
        executed_at=datetime(2026, 11, 24, 15, 0, 1, 250_000, tzinfo=UTC),
        day=date(2026, 11, 24),
        order_id="73",
        reverses="",
        text="Sold 1 QQQ 01/08/27 Put 622.00 @ 1.22",
    )
    assert sold.fees == Decimal("1.123")
    # A cash settlement: the price is the strike, the removal beside it moves nothing.
    assert (settled.price, settled.value, settled.net_value) == (Decimal(6850), Decimal(-800), Decimal(-805))
    assert (settled.fees, settled.order_id, settled.action) == (Decimal(5), "", "")
    assert (settled.executed_at.date(), settled.day) == (date(2026, 11, 28), date(2026, 11, 27))
    assert (removed.sub_kind, removed.quantity, removed.value, removed.fees) == ("Assignment", 2, 0, 0)
    assert (delivered.instrument_type, delivered.symbol, delivered.quantity) == ("Equity", "QQQ", 100)
    assert (dividend.value, dividend.quantity, dividend.fees_estimated) == (Decimal("79.41"), None, False)
    assert reversal.reverses == sold.id
    (query,) = (query for key, query in zip(server.requests, server.queries, strict=True) if key == ("GET", PATH))
    assert query.items() >= {"start-date": "2026-11-16", "sort": "Asc", "page-offset": "0", "per-page": "250"}.items()
    assert not {"type", "types[]", "sub-type[]"} & set(query), "every type is asked for"


async def test_all_pages_are_read(server: RawBroker, broker: TastytradeBroker) -> None:
    pages = [page(ROWS[:2], 5, total_pages=3), page(ROWS[2:4], 5, total_pages=3), page(ROWS[4:5], 5, total_pages=3)]
    server.on("GET", PATH, *(json_answer(each) for each in pages))
    assert [each.id[-1] for each in await broker.transactions(ACCOUNT, SINCE)] == ["1", "2", "3", "4", "5"]
    assert [query.get("page-offset") for query in server.queries[-3:]] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "pages",
    [
        [page(ROWS[:2], 3, total_pages=2), page(ROWS[1:2], 3, total_pages=2)],
        [page(ROWS[:2], 3, total_pages=2), page(ROWS[2:4], 4, total_pages=2)],
        [page(ROWS[:2], 3)],
        [{**page(ROWS[:2]), "data": {"items": ROWS[:1]}}],
    ],
    ids=["the pages overlap", "a row arrived meanwhile", "fewer rows than announced", "half a page"],
)
async def test_an_incomplete_listing_proves_nothing(
    server: RawBroker, broker: TastytradeBroker, pages: list[dict[str, Any]]
) -> None:
    server.on("GET", PATH, *(json_answer(each) for each in pages))
    assert (await unreadable(broker)).startswith("transactions: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", None),
        ("transaction-type", None),
        ("transaction-sub-type", 7),
        ("executed-at", "yesterday"),
        ("value", None),
        ("value-effect", None),
        ("value-effect", "None"),
        ("net-value", "much"),
        ("net-value-effect", "Sideways"),
        ("quantity", "many"),
        ("price", {}),
        ("symbol", 7),
        ("order-id", []),
        ("reverses-id", {}),
        ("transaction-date", "soon"),
        ("is-estimated-fee", "no"),
    ],
)
async def test_one_row_that_cannot_be_read_leaves_no_answer(
    server: RawBroker, broker: TastytradeBroker, key: str, value: Any
) -> None:
    odd = {**SOLD, key: value}
    server.on("GET", PATH, json_answer(page([{k: v for k, v in odd.items() if v is not None}, SETTLED])))
    assert key in await unreadable(broker)


async def test_a_type_that_nobody_knows_is_kept_and_little_is_asked_of_it(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    bare = row(
        500_000_009,
        "Administrative Transfer",
        "ACAT",
        "0.0",
        "0.0",
        is_estimated_fee=None,
        transaction_date=None,
        executed_at="2026-11-25T03:30:00.000+00:00",
        description=17,
    )
    server.on("GET", PATH, json_answer(page([bare])))
    (found,) = await broker.transactions(ACCOUNT, SINCE)
    assert (found.kind, found.sub_kind, found.symbol, found.action) == ("Administrative Transfer", "ACAT", "", "")
    assert (found.quantity, found.price, found.fees) == (None, None, 0)
    assert found.fees_estimated, "a fee that is not said to be final is an estimate"
    assert found.day == date(2026, 11, 24), "22:30 at the exchange"


async def test_an_account_without_history_has_none(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("GET", PATH, json_answer({"data": {"items": []}}))
    assert await broker.transactions(ACCOUNT, SINCE) == ()
