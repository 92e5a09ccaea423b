"""The heartbeat: sent while the engine runs; a failure is only a line in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from core.config.loader import SettingsError, load_settings
from core.domain.operation.events import Severity
from core.notify.heartbeat import Heartbeat
from core.runtime.redaction import redact

KEY = "4f1c0e9a-of-the-monitor"


class Monitor:
    """A monitoring server on this machine that answers as a test says."""

    def __init__(self) -> None:
        self.status = 200
        self.asked = asyncio.Condition()
        self.count = 0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        async with self.asked:
            self.count += 1
            self.asked.notify_all()
        return web.Response(status=self.status)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20), self.asked:
            await self.asked.wait_for(lambda: self.count >= count)


@pytest.fixture
async def monitor() -> AsyncIterator[Monitor]:
    made = Monitor()
    app = web.Application()
    app.router.add_get(f"/{KEY}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{KEY}"
    yield made
    await runner.cleanup()


class ShortWaits:
    """A clock whose waits end at once, after one turn of the loop."""

    speed = 1.0

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0.001)


async def test_a_failure_is_said_once_and_so_is_its_end(monitor: Monitor) -> None:
    said: list[tuple[Severity, str, str]] = []
    clock = ShortWaits()
    sign = Heartbeat(monitor.url, 60, clock, lambda *words: said.append(words))  # type: ignore[arg-type]
    running = asyncio.create_task(sign.run())
    try:
        await monitor.until(3)
        assert said == []
        monitor.status = 503
        await monitor.until(monitor.count + 4)
        assert said == [
            (Severity.WARNING, "ping", "the sign of life to 127.0.0.1 failed: it was answered with status 503")
        ]
        monitor.status = 200
        await monitor.until(monitor.count + 3)
        assert said[1:] == [(Severity.INFO, "ping", "the sign of life to 127.0.0.1 arrives again")]
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert set(clock.waited) == {60}
    assert KEY not in redact(monitor.url)


async def test_a_monitor_that_does_not_listen_is_reported_as_a_failure() -> None:
    said = asyncio.Queue[str]()
    sign = Heartbeat("http://127.0.0.1:9/x", 60, ShortWaits(), lambda *words: said.put_nowait(words[2]))  # type: ignore[arg-type]
    running = asyncio.create_task(sign.run())
    async with asyncio.timeout(20):
        assert await said.get() == "the sign of life to 127.0.0.1 failed: the server refused the connection"
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "https://me:pass@example.com/x", "ftp://x", "https://", "example", "https://a b"],
)
def test_only_encrypted_addresses_or_this_machine(url: str) -> None:
    with pytest.raises(SettingsError, match=r"ping\.url must be an https address.*was given"):
        load_settings(None, {"SENEX_PING__URL": url})


def test_it_is_off_by_default() -> None:
    assert load_settings(None, {}).settings.ping.url is None
    assert load_settings(None, {"SENEX_PING__URL": "https://hc-ping.com/x?y=1"}).settings.ping.interval_seconds == 60
