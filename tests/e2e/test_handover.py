"""`senex run --headless` twice on one PostgreSQL: the second waits, takes over, reconciles, and trades once."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.e2e.headless import WITHIN_S, Headless
from tests.e2e.simulated_broker import SimulatedBroker
from tests.e2e.terminal import Terminal
from tests.support.postgres_server import PostgresServer
from tests.support.senex_command import SENEX, Box


def test_a_standby_takes_over_when_the_trader_is_killed_and_reconciles_first(
    box: Box, broker: SimulatedBroker, url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    traders = [Headless(box, broker, url, "first")]
    try:
        first = traders[0]
        first.until("reconciled with the broker")
        traders.append(Headless(box, broker, url, "second"))
        second = traders[1]
        second.until(f"standby: another senex (process {first.process.pid} on ")
        assert "trades with the records database" in second.said()
        assert "engine started" not in second.said()

        first.process.send_signal(signal.SIGKILL)
        second.until("reconciled with the broker")
        assert second.said().index("engine started in demo mode") < second.said().index("reconciled with the broker")
        epochs = postgres.in_database(url, "SELECT epoch FROM senex_demo.trader")
        assert [row["epoch"] for row in epochs] == [2]

        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(WITHIN_S) == 0, second.said()
        assert "engine stopped in order" in second.said()
        assert len(broker.orders()) <= 1
    finally:
        for each in traders:
            each.end()


def test_a_trader_whose_connection_dies_ends_and_says_so(
    box: Box, broker: SimulatedBroker, url: str, postgres: PostgresServer
) -> None:
    trader = Headless(box, broker, url, "only")
    try:
        trader.until("reconciled with the broker")
        postgres.sever(url)
        assert trader.process.wait(WITHIN_S) == 2, trader.said()
        assert "the lock of the records database" in trader.said()
        assert "nothing more is sent, start again" in trader.said()
    finally:
        trader.end()


def test_a_console_with_a_screen_stands_by_and_then_opens(
    box: Box, broker: SimulatedBroker, url: str, tmp_path: Path
) -> None:
    home = tmp_path / "screen"
    home.mkdir()
    trader = Headless(box, broker, url, "first")
    terminal = Terminal(broker.environment(Box(home), SENEX_DATABASE__URL=url), 120, 40)
    try:
        trader.until("reconciled with the broker")
        terminal.open(f"{SENEX} run")
        terminal.wait_for("standby: another senex", WITHIN_S)
        trader.process.send_signal(signal.SIGKILL)
        terminal.wait_for("broker ok", WITHIN_S)
        terminal.press("q")
        terminal.wait_for("Quit")
        terminal.press("y")
        terminal.wait_for("ended with 0")
    finally:
        terminal.close()
        trader.end()
