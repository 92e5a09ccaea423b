"""A figure that several places show is written by each of them alike."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from core.domain.operation.amounts import price, realized
from core.domain.reporting.exit_digest import Earned, earned_words
from core.domain.reporting.money import MoneyFigures, MoneyPart, Period
from core.domain.trident.book_payoff import LeftAtExpiry
from core.snapshot import EndedTrident, PositionsSlice
from core.snapshot.money import MoneyDay, MoneyView, MoneyWeek
from tests.support.console.exit_views import EXITS
from tests.support.console.parts import position
from tests.support.console.scenes import SCENES
from widgets.account_strip import account_line
from widgets.base.lines import plain
from widgets.charts.book import BookPicture
from widgets.held_trident import held_lines
from widgets.money import MoneyNow, now_lines, open_now
from widgets.months import MonthsPanel
from widgets.positions import TridentPanel
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
