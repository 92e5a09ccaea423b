"""What one field of an answer does to the whole: each is taken away, null, a number and an object, one at a time.

The answers are those of the simulator, so a key that it learns to send joins by itself. A key that stands in no table
here is not used, and nothing that happens to it may change what is read.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade import TastytradeBroker
from core.broker.tastytrade.fields import Unreadable
from core.broker.tastytrade.order_mapping import order_report
from core.domain.orders.orders import OrderLeg, OrderRequest, SendClass
from core.domain.trident.trident import Action
from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.market_view import MarketView
from core.simulator.exchange.orders import Notice
from core.simulator.in_process.values import order_body
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedRoot
from core.simulator.wire.payloads import envelope, items
from core.simulator.wire.payloads_accounts import account, balances, position, trading_status
from core.simulator.wire.payloads_instruments import nested_chain
from core.simulator.wire.payloads_market import market_data, market_session, metrics
from core.simulator.wire.payloads_orders import notice, order, order_response
from core.simulator.wire.payloads_transactions import transaction
from tests.core.broker.raw_broker import ACCOUNT, ORDERS, SESSIONS, InstantClock, RawBroker, json_answer
from tests.support.world import SEED
from tests.support.world import account as account_setup

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""A Monday, 10:00 at the exchange."""
LATER = NOW + timedelta(minutes=5)

SAME, CHANGED, LEFT_OUT, UNREADABLE = "same", "changed", "left out", "unreadable"
"""What becomes of an answer: the same is read; something else is; a part is left out and told; nothing is read."""


@dataclass(frozen=True)
class Used:
    """What becomes of the answer when this field is absent or null, is the number 123, and is an empty object."""

    absent: str
    number: str
    object: str


STRICT = Used(UNREADABLE, UNREADABLE, UNREADABLE)
NUMBER = Used(UNREADABLE, CHANGED, UNREADABLE)
IDENTITY = NUMBER
OPTIONAL = Used(CHANGED, UNREADABLE, UNREADABLE)
OPTIONAL_NUMBER = Used(CHANGED, CHANGED, UNREADABLE)
OPTIONAL_LIST = OPTIONAL
SHOWN = Used(CHANGED, CHANGED, CHANGED)
PART = Used(LEFT_OUT, LEFT_OUT, LEFT_OUT)
PART_NUMBER = Used(LEFT_OUT, CHANGED, LEFT_OUT)
PART_FIGURE = Used(CHANGED, CHANGED, LEFT_OUT)
PART_DATE = Used(CHANGED, LEFT_OUT, LEFT_OUT)

GONE = object()
ODD = {"absent": GONE, "null": None, "number": 123, "object": {}}
"""What is done to a field."""

ITEMS = {"data": STRICT, "data.items": STRICT}

ORDER_FIELDS = {
    "id": IDENTITY,
    "account-number": STRICT,
    "status": STRICT,
    "external-identifier": Used(CHANGED, CHANGED, UNREADABLE),
    "underlying-symbol": SHOWN,
    "price": OPTIONAL_NUMBER,
    "price-effect": STRICT,
    "received-at": SHOWN,
    "terminal-at": SHOWN,
    "updated-at": SHOWN,
    "time-in-force": SHOWN,
    "order-type": SHOWN,
    "username": SHOWN,
    "legs": STRICT,
    "legs.*": STRICT,
    "legs.*.symbol": STRICT,
    "legs.*.action": STRICT,
    "legs.*.quantity": OPTIONAL_NUMBER,
    "legs.*.remaining-quantity": OPTIONAL_NUMBER,
    "legs.*.fills": OPTIONAL_LIST,
    "legs.*.fills.*": STRICT,
    "legs.*.fills.*.fill-id": IDENTITY,
    "legs.*.fills.*.quantity": NUMBER,
    "legs.*.fills.*.fill-price": NUMBER,
    "legs.*.fills.*.filled-at": STRICT,
}


def under(prefix: str, fields: Mapping[str, Used]) -> dict[str, Used]:
    return {f"{prefix}.{key}": used for key, used in fields.items()}


