"""What cannot be read of the broker's answers is said, once a day, while the rest is used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.broker.multi_login.broker import LoginPorts, LoginsBroker
from core.broker.tastytrade import TastytradeBroker
from core.domain.operation.events import Event, Severity
from core.guards.broker_check import BrokerCheck
from core.runtime.bus import Bus
from tests.core.broker.raw_broker import ACCOUNT, SESSIONS, InstantClock, RawBroker, json_answer, session_json

ACCOUNTS = "/customers/me/accounts"


class MovableClock(InstantClock):
    """The real clock, some days ahead."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


def listed(*odd: str) -> dict[str, Any]:
    items = [{"account": {"account-number": number, "is-closed": "no"}} for number in odd]
    return {"data": {"items": [{"account": {"account-number": ACCOUNT, "is-closed": False}}, *items]}}


async def test_what_is_left_out_is_said_once_a_day(
    server: RawBroker, broker: TastytradeBroker, clock: MovableClock
) -> None:
    said: list[Event] = []

    async def record(event: Event) -> None:
        said.append(event)

    logins = LoginsBroker([LoginPorts(broker, broker.market_data, broker.alerts)], clock)
    check = BrokerCheck(logins, Bus(record, clock), clock)
    server.on("GET", SESSIONS, json_answer(session_json("Closed")))
    server.on("GET", ACCOUNTS, json_answer(listed("5WT04321")))

    async def days_sentences(*odd: str) -> list[str]:
        server.on("GET", ACCOUNTS, json_answer(listed(*odd)))
        said.clear()
        for _ in range(3):
            assert [account.number for account in await logins.accounts()] == [ACCOUNT]
            await check.check()
        assert all((event.kind, event.severity) == ("broker.left_out", Severity.WARNING) for event in said)
        return [event.text for event in said]

    first = "account …4321 is left out: it cannot be read (is-closed)"
    second = "account …8765 is left out: it cannot be read (is-closed)"
    assert await days_sentences() == []
    assert await days_sentences("5WT04321") == [first]
    assert await days_sentences("5WT04321", "5WT08765") == [second]
    clock.ahead = timedelta(days=1)
    assert await days_sentences("5WT04321", "5WT08765") == [first, second]


async def test_an_answer_of_nothing_but_odd_items_keeps_a_bounded_number_of_sentences(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    server.on("GET", ACCOUNTS, json_answer(listed(*(f"5WT1{number:04d}" for number in range(2_000)))))
    await broker.accounts()
    await broker.accounts()
    assert len(broker.remarks()) == 50
    assert broker.remarks() == ()
