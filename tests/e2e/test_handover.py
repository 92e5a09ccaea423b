"""`senex run --headless` twice on one PostgreSQL: the second stands by, takes over, reconciles, and trades once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.console_command import SENEX, Box
from tests.e2e.simulated_broker import SimulatedBroker
from tests.postgres_server import PostgresServer

WITHIN_S = 40.0


class Headless:
    """A trader on a machine of its own: a home, and the locks in it."""

    def __init__(self, box: Box, broker: SimulatedBroker, url: str, name: str) -> None:
        home = box.home / name
        home.mkdir()
        self._out = home / "out"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [SENEX, "run", "--headless"],
                env=broker.environment(Box(home), SENEX_DATABASE__URL=url),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=home,
            )

    def said(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        until = time.monotonic() + WITHIN_S
        while words not in self.said():
            assert time.monotonic() < until, f"never said {words!r}:\n{self.said()}"
            assert self.process.poll() is None, f"ended before it said {words!r}:\n{self.said()}"
            time.sleep(0.05)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    made = postgres.new_database()
    yield made
    postgres.drop(made)


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
