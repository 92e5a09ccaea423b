"""Tridents on the screen: the list, the chosen one, the payoff of the book, the line on the dashboard, the warning in
the banner (rules 7, 15)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest

from core.domain.operation.amounts import credit, dollars, signed_dollars
from core.domain.positions.closing import Gone
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended
from core.domain.trident.book_payoff import book_of
from core.records.records import GoneRecord, Records
from core.records.search.history_rows import HistoryKind
from core.snapshot import Freshness, Mode
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.positions import PositionsPage
from senex_tui.console.screens.trident import TridentPage
from senex_tui.reports.history_text import HistoryText
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.exit_views import EXITS, held
from tests.support.console.parts import holding, near, plus, position
from tests.support.console.recorded import recorded
from tests.support.console.scenes import FixedEngine
from tests.support.exit_samples import RULES, filled, opened
from tests.support.record_samples import after
from widgets.alarms import alarms
from widgets.charts.book_panel import BookPanel
from widgets.orders import OrdersPanel
from widgets.positions import TridentPanel

SOON = near().warnings[0]
ASSIGNED = f"the short call 622 is {plus(near().price, '-622')} in the money and can be assigned any day"
PROFIT = signed_dollars(position().profit_mid)
RISK = dollars(D(near().max_risk or 0) + D(position().max_risk or 0))
BOTH = signed_dollars(D(near().profit_mid or 0) + D(position().profit_mid or 0))


def words(console: Driven) -> str:
    return " ".join(console.text.split())


def chosen_ids(console: Driven) -> list[str]:
    """The tridents in the order of their rows."""
    page = console.app.screen
    assert isinstance(page, PositionsPage)
    return [row.key for row in page.list.rows]


def panel_text(console: Driven) -> str:
    """All that is told of the chosen trident, with what is scrolled out of sight."""
    return " ".join(console.app.screen.query_one(TridentPanel).whole.split())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_t_lists_the_open_tridents_newest_first_and_the_chosen_one_whole(size: tuple[int, int]) -> None:
    async with driven(holding(near(), position()), size=size) as console:
        await console.press("t")
        await console.pilot.pause()
        assert f"2 open tridents {BOTH} open risk {RISK} ▲ 1 to watch" in words(console)
        assert chosen_ids(console) == [position().entry_id, near().entry_id], "the newest expires last"
        assert "DEMO" in console.text
        for told in ("Jan 2, 43 days", f"P&L {signed_dollars(position().profit_mid)}"):
            assert told in panel_text(console), told
        await console.press("j")
        await console.pilot.pause()
        for told in (
            "QQQ 622P/617P/622C/627C Nov 21, 1 day …0001",
            f"P&L {signed_dollars(near().profit_mid)}",
            f"credit {credit(near().credit)}",
            f"mark {credit(near().mark_mid)}",
            f"to close {credit(near().mark_natural)} (P&L {signed_dollars(near().profit_natural)})",
            f"open risk {dollars(near().max_risk)}",
            f"break-even {near().break_even_below}, none above",
            f"live {near().age_s}s",
        ):
            assert told in panel_text(console), told
        assert SOON in panel_text(console)
        assert ASSIGNED in panel_text(console)
        assert all(len(line) <= size[0] for line in console.text.splitlines())


@pytest.mark.parametrize("size", [(60, 20), (80, 24)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_where_there_is_no_room_v_shows_the_payoff_in_the_place_of_the_trident(size: tuple[int, int]) -> None:
    async with driven(holding(near(), position()), size=size) as console:
        await console.press("t")
        await console.pilot.pause()
        assert "at expiry" not in console.text
        await console.press("v")
        await console.pilot.pause()
        assert f"{position().underlying} 1 trident at expiry, $" in console.text
        assert not console.app.screen.query_one(TridentPanel).display
        await console.press("v")
        await console.pilot.pause()
        assert console.app.screen.query_one(TridentPanel).display


@pytest.mark.parametrize("size", [(120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_where_there_is_room_the_payoff_of_the_book_stands_beside_each_underlying_for_itself(
    size: tuple[int, int],
) -> None:
    others = [near(entry_id="e8", strikes="620P/615P/620C/625C"), position()]
    assert near().underlying != position().underlying, "the recorded day has a trident of each"
    async with driven(holding(near(), *others), size=size) as console:
        await console.press("t")
        await console.pilot.pause()
        shown = [panel for panel in console.app.screen.query(BookPanel) if panel.display]
        assert all(panel.size.width > size[0] // 3 and panel.size.height >= 12 for panel in shown), "each can be read"
        titles = [panel.border_title for panel in shown]
        chosen = f"{position().underlying} 1 trident at expiry, $"
        other = [] if size[0] == 120 else [f"{near().underlying} 2 tridents at expiry, $"]
        assert [str(title).strip() for title in titles] == [chosen, *other], "that of the chosen one first"
        await console.press("j")
        await console.pilot.pause()
        assert f"{near().underlying} 2 tridents at expiry, $" in console.text
        book = book_of([near().left, near().left])
        assert len(book.tridents) == 2
        assert f"most {signed_dollars(book.best[1])}" in words(console)


@pytest.fixture(scope="module")
def data(records_of: Callable[[str], Path]) -> Path:
    """The records of the day with two open tridents."""
    return records_of("open")


async def test_enter_tells_the_chosen_trident_with_its_payoff_while_it_is_open(data: Path) -> None:
    records = await Records.open(f"sqlite+aiosqlite:///{data}", trader=False)
    try:
        engine = FixedEngine(scenes.open_tridents(), records=records)
        async with driven(engine=engine, size=(120, 50)) as console:
            await console.press("t", "j", "enter")
            await console.answered()
            page = console.app.screen
            assert isinstance(page, TridentPage)
            assert page.meant.trident == near().entry_id
            assert await console.shows(f"{near().underlying} 1 trident at expiry, $")
            whole = page.panel.whole
            for told in ("units", "at expiry, before fees", "legs", "its way to its end", "left"):
                assert told in whole, told
            assert whole.index("units") < whole.index("at expiry") < whole.index("price and risk")
            left = near().left
            assert left is not None
            assert signed_dollars(left.at(left.body)) in whole, "the story and the picture say the same"
            await console.press("q")
            assert isinstance(console.app.screen, PositionsPage)
            assert chosen_ids(console)[0] != page.meant.trident
            assert console.app.screen.meant.trident == page.meant.trident, "the same row is chosen still"
    finally:
        await records.close()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_ended_tridents_stand_below_with_what_they_earned(size: tuple[int, int], tmp_path: Path) -> None:
    """Commands take the id of one, so it is told at every size."""
    async with recorded(tmp_path) as records:
        records.tridents.default_rules = RULES
        await filled(records)
        expired = [
            GoneRecord("one", Gone(unit.name, symbol, Ended.EXPIRED, after(70)), "engine")
            for unit in opened()
            for symbol in (unit.short, unit.long)
        ]
        await records.tridents.note_gone(expired)
        await records.tridents.become("one", Phase.ENDED, after(80))
        shown = holding(near(), position())
        async with driven(engine=FixedEngine(shown, records=records), size=size, state_folder=tmp_path) as console:
            await console.press("t")
            await console.answered()
            await console.pilot.pause()
            assert chosen_ids(console)[-1] == "one"
            await console.press("G")
            await console.pilot.pause()
            told = panel_text(console)
            for words in ("id one", "realized ", "ended: expired", "credit 4.06", "opened "):
                assert words in told, (words, told)
            await console.press("e")
            [file] = (tmp_path / "exports").iterdir()
            head, *rows = csv.reader(file.read_text().splitlines())
            assert [row[head.index("days")] for row in rows] == ["43", "1", "ended"]


async def test_a_row_of_the_history_opens_the_whole_trident_and_exports_every_column(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        records.tridents.default_rules = RULES
        await filled(records)
        async with driven(
            engine=FixedEngine(held(), records=records), size=(100, 30), state_folder=tmp_path
        ) as console:
            await console.press("h", "shift+tab")
            await console.answered()
            assert await console.shows("History tridents")
            await console.press("e")
            [file] = (tmp_path / "exports").iterdir()
            assert file.read_text().splitlines()[0] == HistoryText(HistoryKind.TRIDENTS, ()).csv_head()
            assert len(file.read_text().splitlines()) == 2
            await console.press("enter")
            await console.answered()
            page = console.app.screen
            assert isinstance(page, TridentPage)
            assert page.meant.trident == "one"


async def test_x_means_the_chosen_trident() -> None:
    shown = replace(held(), positions=holding(near(), parts.position(exits=EXITS)).positions)
    async with driven(shown, size=(100, 40)) as console:
        await console.press("t", "x")
        await console.pilot.pause()
        assert f"Close {parts.position().underlying} {parts.position().strikes}" in console.text, (
            "it is asked at once, not which one"
        )


async def test_a_page_under_another_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with driven(holding(near(), position()), size=(120, 40)) as console:
        await console.press("t", "question_mark")
        asked: list[object] = []
        monkeypatch.setattr(PositionsPage, "show", lambda _, listing: asked.append(listing))
        console.engine.current = holding(near(), position(profit_mid=D("-77.00")))
        await console.pull()
        assert asked == []
        await console.press("escape")
        await console.pull()
        assert asked, "it shows what came meanwhile"


async def test_it_follows_the_snapshot_and_the_mode_stays_in_sight() -> None:
    snapshot = holding(position())
    async with driven(snapshot, size=(80, 24)) as console:
        await console.press("t")
        status = replace(snapshot.status, mode=Mode.LIVE)
        console.engine.current = replace(holding(position(profit_mid=D("-40.00"))), status=status)
        await console.pull()
        await console.pilot.pause()
        assert "P&L -40.00 $" in console.text
        assert "LIVE" in console.text


async def test_every_way_back_leads_to_the_dashboard_and_quits_nothing() -> None:
    async with driven(holding(position()), size=(80, 24)) as console:
        for key in ("t", "q", "escape", "ctrl+g"):
            await console.press("t")
            assert isinstance(console.app.screen, PositionsPage)
            await console.press(key)
            assert isinstance(console.app.screen, Dashboard), key


async def test_a_stale_mark_says_so() -> None:
    stale = position(freshness=Freshness.STALE, age_s=47)
    async with driven(holding(stale), size=(80, 24)) as console:
        await console.press("t")
        await console.pilot.pause()
        assert "STALE 47s" in console.text
        assert f"{PROFIT} STALE" in console.text.splitlines()[1]


async def test_without_quotes_or_fills_nothing_is_invented() -> None:
    bare = position(
        credit=None,
        mark_mid=None,
        mark_natural=None,
        profit_mid=None,
        profit_natural=None,
        break_even_below=None,
        age_s=None,
        price=None,
        freshness=Freshness.NONE,
    )
    unread = holding(bare, trouble="positions of …0001 could not be read: HTTP 502")
    async with driven(unread, size=(80, 24)) as console:
        await console.press("t")
        await console.pilot.pause()
        for told in ("credit --", "mark --", "no quotes", "break-even --", "could not be read: HTTP 502"):
            assert told in console.text, told


async def test_none_open_says_so() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("t")
        await console.pilot.pause()
        assert "none open" in console.text


async def test_the_dashboard_sums_them_up_in_a_line() -> None:
    async with driven(holding(position()), size=(80, 24)) as console:
        await console.press("3")
        await console.pilot.pause()
        assert console.app.screen.query_one(OrdersPanel).text.splitlines()[1].startswith(f"1 open trident  {PROFIT}")
        console.engine.current = scenes.calm()
        await console.pull()
        await console.pilot.pause()
        assert "open trident" not in console.text


async def test_a_warning_is_said_in_the_banner() -> None:
    async with driven(holding(near(), near(entry_id="e8"), position()), size=(80, 24)) as console:
        words = " ".join(console.text.split())
        assert f"OPEN QQQ Nov 21 …0001: {ASSIGNED}. And 1 more. t shows it" in words
    assert alarms(holding(position())) == ()
    [(_, loud)] = alarms(holding(near()))
    assert not loud, "it stops nothing"
