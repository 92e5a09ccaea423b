"""What `senex status` says of a console that reconciles, read from the records alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.config.mail import MailSettings
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Event, Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.domain.reporting.notices import Letterhead
from core.guards.stop_files import StopFiles
from core.records.records import Records
from core.records.repositories.rows import TradingState
from core.records.repositories.trading_state import TradingStates
from core.snapshot import Mode
from senex_tui.reports.status import read_status
from senex_tui.trader.locks import lock_data
from senex_tui.trader.place import Place
from tests.support.record_samples import ACCOUNT
from tests.support.senex_command import Box

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


async def _shown(place: Place, *said: tuple[str, str]) -> str:
    records = await Records.open(place.url)
    try:
        for kind, text in said:
            await records.journal.append(Event(AT, kind, text, Severity.INFO))
        return (await read_status(place)).to_text()
    finally:
        await records.close()


def test_a_console_that_reconciles_is_said_to_until_it_is_done(tmp_path: Path) -> None:
    place = Place(Mode.DEMO, tmp_path / "demo" / "records.sqlite3", tmp_path / "HALT")
    started = ("reconcile.started", "reconciling with the broker (start)")
    kept = ("reconcile.waiting", "not reconciled, no entries: …0001: no answer")
    lock = lock_data(place)
    try:
        shown = asyncio.run(_shown(place, ("engine.started", "engine started in demo mode"), started))
        assert "RECONCILING, no entries until the broker was read whole: reconciling with the broker (start)" in shown
        assert "RECONCILING, no entries until the broker was read whole: not reconciled, no entries: …0001" in (
            asyncio.run(_shown(place, kept))
        )
        done = asyncio.run(_shown(place, ("reconcile.done", "reconciled with the broker (start)"), ("other", "x")))
        assert "automation  ON" in done
        assert "RECONCILING" not in done
        assert "RECONCILING" in asyncio.run(_shown(place, started))
    finally:
        lock.release()
    assert "automation  ON" in asyncio.run(_shown(place)), "no console reconciles when none runs"


def test_a_stop_that_is_recorded_while_the_status_is_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The console records the kept stop and removes its file between any two reads of the report."""
    place = Place(Mode.DEMO, tmp_path / "demo" / "records.sqlite3", tmp_path / "HALT")
    halt = Command("c1", CommandKind.HALT, "anna", AT, note="margin call")
    files = StopFiles(place.stops_folder)
    read = TradingStates.read

    async def told() -> tuple[str, str | None]:
        console = await Records.open(place.url)

        async def recorded_meanwhile(trading: TradingStates) -> TradingState:
            state = await read(trading)
            await console.trading.halt("anna", "margin call", AT)
            files.remove(halt.id)
            return state

        try:
            files.write(halt)
            monkeypatch.setattr(TradingStates, "read", recorded_meanwhile)
            values = (await read_status(place)).values
        finally:
            await console.close()
        return values["automation"]["state"], values["not_recorded"]

    state, kept = asyncio.run(told())
    assert state == "halted" or "halt by anna" in (kept or ""), (state, kept)


MAIL = MailSettings(host="smtp.example.com", sender="senex@box.test", operator="me@example.com")


def test_open_alerts_and_mail_have_a_line_each(tmp_path: Path) -> None:
    place = Place(Mode.DRY_RUN, tmp_path / "dry-run" / "records.sqlite3", tmp_path / "HALT")

    async def live() -> None:
        records = await Records.open(place.url)
        try:
            records.outbox.open(Letterhead("dry-run", "https://broker.example/"), MailPreference.IMMEDIATE)

            async def lines(mail: MailSettings = MAIL) -> tuple[str, str]:
                shown = (await read_status(place, mail)).to_text().splitlines()
                return tuple(line[12:] for line in shown if line.startswith(("alerts", "mail")))  # type: ignore[return-value]

            assert await lines() == ("none is open", "nothing waits")
            assert (await lines(MailSettings()))[1].startswith("mail is off: mail.host is not set")
            text = f"no trade of {ACCOUNT} in 5 sessions"
            due = DueAlert(AlertKind.NO_TRADE, ACCOUNT, "…0001: no trade in 5 sessions")
            await records.alerts.open(due, AT, Event(AT, "alert.opened", text, Severity.CRITICAL, account=ACCOUNT))
            alerts, mail = await lines()
            assert alerts == ("1 open, 1 not acknowledged: …0001: no trade in 5 sessions; `senex alerts` lists them")
            assert mail == "1 waiting since 2026-03-02 10:00:00 ET; see `senex mail`"

            (message,) = await records.outbox.waiting()
            await records.outbox.mark_failed(message.seq, "smtp.example.com does not answer", AT, AT, give_up=False)
            await records.alerts.acknowledge(1, "anna", AT)
            alerts, mail = await lines()
            assert alerts == "1 open, acknowledged; `senex alerts` lists them"
            assert mail.startswith(
                "1 waiting since 2026-03-02 10:00:00 ET, failing: smtp.example.com does not answer; see"
            )
            await records.outbox.mark_failed(message.seq, "no", AT, AT, give_up=True)
            assert (await lines())[1] == "nothing waits; 1 given up"
            values = (await read_status(place, MAIL)).values
            assert (values["mail"]["given_up"], values["alerts"][0]["account"]) == (1, "…0001")
        finally:
            await records.close()

    asyncio.run(live())


def test_broken_settings_keep_nobody_from_the_console_that_runs(box: Box) -> None:
    """Settings broken while a console runs: it goes on, and its operator must be able to stop it."""
    data = box.home / "there"
    place = Place(Mode.LIVE, data / "live" / "records.sqlite3", data / "HALT")
    lock = lock_data(place)
    try:
        asyncio.run(_shown(place))
        spoken = box.run("--data-dir", str(data), "status", SENEX_TRADING__WIDTH="wide")
    finally:
        lock.release()
    assert spoken.returncode == 0, spoken.stderr
    assert "mode        LIVE\n" in spoken.stdout
    assert spoken.stderr.startswith("senex: trading.width must be ")
    assert "Speaking to the live console that runs." in spoken.stderr
    refused = box.run("--data-dir", str(data), "status", SENEX_TRADING__WIDTH="wide")
    assert (refused.returncode, "Speaking" in refused.stderr) == (2, False)
