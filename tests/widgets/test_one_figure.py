"""A figure that several places show is written by each of them alike."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.amounts import price, realized, signed_dollars
from core.domain.reporting.exit_digest import Earned, earned_words
from core.domain.reporting.money import MoneyFigures, MoneyPart, Period
from core.domain.trident.book_payoff import LeftAtExpiry, book_of
from core.snapshot import EndedTrident, PositionsSlice, Snapshot, open_together
from core.snapshot.money import MoneyDay, MoneyView, MoneyWeek
from tests.support.console.exit_views import EXITS
from tests.support.console.parts import position
from tests.support.console.scenes import SCENES
from widgets.account_strip import account_line
from widgets.base.lines import plain
from widgets.charts.book import BookPicture
from widgets.charts.payoff import PayoffPicture
from widgets.held_trident import held_lines
from widgets.money import MoneyNow, now_lines, open_now
from widgets.months import MonthsPanel
from widgets.orders import OrdersPanel
from widgets.positions import TridentPanel, summary
from widgets.trident_list import trident_listing


def test_a_break_even_at_half_a_cent_is_the_same_everywhere() -> None:
    below, above = Decimal("596.635"), Decimal("600.11")
    payoff = LeftAtExpiry(Decimal(599), Decimal(3), 2, 1, Decimal("473.00"))
    view = replace(position(), break_even_below=below, break_even_above=above, payoff=payoff, price=Decimal("598.20"))
    assert payoff.at(below) == 0
    places = {
        "the panel on t": plain(TridentPanel.lines_of(view, 110)),
        "the dashboard": plain(held_lines(view, 110, 30, None)),
        "the picture": plain(BookPicture.of((view,)).draw(110, 24).lines),
    }
    for place, text in places.items():
        assert price(below) in text, place
        assert "596.64" not in text, place


def test_what_was_realized_is_written_alike_with_the_mark_of_an_estimate_everywhere() -> None:
    amount, day = Decimal("43.12"), date(2026, 3, 4)
    told = realized(amount, estimated=True)
    assert told == "~+43.12 $"
    exits = replace(EXITS, realized_net=amount, net_estimated=True, is_part=True)
    held = replace(position(), exits=exits)
    now = replace(SCENES["targets"]().accounts_now[0], ended=1, realized=amount, estimated=True)
    part = MoneyPart(amount, Decimal(5), estimated=True, ended=1)
    days, weeks = (MoneyDay(day, amount, None, estimated=True),), (MoneyWeek(date(2026, 3, 2), amount, estimated=True),)
    figures = MoneyFigures(Period.MONTH, ((date(2026, 3, 1), part),), (), (), part)
    view = MoneyView(("…0001",), "", figures, days, weeks)
    at = position().opened_at
    assert at is not None
    ended = EndedTrident("one", "…0001", "QQQ", "622P", day, None, at, "target", amount, estimated=True)
    listing = trident_listing(PositionsSlice(), [ended], None)
    head = plain(now_lines(MoneyNow(view, day, open_now(PositionsSlice(), view)), 120))
    assert head.count("~+43.12") == 5, "net, today, week, month and all"
    places = {
        "the panel on t": plain(TridentPanel.lines_of(held, 110)),
        "the list on t": listing.rows[0].cells[9][0] + " $",
        "the dashboard": plain(held_lines(held, 110, 30, None)),
        "the strip": plain((account_line(now, 196),)),
        "the months": plain(MonthsPanel().draw(view, 110, 9).lines).replace("~+43.12", told),
        "the mail": earned_words(Earned(amount, estimated=True)),
    }
    for place, text in places.items():
        assert told in text, place


_OPEN = re.compile(r"(\d+) open(?: tridents?)? +([+-]?[\d,]+\.\d\d)(?: \$| at mid)( STALE)?")
"""Tells how many are open, and for how much."""


def told_open(text: str) -> tuple[int, Decimal, bool]:
    """The tridents that a place says are open, the amount beside their number, and whether it is by old quotes."""
    found = [(int(count), Decimal(amount.replace(",", "")), bool(old)) for count, amount, old in _OPEN.findall(text)]
    counts, amounts, olds = zip(*found, strict=True)
    return sum(counts), sum(amounts, Decimal(0)), any(olds)


def scenes_with_tridents() -> dict[str, Snapshot]:
    every = {name: scene() for name, scene in SCENES.items()}
    return {name: shown for name, shown in every.items() if shown.positions.open}


@pytest.mark.parametrize("width", [196, 118, 78, 58])
def test_the_amount_beside_the_number_of_open_tridents_is_the_same_everywhere(width: int) -> None:
    found = scenes_with_tridents()
    assert {"part", "after_midnight", "targets"} <= found.keys(), "closed in part, by old quotes, and whole"
    for name, shown in found.items():
        positions = shown.positions
        together = open_together(positions.open)
        assert together.mid is not None, name
        truth = (together.tridents, together.mid, together.stale)
        orders = OrdersPanel()
        orders.show_positions(positions)
        places = {
            "the panel of the orders": plain(orders.draw((), width, 9).lines),
            "the list on t": trident_listing(positions, [], None).title,
            "the page of the money": plain(now_lines(MoneyNow(None, shown.day, open_now(positions)), width)),
        }
        strip = "  ".join(plain((account_line(now, width),)) for now in shown.accounts_now)
        if len(_OPEN.findall(strip)) == sum(bool(now.held) for now in shown.accounts_now):
            places["the strip"] = strip  # where there is room in each row
        assert width < 118 or "the strip" in places, name
        for place, text in places.items():
            assert told_open(text) == truth, (name, place, text)


def test_an_amount_that_counts_what_is_realized_says_so() -> None:
    shown = scenes_with_tridents()["part"]
    together = open_together(shown.positions.open)
    assert together.profit != together.mid
    told = f"with realized {signed_dollars(together.profit)}"
    assert told in summary(shown.positions)
    assert "with realized" not in summary(scenes_with_tridents()["targets"].positions)


def test_a_trident_without_a_mark_leaves_no_sum_of_the_others() -> None:
    unknown = PositionsSlice((position(), replace(position(), entry_id="other", profit_mid=None)))
    assert "no mark of 1" in summary(unknown)
    assert "no mark of 1" in plain(now_lines(MoneyNow(None, None, open_now(unknown)), 120))
    for text in (summary(unknown), plain(now_lines(MoneyNow(None, None, open_now(unknown)), 120))):
        assert not _OPEN.findall(text)


def test_a_whole_trident_is_marked_alike_by_its_legs_and_by_its_units() -> None:
    marks = [
        (view.profit_mid, view.exits.unrealized_mid)
        for shown in scenes_with_tridents().values()
        for view in shown.positions.open
        if view.exits is not None and view.part is None and view.exits.unrealized_mid is not None
    ]
    assert marks
    assert all(legs == units for legs, units in marks), marks


def test_the_picture_of_a_trident_is_of_what_is_left_of_it() -> None:
    shown = scenes_with_tridents()["part"]
    [view] = [one for one in shown.positions.open if one.part is not None]
    picture = PayoffPicture(shown.pictures.payoff).draw(110, 20)
    left = view.left
    assert left is not None
    assert f"most {signed_dollars(book_of((left,)).best[1])}" in plain(picture.lines)
    assert view.exits is not None
    assert f"least {signed_dollars(view.exits.worst_case)}" in plain(picture.lines), "as the position says"


def test_the_mark_of_an_estimate_is_set_in_one_place() -> None:
    root = Path(__file__).parents[2]
    own = {"core/domain/operation/amounts.py", "core/domain/operation/ascii.py", "widgets/charts/picture.py"}
    found = {
        str(file.relative_to(root))
        for folder in ("core", "senex_tui", "widgets")
        for file in (root / folder).rglob("*.py")
        if re.search(r"""["']~["'] if """, file.read_text(encoding="utf-8"))
    }
    assert found <= own