ORDER_ANSWERED = {**ORDER_FIELDS, "price": NUMBER, "external-identifier": Used(CHANGED, UNREADABLE, UNREADABLE)}
"""In an acknowledgement nothing has filled yet, and the order must be the very one that was sent."""
for missing in [key for key in ORDER_ANSWERED if key == "terminal-at" or key.startswith("legs.*.fills")]:
    del ORDER_ANSWERED[missing]
ORDER_ANSWERED["legs.*.fills"] = Used(SAME, UNREADABLE, UNREADABLE)

CHAIN_FIELDS = {
    "underlying-symbol": PART,
    "root-symbol": PART,
    "option-chain-type": PART,
    "shares-per-contract": PART_NUMBER,
    "tick-sizes": PART,
    "tick-sizes.*": PART,
    "tick-sizes.*.value": PART_NUMBER,
    "tick-sizes.*.threshold": PART_FIGURE,
    "expirations": PART,
    "expirations.*": PART,
    "expirations.*.expiration-date": PART,
    "expirations.*.settlement-type": PART,
    "expirations.*.strikes": PART,
    "expirations.*.strikes.*": PART,
    "expirations.*.strikes.*.strike-price": PART_NUMBER,
    "expirations.*.strikes.*.put": PART,
    "expirations.*.strikes.*.put-streamer-symbol": PART,
    "expirations.*.strikes.*.call": PART,
    "expirations.*.strikes.*.call-streamer-symbol": PART,
}

USED: dict[str, dict[str, Used]] = {
    "accounts": {
        **ITEMS,
        "data.items.*": PART,
        "data.items.*.account": PART,
        "data.items.*.account.account-number": PART,
        "data.items.*.account.is-closed": PART,
        "data.items.*.account.nickname": SHOWN,
        "data.items.*.account.margin-or-cash": SHOWN,
    },
    "balances": {"data": STRICT, "data.derivative-buying-power": NUMBER, "data.net-liquidating-value": NUMBER},
    "positions": {
        **ITEMS,
        "data.items.*": STRICT,
        "data.items.*.symbol": STRICT,
        "data.items.*.quantity": NUMBER,
        "data.items.*.quantity-direction": STRICT,
        "data.items.*.underlying-symbol": SHOWN,
        "data.items.*.average-open-price": SHOWN,
        "data.items.*.mark-price": SHOWN,
        "data.items.*.instrument-type": SHOWN,
        "data.items.*.realized-today": SHOWN,
        "data.items.*.realized-today-effect": SHOWN,
    },
    "transactions": {
        **ITEMS,
        "data.items.*": STRICT,
        "data.items.*.id": IDENTITY,
        "data.items.*.transaction-type": STRICT,
        "data.items.*.transaction-sub-type": STRICT,
        "data.items.*.instrument-type": SHOWN,
        "data.items.*.symbol": OPTIONAL,
        "data.items.*.underlying-symbol": OPTIONAL,
        "data.items.*.action": OPTIONAL,
        "data.items.*.quantity": OPTIONAL_NUMBER,
        "data.items.*.price": OPTIONAL_NUMBER,
        "data.items.*.value": NUMBER,
        "data.items.*.value-effect": STRICT,
        "data.items.*.net-value": NUMBER,
        "data.items.*.net-value-effect": STRICT,
        "data.items.*.is-estimated-fee": Used(SAME, UNREADABLE, UNREADABLE),
        "data.items.*.executed-at": STRICT,
        "data.items.*.transaction-date": Used(SAME, UNREADABLE, UNREADABLE),
        "data.items.*.order-id": Used(CHANGED, CHANGED, UNREADABLE),
        "data.items.*.reverses-id": Used(CHANGED, CHANGED, UNREADABLE),
        "data.items.*.description": SHOWN,
    },
    "status": {
        "data": STRICT,
        "data.is-closed": STRICT,
        "data.is-frozen": STRICT,
        "data.is-closing-only": STRICT,
        "data.is-in-margin-call": STRICT,
        "data.is-risk-reducing-only": Used(SAME, UNREADABLE, UNREADABLE),
        "data.options-level": STRICT,
    },
    "session": {
        **ITEMS,
        "data.items.*": STRICT,
        "data.items.*.instrument-collection": STRICT,
        "data.items.*.state": STRICT,
        "data.items.*.open-at": OPTIONAL,
        "data.items.*.close-at": STRICT,
    },
    "metrics": {
        **ITEMS,
        "data.items.*": PART,
        "data.items.*.symbol": PART,
        "data.items.*.updated-at": PART,
        "data.items.*.tos-implied-volatility-index-rank": PART_FIGURE,
        "data.items.*.implied-volatility-percentile": PART_FIGURE,
        "data.items.*.implied-volatility-30-day": PART_FIGURE,
        "data.items.*.beta": SHOWN,
        "data.items.*.dividend-ex-date": PART_DATE,
        "data.items.*.dividend-rate-per-share": SHOWN,
        "data.items.*.earnings": Used(CHANGED, LEFT_OUT, CHANGED),
        "data.items.*.earnings.expected-report-date": PART_DATE,
    },
    "marks": {
        **ITEMS,
        "data.items.*": PART,
        "data.items.*.symbol": PART,
        "data.items.*.mark": PART_FIGURE,
        "data.items.*.updated-at": PART,
    },
    "option quotes": {
        **ITEMS,
        "data.items.*": PART,
        "data.items.*.symbol": PART,
        "data.items.*.bid": PART_FIGURE,
        "data.items.*.ask": PART_FIGURE,
        "data.items.*.updated-at": PART,
    },
    "chain": {**ITEMS, "data.items.*": PART, **under("data.items.*", CHAIN_FIELDS)},
    "listing": {**ITEMS, "data.items.*": STRICT, **under("data.items.*", ORDER_FIELDS)},
    "placed": {"data": STRICT, "data.order": STRICT, **under("data.order", ORDER_ANSWERED)},
    "checked": {
        "data": STRICT,
        "data.buying-power-effect": STRICT,
        "data.buying-power-effect.change-in-buying-power": NUMBER,
        "data.buying-power-effect.change-in-buying-power-effect": STRICT,
        "data.buying-power-effect.new-buying-power": NUMBER,
        "data.buying-power-effect.new-buying-power-effect": STRICT,
        "data.warnings": OPTIONAL_LIST,
        "data.warnings.*": SHOWN,
        "data.warnings.*.code": SHOWN,
        "data.warnings.*.message": SHOWN,
        "data.fee-calculation": SHOWN,
        "data.fee-calculation.total-fees": SHOWN,
        "data.fee-calculation.total-fees-effect": SHOWN,
    },
    "alert": {"data": STRICT, **under("data", ORDER_FIELDS)},
}
"""For each answer, the keys that are used, from the outside in; `*` is the first item of a list."""


