"""The panel of the trade: the spread until it is filled, then the position with what the operator needs of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from rich.cells import cell_len

from core.domain.operation.amounts import dollars, price, signed_dollars
from core.snapshot import Freshness, PositionView, Snapshot
from tests.support.console import parts, scenes
from widgets.base.day_panel import day_context
from widgets.base.lines import Drawing, Tone, plain
from widgets.trade import SPREAD, TradePanel, TradeView

SIZES = ((58, 9), (56, 17), (78, 9), (64, 15), (196, 30))


def view_of(shown: Snapshot) -> TradeView:
    return TradeView(shown.spread, shown.positions.open)


def drawn(shown: Snapshot, width: int = 78, height: int = 17) -> Drawing:
    panel = TradePanel()
    panel.context = day_context(shown)
    return panel.drawing(view_of(shown), width, height)


def text_of(shown: Snapshot, width: int = 78, height: int = 17) -> str:
    return plain(drawn(shown, width, height).lines)


def newest(shown: Snapshot) -> PositionView:
    return min(shown.positions.open, key=lambda view: view.newest_first)


@pytest.mark.parametrize(
    "name", ["retrying", "calm", "refused", "rejected", "unknown", "filled", "followed", "targets"]
)
def test_it_is_the_spread_until_the_order_has_filled_and_then_the_position(name: str) -> None:
    shown = scenes.SCENES[name]()
    title = drawn(shown).title
    assert title.startswith("Position" if name in ("filled", "followed", "targets") else "Spread"), title


def test_the_position_has_mark_profit_legs_and_break_evens() -> None:
    shown = scenes.SCENES["targets"]()
    view = newest(shown)
    assert shown.spread is not None
    assert shown.spread.utilization is not None
    text = text_of(shown)
    sold_put, bought_put, sold_call, bought_call = (leg.mid for leg in view.legs)
    assert None not in (sold_put, bought_put, sold_call, bought_call)
    assert view.mark_mid == 2 * (D(sold_put or 0) - D(bought_put or 0)) + D(sold_call or 0) - D(bought_call or 0)
    assert view.break_even_below is not None
    assert view.price is not None
    for told in (
        f"P&L {signed_dollars(view.profit_mid)}",
        f"natural {signed_dollars(view.profit_natural)}",
        f"credit {price(view.credit)}  mark {price(view.mark_mid)}  close {price(view.mark_natural)}",
        f"{dollars(view.max_risk)}, {shown.spread.utilization:.0%} used",
        f"{price(view.price - view.break_even_below)} above",
        f"short 2 {view.strikes.split('/')[0]}",
        "opened 09:45",
    ):
        assert told in text, told


def test_each_target_says_how_far_the_mid_is_from_it_and_what_comes_next() -> None:
    shown = scenes.SCENES["targets"]()
    exits = newest(shown).exits
    assert exits is not None
    rows = text_of(shown).splitlines()
    for unit in exits.units:
        assert unit.order == "target"
        assert unit.away is not None
        told = f"target {price(unit.works_at)}, mid {price(unit.mid)}, {price(unit.away)} away"
        assert any(row.startswith(unit.name) and told in row for row in rows), told
    assert f"next: {exits.next}" in rows


def test_of_a_part_the_closed_leg_is_gone_and_what_it_brought_is_told() -> None:
    shown = scenes.SCENES["part"]()
    view = newest(shown)
    assert [leg.quantity for leg in view.legs] == [2, 2, 0, 0]
    text = text_of(shown)
    assert "C " not in text.split("credit")[0].replace("leg", "")
    assert "call   closed at" in text
    assert "realized ~+" in text
    assert "worst case -" in text


@pytest.mark.parametrize(("width", "height"), [(78, 9), (58, 9)])
def test_where_rows_are_few_all_that_is_urgent_is_in_sight(width: int, height: int) -> None:
    shown = scenes.SCENES["targets"]()
    exits = newest(shown).exits
    assert exits is not None
    seen = plain(drawn(shown, width, height).lines[:height])
    prices = [f"{price(unit.works_at)} ({price(unit.away)}" for unit in exits.units]
    for told in ("P&L", "credit", *prices, f"next: {exits.next}"):
        assert told in seen, told


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_no_word_is_cut_in_any_scene(size: tuple[int, int]) -> None:
    for name, scene in scenes.SCENES.items():
        shown = scene()
        for view in shown.positions.open:
            one = replace(shown, spread=None, positions=replace(shown.positions, open=(view,)))
            for line in drawn(one, *size).lines:
                text = "".join(part for part, _ in line)
                assert cell_len(text) <= size[0], name
                assert "…" not in text.replace(view.account, ""), name


def test_stale_quotes_are_struck_through_and_called_so() -> None:
    shown = scenes.SCENES["targets"]()
    old = replace(newest(shown), freshness=Freshness.STALE, age_s=47)
    first = drawn(replace(shown, positions=replace(shown.positions, open=(old,)))).lines[0]
    assert "STALE 47s" in plain((first,))
    assert first[0][1] is Tone.STALE


# Several


def test_of_several_the_newest_is_shown_and_keys_choose() -> None:
    shown = scenes.SCENES["targets"]()
    panel = TradePanel()
    panel.show(view_of(shown))
    assert len(shown.positions.open) == 2
    first, second = sorted(shown.positions.open, key=lambda view: view.newest_first)
    assert first.opened_at is not None
    assert second.opened_at is not None
    assert first.opened_at > second.opened_at
    assert panel.trident == first.entry_id
    assert not panel.is_chosen
    for expected, place in ((second, "2 of 2"), (first, "1 of 2")):
        assert panel.choose(1)
        assert (panel.trident, panel.is_chosen) == (expected.entry_id, True)
        assert f"Position {place}" in panel.drawing(view_of(shown), 78, 17).title
    assert not panel.choose(0) or panel.trident == first.entry_id


def test_what_was_chosen_gives_way_to_a_newer_trade_and_to_nothing_else() -> None:
    shown = scenes.SCENES["targets"]()
    older = max(shown.positions.open, key=lambda view: view.newest_first)
    panel = TradePanel()
    panel.show(view_of(shown))
    panel.choose(1)
    moved = replace(older, profit_mid=D("1.00"))
    panel.show(replace(view_of(shown), open=(moved, newest(shown))))
    assert panel.trident == older.entry_id, "prices change nothing"
    panel.show(replace(view_of(shown), spread=scenes.calm().spread))
    assert panel.trident == SPREAD, "an order works"


def _ended(shown: Snapshot) -> tuple[TradePanel, TradeView, TradeView]:
    """A panel that has shown the trident of the day and older ones, what it showed, and the same once that of the day
    has ended."""
    newest_one, older = sorted(shown.positions.open, key=lambda view: view.newest_first)
    assert shown.spread is not None
    assert shown.spread.entry_id == newest_one.entry_id
    oldest_at = None if older.opened_at is None else older.opened_at - timedelta(days=1)
    oldest = replace(older, entry_id="oldest", opened_at=oldest_at)
    whole = TradeView(shown.spread, (newest_one, older, oldest))
    return TradePanel(), whole, replace(whole, open=(older, oldest))


def test_when_the_trident_of_the_day_ends_an_older_one_takes_its_place() -> None:
    panel, whole, rest = _ended(scenes.SCENES["targets"]())
    panel.show(whole)
    assert panel.trident == whole.open[0].entry_id
    for view in (rest, replace(rest, open=(replace(rest.open[0], profit_mid=D("1.00")), rest.open[1]))):
        panel.show(view)
        assert panel.trident == rest.open[0].entry_id, "not the spread, which has ended"
    panel.show(replace(rest, open=()))
    assert panel.trident == SPREAD, "nothing else is left"


def test_a_spread_that_has_just_filled_stays_until_its_trident_is_taken_up() -> None:
    panel, whole, rest = _ended(scenes.SCENES["targets"]())
    panel.show(rest)
    assert panel.trident == SPREAD
    panel.show(whole)
    assert panel.trident == whole.open[0].entry_id


def test_what_was_chosen_stays_when_what_is_foremost_ends() -> None:
    panel, whole, rest = _ended(scenes.SCENES["targets"]())
    panel.show(whole)
    panel.choose(2)
    assert panel.trident == "oldest"
    for view in (rest, rest):
        panel.show(view)
        assert (panel.trident, panel.is_chosen) == ("oldest", True)
    panel.show(replace(rest, spread=scenes.calm().spread))
    assert panel.trident == SPREAD, "an order works: that is newer"


def test_without_another_there_is_nothing_to_choose() -> None:
    panel = TradePanel()
    panel.show(TradeView(None, (parts.position(),)))
    assert not panel.choose(1)
    panel.show(TradeView())
    assert not panel.choose(1)
    assert panel.trident == SPREAD
