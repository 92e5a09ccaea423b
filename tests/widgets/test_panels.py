"""What each panel says, from its slice alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain.operation.commands import CommandKind
from core.domain.orders.fate import FateKind
from core.snapshot import Freshness, Health, LegView, Mode, PartHealth, SlotState, StepState
from tests.support.console import parts, scenes
from tests.support.console.driver import driven
from widgets.attempts import AttemptsPanel
from widgets.base import format as figures
from widgets.base.digits import tall
from widgets.base.fates import step_sign
from widgets.base.lines import Drawing, Tone, plain
from widgets.base.panel import LinePanel
from widgets.base.tones import tone_styles
from widgets.charts.trail import scale, sparkline
from widgets.cycle import CyclePanel, step_rows
from widgets.judgement import JudgementPanel
from widgets.messages import MessagesPanel
from widgets.orders import OrdersPanel
from widgets.quote import QuotePanel
from widgets.schedule import SchedulePanel
from widgets.spread import spread_drawing
from widgets.status_bar import StatusBar, StatusView
from widgets.trade import TradePanel, TradeView

PANELS: list[tuple[type[LinePanel[Any]], str]] = [
    (CyclePanel, "cycle"),
    (TradePanel, "trade"),
    (JudgementPanel, "judgements"),
    (AttemptsPanel, "attempts"),
    (OrdersPanel, "orders"),
    (SchedulePanel, "schedule"),
    (MessagesPanel, "messages"),
]


def natural_of(legs: tuple[LegView, ...]) -> D:
    """The credit when each leg is sold at its bid or bought at its ask (rules 6)."""
    (sold_put, _), (_, bought_put), (sold_call, _), (_, bought_call) = quoted(legs)
    return 2 * (sold_put - bought_put) + sold_call - bought_call


def mid_of(legs: tuple[LegView, ...]) -> D:
    """The credit at the middle of each leg's quote (rules 6)."""
    short_put, long_put, short_call, long_call = ((bid + ask) / 2 for bid, ask in quoted(legs))
    return 2 * (short_put - long_put) + short_call - long_call


def quoted(legs: tuple[LegView, ...]) -> list[tuple[D, D]]:
    """Bid and ask of the short put, the long put, the short call and the long call."""
    assert [leg.role for leg in legs] == ["short put", "long put", "short call", "long call"]
    return [(leg.bid, leg.ask) for leg in legs if leg.bid is not None and leg.ask is not None]


def text_of(drawing: Drawing) -> str:
    return f"{drawing.title}\n{plain(drawing.lines)}"


@pytest.mark.parametrize("width", [50, 56, 64, 78, 118, 196])
@pytest.mark.parametrize(("panel", "name"), PANELS, ids=lambda v: v if isinstance(v, str) else "")
def test_no_line_is_wider_than_its_panel(panel: type[LinePanel[Any]], name: str, width: int) -> None:
    for scene in scenes.SCENES.values():
        shown = scene()
        value = TradeView(shown.spread, shown.positions.open) if name == "trade" else getattr(shown, name)
        if value is None:
            continue
        for height in (3, 9, 40):
            for line in panel().draw(value, width, height).lines:
                assert sum(cell_len(text) for text, _ in line) <= width


def test_the_spread_shows_legs_credits_and_three_risks() -> None:
    filled = scenes.followed().spread
    assert filled is not None
    assert filled.limit is not None
    fill = filled.limit + D("0.02")  # better than its limit, so that the columns differ
    better = replace(filled, fill_credit=fill, max_risk_fill=100 * (10 - fill))
    text = text_of(spread_drawing(better, 78))
    body = filled.body
    strikes = (f"sell 2 {body}P", f"buy  2 {body - 5}P", f"sell 1 {body}C", f"buy  1 {body + 5}C")
    for part in ("QQQ trident  Jan 2 2026, 43 days", *strikes):
        assert part in text
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    credits = (natural_of(filled.legs), mid_of(filled.legs), filled.limit, fill)
    assert len(set(credits)) == 4
    assert rows["credit"] == ["credit", *map(figures.price, credits)]
    assert rows["max risk $"] == ["max", "risk", "$", *(figures.dollars(100 * (10 - each)) for each in credits)]
    assert len(text.splitlines()) == 10


