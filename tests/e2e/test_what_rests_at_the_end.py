"""A console that ends while closing orders rest at the broker: each way out names them and offers to cancel first."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.once_command import once
from tests.e2e.simulated_broker import SimulatedBroker
from tests.e2e.terminal import Terminal
from tests.support.senex_command import SENEX, Box

WITHIN_S = 40
LEAVES = "3 closing orders rest at the broker"


@pytest.fixture
def terminals(box: Box, broker: SimulatedBroker) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.mark.timeout(240)
def test_the_screen_and_the_plain_console_name_what_rests_and_cancel_it_first(
    broker: SimulatedBroker, box: Box, terminals: list[Terminal]
) -> None:
    def opened(*words: str) -> Terminal:
        terminal = Terminal(broker.environment(box), 160, 40)
        terminals.append(terminal)
        terminal.open(" ".join((SENEX, *words)))
        terminal.wait_for("feed ok")
        return terminal

    broker.fill_plan("immediate")
    assert once(broker, box, SENEX_EXITS__MODE="off")[1]["outcome"] == "succeeded"
    broker.fill_plan("never")
    plain = opened("--plain")
    said = subprocess.run([SENEX, "exits", "on"], env=broker.environment(box), capture_output=True, text=True)
    assert "1 trident adopted" in said.stdout
    plain.press("C-c")  # nothing rests: nothing is asked
    assert "cancel before" not in plain.wait_for("ended with 0")

    screen = opened()
    wait_for_orders(broker, "Live")
    screen.wait_for("exits on")
    screen.press("q")
    assert LEAVES in screen.wait_for("Quit stops the engine")
    screen.press("y")
    left = screen.wait_for("ended with 0")
    assert "Quit stops the engine" not in left
    assert LEAVES in left
    assert "go on without a console" in left
    wait_for_orders(broker, "Live")

    plain = opened("--plain")
    plain.wait_for("status: exits on")
    close_call(broker, box)
    plain.press("C-c")
    asked = plain.wait_for("cancel before the end?")
    assert "closing orders rest at the broker" in asked  # the newest of the three may not be shown yet
    assert "engine stopped" not in asked
    plain.press("y")
    plain.press("Enter")
    ended = plain.wait_for("ended with 0")
    assert "no order works any more: ending in order" in ended
    assert "without a console" not in ended
    assert "exits are held until `senex exits on`" in ended
    wait_for_orders(broker, "Cancelled")
    assert not any(order["status"] in ("Live", "Received", "Routed") for order in broker.orders())


def close_call(broker: SimulatedBroker, box: Box) -> None:
    """Closes the call at a limit that nobody pays: the answer names what is cancelled first and what was placed."""
    environment = broker.environment(box)
    [target] = [order for order in broker.orders() if order["legs"][0]["symbol"][12] == "C"]
    [held] = json.loads(box.run("tridents", "--json", **environment).stdout)["tridents"]
    deadline = time.monotonic() + WITHIN_S
    while True:
        asked = box.run("close", held["id"], "--unit", "call", "--limit", "0.02", "--json", **environment)
        told = json.loads(asked.stdout)
        if told["state"] != "refused" or time.monotonic() > deadline:
            break
        time.sleep(1)  # a start that still reads the account is not told as a block, and refuses
    assert (asked.returncode, told["exit"], told["state"]) == (0, 0, "done"), told
    assert (told["units"], told["limit"], told["cancelled"]) == (["call"], "0.02", [str(target["id"])])
    [order] = told["orders"]
    [placed] = [one for one in broker.orders() if str(one["id"]) == order["order"]]
    assert (order["units"], order["debit"], order["state"]) == (["call"], "0.02", "working")
    assert (placed["time-in-force"], placed["price"], placed["price-effect"]) == ("Day", "0.02", "Debit")


def wait_for_orders(broker: SimulatedBroker, status: str) -> None:
    """Waits until all three closing orders have this status at the broker."""
    until = time.monotonic() + WITHIN_S
    while [order["status"] for order in broker.orders() if order["time-in-force"] == "GTC"] != [status] * 3:
        assert time.monotonic() < until, f"never {status}: {broker.orders()}"
        time.sleep(0.05)
