"""The set-up of docs/scaling.md: a headless trader, records in PostgreSQL, quotes in Redis, and consoles."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.headless import Headless
from tests.e2e.simulated_broker import SimulatedBroker
from tests.e2e.terminal import Terminal
from tests.support.postgres_server import PostgresServer
from tests.support.senex_command import SENEX, Box, running_simulator
from tests.support.valkey import Valkey


@pytest.fixture
def broker(box: Box) -> Iterator[SimulatedBroker]:
    """A broker whose clock is between two slots, so that only a forced cycle trades."""
    with running_simulator(box, "10:06:00") as port:
        yield SimulatedBroker(port)


@pytest.fixture
def elsewhere(box: Box, broker: SimulatedBroker, url: str, valkey: Valkey) -> Iterator[Terminal]:
    """A terminal on the operator's own machine: other folders, the same servers."""
    home = box.home / "operator"
    home.mkdir()
    environment = broker.environment(Box(home), SENEX_DATABASE__URL=url, SENEX_REDIS__URL=valkey.url)
    opened = Terminal(environment, 120, 40)
    yield opened
    opened.close()


def test_an_operator_elsewhere_watches_forces_looks_back_and_misses_the_trader(
    box: Box, broker: SimulatedBroker, url: str, valkey: Valkey, postgres: PostgresServer, elsewhere: Terminal
) -> None:
    broker.fill_plan("immediate")
    trader = Headless(box, broker, url, "trader", SENEX_REDIS__URL=valkey.url)
    try:
        trader.until("reconciled with the broker")
        elsewhere.open(f"{SENEX} watch --operator")
        elsewhere.wait_for("WATCHING")
        elsewhere.wait_for("feed ok")
        elsewhere.press("f")
        elsewhere.wait_for("y/n")
        elsewhere.press("y")
        elsewhere.wait_for("of 6 filled", 30)
        elsewhere.press("h")
        elsewhere.wait_for("forced")
        elsewhere.press("q")
        elsewhere.wait_for("Force")
        elsewhere.press("p")
        elsewhere.wait_for("PAUSED")
        trader.process.send_signal(signal.SIGKILL)
        elsewhere.wait_for("not been seen")
        asked = postgres.in_database(url, "SELECT kind, who, state FROM senex_demo.commands ORDER BY seq")
        assert [(row["kind"], row["state"]) for row in asked] == [("force", "done"), ("pause", "done")]
        assert all("watching on" in row["who"] for row in asked)
        assert len(broker.orders()) == 1
    finally:
        trader.end()
