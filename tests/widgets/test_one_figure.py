"""A figure that several places show is written by each of them alike."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.domain.operation.amounts import price
from core.domain.trident.book_payoff import LeftAtExpiry
from tests.support.console.parts import position
from widgets.base.lines import plain
from widgets.charts.book import BookPicture
from widgets.held_trident import held_lines
from widgets.positions import TridentPanel


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
