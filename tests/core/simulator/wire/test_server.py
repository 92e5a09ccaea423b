"""The simulator's server: starting, stopping, running as a process, clients that misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import pytest
from tastytrade import AlertStreamer, DXLinkStreamer
from tastytrade.dxfeed import Quote

from core.runtime.clock import ShiftedClock
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.fault_plan import random_plan
from core.simulator.exchange.orders import Notice
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import DEFAULT_ACCOUNT, SimulatorSettings
from tests.core.simulator.wire.simulated_server import MONDAY_TEN, broker, feed, only_account, until

PROGRAM = """
import asyncio, sys
from datetime import datetime
from core.simulator.wire.server import run
from core.simulator.wire.settings import SimulatorSettings
start = datetime.fromisoformat("2026-11-23T10:00:00-05:00")
asyncio.run(run(SimulatorSettings(start=start, speed=10.0, ends_with_stdin=sys.argv[1] == "ends_with_stdin")))
"""


async def test_stopping_with_clients_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    simulator = Simulator(SimulatorSettings(), ShiftedClock(MONDAY_TEN))
    port = await simulator.start()
    assert port == simulator.port
    async with aiohttp.ClientSession() as client:
        streams = [await client.ws_connect(f"http://127.0.0.1:{port}{path}") for path in ("/", "/dxlink", "/dxlink")]
        await until(lambda: simulator.feed.connections == 2 and simulator.alerts.connections == 1)
        async with asyncio.timeout(5):
            await asyncio.gather(simulator.stop(), *(stream.receive() for stream in streams))
        assert [stream.close_code for stream in streams] == [1001, 1001, 1001]
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before == set()
    await simulator.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = simulator.port


async def test_stopping_with_sdk_streamers_open_is_quick() -> None:
    simulator_stopped = asyncio.Event()
    async with broker() as server, server.session() as session:
        account = await only_account(session)

        async def watch() -> None:
            async with DXLinkStreamer(session) as feed, AlertStreamer(session) as alerts:
                await alerts.subscribe_accounts([account])
                await feed.subscribe(Quote, ["QQQ"])
                await feed.get_event(Quote)
                watching.set()
                await simulator_stopped.wait()

        watching = asyncio.Event()
        watcher = asyncio.create_task(watch())
        async with asyncio.timeout(5):
            await watching.wait()
            await server.simulator.stop()
        simulator_stopped.set()
        with pytest.raises(ExceptionGroup):
            await watcher


async def test_a_port_in_use_is_an_os_error() -> None:
    async with broker() as server:
        second = Simulator(SimulatorSettings(port=server.port), ShiftedClock(MONDAY_TEN))
        with pytest.raises(OSError, match="in use"):
            await second.start()
        await second.stop()


async def test_a_failure_of_the_exchange_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = Simulator(SimulatorSettings(), ShiftedClock(MONDAY_TEN))
    await simulator.start()

    def broken(now: datetime) -> list[Notice]:
        raise ArithmeticError("books do not balance")

    monkeypatch.setattr(simulator.exchange, "advance", broken)
    async with asyncio.timeout(5):
        with pytest.raises(ArithmeticError, match="books"):
            await simulator.wait_for_failure()
    with pytest.raises(ArithmeticError, match="books"):
        await simulator.stop()


async def test_garbage_on_the_socket_and_bad_requests_leave_the_server_standing() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        for junk in (
            b"\x00\xff\x00garbage\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            b"POST /oauth/token HTTP/1.1\r\n\r\n",
        ):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(junk)
            await writer.drain()
            writer.transport.abort()
        status, _ = await server.post("/oauth/token", ["not", "an", "object"])
        assert status == 400
        headers = {"Authorization": f"Bearer {await server.token()}", "User-Agent": "test/1.0"}
        async with aiohttp.ClientSession(headers=headers) as client:
            path = f"{server.url}/accounts/{account.account_number}/orders"
            for body, wanted in ((b"{", 400), (b"\xff", 400), (b"{}", 400), (b'{"legs": {}}', 400)):
                async with client.post(path, data=body) as response:
                    assert response.status == wanted, body
                    assert (await response.json())["error"]["code"] == "validation_error"
            for query, wanted in (("start-date=soon", 400), ("per-page=x", 400), ("start-at=never", 400)):
                async with client.get(f"{path}?{query}") as response:
                    assert response.status == wanted, query
            async with client.get(f"{server.url}/") as response:
                assert response.status == 404
        assert (await only_account(session)).account_number == account.account_number


async def test_a_client_that_reads_nothing_does_not_hold_up_others() -> None:
    async with broker(speed=60.0) as server, server.session() as session:
        strikes = server.simulator.market.chain("QQQ", MONDAY_TEN.date())[0].expirations[8].strikes
        async with feed(server) as deaf:
            await deaf.log_in()
            await deaf.open()
            stream = deaf.socket.get_extra_info("socket")
            assert stream is not None
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            transport = deaf.socket._response.connection.transport  # type: ignore[union-attr]
            transport.pause_reading()  # type: ignore[union-attr]
            wanted = [{"type": "Quote", "symbol": strike.put_streamer} for strike in strikes]
            await deaf.send("FEED_SUBSCRIPTION", 1, add=wanted)
            async with DXLinkStreamer(session) as streamer:
                await streamer.subscribe(Quote, ["QQQ"])
                async with asyncio.timeout(5):
                    for _ in range(10):
                        await streamer.get_event(Quote)
            transport.abort()  # type: ignore[union-attr]
        await until(lambda: server.simulator.feed.connections == 0)


async def test_a_random_plan_runs_without_hurting_the_server() -> None:
    async with broker(speed=60.0, plan=random_plan(5, faults=40)) as server:
        async with aiohttp.ClientSession() as client, client.ws_connect(f"{server.url}/dxlink"):
            await asyncio.sleep(0.5)
        assert (await server.get("/simulator/clock"))[0] == 200


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "ends_with_stdin"])
async def test_run_serves_until_told_to_end(end: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        end,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((os.getcwd(), os.environ["PYTHONPATH"]))},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
            port = int(line.removeprefix("simulator ready port="))
            address = f"http://127.0.0.1:{port}/simulator/clock"
            async with aiohttp.ClientSession() as client, client.get(address) as response:
                shown = (await response.json())["data"]
            assert shown["speed"] == 10.0
            assert shown["market-time"].startswith("2026-11-23T15:0")
            if end == "ends_with_stdin":
                process.stdin.close()
            else:
                process.send_signal(getattr(signal, end))
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"port": 70_000}, "port 70000"),
        ({"speed": 0.5}, "speed 0.5"),
        ({"speed": 61.0}, "speed 61"),
        ({"start": MONDAY_TEN.replace(tzinfo=None)}, "no time zone"),
        ({"access_token_seconds": 0.0}, "above 0"),
        ({"accounts": (AccountSetup("X", "x", "ghost", DEFAULT_ACCOUNT.cash),)}, "login 'ghost'"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(SimulatorSettings(), **change)
