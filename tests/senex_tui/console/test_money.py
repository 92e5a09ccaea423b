"""The page of money over records: what it shows at each size, by account, copied, exported, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from core.domain.reporting.money import MoneyFigures, MoneyPart, Period
from core.records.records import Records
from core.snapshot import Freshness, Mode, PositionsSlice
from core.snapshot.money import MoneyView
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.money import MoneyPage
from senex_tui.reports.pnl import read_pnl
from senex_tui.trader.place import Place
from tests.support.console import scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.parts import holding, near, position
from tests.support.console.scenes import FixedEngine
from tests.support.earned_records import record_earned
from tests.support.record_samples import url_of
from widgets.base.lines import plain
from widgets.charts.panel import ChartPanel
from widgets.endings import EndingsPanel
from widgets.money import EarnedPanel, open_now

APRIL = date(2026, 4, 6)
SIZES = ((60, 20), (80, 24), (120, 40), (170, 48), (200, 55))


@asynccontextmanager
async def over(file: Path, size: tuple[int, int] = (120, 40), state: Path | None = None) -> AsyncIterator[Driven]:
    """The console over these records, on the day of their last close, with two open tridents."""
    records = await Records.open(url_of(file), trader=False)
    try:
        mine = replace(position(), entry_id="two")  # the one of the second account that is open on record
        engine = FixedEngine(replace(holding(near(), mine), day=APRIL), records=records)
        async with driven(engine=engine, size=size, state_folder=state) as console:
            yield console
    finally:
        await records.close()


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    found = tmp_path / "dry-run" / "records.sqlite3"
    await record_earned(found)
    return found


async def test_m_shows_day_week_month_and_all_in_pictures_and_in_a_table(file: Path) -> None:
    async with over(file) as console:
        await console.press("m")
        await console.answered()
        text = " ".join(console.text.split())
        for told in (
            "Money, $ all 2 accounts, 2026-03-02 to 2026-04-06",
            "net since Thu 5 Mar -- today ~+207.26 week ~+207.26 month ~+207.26 all ~+242.58",
            "fees ~13.92 $",
            "1 win of 1 ended, 100.0 %",
            "average win +249.30 $",
            "held 35.0 days",
            "Weeks, $: 6 weeks, 2 gained, 0 lost",
            "How they ended 1 trident, 3 units",
            "expired 1 33.3 %",
            "days to a target: put-1 3.0",
            "exit slippage +0.06 a share, to mid",
            "1 trident gone for nobody knows how much: left out",
            "Months 2 months",
            "all ~+242.58 13.92 1 100.0 %",
        ):
            assert told in text, told
        rows = console.text.splitlines()
        april, march = (
            next(number for number, row in enumerate(rows) if name in row.split()) for name in ("2026-04", "2026-03")
        )
        assert april < march, "the newest month stands first"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_at_every_size_each_part_is_reached_and_nothing_is_cut(file: Path, size: tuple[int, int]) -> None:
    async with over(file, size) as console:
        await console.press("m")
        await console.answered()
        seen = []
        for _ in MoneyPage.PARTS:
            await console.pilot.pause()
            assert "…" not in console.text.replace("…00", "")
            assert "panel error" not in console.text
            seen.append(console.text)
            await console.press("tab")
        for told, text in zip(("Earned, $", "Weeks, $", "How they ended", "Months"), seen, strict=True):
            assert told in text
            assert "all ~+242.58" in text, "the line above stays in sight"
        await console.press("shift+tab")
        await console.pilot.pause()
        assert console.text == seen[-1]


async def test_brackets_walk_through_the_accounts_and_what_is_open_follows(file: Path) -> None:
    async with over(file) as console:
        await console.press("m")
        await console.answered()
        assert "] Account" in console.text.splitlines()[-1]
        for keys, told in (
            (("]",), "Money, $  …0001"),
            (("]",), "Money, $  …0002"),
            (("]",), "Money, $  all 2 accounts"),
        ):
            await console.press(*("right_square_bracket" for _ in keys))
            await console.answered()
            assert await console.shows(told)
            open_ones = {"Money, $  …0001": "nothing is open", "Money, $  …0002": "1 open"}
            assert open_ones.get(told, "2 open") in console.text
        await console.press("left_square_bracket")
        await console.answered()
        assert await console.shows("Money, $  …0002")
        assert "all ~-6.72" in console.text
        assert "1 open" in console.text


async def test_e_exports_what_the_report_prints_of_the_accounts_shown(file: Path, tmp_path: Path) -> None:
    place = Place(Mode.DRY_RUN, file, tmp_path / "HALT")
    async with over(file, state=tmp_path / "state") as console:
        await console.press("m")
        for presses, account in ((0, ""), (2, "0002")):
            await console.press(*["right_square_bracket"] * presses)
            await console.answered()
            await console.press("e")
            await console.answered()
            wanted = await asyncio.to_thread(
                lambda: asyncio.run(read_pnl(place, Period.MONTH, None, None, account, with_lots=True))  # noqa: B023
            )
            newest = max((tmp_path / "state" / "exports").glob("pnl-*.csv"), key=lambda path: path.stat().st_mtime_ns)
            assert newest.read_text() == wanted.to_csv() + "\n"
            assert f"exported to {newest}" in console.toasts


async def test_without_a_trident_it_says_what_will_be_there(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite3"
    await (await Records.open(url_of(file))).close()
    for size in SIZES:
        async with over(file, size) as console:
            console.engine.current = replace(scenes.calm(), positions=PositionsSlice())
            await console.pull()
            await console.press("m")
            await console.answered()
            text = " ".join(console.text.split())
            assert "No trident is on record yet. From the first fill on, here is what was realized after fees" in text
            assert "all 0.00 nothing is open" in text
            assert "] Account" not in text, "a key that does nothing is not offered"
            assert ("Each month with its result" in text) is (size[1] >= 38)
            await console.press("right_square_bracket")
            assert console.toasts[-1] == "no other account has something to tell"


async def test_without_anybody_to_ask_it_says_so_and_asks_again(file: Path) -> None:
    async with driven(scenes.calm()) as console:
        await console.press("m")
        await console.answered()
        assert await console.shows("the records did not answer: the engine is not running")
        await console.press("e")
        await console.answered()
        assert console.toasts[-1] == "not exported: the engine is not running"


async def test_prices_move_the_line_above_and_draw_no_picture_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with over(file) as console:
        await console.press("m")
        await console.answered()
        drawn = []
        draw = EarnedPanel.draw
        monkeypatch.setattr(EarnedPanel, "draw", lambda *of: (drawn.append(1), draw(*of))[1])
        shown = console.engine.current
        moved = replace(position(), profit_mid=D("77.00") - D(near().profit_mid or 0))
        console.engine.current = replace(shown, positions=PositionsSlice((near(), moved)))
        await console.pull()
        assert "2 open +77.00 at mid" in console.text
        old = replace(moved, freshness=Freshness.STALE)
        console.engine.current = replace(shown, positions=PositionsSlice((near(), old)))
        await console.pull()
        assert "2 open +77.00 at mid STALE" in console.text
        assert drawn == []


async def test_a_closed_page_asks_and_paints_nothing(file: Path) -> None:
    async with over(file) as console:
        await console.press("m")
        await console.answered()
        page = console.app.screen
        asked: list[int] = []
        look_up = console.engine.look_up
        console.engine.look_up = lambda question: (asked.append(1), look_up(question))[1]  # type: ignore[method-assign]
        await console.press("h", "q")
        await console.answered()
        assert isinstance(console.app.screen, Dashboard)
        asked.clear()
        console.engine.current = replace(console.engine.current, day=date(2026, 4, 7), positions=PositionsSlice())
        await console.pull()
        await console.answered()
        assert asked == []
        assert not page.is_attached


async def test_in_ascii_pictures_are_drawn_with_signs_that_mean_something(file: Path) -> None:
    async with over(file) as console:
        console.app.display_settings = replace(console.app.display_settings, ascii=True)
        await console.press("m")
        await console.answered()
        panel = console.app.screen.query_one(EarnedPanel)
        assert panel.is_ascii
        assert "stars realized" in panel.text
        assert "*" in panel.whole
        assert all(ord(sign) < 128 for sign in panel.whole)
        await console.press("q")
        assert console.app.screen.query_one(ChartPanel).is_ascii


def test_of_more_than_one_year_each_has_its_sum() -> None:
    months = (
        (date(2025, 11, 1), MoneyPart(D(3), D(1), ended=2)),
        (date(2025, 12, 1), MoneyPart(D(-10), D(2), estimated=True, ended=1)),
        (date(2026, 1, 1), MoneyPart(D(5), D(1), ended=4)),
    )
    figures = MoneyFigures(Period.MONTH, months, (), (), MoneyPart(D(-2), D(4), ended=7))
    drawing = EndingsPanel().draw(MoneyView((), "", figures, (), ()), 60, 20)
    lines = plain(drawing.lines).splitlines()
    assert [line.split() for line in lines[-2:]] == [
        ["2026", "+5.00", "$", "4", "ended"],
        ["2025", "~-7.00", "$", "3", "ended"],
    ]


def test_what_is_open_is_the_sum_of_all_of_it_and_says_of_old_quotes_that_they_are_old() -> None:
    both = open_now(PositionsSlice((near(), position())))
    assert both.mid == D(near().profit_mid or 0) + D(position().profit_mid or 0)
    stale = open_now(PositionsSlice((near(), replace(position(), freshness=Freshness.STALE))))
    assert (stale.tridents, stale.mid, stale.stale) == (2, both.mid, True)
    unknown = open_now(PositionsSlice((near(), replace(position(), profit_mid=None))))
    assert (unknown.tridents, unknown.mid, unknown.unknown) == (2, None, 1)
