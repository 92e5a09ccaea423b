"""Two real traders at one simulated broker: one trades, the other is refused with a reason (rules 13.1, 13.4)."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.forked_process import ForkedProcess
from tests.support.proofs import rounds
from tests.support.senex_command import Box

pytestmark = pytest.mark.proof
WITHIN_S = 60
TRADED, REFUSED, SKIPPED = 0, 2, 3


class Traders:
    """Processes of `senex once`, ended when the test does."""

    def __init__(self, broker: SimulatedBroker, box: Box) -> None:
        self._broker = broker
        self._box = box
        self._processes: list[ForkedProcess] = []

    def start(self, data: str, wait_s: int, box: Box | None = None) -> ForkedProcess:
        """`box` is the home it is started with, where that is another one."""
        process = ForkedProcess(
            ["--data-dir", str(self._box.home / data), "once", "--json", "--wait", str(wait_s)],
            self._broker.environment(box or self._box),
            self._box.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._processes.append(process)
        return process

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate(timeout=WITHIN_S)


@pytest.fixture
def traders(broker: SimulatedBroker, box: Box) -> Iterator[Traders]:
    started = Traders(broker, box)
    yield started
    started.end()


@pytest.mark.parametrize(("second", "held"), [("one", "the data folder"), ("two", "account …0001")])
@pytest.mark.parametrize("_", range(rounds(1, 5)))
def test_of_two_started_together_one_sends_one_order(
    broker: SimulatedBroker, traders: Traders, second: str, held: str, _: int
) -> None:
    broker.fill_plan("never")
    both = [traders.start("one", 6), traders.start(second, 6)]
    ended = [(*process.communicate(timeout=WITHIN_S), process) for process in both]

    assert sorted(process.returncode for process in both) == [TRADED, REFUSED]
    [winner] = [process for process in both if process.returncode == TRADED]
    [said] = [err for _, err, process in ended if process is not winner]
    assert said.startswith(f"senex: another senex (process {winner.pid}, demo) trades with {held}")
    assert len(broker.orders()) == 1


@pytest.mark.parametrize("_", range(rounds(1, 3)))
def test_of_two_with_other_homes_one_sends_one_order(
    broker: SimulatedBroker, box: Box, traders: Traders, _: int
) -> None:
    """An order is listed 0.3 s after it was accepted: neither would see the other's at the broker in time."""
    broker.fill_plan("never")
    broker.trouble("orders-listing-lag", seconds=0.3, count=None)
    both = []
    for name in ("one", "two"):
        home = box.home / f"home of {name}"
        home.mkdir()
        both.append(traders.start(name, 6, Box(home, {"XDG_STATE_HOME": str(home / "state")})))
    ended = [(*process.communicate(timeout=WITHIN_S), process) for process in both]

    assert sorted(process.returncode for process in both) == [TRADED, REFUSED]
    [said] = [err for _, err, process in ended if process.returncode == REFUSED]
    assert "trades with account …0001" in said
    assert len(broker.orders()) == 1


@pytest.mark.parametrize("_", range(rounds(1, 5)))
def test_a_stopped_one_keeps_the_next_out_and_a_killed_one_does_not(
    broker: SimulatedBroker, traders: Traders, _: int
) -> None:
    broker.fill_plan("never")
    first = traders.start("one", 50)
    deadline = time.monotonic() + WITHIN_S
    while not broker.orders():
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)

    second = traders.start("one", 1)
    _, said = second.communicate(timeout=WITHIN_S)
    assert (second.returncode, f"another senex (process {first.pid}, demo)" in said) == (REFUSED, True)

    first.kill()
    third = traders.start("one", 1)
    told, _ = third.communicate(timeout=WITHIN_S)
    assert (third.returncode, json.loads(told)["reason"]) == (SKIPPED, "entry_today")
    assert len(broker.orders()) == 1
