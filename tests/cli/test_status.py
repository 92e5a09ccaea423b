"""What `senex status` says of a console that reconciles, from the records alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from core.domain.events import Event, Severity
from core.records.records import Records
from core.snapshot import Mode
from senex_tui.one_trader import lock_data
from senex_tui.place import Place
from senex_tui.status import read_status

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
