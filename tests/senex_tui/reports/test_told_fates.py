"""`senex status`, `day`, `explain` and `history` tell what became of each entry, from the records (rules 4.4)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.broker.port import BrokerAccount
from core.domain.market.sessions import SlotTimes
from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Reason, refuse
from core.domain.reporting.digests import SessionDay
from core.notify.digest_reads import session_day
from core.records.records import Records
from core.records.search.history import HistoryFilter
from core.records.search.told_cycles import CycleTold, ToldCycles
from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import note_clock
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Mode
from senex_tui.reports.day import read_day
from senex_tui.reports.explain import explain
from senex_tui.reports.history import search
from senex_tui.reports.status import read_status
from senex_tui.support.report import Report
from senex_tui.trader.place import Place
from tests.support import record_samples
from tests.support.world import MONDAY, World, et, in_world

TIMES = SlotTimes()
ORDERS = "/accounts/5WT00001/orders"


class Told:
    """What each command prints of the same records, at one moment."""

    def __init__(self, place: Place, now: str) -> None:
        note_clock(place.records_file.parent, ShiftedClock(et(MONDAY, now)))
        self.status: Report = asyncio.run(read_status(place))
        self.day: Report = asyncio.run(read_day(place, TIMES, None))
        self.story = asyncio.run(explain(place, TIMES, "1")).to_text()
        said: list[str] = []
        asyncio.run(search(place, "cycles", HistoryFilter(), None, "json", said.append))
        rows: list[dict[str, Any]] = json.loads(said[0])["rows"]
        self.cycle = next(row for row in rows if row["cycle"] == 1)

    @property
    def entry(self) -> dict[str, Any]:
        found: dict[str, Any] = self.status.values["accounts"][0]["entry"]
        return found

    def slot(self, at: str) -> dict[str, Any]:
        found: dict[str, Any] = next(row for row in self.day.values["slots"] if row["at"][11:16] == at)
        return found

    @property
    def verdict(self) -> str:
        return self.story.splitlines()[1]


def _lived(folder: Path, script: Callable[[World], Coroutine[Any, Any, None]], now: str) -> Told:
    in_world(script, folder)
    return Told(Place(Mode.DRY_RUN, folder / "records.sqlite3", folder / "HALT"), now)


def test_an_order_rejected_after_its_acknowledgement_is_told_as_rejected(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.start()
        await world.until("09:50")
        [cycle] = await world.cycles()
        assert cycle.outcome == "succeeded", "the cycle saw the acknowledgement alone"
        await world.stop()

    told = _lived(tmp_path, day, "09:50")

    assert (told.entry["fate"], told.entry["day_words"]) == ("rejected", "it does not hold the day")
    assert told.entry["told"] == "REJECTED: Rejected by the exchange"
    assert (told.slot("09:45")["state"], told.slot("09:45")["word"]) == ("failed", "rejected")
    assert told.verdict.startswith("REJECTED: Rejected by the exchange; began 09:45:00 ET")
    assert (told.cycle["outcome"], told.cycle["reason"]) == ("failed", "rejected")
    assert (told.cycle["failed"], told.cycle["succeeded"]) == (1, 0)
    assert "1 passed: 1 rejected" in told.status.to_text()
    assert "succeeded" not in (told.status.to_text() + told.day.to_text() + told.verdict).lower()


def test_a_lost_answer_whose_order_was_found_and_filled_is_told_as_filled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=ORDERS, method="POST")
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=140)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("10:20")
        cycle = (await world.cycles())[0]
        assert cycle.outcome == "unknown", "the cycle ended without an answer"
        await world.stop()

    told = _lived(tmp_path, day, "10:20")

    assert told.entry["told"].startswith("FILLED ")
    assert told.entry["detail"] == "", "a fill needs no reason"
    assert (told.slot("09:45")["state"], told.slot("09:45")["text"]) == ("succeeded", told.entry["told"])
    assert told.slot("10:15")["text"] == f"day held: {told.entry['told']}"
    assert told.verdict.startswith(f"{told.entry['told']}; began 09:45:00 ET")
    assert (told.cycle["outcome"], told.cycle["word"], told.cycle["text"]) == (
        "succeeded",
        "filled",
        told.entry["told"],
    )
    everything = told.status.to_text() + told.day.to_text() + told.story
    assert "RemoteProtocolError" not in everything
    assert "1 filled, 2 held" in told.status.to_text()


def test_an_entry_of_an_earlier_day_is_not_told_as_todays(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:50")
        await world.stop()

    in_world(day, tmp_path)
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT")
    for on, words in ((MONDAY, "no other entry follows today"), ("2026-03-05", "no other entry followed that day")):
        note_clock(tmp_path, ShiftedClock(et(on, "09:51")))
        for told in (
            asyncio.run(read_day(place, TIMES, date.fromisoformat(MONDAY))).to_text(),
            asyncio.run(explain(place, TIMES, "1")).to_text(),
        ):
            assert words in " ".join(told.split())
            assert on == MONDAY or not re.search("today|follows", told)


def test_a_cycle_that_begins_while_the_day_is_read_is_left_to_the_next_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:50")
        await world.stop()

    in_world(day, tmp_path)
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT")
    note_clock(tmp_path, ShiftedClock(et(MONDAY, "09:51")))
    read_told, begun = ToldCycles.of_day, list[int | None]()

    async def of_day(self: ToldCycles, on: date) -> Mapping[int, CycleTold]:
        told = await read_told(self, on)
        trader = await Records.open(place.url)
        begun.append(await trader.cycles.begin(on, None, True, et(MONDAY, "09:51")))
        await trader.close()
        return told

    async def digest() -> SessionDay:
        records = await Records.open(place.url)
        try:
            return await session_day(records, date.fromisoformat(MONDAY), ())
        finally:
            await records.close()

    monkeypatch.setattr(ToldCycles, "of_day", of_day)
    assert asyncio.run(read_status(place)).values["slots"]["forced"] == []
    assert asyncio.run(digest()).outcomes.total() == 2
    assert asyncio.run(read_day(place, TIMES, date.fromisoformat(MONDAY))).values["slots"]
    assert None not in begun


def test_status_tells_forced_cycles_beside_the_slots(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.start()
        await world.until("09:50")
        world.exchange.fill_plan = "immediate"
        await world.command(CommandKind.FORCE)
        await world.until("10:01")
        await world.stop()

    told = _lived(tmp_path, day, "10:02")

    assert [(one["cycle"], one["word"]) for one in told.status.values["slots"]["forced"]] == [(2, "filled")]
    assert "2 passed: 1 rejected, 1 held; forced 09:50: filled" in " ".join(told.status.to_text().split())


def test_each_kind_of_missed_slots_has_its_own_reason(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.command(CommandKind.PAUSE, note="lunch")
        await world.until("10:01")
        await world.stop()
        records = await world.open_records(trader=True)
        down = {et(MONDAY, at): refuse(Reason.PROCESS_DOWN) for at in ("10:15", "10:30", "10:45")}
        await records.slots.miss_all(world.day, down, world.clock.now())
        await records.cycles.begin(world.day, None, True, world.clock.now())
        await records.close()

    told = _lived(tmp_path, day, "10:50")

    missed = [(one["word"], one["why"], one["count"]) for one in told.status.values["slots"]["came_to"]]
    assert missed == [
        ("missed", "automation is paused", 2),
        ("missed", "the console was not running at the slot", 3),
    ]
    words = " ".join(told.status.to_text().split())
    assert "2 missed (automation is paused), 3 missed (the console was not running at the slot)" in words
    assert "automation PAUSED, by operator since 2026-03-02 09:4" in words
    assert ": lunch" in words
    assert "PAUSED by operator since 2026-03-02 09:4" in " ".join(told.day.to_text().split())


async def test_a_login_refused_and_a_validated_suggestion_are_said(tmp_path: Path) -> None:
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT")
    note_clock(tmp_path, ShiftedClock(et(MONDAY, "10:20")))
    records = await Records.open(place.url)
    try:
        at = et(MONDAY, "09:45")
        found = (BrokerAccount(record_samples.ACCOUNT, "Demo", "Margin", is_closed=False),)
        await records.accounts.discover("main", found, enable_new=True, at=at)
        number = await records.cycles.begin(date.fromisoformat(MONDAY), at, False, at)
        assert number == 1
        await records.journal.record_suggestion(record_samples.suggestion(validated=True))
        await records.logins.note("main", is_valid=False, detail="the grant was revoked", at=at)
        await records.logins.note("spare", is_valid=True, detail="", at=at)
    finally:
        await records.close()

    status = await read_status(place)

    assert [(one["name"], one["accepted"]) for one in status.values["logins"]] == [("main", False), ("spare", True)]
    [account] = status.values["accounts"]
    assert (account["entry"], account["validated"]["strikes"]) == (None, "622P/619P/622C/625C")
    text = status.to_text()
    assert "main is REFUSED by the broker since 2026-03-02 09:45:00 ET: the grant was revoked" in text
    assert "VALIDATED by a dry run, nothing is sent: QQQ 622P/619P/622C/625C 2026-04-17" in text
    assert "max risk 214.00 $" in text
    assert "spare is REFUSED" not in text


@pytest.mark.parametrize("kind", ["orders", "fills", "suggestions"])
def test_amounts_in_the_history_have_the_one_format(tmp_path: Path, kind: str) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:50")
        await world.stop()

    in_world(day, tmp_path)
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT")
    said: list[str] = []
    asyncio.run(search(place, kind, HistoryFilter(), 1, "text", said.append))

    shown = " ".join(" ".join(said).split())
    wanted = {"orders": r"FILLED \d+\.\d\d5?, open: QQQ .* at \d+\.\d\d5? credit", "fills": r" [12] +\d+\.\d\d5? "}
    assert re.search(wanted.get(kind, r"natural \d+\.\d\d5?, mid \d+\.\d\d5?, .*max risk [\d,]+\.\d\d \$"), shown), (
        shown
    )
