"""What a result leaves out, and by how much the broker says more, is told beside it everywhere (rules 15.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.positions.closing import Gone
from core.domain.positions.pnl import Realized
from core.domain.positions.tridents import Phase
from core.domain.positions.units import UnitName
from core.records.records import GoneRecord, Records
from core.records.repositories.pnl_rows import Earned
from core.records.search.history_rows import HistoryFilter, HistoryKind
from core.snapshot import PositionsSlice
from core.views import lookups
from core.views.money import money_page
from senex_tui.reports.history_text import HistoryText
from senex_tui.reports.pnl import csv_of
from tests.support.earned_records import OTHER, record_earned
from tests.support.exit_samples import ALL, LONG_PUT, SHORT_PUT
from tests.support.record_samples import ACCOUNT, after, url_of
from widgets.trident_list import trident_listing

NONE = Decimal(0)
APRIL = date(2026, 4, 6)
PUT_1, PUT_2, CALL = ALL


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    """Two tridents that have ended: of one the broker's rows say 0.50 less, of the other nothing explains a unit."""
    file = tmp_path / "dry-run" / "records.sqlite3"
    await record_earned(file)
    found = await Records.open(url_of(file))
    gone = [
        GoneRecord("two", Gone(name, symbol, None, after(41)), "us")
        for name in (PUT_1, PUT_2)
        for symbol in (SHORT_PUT, LONG_PUT)
    ]
    await found.tridents.note_gone(gone)
    await found.pnl_rows.note_earned("two", {name: unexplained(name) for name in UnitName})
    for trident in ("one", "two"):
        await found.tridents.become(trident, Phase.ENDED, after(60))
    yield found
    await found.close()


def unexplained(name: UnitName) -> Earned:
    return Earned(Realized(NONE, NONE, Decimal("2.24"), True, (name,), opening_fees=Decimal("2.24")), APRIL)


async def lines_of_history(records: Records) -> dict[str, str]:
    rows = await records.history.page(HistoryKind.TRIDENTS, HistoryFilter(), 9)
    text = HistoryText(HistoryKind.TRIDENTS, [ACCOUNT, OTHER])
    return {str(dict(row.figures)["id"]): text.cells(row)[-1] for row in rows}


async def rows_of_t(records: Records) -> dict[str, list[str]]:
    found = await lookups.ended_tridents(records, 9)
    listing = trident_listing(PositionsSlice(), found.tridents, None)
    return {row.key: [text for text, _ in row.cells] for row in listing.rows}


async def test_a_trident_that_ended_unexplained_is_no_zero(records: Records) -> None:
    row = (await rows_of_t(records))["two"]
    assert (*row[-4:-2], row[-1]) == ("--", "see its story", "gone?; without put-1, put-2, call")
    assert "realized --, without put-1, put-2, call" in (await lines_of_history(records))["two"]
    story = await lookups.trident_story(records, "two")
    assert story is not None
    assert story.verdict == "ended: gone?, realized --, without put-1, put-2, call"
    page = await money_page(records, "…0002")
    assert page is not None
    total = page.view.figures.total
    assert (total.ended, total.unexplained, total.wins.of) == (0, 1, 0), "excluded and counted"
    rows = [row.split(",") for row in (await csv_of(records, "dry-run", "…0002")).splitlines()[1:]]
    assert [(row[10], row[14], row[17]) for row in rows] == [("gone?", "", "")] * 3


async def test_of_a_mismatch_the_brokers_word_counts_and_the_difference_is_told(records: Records) -> None:
    told = "+249.30 $, difference -0.50 $"
    row = (await rows_of_t(records))["one"]
    assert (row[9], row[-1].partition("; difference ")[2]) == ("+249.30", "-0.50 $")
    assert f"realized {told}" in (await lines_of_history(records))["one"]
    story = await lookups.trident_story(records, "one")
    assert story is not None
    assert story.verdict.endswith(f"realized {told}")
    page = await money_page(records, "…0001")
    assert page is not None
    assert page.view.figures.total.realized == Decimal("249.30")
    rows = [row.split(",") for row in (await csv_of(records, "dry-run", "…0001")).splitlines()[1:]]
    assert [row[17] for row in rows] == ["0.00", "0.00", "-0.50"]
