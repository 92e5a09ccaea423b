"""Engines wired as live and as sandbox, on a simulated broker over the real wire (rules 9)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from core.config.folders import folders
from core.config.loader import load_settings
from core.engine.engine import Engine
from core.snapshot import Health, Mode
from senex_tui.run.once import force_once
from senex_tui.run.wiring import BrokerAccess, build_engine
from tests.e2e.simulated_broker import ACCOUNT, SimulatedBroker


async def _engine(broker: SimulatedBroker, data: Path, mode: Mode) -> Engine:
    settings = load_settings(None, {"SENEX_TRADING__STABILIZATION_SECONDS": "0.3"}).settings
    return await build_engine(
        settings, folders(data), mode, BrokerAccess(broker.url, "primary", "secret-ok", "refresh-ok")
    )


async def test_live_sends_only_for_accounts_switched_on_and_keeps_the_brokers_answer(
    broker: SimulatedBroker, tmp_path: Path
) -> None:
    broker.fill_plan("never")

    off = await force_once(await _engine(broker, tmp_path, Mode.LIVE), None, 0)

    assert (off.outcome, off.reason) == ("skipped", "no_accounts")
    assert broker.orders() == []

    engine = await _engine(broker, tmp_path, Mode.LIVE)
    await engine.parts.records.accounts.set_enabled(ACCOUNT, True, engine.parts.clock.now())
    asked = engine.parts.broker.dry_run
    order_of_events: list[str] = []

    async def dry_run(number, request):  # type: ignore[no-untyped-def]
        order_of_events.append(f"{len(broker.orders())} orders when validated")
        return await asked(number, request)

    setattr(engine.parts.broker, "dry_run", dry_run)  # noqa: B010 - watches this one broker
    sent = await force_once(engine, None, 0)

    assert (sent.outcome, sent.reason) == ("succeeded", None)
    assert order_of_events == ["0 orders when validated"]
    [order] = broker.orders()
    assert order["external-identifier"] == sent.accounts[0]["order"]["identifier"]
    engine = await _engine(broker, tmp_path, Mode.LIVE)
    try:
        answer = await engine.parts.records.journal.dry_run_of(sent.accounts[0]["suggestion"]["id"])
    finally:
        await engine.parts.records.close()
        engine.parts.locks.release()
    assert answer is not None
    assert answer.buying_power_change < 0
    assert answer.fees is not None
    assert answer.fees > Decimal(0)


async def test_sandbox_says_that_its_quotes_are_delayed(broker: SimulatedBroker, tmp_path: Path) -> None:
    broker.trouble("quote-token-delayed", count=None)
    engine = await _engine(broker, tmp_path, Mode.SANDBOX)
    running = asyncio.create_task(engine.run(scheduled=False))
    try:
        async with asyncio.timeout(30):
            await engine.ready.wait()
            while "delayed" not in engine.feed.why_not_live():
                await engine.parts.clock.sleep(0.1)
        engine.builder.refresh()
        snapshot = engine.builder.snapshot
        assert snapshot is not None
        assert snapshot.status.mode is Mode.SANDBOX
        assert snapshot.status.feed.health is Health.DOWN
        assert "only delayed quotes" in snapshot.status.feed.detail
        told = [message.text for message in snapshot.messages if message.source == "feed"]
        assert len(told) == 1
        assert told[0].startswith("the quote feed is down: the broker grants only delayed quotes")
    finally:
        engine.stop()
        await asyncio.wait({running})