def test_half_a_cent_is_shown_and_no_place_more_than_needed() -> None:
    shown = [figures.price(D(text)) for text in ("6.825", "4.1", "4.0833333", "1234.5", "-0.005", "5.9999")]
    assert shown == ["6.825", "4.10", "4.08", "1,234.50", "-0.005", "6.00"]
    assert [figures.signed(D(text)) for text in ("0", "1.005", "-1.03")] == ["0.00", "+1.005", "-1.03"]
    text = text_of(spread_drawing(parts.spread(mid=D("6.825")), 78))
    assert "6.825" in text


def test_legs_as_last_priced_say_no_age() -> None:
    live = text_of(spread_drawing(parts.spread(), 78))
    priced = text_of(spread_drawing(parts.spread(live=False), 78))
    assert live.count(" 0s") == 4
    assert "last priced" in priced
    assert " 0s" not in priced


def test_a_refused_spread_gives_its_reason_first_and_a_floored_one_says_so() -> None:
    spread = scenes.refused().spread
    assert spread is not None
    refused = spread_drawing(spread, 78)
    risk = figures.dollars(100 * (10 - natural_of(spread.legs)))
    assert plain(refused.lines).startswith(f"REFUSED  max risk {risk} $ is above the budget of 250.00 $")
    at_natural = parts.spread(verdict="passed", fate=None, floored=True, limit=D("6.72"), max_risk_limit=D("328.00"))
    floored = spread_drawing(at_natural, 78)
    assert plain(floored.lines).startswith("PASSED  limit at the natural credit")


def test_a_stale_leg_is_struck_through_and_named() -> None:
    spread = scenes.legs_stale().spread
    assert spread is not None
    lines = spread_drawing(spread, 78).lines
    assert (figures.price(spread.legs[0].bid), Tone.STALE) in lines[2]
    assert plain(lines[2:3]).endswith("STALE 17h")
    assert tone_styles({})[Tone.STALE].strike


@pytest.mark.parametrize(
    ("scene", "word", "tone"),
    [
        ("calm", "live  0s", Tone.STRONG),
        ("quiet", "quiet 12s", Tone.STRONG),
        ("stale", "STALE 41s", Tone.STALE),
    ],
)
def test_a_quote_says_its_freshness_in_words(scene: str, word: str, tone: Tone) -> None:
    qqq, _ = scenes.SCENES[scene]().quotes
    price = figures.price(parts.middle(qqq))
    small = QuotePanel().draw(qqq, 36, 2).lines
    assert word in plain(small)
    assert (price, tone) in small[0]
    tall = QuotePanel().draw(qqq, 56, 4).lines
    assert word in plain(tall)
    # Tall digits cannot be struck through, so a stale price is never set in them.
    assert ((price, Tone.STALE) in tall[1]) is (scene == "stale")


@pytest.mark.parametrize("width", range(20, 61))
@pytest.mark.parametrize("height", [1, 2, 4])
def test_what_a_quote_shows_of_another_day_has_its_date(width: int, height: int) -> None:
    for quote in parts.quotes():
        text = plain(QuotePanel().draw(replace(quote, day=date(2026, 3, 2)), width, height).lines)
        change, low = figures.signed(quote.change), figures.price(quote.day_low)
        assert text.count("Mon 2 Mar") == (change in text) + (low in text)
        assert "day " not in text
        assert "Mon" not in plain(QuotePanel().draw(quote, width, height).lines)


def test_an_index_says_that_it_has_no_quote() -> None:
    _, spx = parts.quotes()
    assert "index: last trade" in plain(QuotePanel().draw(spx, 36, 2).lines)


