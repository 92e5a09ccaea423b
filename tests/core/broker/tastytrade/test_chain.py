"""The broker's nested chain becomes our option chain."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade import TastytradeBroker
from core.broker.tastytrade.chain import chain_from
from tests.core.broker.raw_broker import RawBroker, json_answer, refusal


def strike_json(root: str, strike: str, **changes: Any) -> dict[str, Any]:
    padded = root.ljust(6)
    whole = int(Decimal(strike) * 1000)
    found = {
        "strike-price": strike,
        "call": f"{padded}261224C{whole:08d}",
        "call-streamer-symbol": f".{root}261224C{Decimal(strike).normalize():f}",
        "put": f"{padded}261224P{whole:08d}",
        "put-streamer-symbol": f".{root}261224P{Decimal(strike).normalize():f}",
    }
    return {key: value for key, value in {**found, **changes}.items() if value is not None}


def root_json(root: str, settlement: str, strikes: list[Any], **changes: Any) -> dict[str, Any]:
    return {
        "underlying-symbol": "SPX",
        "root-symbol": root,
        "option-chain-type": "Standard",
        "shares-per-contract": 100,
        "tick-sizes": [{"threshold": "3.0", "value": "0.05"}, {"value": "0.1"}],
        "expirations": [
            {
                "expiration-type": "Weekly",
                "expiration-date": "2026-12-24",
                "days-to-expiration": 31,
                "settlement-type": settlement,
                "strikes": strikes,
            }
        ],
        **changes,
    }


def body(*roots: Any) -> bytes:
    return json.dumps({"data": {"items": list(roots)}}).encode()


def test_both_roots_with_the_chains_own_symbols_and_ticks() -> None:
    chain, left_out = chain_from(
        body(
            root_json("SPXW", "PM", [strike_json("SPXW", "6000.0"), strike_json("SPXW", "6002.5")]),
            root_json("SPX", "AM", [strike_json("SPX", "6000.0")]),
        ),
        "SPX",
    )
    assert left_out == ()
    am, pm = chain.expirations
    assert [(e.root, e.pm_settled, e.day) for e in (am, pm)] == [
        ("SPX", False, date(2026, 12, 24)),
        ("SPXW", True, date(2026, 12, 24)),
    ]
    assert set(pm.strikes) == {Decimal("6000"), Decimal("6002.5")}
    assert len(pm.strikes) == 2
    listed = pm.strikes[Decimal(6000)]
    assert listed.put.occ == "SPXW  261224P06000000"
    assert listed.call.streamer == ".SPXW261224C6000"
    assert Decimal(6005) not in pm.strikes
    assert pm.ticks.tick(Decimal("2.9")) == Decimal("0.05")
    assert pm.ticks.tick(Decimal("3.0")) == Decimal("0.1")
    assert pm.standard
    assert pm.shares_per_contract == 100


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]",
        b'{"data": {}}',
        body("odd"),
        body(root_json("SPXW", "PM", [strike_json("SPXW", "6000", put=None)])),
        body(root_json("SPXW", "PM", [strike_json("SPXW", "6000", **{"call-streamer-symbol": ""})])),
        body(root_json("SPXW", "PM", [strike_json("SPXW", "6000", **{"strike-price": "odd"})])),
        body(root_json("SPXW", "PM", [], **{"tick-sizes": [{"threshold": "3"}]})),
        body(root_json("SPXW", "PM", [], **{"shares-per-contract": "many"})),
        body(root_json("SPXW", "PM", [], expirations=[{"expiration-date": "soon", "settlement-type": "PM"}])),
    ],
)
def test_a_chain_that_cannot_be_read_is_refused_whole_and_at_once(answer: bytes) -> None:
    with pytest.raises(BrokerError) as caught:
        chain_from(answer, "SPX")
    assert caught.value.fault is BrokerFault.UNREADABLE


def test_what_cannot_be_read_of_a_chain_is_left_out_and_named() -> None:
    good = strike_json("SPXW", "6000")
    dates = {"settlement-type": "PM", "strikes": [good]}
    days = [{"expiration-date": "soon", **dates}, {"expiration-date": "2026-12-31", **dates}]
    chain, left_out = chain_from(
        body(
            root_json("SPXW", "PM", [good, strike_json("SPXW", "6005", put=None), {"strike-price": "6010"}, 7]),
            root_json("SPX", "AM", [strike_json("SPX", "6000")], **{"tick-sizes": None}),
            root_json("SPXQ", "PM", [], expirations=days),
        ),
        "SPX",
    )
    assert [(e.root, str(e.day), list(e.strikes)) for e in chain.expirations] == [
        ("SPXW", "2026-12-24", [Decimal(6000)]),
        ("SPXQ", "2026-12-31", [Decimal(6000)]),
    ]
    assert left_out == (
        "SPXW 2026-12-24: 3 of 4 strikes are left out (put, strikes)",
        "soon of the SPXQ chain is left out: it cannot be read (expiration-date)",
        "SPX of the SPX chain is left out: it cannot be read (tick-sizes)",
    )


def test_strikes_that_are_odd_in_each_expiration_are_told_once() -> None:
    strikes = [strike_json("SPXW", "6000"), strike_json("SPXW", "6005", put=None)]
    days = [{"expiration-date": f"2026-12-{day}", "settlement-type": "PM", "strikes": strikes} for day in (24, 28, 31)]
    _, left_out = chain_from(body(root_json("SPXW", "PM", [], expirations=days)), "SPX")
    assert left_out == ("SPXW, 3 expirations: 3 of 6 strikes are left out (put)",)


async def test_it_is_asked_for_once_and_a_refusal_is_told(server: RawBroker, broker: TastytradeBroker) -> None:
    path = "/option-chains/SPX/nested"
    root = root_json("SPXW", "PM", [strike_json("SPXW", "6000")])
    server.on("GET", path, json_answer({"data": {"items": [root]}}), refusal("record_not_found", 404))
    assert [e.root for e in (await broker.chain("SPX")).expirations] == ["SPXW"]
    assert server.count("GET", path) == 1
    with pytest.raises(BrokerError, match="record_not_found"):
        await broker.chain("SPX")
