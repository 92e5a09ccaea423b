"""Dry-run mode: the broker validates the order of the day and nothing is sent (rules 9)."""

from __future__ import annotations

from pathlib import Path

from core.config.folders import folders
from core.config.loader import load_settings
from core.snapshot import Mode
from senex_tui.run.once import force_once
from senex_tui.run.wiring import BrokerAccess, build_engine
from tests.e2e.simulated_broker import ACCOUNT, SimulatedBroker


async def test_one_suggestion_is_validated_and_no_order_is_sent(broker: SimulatedBroker, tmp_path: Path) -> None:
    settings = load_settings(
        None, {"SENEX_BROKER__URL": broker.url, "SENEX_TRADING__STABILIZATION_SECONDS": "0.3"}
    ).settings
    access = BrokerAccess(broker.url, "primary", "secret-ok", "refresh-ok")

    disabled = await force_once(await build_engine(settings, folders(tmp_path), Mode.DRY_RUN, access), None, 0)

    assert (disabled.outcome, disabled.reason) == ("skipped", "no_accounts")

    engine = await build_engine(settings, folders(tmp_path), Mode.DRY_RUN, access)
    await engine.parts.records.accounts.set_enabled(ACCOUNT, True, engine.parts.clock.now())
    validated = await force_once(engine, None, 0)

    assert (validated.outcome, validated.reason) == ("succeeded", None)
    assert validated.accounts[0]["suggestion"] is not None
    assert validated.accounts[0]["order"] is None
    assert broker.orders() == []

    again = await force_once(await build_engine(settings, folders(tmp_path), Mode.DRY_RUN, access), None, 0)

    assert (again.outcome, again.reason) == ("skipped", "validated_today")
