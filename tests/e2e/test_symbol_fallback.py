"""QQQ is refused, then SPX is traded by its own strikes, root, ticks and settlement, on the real wire
(rules 2, 4.2)."""

from __future__ import annotations

from decimal import Decimal

from tests.e2e.once_command import once
from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.senex_command import Box


def test_when_qqq_is_refused_for_good_spx_is_entered_and_when_neither_passes_both_say_why(
    broker: SimulatedBroker, box: Box
) -> None:
    code, told, _ = once(broker, box, SENEX_TRADING__MINIMUM_SCORE="145")

    assert (code, told["outcome"], told["reason"]) == (3, "skipped", "low_score")
    attempts = told["accounts"][0]["attempts"]
    assert [(a["attempt"], a["underlying"], a["result"]) for a in attempts] == [
        (1, "QQQ", "REFUSED"),
        (1, "SPX", "REFUSED"),
    ]
    assert [a["sentence"].split(" scores ")[0] for a in attempts] == ["QQQ", "SPX"]
    assert broker.orders() == []

    broker.fill_plan("immediate")
    broker.trouble("market-halted", match={"symbol": "QQQ"})
    code, told, _ = once(broker, box, "--wait", "15")

    assert (code, told["outcome"]) == (0, "succeeded")
    [account] = told["accounts"]
    assert [(a["underlying"], a["result"], a["reason"]) for a in account["attempts"]] == [
        ("QQQ", "REFUSED", "trading_halted"),
        ("SPX", "PASS", None),
    ]
    suggestion, order = account["suggestion"], account["order"]
    body, width, limit = (Decimal(suggestion[name]) for name in ("body", "width", "limit"))
    assert suggestion["root"] == "SPXW", "the PM-settled root"
    assert body % 10 == 0
    assert abs(body - Decimal(suggestion["price"])) <= 5
    assert width % 5 == 0
    assert suggestion["strikes"] == f"{body:f}P/{body - width:f}P/{body:f}C/{body + width:f}C"
    assert limit % (Decimal("0.05") if limit < 3 else Decimal("0.10")) == 0
    assert order["state"] == "filled"
    assert Decimal(order["max_risk"]) == 100 * (2 * width - Decimal(order["fill_credit"]))
    [at_broker] = broker.orders()
    assert at_broker["underlying-symbol"] == "SPX"
    assert {leg["symbol"][:6] for leg in at_broker["legs"]} == {"SPXW  "}
