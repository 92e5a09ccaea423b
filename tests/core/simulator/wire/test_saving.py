"""POST /simulator/save: the state of a running simulator, and another simulator that goes on from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from core.simulator.exchange.saved import read_state
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import SaveTo, SimulatorSettings
from tests.core.simulator.exchange.placed_orders import at_mid
from tests.core.simulator.wire.simulated_server import ACCOUNT, MONDAY_TEN, JumpingClock

CODE = "0123456789abcdef"


async def post(simulator: Simulator, path: str, body: str = "{}", kind: str = "application/json") -> tuple[int, str]:
    headers = {"Content-Type": kind}
    async with aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{simulator.port}{path}"
        async with client.post(url, data=body, headers=headers) as answer:
            return answer.status, await answer.text()


async def test_another_simulator_goes_on_where_one_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    settings = SimulatorSettings(start=MONDAY_TEN, save_to=SaveTo(path, CODE))
    clock = JumpingClock(MONDAY_TEN)
    first = Simulator(settings, clock)
    await first.start()
    try:
        first.exchange.fill_plan = "immediate"
        order = first.exchange.submit(ACCOUNT, at_mid(), clock.now())
        clock.jump_to(clock.now() + timedelta(seconds=30))
        first.advance()
        first.exchange.fill_plan = "never"
        rests = first.exchange.submit(ACCOUNT, at_mid(), clock.now())
        clock.jump_to(clock.now() + timedelta(minutes=1))
        first.advance()
        assert (await post(first, "/simulator/save", kind="text/plain"))[0] == 415
        assert not path.exists()
        status, _ = await post(first, "/simulator/save")
        assert status == 200
        for changing in ("/simulator/save", "/simulator/act", "/simulator/fill-plan", f"/accounts/{ACCOUNT}/orders"):
            status, text = await post(first, changing)
            assert (status, "was saved" in text) == (503, True), changing
        clock.jump_to(clock.now() + timedelta(days=1))
        first.advance()
        assert first.exchange.order(ACCOUNT, rests.id).status == "Live", "it stays as it was saved"
        url = f"http://127.0.0.1:{first.port}/simulator/clock"
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            assert answer.status == 200
    finally:
        await first.stop()

    state = read_state(path, CODE)
    later = state.at + timedelta(days=1)
    second = Simulator(replace(settings, start=later, state=state, speed=10.0), JumpingClock(later, 10.0))
    assert second.exchange.order(ACCOUNT, order.id).status == "Filled"
    assert second.exchange.order(ACCOUNT, rests.id).status == "Expired"
    held = {p.symbol: p.quantity for p in second.exchange.positions(ACCOUNT, later)}
    assert held == {leg.symbol: leg.quantity for leg in order.legs}
    again = second.exchange.submit(ACCOUNT, at_mid(), second.clock.now())
    assert again.id == rests.id + 1, "ids go on"


async def test_without_a_file_it_is_refused() -> None:
    simulator = Simulator(SimulatorSettings(start=MONDAY_TEN), JumpingClock(MONDAY_TEN))
    await simulator.start()
    try:
        status, text = await post(simulator, "/simulator/save")
    finally:
        await simulator.stop()
    assert status == 400
    assert "without a file for its state" in text


def test_a_state_later_than_the_start_is_refused(tmp_path: Path) -> None:
    simulator = Simulator(SimulatorSettings(start=MONDAY_TEN), JumpingClock(MONDAY_TEN))
    state = simulator.exchange.saved(MONDAY_TEN + timedelta(hours=1))
    with pytest.raises(ValueError, match="is later than the start"):
        SimulatorSettings(start=MONDAY_TEN, state=state)
