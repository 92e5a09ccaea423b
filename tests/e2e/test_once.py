"""`senex once` against a simulated broker in a process of its own, over the real wire."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

from core.records.records import Records
from tests.e2e.once_command import once
from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.senex_command import Box


def test_an_entry_is_sent_filled_and_not_repeated(broker: SimulatedBroker, box: Box) -> None:
    broker.fill_plan("immediate")

    code, told, _ = once(broker, box, "--wait", "15", SENEX_TRADING__ENTRY_OFFSET_CENTS="4")

    assert (code, told["outcome"], told["reason"]) == (0, "succeeded", None)
    [account] = told["accounts"]
    suggestion, order = account["suggestion"], account["order"]
    assert account["account"] == "…0001"
    assert order["state"] == "filled"
    assert [fill["symbol"] for fill in order["fills"]]
    assert Decimal(suggestion["natural"]) <= Decimal(order["limit"]) <= Decimal(suggestion["mid"])
    assert Decimal(order["fill_credit"]) >= Decimal(order["limit"])
    [at_broker] = broker.orders()
    assert at_broker["external-identifier"] == order["identifier"]
    assert [(leg["action"], leg["quantity"]) for leg in at_broker["legs"]] == [
        ("Sell to Open", 2),
        ("Buy to Open", 2),
        ("Sell to Open", 1),
        ("Buy to Open", 1),
    ]

    code, told, _ = once(broker, box)

    assert (code, told["outcome"], told["reason"]) == (3, "skipped", "entry_today")
    assert len(broker.orders()) == 1
    assert asyncio.run(_commands(box)) == [("force", "done", f"cycle {number} starts now") for number in (2, 1)]


async def _commands(box: Box) -> list[tuple[str, str, str]]:
    [file] = box.home.rglob("records.sqlite3")
    records = await Records.open(f"sqlite+aiosqlite:///{file}", trader=False)
    try:
        return [(r.command.kind.value, r.state.value, r.text) for r in await records.inbox.newest(9)]
    finally:
        await records.close()


def test_a_lost_answer_is_unknown_until_the_broker_shows_the_order(broker: SimulatedBroker, box: Box) -> None:
    broker.fill_plan("never")
    broker.trouble("rest-drop-response", count=1, match={"method": "POST", "path": "/accounts/5WT00001/orders"})
    broker.trouble("alerts-lost", count=20)
    broker.trouble("orders-listing-lag", seconds=60, count=5)

    began = time.monotonic()
    code, told, _ = once(broker, box, "--wait", "4")

    assert (code, told["outcome"], told["reason"]) == (5, "unknown", "outcome_unknown")
    assert told["duration_s"] < time.monotonic() - began - 4, "the wait for the order is not part of it"
    assert told["accounts"][0]["order"]["state"] == "unknown"

    code, told, _ = once(broker, box, "--wait", "1")

    assert (code, told["reason"]) == (3, "entry_today")
    assert len(broker.orders()) <= 1


def test_an_order_seen_rejected_fails_the_cycle_and_says_so(broker: SimulatedBroker, box: Box) -> None:
    """The broker acknowledges the order and rejects it a moment later (rules 4.4)."""
    broker.fill_plan("reject")

    code, told, _ = once(broker, box, "--wait", "15")

    assert (code, told["outcome"], told["reason"]) == (4, "failed", "rejected")
    [account] = told["accounts"]
    assert (account["outcome"], account["word"], account["reason"]) == ("failed", "rejected", "rejected")
    assert account["told"] == "REJECTED: Rejected by the exchange"
    assert (account["order"]["fate"], account["order"]["day"]) == ("rejected", "it does not hold the day")


def test_a_lost_answer_whose_order_is_found_ends_by_its_fate(broker: SimulatedBroker, box: Box) -> None:
    broker.fill_plan("immediate")
    broker.trouble("rest-drop-response", count=1, match={"method": "POST", "path": "/accounts/5WT00001/orders"})

    code, told, _ = once(broker, box, "--wait", "30")

    assert (code, told["outcome"], told["reason"]) == (0, "succeeded", None)
    [account] = told["accounts"]
    assert (account["word"], account["order"]["state"]) == ("filled", "filled")
    assert account["told"].startswith("FILLED ")
    assert account["order"]["detail"] == "", "how the answer was lost is no part of a fill"
    assert len(broker.orders()) == 1


def test_a_rate_limited_order_is_unknown(broker: SimulatedBroker, box: Box) -> None:
    broker.trouble("rest-429", count=1, match={"method": "POST", "path": "/accounts/5WT00001/orders"})

    code, told, _ = once(broker, box, "--wait", "1")

    # A 429 proves nothing: the order may stand at the broker (rules 9).
    assert (code, told["outcome"]) == (5, "unknown")


def test_crossed_quotes_fail_after_three_attempts(broker: SimulatedBroker, box: Box) -> None:
    broker.trouble("market-crossed", match={"symbol": ".*"})

    code, told, _ = once(broker, box, SENEX_TRADING__UNDERLYINGS="QQQ")

    assert (code, told["outcome"], told["reason"]) == (4, "failed", "leg_crossed")
    assert [a["attempt"] for a in told["accounts"][0]["attempts"]] == [1, 2, 3]
    assert told["accounts"][0]["tries"] == 3
    assert broker.orders() == []


def test_attempts_are_counted_and_not_their_underlyings(broker: SimulatedBroker, box: Box) -> None:
    broker.trouble("market-crossed", match={"symbol": ".*"})

    code, told, _ = once(broker, box)

    [account] = told["accounts"]
    assert (code, account["tries"], len(account["attempts"])) == (4, 3, 6)


def test_a_closed_session_at_the_broker_skips(broker: SimulatedBroker, box: Box) -> None:
    broker.trouble("session-closed", count=50)

    code, told, _ = once(broker, box)

    assert (code, told["outcome"], told["reason"]) == (3, "skipped", "market_closed")
    assert broker.orders() == []


def test_an_account_the_login_does_not_reach_is_refused(broker: SimulatedBroker, box: Box) -> None:
    code, told, said = once(broker, box, "--account", "5WT99999")

    assert (code, told) == (2, {})
    assert "--account '…9999' names no known account; give one of …0001." in said
