"""What `senex status` and `senex day` say comes next while a console runs. They count down to entries alone (rules
9)."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from core.domain.market.sessions import SlotTimes
from core.domain.operation.commands import CommandKind
from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import note_clock
from core.snapshot import Mode
from senex_tui.reports.day import read_day
from senex_tui.reports.figures import read_report
from senex_tui.reports.status import read_status
from senex_tui.support.report import Report
from senex_tui.trader.locks import lock_data
from senex_tui.trader.place import Place
from tests.support.world import MONDAY, World, account, et, in_world

SECOND = "5WT00002"
COUNTDOWN = re.compile(r"\bin \d+:\d\d")


class Moments:
    """The records at moments of a day while a console ran, and what the shell printed of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at: dict[str, str] = {}

    def keep(self, world: World, name: str) -> None:
        copy = self._folder / name / "demo" / "records.sqlite3"
        copy.parent.mkdir(parents=True)
        with sqlite3.connect(world.records_file) as now, sqlite3.connect(copy) as kept:
            now.backup(kept)
        self._at[name] = world.clock.now().isoformat()

    def told(self, name: str, at: str) -> tuple[Report, Report]:
        """`senex status` and `senex day` of this moment, with a console that runs."""
        place = Place(Mode.DEMO, self._folder / name / "demo" / "records.sqlite3", self._folder / name / "HALT")
        lock = lock_data(place)
        try:
            note_clock(place.records_file.parent, ShiftedClock(et(MONDAY, at)))
            return asyncio.run(read_status(place)), asyncio.run(read_day(place, SlotTimes(), None))
        finally:
            lock.release()


def _lived(folder: Path, script: Callable[[World, Moments], Coroutine[Any, Any, None]], **more: Any) -> Moments:
    moments = Moments(folder / "kept")
    (folder / "world").mkdir()

    async def whole(world: World) -> None:
        await world.start()
        await script(world, moments)
        await world.stop()

    in_world(whole, folder / "world", start=et(MONDAY, "09:40"), **more)
    return moments


def test_a_free_slot_is_counted_down_to_and_a_pause_or_a_fill_ends_that(tmp_path: Path) -> None:
    async def day(world: World, moments: Moments) -> None:
        await world.until("09:41")
        moments.keep(world, "free")
        await world.command(CommandKind.PAUSE, note="lunch")
        moments.keep(world, "paused")
        await world.command(CommandKind.RESUME)
        await world.until("10:05")
        moments.keep(world, "filled")

    moments = _lived(tmp_path, day)

    status, listed = moments.told("free", "09:41")
    assert status.values["next"]["kind"] == "free"
    assert status.values["next"]["enters_at"] == "2026-03-02T09:45:00-05:00"
    assert status.values["next"]["in_s"] == 240
    assert "next        free to enter at 09:45, in 04:00" in status.to_text() + listed.to_text()
    assert [row["state"] for row in listed.values["slots"]][:2] == ["next", "to come"]
    assert "10:00 to 14:45: 20 more to come" in listed.to_text().splitlines()

    status, listed = moments.told("paused", "09:42")
    step = status.values["next"]
    assert (step["kind"], step["who"], step["why"], step["in_s"]) == ("paused", "operator", "lunch", None)
    assert step["misses_at"] == "2026-03-02T09:45:00-05:00"
    words = "next        PAUSED by operator since 09:41: lunch; the 09:45 slot will be missed"
    assert f"{words}; to end it: `senex resume`" in status.to_text()
    assert listed.values["next"] == step
    assert listed.values["slots"][0]["state"] == "will miss"
    assert "10:00 to 14:45: 20 more to come; none enters, as things stand" in listed.to_text()
    assert not COUNTDOWN.search(status.to_text() + listed.to_text())

    status, listed = moments.told("filled", "10:05")
    assert "next        done today (filled " in status.to_text()
    assert status.values["next"]["next_day"] == "2026-03-03T09:45:00-05:00"
    assert re.search(": 19 more to come; none enters$", listed.to_text(), re.MULTILINE)
    assert not COUNTDOWN.search(status.to_text() + listed.to_text())


def test_each_of_several_accounts_has_its_own_next_step(tmp_path: Path) -> None:
    async def day(world: World, moments: Moments) -> None:
        await world.until("09:41")
        await world.command(CommandKind.SET_ACCOUNT, target=SECOND, note="automation off")
        moments.keep(world, "one off")
        await world.command(CommandKind.SET_ACCOUNT, target=world.accounts[0], note="automation off")
        moments.keep(world, "both off")

    moments = _lived(tmp_path, day, accounts=(account(), account(SECOND)))

    status, listed = moments.told("one off", "09:41")
    assert [one["next"]["kind"] for one in status.values["accounts"]] == ["free", "off"]
    assert [one["next"]["kind"] for one in listed.values["accounts"]] == ["free", "off"]
    assert "next: automation off for this account; to end it: `senex accounts enable 0002`" in status.to_text()
    only = asyncio.run(
        read_day(Place(Mode.DEMO, tmp_path / "kept/one off/demo/records.sqlite3", tmp_path), SlotTimes(), None, "…0002")
    )
    assert [one["account"] for one in only.values["accounts"]] == ["…0002"]

    status, listed = moments.told("both off", "09:41")
    assert status.values["next"]["words"] == "no account may enter: automation is off for all"
    assert not COUNTDOWN.search(status.to_text() + listed.to_text())


def test_a_cancelled_entry_counts_down_to_the_reads_that_free_the_day(tmp_path: Path) -> None:
    async def day(world: World, moments: Moments) -> None:
        world.exchange.fill_plan = "never"
        await world.until("09:47")
        [entry] = await world.entries()
        await world.command(CommandKind.CANCEL, target=entry.id)
        await world.clock.sleep(15)
        moments.keep(world, "cancelled")
        await world.command(CommandKind.ALLOW_REENTRY, target=entry.id)
        moments.keep(world, "allowed")

    moments = _lived(tmp_path, day)

    status, _ = moments.told("cancelled", "09:47:30")
    assert status.values["next"]["reads"]["needs_word"] is True
    assert re.search("to end it: `senex allow-reentry [0-9a-f]{8}`", status.to_text())
    status, _ = moments.told("allowed", "09:47:30")
    reads = status.values["next"]["reads"]
    assert reads["first_due"].startswith("2026-03-02T09:49:0")
    assert 60 <= reads["due_in_s"] <= 120
    assert re.search(r"the day is not free yet; first read due 09:49:\d\d, in 01:\d\d", status.to_text())


def test_an_adopted_order_is_told_wherever_entries_are(tmp_path: Path) -> None:
    async def day(world: World, moments: Moments) -> None:
        await world.until("09:46")
        [lost] = await world.entries()
        await world.stop()
        world.records_file = world.folder / "new.sqlite3"
        await world.start()
        await world.clock.sleep(10)
        await world.command(CommandKind.ATTEST, note=lost.order_id or "")
        await world.until("10:05")
        moments.keep(world, "adopted")

    moments = _lived(tmp_path, day)
    status, of_day = moments.told("adopted", "10:05")
    for told in (status, of_day):
        assert re.search(r"filled \d\.\d\d", told.to_text(), re.IGNORECASE), told.to_text()
    [entry] = of_day.values["entries"]
    assert (entry["cycle"], entry["state"]) == (0, "filled")
    place = Place(Mode.DEMO, tmp_path / "kept" / "adopted" / "demo" / "records.sqlite3", tmp_path / "HALT")
    assert asyncio.run(read_report(place, SlotTimes(), None, None)).to_text()
