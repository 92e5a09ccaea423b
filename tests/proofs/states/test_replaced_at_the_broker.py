"""The price of our order is changed on the broker's own screen: a new order with the same identifier replaces it
(broker 8). Whichever reports arrive, and in whatever order, the day has one entry."""

from __future__ import annotations

import pytest

from tests.proofs.states.entry_machine import EntryMachine
from tests.proofs.states.entry_world import ACCOUNTS

TOLD = ("in turn", "reversed", "the cancel only", "nothing, but read")


@pytest.mark.parametrize("keeps_name", [True, False])
@pytest.mark.parametrize("told", TOLD)
def test_a_replaced_order_frees_no_day_for_a_second_one(told: str, keeps_name: bool) -> None:
    machine = EntryMachine()
    machine.begin()
    try:
        machine.submit(ACCOUNTS[0])
        machine.acknowledge(0, True)
        for _ in range(3):
            machine.go_on(0)
        machine.deliver_all(False)
        machine.nothing_forbidden_happened()
        machine.replace(0, keeps_name)
        machine.end(0, "Cancelled")
        tell(machine, told)
        for seconds in (130, 40, 40):
            machine.wait(seconds)
            machine.nothing_forbidden_happened()
        (entry,) = machine.stored.entries.values()
        if keeps_name:
            assert entry.holds_day
            assert entry.state in ("working", "incident")
            assert entry.order_id == "1002"
        machine.submit(ACCOUNTS[0])
        machine.nothing_forbidden_happened()
        assert len(machine.broker.posts) == 1, "a second order left"
        machine.what_was_told_is_recorded()
    finally:
        machine.teardown()


def tell(machine: EntryMachine, told: str) -> None:
    alerts = machine.broker.alerts
    if told == "nothing, but read":
        alerts.clear()
        machine.poll()
        return
    if told == "reversed":
        alerts.reverse()
    elif told == "the cancel only":
        alerts[:] = [alert for alert in alerts if alert.status == "Cancelled"]
    machine.deliver_all(False)