def test_an_underlying_without_a_price_says_so() -> None:
    _, spx = parts.quotes()
    empty = replace(spx, price=None, change=None, day_low=None, freshness=Freshness.NONE, age_s=None)
    for size in ((36, 2), (56, 4)):
        text = plain(QuotePanel().draw(empty, *size).lines)
        assert "--" in text
        assert "no quote" in text


def test_the_waterfall_adds_up() -> None:
    [judged] = scenes.filled().judgements
    stated = tuple(map(D, ("7.5", "0", "15", "0", "10", "5", "-5")))
    factors = tuple(replace(each, points=points) for each, points in zip(judged.factors, stated, strict=True))
    qqq = replace(judged, score=D("82.5"), factors=factors)
    lines = JudgementPanel().draw((qqq,), 64, 9).lines
    assert plain(lines).startswith("QQQ  PASS  score 82.5, 40.0 needed")
    totals = [line[3][0].strip() for line in lines[1:]]
    assert totals == ["50.0", "57.5", "57.5", "72.5", "72.5", "82.5", "87.5", "82.5"]
    added = [line[2][0].strip() for line in lines[1:]]
    assert added == ["50.0", "+7.5", "0.0", "+15.0", "0.0", "+10.0", "+5.0", "-5.0"]
    assert sum(D(each) for each in added) == D("82.5")
    assert plain(lines[1:2]).startswith("start")
    ends = [cell_len("".join(text for text, _ in line).rstrip()) for line in lines[1:8]]
    assert ends == sorted(ends)


def test_a_refused_judgement_says_why() -> None:
    _, spx = scenes.low_score().judgements
    assert "SPX  REFUSED" in (text := plain(JudgementPanel().draw((spx,), 64, 9).lines))
    assert "SPX scores 26.3; 40.0 needed" in text


def test_attempts_are_newest_first_with_their_reasons() -> None:
    text = plain(AttemptsPanel().draw(parts.attempts(), 56, 20).lines)
    assert text.index("NOW") < text.index("RETRY") < text.index("REFUSED")
    assert "at most 30 s" in " ".join(text.split())
    assert "SPX is halted at the exchange" in " ".join(text.split())
    wide = AttemptsPanel().draw(parts.attempts(), 150, 20).lines
    assert len(wide) == 9


def test_orders_show_fills() -> None:
    order = parts.filled_order()
    text = plain(OrdersPanel().draw((order,), 64, 20).lines)
    filled = parts.credit_of_fills(order)
    risk = figures.dollars(100 * (10 - filled))
    for part in (f"FILLED {figures.price(filled)}", f"6 of 6 filled, max risk {risk} $", "account …0001"):
        assert part in text
    assert len(order.fills) == 4
    for fill in order.fills:
        assert f" {fill.quantity} {fill.leg} at {figures.price(fill.price)}" in text
    assert text.count("fills ") == 1, "they came in one second, and are told together"


def test_fills_of_a_leg_at_one_price_are_told_as_one() -> None:
    order = parts.filled_order()
    first, *others = order.fills
    halves = (replace(first, quantity=D(1)), replace(first, quantity=D(1)), *others)
    shown = [plain(OrdersPanel().draw((one,), 64, 20).lines) for one in (order, replace(order, fills=halves))]
    assert first.quantity == 2
    assert shown[0] == shown[1]


def test_the_schedule_keeps_the_present_in_sight() -> None:
    drawing = SchedulePanel().draw(scenes.rejected().schedule, 64, 8)
    assert drawing.follow is not None
    assert plain(drawing.lines[drawing.follow : drawing.follow + 1]) == "○ 10:45  next"


def test_a_message_shows_its_level_by_a_sign() -> None:
    text = plain(MessagesPanel().draw(parts.messages(), 78, 3).lines)
    assert text.splitlines()[0].startswith("10:35:30 ✖ ")
    assert " ▲ " in text
    assert "info" not in text


