"""The Prometheus endpoint over a real socket, read with the client library's own parser."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from core.config.settings import MetricsSettings
from core.domain.operation.outcomes import Outcome
from core.domain.reporting.figures import AccountRun, figures_of
from core.notify.prometheus import MetricsEndpoint
from core.snapshot import AlertView, Snapshot
from tests.support.console import parts, scenes
from tests.support.world import World, in_world

DAY = date(2026, 3, 2)
SEEN = parts.NOW


def snapshot() -> Snapshot:
    runs = [
        AccountRun(1, "…0001", DAY, Outcome.SUCCEEDED, "", "", 2, True, 1, 8_100),
        AccountRun(2, "…0001", DAY, Outcome.SKIPPED, "entry_today", "", 0, False, 0),
        AccountRun(3, "…0001", DAY, Outcome.SKIPPED, "low_score", "", 0, False, 0),
    ]
    alert = AlertView(3, "no_trade", "critical", "…0001", "no trade in 5 sessions", SEEN, "")
    halted = scenes.halted()
    return replace(halted, breakers=halted.breakers * 2, figures=figures_of([DAY], runs, (), {}), alerts=(alert,))


def scraped(port: int, path: str = "/metrics") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_it_serves_the_newest_snapshot_on_loopback_until_it_is_cancelled() -> None:
    now: list[Snapshot | None] = [None]
    endpoint = MetricsEndpoint(0, lambda: now[0], lambda source, text: None)
    serving = asyncio.create_task(endpoint.run())
    await endpoint.ready.wait()
    assert await asyncio.to_thread(scraped, endpoint.port) == {}
    now[0] = snapshot()
    found = await asyncio.to_thread(scraped, endpoint.port)
    assert found["senex_success_ratio", ()] == 1
    assert found["senex_retry_ratio", ()] == 1
    assert found["senex_skipped_ratio", ()] == 0.5, "of the two that were asked to trade"
    assert found["senex_execution_seconds", (("quantile", "0.95"),)] == 8.1
    assert found["senex_pricing_rejections", ()] == 1
    assert found["senex_account_days", (("result", "traded"),)] == 1
    assert found["senex_runs", (("outcome", "skipped"), ("reason", "low_score"))] == 1
    assert ("senex_runs", (("outcome", "skipped"), ("reason", "entry_today"))) not in found
    assert {key[1][0][1]: value for key, value in found.items() if key[0] == "senex_target"} == {
        "success": 0.9,
        "retry": 0.2,
        "skipped": 0.5,
        "execution": 30,
        "pricing_rejections": 0,
    }
    assert {key[1][0][1]: value for key, value in found.items() if key[0] == "senex_target_met"} == {
        "success": 1,
        "retry": 0,
        "skipped": 0,
        "execution": 1,
        "pricing_rejections": 0,
    }
    assert found["senex_alerts_open", (("severity", "critical"),)] == 1
    assert found["senex_alert_open", (("account", "…0001"), ("alert", "no_trade"), ("severity", "critical"))] == 1
    assert found["senex_automation_state", (("state", "halted"),)] == 1
    assert found["senex_automation_state", (("state", "active"),)] == 0
    assert found["senex_breakers_open", (("breaker", "sends"), ("whom", "…0001"))] == 2, "two that look alike"
    assert all(name.startswith("senex_") for name, _ in found)

    now[0] = None
    assert await asyncio.to_thread(scraped, endpoint.port) == {}
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", endpoint.port)) != 0


async def test_only_this_machine_can_reach_it() -> None:
    endpoint = MetricsEndpoint(0, snapshot, lambda source, text: None)
    serving = asyncio.create_task(endpoint.run())
    await endpoint.ready.wait()
    with socket.socket() as other:
        other.bind(("127.0.0.2", endpoint.port))  # had it taken every address, this one would be in use
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


def test_a_port_that_is_taken_is_said_and_trading_goes_on(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.settings = world.settings.model_copy(update={"metrics": MetricsSettings(port=port)})
        await world.start()
        await world.until("09:46")
        assert (await world.entry()).holds_day
        shown = world.snapshot()
        [said] = [message for message in shown.messages if message.source == "metrics"]
        assert said.text == (
            f"no figures for Prometheus on port {port}: another program has it; choose another metrics.port. "
            "Trading goes on."
        )
        assert (shown.status.open_alerts, shown.alerts) == (0, ())
        assert shown.figures is not None
        assert [each.account for each in shown.figures.days] == ["…0001"]
        await world.stop()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        in_world(day, tmp_path, poll_s=60)
