"""The orders page: today's entries and the recorded ones, cancelled and decided on there, each told whole."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.snapshot import Mode
from senex_tui.console.screens import orders
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, TypedQuestion
from senex_tui.console.screens.entries import UnknownOrder
from senex_tui.console.screens.entry import EntryPage
from senex_tui.console.screens.orders import OrdersPage
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.recorded import MARKUP, past, recorded, reject, sent, some_days
from tests.support.console.scenes import FixedEngine
from tests.support.record_samples import ACCOUNT
from widgets.base.list_panel import ListPanel
from widgets.order_list import order_listing

OTHER = replace(parts.filled_order(), entry_id="e2", account="…8830")


def words(console: Driven) -> str:
    return " ".join(console.text.split())


def states(console: Driven) -> list[str]:
    page = console.app.screen
    assert isinstance(page, OrdersPage)
    return [row.cells[0][0] for row in page.list.rows]


async def test_todays_entries_stand_above_the_recorded_ones_and_each_once(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        await some_days(records)
        of_today = past(parts.order().entry_id, 0)
        await sent(records, of_today)
        engine = FixedEngine(scenes.calm(), records=records)
        async with driven(engine=engine, size=(150, 40), state_folder=tmp_path) as console:
            await console.press("o")
            await console.answered()
            assert states(console) == ["WORKING", "FILLED", "REJECTED"], "the snapshot is newer than the records"
            for told in ("6 of 6", "Nov 19", "4400", "Apr 17", "not heard: ["):
                assert await console.shows(told)
            await console.press("e")
            [file] = (tmp_path / "exports").iterdir()
            rows = list(csv.reader(file.read_text().splitlines()))
            assert rows[0][:5] == ["state", "acct", "und", "strikes, or what closes", "trident"]
            assert [row[0] for row in rows[1:]] == ["WORKING", "FILLED", "REJECTED"]
            for shown in (console.text, file.read_text()):
                assert ACCOUNT not in shown
                assert "\x1b" not in shown


async def test_more_is_read_at_the_last_row_and_while_a_filter_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "AT_A_TIME", 3)
    async with recorded(tmp_path) as records:
        for number in range(8):
            await reject(records, past(f"r{number}", number + 1), "margin" if number < 7 else "the oldest")
        async with driven(
            engine=FixedEngine(replace(scenes.calm(), orders=()), records=records), size=(80, 24)
        ) as console:
            await console.press("o")
            await console.answered()
            assert len(states(console)) == 3
            assert await console.shows("older ones follow")
            await console.press("G")
            await console.answered()
            assert len(states(console)) == 6
            await console.press("slash", *"oldest")
            await console.answered()
            assert await console.shows("/oldest 1 of 8")
            assert "older ones follow" not in console.text


async def test_without_the_records_it_says_so_and_asks_again_once_the_engine_runs(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        await some_days(records)
        engine = FixedEngine(scenes.starting())
        async with driven(engine=engine, size=(120, 40)) as console:
            await console.press("o")
            await console.answered()
            assert await console.shows("older ones not read: the engine is not running")
            assert await console.shows("no entry yet")
            engine.records = records
            engine.current = scenes.calm()
            await console.pull()
            await console.answered()
            assert "not read" not in console.text
            assert len(states(console)) == 3


async def test_c_cancels_the_chosen_entry_and_no_other_also_on_its_own_page() -> None:
    second = parts.order(entry_id="e3", account="…8830", at=parts.NOW - timedelta(minutes=9), age_s=540)
    orders_now = (parts.order(), second, OTHER)
    async with driven(replace(scenes.calm(), orders=orders_now), size=(80, 24)) as console:
        await console.press("o", "G", "c")
        assert console.toasts == ["Cancel which entry? Not the chosen one; choose QQQ of …0001, QQQ of …8830"]
        assert isinstance(console.app.screen, OrdersPage)
        await console.press("g", "c", "enter")
        assert isinstance(console.app.screen, Question)
        assert console.engine.sent == []
        await console.press("y")
        assert await console.shows("CANCELLING…")
        await console.press("j", "enter", "c", "y")
        assert isinstance(console.app.screen, EntryPage)
        assert console.engine.sent == [CommandKind.CANCEL] * 2
        assert console.engine.about == [(parts.order().entry_id, ""), ("e3", "")]


async def test_in_live_a_cancel_takes_the_typed_word_and_an_entry_that_still_works() -> None:
    snapshot = scenes.calm()
    live = replace(snapshot, status=replace(snapshot.status, mode=Mode.LIVE))
    async with driven(live, size=(80, 24)) as console:
        await console.press("o", "c", "y", "enter")
        assert isinstance(console.app.screen, TypedQuestion)
        assert console.engine.sent == []
        await console.press("backspace", *"cancel", "enter", "c", *"cancel")
        assert console.engine.sent == [CommandKind.CANCEL]
        console.engine.current = replace(live, orders=scenes.followed().orders)
        await console.press("enter")
        assert console.engine.sent == [CommandKind.CANCEL], "it filled while the question was open"
        assert console.toasts[-1].startswith("Cancel the working entry: nothing was sent. The entry is FILLED")


async def test_u_decides_on_the_chosen_unknown() -> None:
    first = parts.unknown_order()
    two = (first, parts.unknown_order(entry_id="e9", account="…8830", identifier="senex-9"))
    async with driven(replace(scenes.unknown(), orders=two), size=(80, 24)) as console:
        await console.press("o", "G", "u")
        assert isinstance(console.app.screen, UnknownOrder)
        await console.press("a", *"absent", "enter")
        page_order = sorted((first.entry_id, "e9"), reverse=True)
        assert console.engine.about == [(page_order[-1], "absent")]


async def test_enter_tells_the_entry_whole(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        await some_days(records)
        async with driven(engine=FixedEngine(scenes.calm(), records=records), size=(120, 50)) as console:
            await console.press("o")
            await console.answered()
            await console.press("j", "enter")
            await console.answered()
            text = words(console)
            for told in (
                "Entry of …0001 on 2025-11-19",
                "6 of 6 filled",
                "limit 4.06 credit, max risk 194.00 $",
                "natural 3.86 credit, max risk 214.00 $",
                "mid 4.10 credit, max risk 190.00 $",
                "fill 4.06 credit, max risk 194.00 $, -0.04 to mid",
                "622P Sell to Open 2 QQQ 260417P00622000, 2 of 2 filled: 1 at 5.12, 1 at 5.12",
                "625C Buy to Open 1 QQQ 260417C00625000, 1 of 1 filled: 1 at 5.44",
                "sent the last guards passed",
                "the broker says Filled",
            ):
                assert await console.shows(told), told
            assert ACCOUNT not in text
            await console.press("q", "j", "enter")
            await console.answered()
            assert MARKUP.replace("\x1b", "·").replace("5WT00001", "…0001") in console.text
            await console.press("q", "q")
            assert isinstance(console.app.screen, Dashboard)


async def test_the_entrys_page_follows_the_entry_and_its_evidence(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        entry = parts.unknown_order().entry_id
        await sent(records, past(entry, 0))
        await records.entries.become(entry, OrderState.UNKNOWN, at=parts.NOW, detail="no answer within 10 s")
        await records.entries.add_evidence(
            entry, "attestation", who="ada", complete=True, detail={"seen": "4471"}, at=parts.NOW
        )
        engine = FixedEngine(scenes.unknown(), records=records)
        async with driven(engine=engine, size=(80, 50)) as console:
            await console.press("o")
            await console.answered()
            await console.press("enter")
            await console.answered()
            assert await console.shows("attestation by ada: order 4471 at the broker")
            assert await console.shows("second complete read due in 00:24")
            await records.entries.become(entry, OrderState.FILLED, at=parts.NOW, order_id="4471")
            engine.current = replace(scenes.filled(), orders=(replace(parts.filled_order(), entry_id=entry),))
            await console.pull()
            await console.answered()
            assert await console.shows("filled order 4471")
            assert await console.shows("FILLED")


async def test_without_entries_it_says_what_it_would_list() -> None:
    async with driven(replace(scenes.calm(), orders=()), size=(80, 24)) as console:
        await console.press("o", "enter", "c", "u", "y", "n")
        assert await console.shows("no entry yet: each order the automation sends")
        assert console.engine.sent == []
        assert isinstance(console.app.screen, OrdersPage)
        await console.press("o")
        assert isinstance(console.app.screen, Dashboard)


def test_the_columns_fit_from_60_columns_on() -> None:
    listing = order_listing((parts.order(strikes="6700P/6690P/6700C/6710C", limit=parts.order().limit * 3),), None)
    for width in range(58, 200):
        panel = ListPanel()
        panel.show(listing)
        drawing = panel.draw(listing, width, 20)
        text = "".join(part for part, _ in drawing.lines[1])
        assert len(text) <= width, width
        assert "6700P/6690P/6700C/6710C" in text, width