@pytest.mark.parametrize("width", [78, 118, 198])
def test_the_status_bar_never_drops_mode_automation_or_clock(width: int) -> None:
    trouble = PartHealth(Health.TROUBLE, "reconnecting for 12 s after the socket was closed by the other side")
    status = parts.status(mode=Mode.DRY_RUN, speed=60.0, feed=trouble, feed_age_s=12)
    view = StatusView(status, (CommandKind.PAUSE,), overall=scenes.rejected().overall)
    text = plain(StatusBar().draw(view, width, 1).lines)
    for part in ("DRY-RUN 60x", "PAUSING…", "feed TROUBLE", " ok", "in 13:19", "10:31:41 ET"):
        assert part in text
    assert ("rest ok" in text) is (width == 78)
    assert len(text) <= width


def test_the_status_bar_tells_of_mail_only_when_it_is_on_and_first_of_its_trouble() -> None:
    def bar(mail: PartHealth | None, width: int) -> str:
        view = StatusView(parts.status(mail=mail))
        return plain(StatusBar().draw(view, width, 1).lines)

    trouble = PartHealth(Health.TROUBLE, "3 waiting since 09:46, no server")
    assert "mail" not in bar(None, 198)
    assert "mail ok" in bar(PartHealth(Health.OK), 198)
    assert "mail" not in bar(PartHealth(Health.OK), 80)
    assert "mail TROUBLE 3 waiting since 09:46, no server" in bar(trouble, 198)
    for width in (78, 118):
        assert "mail TROUBLE" in bar(trouble, width)
        assert len(bar(trouble, width)) <= width


def path(*prices: float, first: int = 0) -> tuple[tuple[int, float], ...]:
    """A price every ten seconds."""
    return tuple((first + 10 * n, price) for n, price in enumerate(prices))


def test_the_bars_of_a_price_are_a_minute_each_and_say_their_scale() -> None:
    falling = path(*(597.5 for _ in range(6)), *(597.0 for _ in range(6)), *(596.5 for _ in range(6)))
    text = plain((sparkline(falling, 30),))
    assert text.strip() == "▆▃▁ 596.5 - 598.0"
    gone = (*falling[:6], *falling[12:])
    assert plain((sparkline(gone, 30),)).strip() == "▆ ▁ 596.5 - 598.0"
    assert sparkline((), 30) == ()
    assert sparkline(falling, 14) == (), "no room for the scale and a few bars"


@given(st.lists(st.floats(90, 110), min_size=1, max_size=400), st.integers(16, 80))
def test_the_bars_stand_still_and_move_by_whole_steps(prices: list[float], width: int) -> None:
    """A new price changes the newest bar alone, unless it leaves the scale or begins a minute."""
    line = sparkline(path(*prices), width)
    again = sparkline((*path(*prices), (10 * len(prices) - 1, prices[-1])), width)
    assert plain((line,)) == plain((again,))
    if line:
        assert cell_len(plain((line,))) <= width
        low, high, places = scale(min(prices), max(prices))
        assert low <= min(prices) <= max(prices) <= high
        assert places <= 2


def test_a_price_that_hardly_moves_does_not_fill_the_row() -> None:
    low, high, _ = scale(596.50, 596.51)
    assert high - low >= 0.25
    assert scale(596.51, 596.52) == scale(596.50, 596.52)


def test_each_tall_digit_is_its_own() -> None:
    forms = {tall(digit) for digit in "0123456789"}
    assert len(forms) == 10
    rows = tall("6,706.71")
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == 3
    assert rows[2].count(",") == 1
    assert rows[2].count("▄") == 1, "the point"
    assert tall("--")[2] == "--"


@pytest.mark.parametrize("size", [(120, 40), (170, 48)], ids=["120x40", "170x48"])
async def test_a_box_of_a_quote_has_no_blank_row(size: tuple[int, int]) -> None:
    async with driven(size=size) as console:
        for is_ascii in (False, True):
            console.app.change_look("ascii", is_ascii)
            for scene in ("calm", "stale", "filled", "closed"):
                console.engine.current = scenes.SCENES[scene]()
                await console.pull()
                await console.pilot.pause()
                for panel in console.app.screen.query(QuotePanel):
                    assert panel.is_ascii is is_ascii
                    rows = panel.text.splitlines()[1:]
                    assert len(rows) == 3, (scene, is_ascii)
                    assert all(row.strip() for row in rows), panel.text


