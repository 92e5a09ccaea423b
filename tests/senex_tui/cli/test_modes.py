"""The mode of a run, what stops it from starting, and how each mode's engine is wired (rules 9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.folders import folders
from core.config.loader import load_settings
from core.config.settings import Settings
from core.snapshot import Mode
from senex_tui.cli.modes import choose_mode
from senex_tui.run.wiring import BrokerAccess, build_engine
from senex_tui.support.refusals import Refused

URL = "http://127.0.0.1:8700"


def settings(*, url: str = "", sandbox: bool = False, live: bool = False) -> Settings:
    given = {"SENEX_BROKER__SANDBOX": str(sandbox).lower(), "SENEX_TRADING__LIVE": str(live).lower()}
    return load_settings(None, given | ({"SENEX_BROKER__URL": url} if url else {})).settings


@pytest.mark.parametrize(
    ("given", "flag", "mode"),
    [
        (settings(), False, Mode.DRY_RUN),
        (settings(url=URL), False, Mode.DEMO),
        (settings(sandbox=True), False, Mode.SANDBOX),
        (settings(live=True), True, Mode.LIVE),
    ],
)
def test_the_mode_of_the_configured_broker(given: Settings, flag: bool, mode: Mode) -> None:
    assert choose_mode(given, live=flag) is mode


@pytest.mark.parametrize(
    ("given", "flag", "told"),
    [
        (settings(), True, "trading.live is not true"),
        (settings(sandbox=True), True, "trading.live is not true"),
        (settings(live=True), False, "--live was not given"),
        (settings(live=True, url=URL), True, "broker.url is set, and live trades at tastytrade only"),
        (settings(live=True, sandbox=True), True, "broker.sandbox is set, and live trades at tastytrade only"),
        (settings(url=URL, sandbox=True), False, "name different brokers"),
    ],
)
def test_contradictory_settings_never_start(given: Settings, flag: bool, told: str) -> None:
    with pytest.raises(Refused, match=told):
        choose_mode(given, live=flag)


WIRED = {Mode.DEMO: (False, True, True), Mode.DRY_RUN: (True, False, False)} | dict.fromkeys(
    (Mode.SANDBOX, Mode.LIVE), (True, True, False)
)
"""For each mode: is the broker's dry run asked first, are orders sent, do new accounts start enabled?"""


async def test_the_wiring_of_each_mode(simulator_url: str, tmp_path: Path) -> None:
    here = folders(tmp_path)
    for mode, expected in WIRED.items():
        engine = await build_engine(
            settings(), here, mode, BrokerAccess(simulator_url, "primary", "secret-ok", "refresh-ok")
        )
        parts = engine.parts
        try:
            assert (parts.mode, (parts.preflight, parts.sends, parts.enable_new_accounts)) == (mode, expected)
            assert parts.broker.brokers["primary"].connection.is_test is (mode is Mode.SANDBOX)  # type: ignore[attr-defined]
        finally:
            await parts.broker.close()
            await parts.records.close()
            parts.locks.release()
    assert _modes_with_records(tmp_path) == sorted(mode.value for mode in WIRED)


def _modes_with_records(data: Path) -> list[str]:
    return sorted(path.parent.name for path in data.glob("*/records.sqlite3"))