class StoppedClock(InstantClock):
    """Market time that stands still, so that the same answer is the same value."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def clock(server: RawBroker) -> StoppedClock:
    server.date = NOW
    return StoppedClock()


def request_on(roots: list[ListedRoot]) -> OrderRequest:
    listed = next(e for e in roots[0].expirations if e.days_to_expiration > 30)
    strike = {each.strike: each for each in listed.strikes}
    body = min(strike, key=lambda price: abs(price - Decimal(624)))
    legs = (
        OrderLeg(strike[body].put_occ, Action.SELL_TO_OPEN, 2),
        OrderLeg(strike[body - 5].put_occ, Action.BUY_TO_OPEN, 2),
        OrderLeg(strike[body].call_occ, Action.SELL_TO_OPEN, 1),
        OrderLeg(strike[body + 5].call_occ, Action.BUY_TO_OPEN, 1),
    )
    return OrderRequest("QQQ", legs, Decimal("6.00"), "senex-1")


@cache
def simulated() -> tuple[dict[str, Any], OrderRequest]:
    """The simulator's answer to everything that the adapter asks, and the order in them.

    What the simulator leaves out and the adapter reads is added: a warning, earnings, a second account, a second root,
    a realized gain, a row that is reversed.
    """
    market = Market(SEED, NOW)
    exchange = Exchange(market, SEED, [account_setup()])
    view = MarketView(market, ArmedFaults(), StoppedClock())
    roots = market.chain("QQQ", NOW.date())
    request = request_on(roots)
    run = exchange.dry_run(ACCOUNT, order_body(request), NOW)
    exchange.set_fill_plan(ACCOUNT, FillPlan.IMMEDIATE.value)
    placed = exchange.submit(ACCOUNT, order_body(request), NOW)
    filled = exchange.live_orders(ACCOUNT, LATER)
    status = exchange.trading_status(ACCOUNT)
    listed = [{"account": account(exchange.account(ACCOUNT), status.options_level)} for _ in range(2)]
    measured = [metrics(view.metrics(symbol, NOW)) for symbol in ("QQQ", "SPX")]
    chain = [_cut(root) for root in nested_chain(roots)[:1] for _ in range(2)]
    contracts = [(leg.symbol, market.occ_to_streamer(leg.symbol) or "") for leg in request.legs]
    quoted = [market_data(view, symbol, streamer, "Equity Option", NOW) for symbol, streamer in contracts]
    answer = order_response(placed, run, "1")
    answers = {
        "accounts": items(listed),  # type: ignore[arg-type]
        "balances": balances(exchange.balances(ACCOUNT, LATER)),
        "positions": items([position(each, marks=True) for each in exchange.positions(ACCOUNT, LATER)]),
        "transactions": items([transaction(each) for each in exchange.transactions(ACCOUNT, LATER)]),
        "status": trading_status(status),
        "session": items([market_session(view, NOW)]),
        "metrics": items(measured),
        "marks": items([market_data(view, symbol, symbol, "Index", NOW) for symbol in ("QQQ", "SPX")]),
        "option quotes": items(quoted),
        "chain": items(chain),
        "listing": items([order(each) for each in filled]),
        "placed": answer,
        "checked": {**answer, "warnings": [{"code": "tif_next_valid_sesssion", "message": "another day"}]},
    }
    found: dict[str, Any] = json.loads(json.dumps({name: envelope(each, "/") for name, each in answers.items()}))
    found["alert"] = notice(Notice(ACCOUNT, "Order", filled[0], LATER))
    found["accounts"]["data"]["items"][1]["account"]["account-number"] = "5WT00002"
    found["chain"]["data"]["items"][1]["root-symbol"] = "QQQX"
    first = found["metrics"]["data"]["items"][0]
    first.update({"earnings": {"expected-report-date": "2027-01-29"}, "dividend-ex-date": "2026-12-21"})
    first["implied-volatility-index-rank"] = "0.987"
    for row in found["transactions"]["data"]["items"]:
        row["reverses-id"] = 7
    for held in found["positions"]["data"]["items"]:
        held.update({"realized-today": "48.0", "realized-today-effect": "Credit"})
    return found, request


def _cut(root: Any) -> Any:
    """The root with two expirations of three strikes, and with two bands of ticks."""
    kept = [{**expiration, "strikes": expiration["strikes"][:3]} for expiration in root["expirations"][:2]]
    return {**root, "expirations": kept, "tick-sizes": [{"threshold": "3.0", "value": "0.05"}, *root["tick-sizes"]]}


async def read(name: str, body: Any, server: RawBroker, broker: TastytradeBroker) -> Any:
    """What the adapter reads when this body is its answer to the request `name`, as a value that compares."""
    bodies, request = simulated()
    whole = {**bodies, name: body}
    if name == "alert":
        return order_report(body["data"]) if isinstance(body.get("data"), dict) else _unreadable()
    for method, path, which in (
        ("GET", "/customers/me/accounts", "accounts"),
        ("GET", f"/accounts/{ACCOUNT}/balances/USD", "balances"),
        ("GET", f"/accounts/{ACCOUNT}/positions", "positions"),
        ("GET", f"/accounts/{ACCOUNT}/transactions", "transactions"),
        ("GET", f"/accounts/{ACCOUNT}/trading-status", "status"),
        ("GET", SESSIONS, "session"),
        ("GET", "/market-metrics", "metrics"),
        ("GET", "/market-data/by-type", "option quotes" if name == "option quotes" else "marks"),
        ("GET", "/option-chains/QQQ/nested", "chain"),
        ("GET", f"{ORDERS}/live", "listing"),
        ("POST", ORDERS, "placed"),
        ("POST", f"{ORDERS}/dry-run", "checked"),
    ):
        server.on(method, path, json_answer(whole[which]))
    server.on("GET", ORDERS, json_answer({"data": {"items": []}}))
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "accounts": broker.accounts,
        "transactions": lambda: broker.transactions(ACCOUNT, NOW.date()),
        "session": broker.market_state,
        "metrics": lambda: broker.metrics(["QQQ", "SPX"]),
        "marks": lambda: broker.marks(["QQQ", "SPX"]),
        "option quotes": lambda: broker.option_quotes([leg.symbol for leg in request.legs]),
        "chain": lambda: broker.chain("QQQ"),
        "listing": lambda: broker.orders_since(ACCOUNT, NOW.date()),
        "placed": lambda: broker.send(ACCOUNT, request, lambda: None),
        "checked": lambda: broker.dry_run(ACCOUNT, request),
    }
    found = await calls.get(name, lambda: broker.account_reads(ACCOUNT))()
    if name == "metrics":
        return [replace(each, age_s=round(each.age_s or 0.0)) for each in found]
    if name == "option quotes":  # its times count from the second of the answer
        return [(each.symbol, each.bid, each.ask, round(each.received - each.as_of)) for each in found.values()]
    if name == "placed":
        return found.report if found.kind is SendClass.ACKNOWLEDGED else _unreadable()
    return found


def _unreadable() -> Any:
    raise BrokerError(BrokerFault.UNREADABLE, "it cannot be read")


async def outcome(name: str, body: Any, whole: Any, server: RawBroker, broker: TastytradeBroker) -> str:
    broker.remarks()
    try:
        found = await read(name, body, server, broker)
    except Unreadable:
        return UNREADABLE
    except BrokerError as error:
        if error.fault is not BrokerFault.UNREADABLE:
            raise
        return UNREADABLE
    if broker.remarks():
        return LEFT_OUT
    return SAME if found == whole else CHANGED


def paths(node: Any, prefix: str = "") -> Iterator[str]:
    """Every key of an answer, from the outside in."""
    if isinstance(node, list):
        children = [("*", node[0])] if node else []
    else:
        children = list(node.items()) if isinstance(node, dict) else []
    for key, child in children:
        path = f"{prefix}.{key}" if prefix else str(key)
        yield path
        yield from paths(child, path)


def changed(body: Any, path: str, value: object) -> Any:
    """A copy of the answer in which this one field is `value`, or is not there."""
    copied = copy.deepcopy(body)
    *outer, last = [0 if key == "*" else key for key in path.split(".")]
    node = copied
    for key in outer:
        node = node[key]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return copied


def unused(name: str, body: Any) -> list[str]:
    """The keys that are in no table, without those that lie inside another one of them."""
    known = USED[name]
    loose = [path for path in paths(body) if path not in known]
    return [path for path in loose if not any(path.startswith(f"{other}.") for other in loose)]


def test_the_tables_name_only_keys_that_the_simulator_sends() -> None:
    """Otherwise a row would be tried on nothing."""
    bodies, _ = simulated()
    never_sent = {f"{name} {path}" for name, known in USED.items() for path in set(known) - set(paths(bodies[name]))}
    assert never_sent == set()
    assert sum(len(unused(name, bodies[name])) for name in USED) > 200


@pytest.mark.parametrize("name", USED)
async def test_a_field_that_is_not_used_changes_nothing(server: RawBroker, broker: TastytradeBroker, name: str) -> None:
    body = simulated()[0][name]
    whole = await read(name, body, server, broker)
    for how, value in ODD.items():
        at_once = body
        for path in unused(name, body):
            at_once = changed(at_once, path, value)
        if await outcome(name, at_once, whole, server, broker) == SAME:
            continue
        for path in unused(name, body):
            one = await outcome(name, changed(body, path, value), whole, server, broker)
            assert one == SAME, f"{name}: {path} {how}: {one}"
        pytest.fail(f"{name}: all unused fields {how}")


@pytest.mark.parametrize("name", USED)
async def test_a_field_that_is_used_makes_unreadable_no_more_than_the_table_says(
    server: RawBroker, broker: TastytradeBroker, name: str
) -> None:
    body = simulated()[0][name]
    whole = await read(name, body, server, broker)
    for path, used in USED[name].items():
        for how, value in ODD.items():
            if value is GONE and path.endswith("*"):
                continue
            expected = {"number": used.number, "object": used.object}.get(how, used.absent)
            became = await outcome(name, changed(body, path, value), whole, server, broker)
            assert became == expected, f"{name}: {path} {how}: {became}, not {expected}"