def test_opening_the_console_imports_nothing_heavy() -> None:
    heavy = "tastytrade", "sqlalchemy", "pandas", "numpy", "talipp", "redis", "aiohttp", "plotext"
    code = f"import sys, senex_tui.console.app; print(*[m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_change_is_signed_and_has_an_arrow() -> None:
    qqq, spx = parts.quotes()
    spx = replace(spx, change=D("9.80"), change_percent=D("0.1431"))
    qqq = replace(qqq, change=D("-0.385"), change_percent=D("-0.0619"))
    assert "▲ +9.80 +0.14%" in plain(QuotePanel().draw(spx, 60, 2).lines)
    assert "▼ -0.385 -0.06%" in plain(QuotePanel().draw(qqq, 60, 2).lines)
    flat = replace(qqq, change=D(0), change_percent=D(0))
    assert "0.00 0.00%" in plain(QuotePanel().draw(flat, 60, 2).lines)


@pytest.mark.parametrize("width", [36, 58, 64, 78, 118, 196])
def test_no_slot_after_a_success_is_in_the_colours_of_trouble(width: int) -> None:
    seen = 0
    for name, scene in scenes.SCENES.items():
        for height in (4, 9, 30):
            lines = SchedulePanel().draw(scene().schedule, width, height).lines
            entered = next((place for place, line in enumerate(lines) if line[0][0].startswith("✓")), None)
            if entered is None:
                continue
            after = [tone for line in lines[entered:] for _, tone in line]
            assert {Tone.WARN, Tone.BAD}.isdisjoint(after), name
            held = [line for line in lines[entered + 1 :] if " slots: " in plain((line,))]
            assert len(held) == 1, (name, plain(lines))
            seen += 1
    assert seen


@pytest.mark.parametrize("width", [54, 58, 78, 98, 118])
def test_the_steps_of_a_cycle_take_one_row_and_lose_no_word(width: int) -> None:
    for name, scene in scenes.SCENES.items():
        cycle = scene().cycle
        if cycle is None or not cycle.number:
            continue
        [row] = step_rows(cycle.steps, width)
        text = plain((row,))
        assert cell_len(text) <= width, name
        names = [step.name for step in cycle.steps]
        told = [word for word in text.split() if word in names]
        assert (told[0], told[-1]) == (names[0], names[-1]), name
        for step in cycle.steps:
            if step.state in (StepState.NOW, StepState.FAILED):
                assert f"{step_sign(step.state)[0]} {step.name}" in text, name


def test_steps_that_stand_alike_are_told_by_the_first_and_the_last() -> None:
    [row] = step_rows(parts.cycle().steps, 58)
    assert plain((row,)) == "✓ guard to strikes  ▶ quotes  · pricing to send"


@pytest.mark.parametrize("missed", [0, 1, 3])
def test_missed_slots_are_not_counted_among_those_that_the_done_day_holds(missed: int) -> None:
    """The console was away for a while after the fill: what it missed then is no slot that was done."""
    slots = scenes.filled().schedule
    filled = next(n for n, slot in enumerate(slots) if slot.told is not None and slot.told.fate is FateKind.FILLED)
    held = len(slots) - filled - 1
    away = tuple(
        replace(slot, state=SlotState.MISSED, told=None) if filled < n <= filled + missed else slot
        for n, slot in enumerate(slots)
    )
    text = text_of(SchedulePanel().draw(away, 118, 30))
    assert f"{held - missed} slots: done today" in text
    assert (f"; {missed} missed" in text) is bool(missed)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_two_quotes_that_are_not_known_yet_have_names_of_their_own(size: tuple[int, int]) -> None:
    async with driven(scenes.starting(), size=size) as console:
        assert "First underlying" in console.text
        assert "Second underlying" in console.text
        titles = [str(panel.border_title) for panel in console.app.screen.query(QuotePanel)]
        assert len(set(titles)) == len(titles) == 2
