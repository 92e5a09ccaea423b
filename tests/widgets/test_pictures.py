"""What each picture shows and says, from its slices alone; odd data, narrow panels and plain ASCII."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain.market.sessions import BEFORE_OPEN
from core.domain.operation.amounts import credit, dollars, signed_dollars
from core.domain.trident.payoff import Payoff
from core.snapshot import CreditPoint, CreditTrail, Freshness, PayoffView, PicturesSlice, SlotState, Snapshot
from tests.support.console import parts, scenes
from tests.support.console.parts import payoff, trail
from tests.support.console.scenes import followed
from widgets.base.lines import Drawing, Tone, plain
from widgets.charts.panel import PICTURES
from widgets.charts.payoff import PayoffPicture
from widgets.charts.picture import ChartView, drawn
from widgets.charts.plot import Plot, Scale, both_sides, reach, round_steps
from widgets.panels import chart_view

SIZES = [(24, 3), (38, 5), (56, 9), (78, 8), (78, 9), (118, 34), (130, 16), (196, 50)]

[ENTERED] = followed().orders
FILLED = parts.credit_of_fills(ENTERED)
BODY = D(ENTERED.strikes.split("/")[0].removesuffix("P"))
LOWER, UPPER, BREAK_EVEN = BODY - 5, BODY + 5, credit(BODY - FILLED / 2)
"""The trident entered this morning: its body and wings, and where its two puts use its credit up (rules 2)."""

NOW = credit(payoff().price)
MID, NATURAL = signed_dollars(payoff().profit_mid), signed_dollars(payoff().profit_natural)


def view_of(snapshot: Snapshot) -> ChartView:
    return ChartView(
        snapshot.quotes, snapshot.schedule, snapshot.spread, snapshot.attempts, snapshot.judgements, snapshot.pictures
    )


def draw(name: str, view: ChartView, size: tuple[int, int] = (130, 16), *, ascii: bool = False) -> Drawing:
    return drawn(dict(PICTURES)[name](view), *size, ascii=ascii)


def text_of(drawing: Drawing) -> str:
    return f"{drawing.title}\n{plain(drawing.lines)}"


def last_of(snapshot: Snapshot) -> str:
    """The newest price of the traded underlying's day."""
    qqq, _ = snapshot.quotes
    return credit(D(str(qqq.day_path[-1][1])))


def shortened(points: int) -> CreditTrail:
    """The trail of the day's entry, as it was after so many points."""
    return replace(trail(), points=trail().points[:points])


def odd_views() -> list[ChartView]:
    """One point, all equal, nothing priced, no credit, huge numbers, another underlying, everything at once."""
    base = view_of(followed())
    qqq, _ = base.quotes
    [first] = [a for a in base.attempts if a.cycle == 2]
    quiet = [replace(a, mid=None, natural=None, limit=None) for a in base.attempts]
    huge = replace(payoff(), payoff=Payoff(D("9e9"), D(13), D("12.5")), price=D("1e9"))
    return [
        ChartView(),
        *(ChartView(scene.quotes, scene.schedule, scene.spread, scene.attempts, scene.judgements, scene.pictures)
          for scene in (make() for make in scenes.SCENES.values())),
        base,
        replace(base, quotes=(replace(qqq, day_path=((0, 621.0),)),)),
        replace(base, quotes=(replace(qqq, day_path=tuple((s, 621.0) for s in range(0, 900, 10))),)),
        replace(base, quotes=(replace(qqq, day_path=((0, 1e12), (10, 2e12), (20, 1e-6))),)),
        replace(base, spread=parts.spread(body=D(99_000), limit=None)),
        replace(base, attempts=tuple(quiet), pictures=PicturesSlice()),
        replace(base, attempts=(first,), pictures=PicturesSlice((shortened(1),), payoff(price=None))),
        replace(base, attempts=(), pictures=PicturesSlice((shortened(0),), huge)),
        replace(base, pictures=PicturesSlice((), replace(payoff(), payoff=Payoff(D(622), D(3), D("8.5"))))),
        replace(base, pictures=PicturesSlice((), payoff(price=D("31.20"), profit_mid=None))),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, _ in PICTURES])
@pytest.mark.parametrize("ascii", [False, True])
def test_whatever_the_data_it_fits_its_panel_and_is_never_empty(name: str, ascii: bool) -> None:
    for view in odd_views():
        for size in SIZES:
            drawing = draw(name, view, size, ascii=ascii)
            assert plain(drawing.lines).strip()
            for line in drawing.lines:
                assert sum(cell_len(text) for text, _ in line) <= size[0] or len(line) == 1
            if ascii:
                assert text_of(drawing).isascii()


@pytest.mark.parametrize("size", [(56, 9), (78, 9), (130, 16), (118, 34)])
@pytest.mark.parametrize("name", ["day", "credit", "payoff"])
def test_a_picture_takes_the_rows_of_its_panel(name: str, size: tuple[int, int]) -> None:
    lines = draw(name, view_of(followed()), size).lines
    assert len(lines) == size[1]
    assert any(0x2800 <= ord(c) < 0x2900 for c in plain(lines)), "a curve is drawn"
    assert "\x1b" not in plain(lines)


def test_the_day_has_the_body_and_a_sign_for_each_slot() -> None:
    rows = plain(draw("day", view_of(scenes.retrying())).lines).splitlines()
    marks = [sign for sign in rows[-2] if sign in "✖-▶○"]
    assert marks == ["✖", "-", "-", "▶"], "while a cycle runs it is not known which slot enters next"
    labels = rows[-1]
    for sign, at in (("✖", "09:45"), ("▶", "10:30")):
        assert abs(rows[-2].index(sign) - (labels.index(at) + 2)) <= 2, at
    said = plain(draw("day", view_of(scenes.retrying())).lines)
    for words in (
        f"last {last_of(scenes.retrying())}",
        f"body {BODY} (dashes)",
        "✖ 1 failed",
        "- 1 not entered",
        "- 1 missed",
        "▶ running 10:30",
    ):
        assert words in said
    assert "╌" * 20 in said
    for scene, told in (("rejected", "○ next 10:45"), ("calm", "▶ 1 working"), ("unknown", "? 1 unknown")):
        assert told in plain(draw("day", view_of(scenes.SCENES[scene]())).lines)
    assert "✓ 1 entered" in plain(draw("day", view_of(followed())).lines)


def test_the_day_says_that_its_price_is_stale() -> None:
    assert f"STALE {last_of(scenes.stale())}" in plain(draw("day", view_of(scenes.stale())).lines)
    assert f"last {last_of(scenes.calm())}" in plain(draw("day", view_of(scenes.calm())).lines)


def test_a_body_far_away_does_not_flatten_the_curve() -> None:
    view = replace(view_of(followed()), spread=parts.spread(body=D(700)))
    said = plain(draw("day", view).lines)
    assert "body 700 (dashes)" in said
    assert "╌" not in said


def test_the_credit_has_natural_mid_and_limit_since_the_first_attempt() -> None:
    last = trail().points[-1]
    said = plain(draw("credit", view_of(followed())).lines)
    for words in (
        f"mid {credit(last.mid)} (line)", f"natural {credit(last.natural)} (dots)",
        f"limit {credit(ENTERED.limit)} (dashes)", f"filled at {credit(FILLED)}", "2 of 6 attempts priced",
        "┊ followed from 10:30",
    ):  # fmt: skip
        assert words in said
    for character in ("·", "╌", "┊"):
        assert character in said


def test_without_an_entry_the_credit_is_that_of_the_attempts() -> None:
    scene = scenes.retrying()
    said = plain(draw("credit", view_of(scene)).lines)
    [mid] = [attempt.mid for attempt in scene.attempts if attempt.mid is not None]
    assert f"mid {credit(mid)}" in said
    assert "1 of 6 attempts priced" in said
    assert "followed" not in said
    assert "no credit yet today" in plain(draw("credit", view_of(scenes.legs_stale())).lines)


def test_the_credit_of_another_underlying_is_not_mixed_in() -> None:
    attempts = followed().attempts
    spx = replace(attempts[-1], underlying="SPX", mid=D(40), natural=D(38))
    shown = draw("credit", replace(view_of(followed()), attempts=(*attempts, spx)))
    assert shown == draw("credit", view_of(followed()))


def test_the_payoff_says_in_words_what_it_shows() -> None:
    pictures = PicturesSlice((), payoff(others=1))
    said = plain(draw("payoff", replace(view_of(followed()), pictures=pictures)).lines)
    for words in (
        f"▲ now {NOW}: {signed_dollars(payoff().payoff.at(D(payoff().price or 0)))} at expiry",
        f"close now {MID} mid, {NATURAL} natural",
        f"◆ break-even {BREAK_EVEN}, none above",
        f"max profit {dollars(100 * FILLED)} at {BODY}", f"max loss {dollars(100 * (10 - FILLED))} at {LOWER}",
        f"{signed_dollars(100 * (FILLED - 5))} above {UPPER}", f"credit {credit(FILLED)} (fill) …0001",
        "1 more open: t",
    ):  # fmt: skip
        assert words in said
    for label in (BREAK_EVEN, str(BODY), str(LOWER), str(UPPER)):
        assert label in said.splitlines()[-1]
    thin = replace(payoff(), payoff=Payoff(D(622), D(3), D("1.50")))
    said = plain(draw("payoff", ChartView(pictures=PicturesSlice((), thin))).lines)
    assert "◆ break-even 621.25 and 623.50" in said
    assert said.count("◆") == 3, "two on the line of zero, one before the words"


@pytest.mark.parametrize("size", [(56, 9), (78, 9), (130, 16)])
def test_the_words_of_the_payoff_are_there_at_every_size(size: tuple[int, int]) -> None:
    said = plain(draw("payoff", view_of(followed()), size).lines)
    most, least = dollars(100 * FILLED), dollars(100 * (10 - FILLED))
    for words in (NOW, BREAK_EVEN, most, least, f"{MID} mid", f"{NATURAL} natural"):
        assert words in said


def test_stale_figures_of_the_payoff_say_so() -> None:
    old = payoff(price_stale=True, marks_stale=True)
    said = plain(draw("payoff", ChartView(pictures=PicturesSlice((), old))).lines)
    assert f"▲ STALE {NOW}" in said
    assert f"STALE close now {MID}" in said


def test_the_score_tells_gains_from_losses_without_colour() -> None:
    lines = draw("score", view_of(followed()), (78, 30)).lines
    gained = [line for line in plain(lines).splitlines() if "█" in line]
    lost = [line for line in plain(lines).splitlines() if "▒" in line]
    assert all("+" in line or line.startswith("start") for line in gained)
    assert all("-" in line for line in lost)
    assert len(gained) == 6 + 6, "each one's start and five gains"
    assert len(lost) == 2 + 1, "QQQ's IV rank and RSI, SPX's IV rank"
    assert plain(lines).index("QQQ") < plain(lines).index("SPX"), "the traded one first"


def test_the_price_is_marked_where_it_is() -> None:
    low, high = (PayoffPicture(payoff(price=price)) for price in (D(617), D(627)))
    columns = [plain(each.draw(130, 16).lines).splitlines()[-2].index("▲") for each in (low, high)]
    labels = plain(low.draw(130, 16).lines).splitlines()[-1]
    assert abs(columns[0] - labels.index("617") - 1) <= 1
    assert abs(columns[1] - labels.index("627") - 1) <= 1


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40),
    st.integers(16, 150),
    st.integers(4, 40),
    st.booleans(),
)
def test_any_series_makes_a_picture_of_its_size(values: list[float], width: int, height: int, ascii: bool) -> None:
    plot = Plot(width, height, Scale(reach(range(len(values))), reach(values)), ascii=ascii)
    plot.curve([(float(n), value) for n, value in enumerate(values)], Tone.ACCENT, dots=len(values) % 2 == 0)
    rows = plain(plot.lines()).splitlines()
    assert len(plot.lines()) == height
    assert max(map(len, rows)) <= max(width, 24)
    assert not ascii or plain(plot.lines()).isascii()


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e6), st.integers(1, 12))
def test_labels_are_round_and_few(low: float, more: float, most: int) -> None:
    steps = round_steps(low, low + more, most)
    assert 1 <= len(steps) <= 2 * most + 2
    assert steps == sorted(steps)


def test_points_of_a_credit_that_is_no_number_are_left_out() -> None:
    broken = replace(
        trail(), points=(*shortened(2).points, CreditPoint(parts.NOW + timedelta(hours=1), D("NaN"), D("NaN")))
    )
    said = plain(draw("credit", replace(view_of(followed()), pictures=PicturesSlice((broken,)))).lines)
    assert "10:30" in said
    assert "11:30" not in said


def test_a_quote_without_freshness_is_not_stale() -> None:
    qqq, _ = parts.quotes()
    unknown = replace(qqq, freshness=Freshness.NONE)
    assert "last" in plain(draw("day", ChartView(quotes=(unknown,))).lines)


@pytest.mark.parametrize("ascii", [False, True])
def test_the_payoff_is_filled_above_zero_in_one_tone_and_below_in_another(ascii: bool) -> None:
    lines = draw("payoff", view_of(followed()), (130, 20), ascii=ascii).lines
    zero = next(y for y, line in enumerate(lines) if plain((line,)).lstrip().startswith(("0┤", "0+")))
    # The words at the right have tones of their own: the picture's parts alone are looked at.
    sides = [{tone for text, tone in line if not any(c.isalnum() or c == "$" for c in text)} for line in lines[:-2]]
    assert all(not tones & {Tone.LOSS, Tone.BELOW} for tones in sides[:zero])
    assert all(not tones & {Tone.GAIN, Tone.ABOVE} for tones in sides[zero + 1 :])
    assert {Tone.GAIN, Tone.ABOVE} <= set.union(*sides[:zero])
    assert {Tone.LOSS, Tone.BELOW} <= set.union(*sides[zero + 1 :])
    assert len([line for line in lines if "┤" in plain((line,)) or "+" in plain((line,))[:6]]) >= 5, "a scale"


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("size", [(38, 9), (58, 10), (56, 11), (78, 12), (118, 34), (196, 50)])
@pytest.mark.parametrize("credit_", ["4.90", "6.83", "8.50", "9.97", "0.40"])
def test_the_payoff_draws_what_is_lost_however_little_room_there_is(
    credit_: str, size: tuple[int, int], *, ascii: bool
) -> None:
    """The loss has the width of the panel below the line of zero, and the gain is above it."""
    shown = replace(payoff(), payoff=Payoff(BODY, D(5), D(credit_)), others=2)
    tones = {tone for line in draw("payoff", view_with(shown), size, ascii=ascii).lines for _, tone in line}
    drawn_in = [
        number
        for number, line in enumerate(draw("payoff", view_with(shown), size, ascii=ascii).lines)
        if any(tone in (Tone.LOSS, Tone.BELOW) and is_picture(text) for text, tone in line)
    ]
    assert Tone.GAIN in tones or Tone.ABOVE in tones
    assert drawn_in, "no row of the picture has the loss"
    told = text_of(draw("payoff", view_with(shown), size, ascii=ascii))
    assert "max loss" in told
    assert "max profit" in told


def view_with(shown: PayoffView) -> ChartView:
    return ChartView(pictures=PicturesSlice((), shown))


def is_picture(text: str) -> bool:
    """Whether it is drawn, and no word."""
    return not any(character.isalpha() or character.isdigit() for character in text)


@pytest.mark.parametrize(("low", "high"), [(-3.0, 600.0), (-600.0, 2.0), (-50.0, 50.0), (0.0, 90.0), (-90.0, 0.0)])
@pytest.mark.parametrize("rows", [4, 5, 8, 30])
def test_gain_and_loss_have_a_row_of_their_own(low: float, high: float, rows: int) -> None:
    plot = Plot(40, rows + 2, Scale((0.0, 1.0), both_sides((low, high), rows)))
    zero = plot.row(0.0)
    assert (zero < plot.rows - 1) is (low < 0)
    assert (zero > 0) is (high > 0)


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        ("starting", "The curve begins once the engine has started and the market is open"),
        ("closed", "The market is closed; next slot Fri 21 Nov 09:45"),
    ],
)
def test_before_the_day_has_a_price_its_picture_says_what_comes_and_when(scene: str, told: str) -> None:
    words = " ".join(text_of(draw("day", chart_view(scenes.SCENES[scene]()), (58, 10))).split())
    assert f"no price seen yet today. {told}" in words


def test_before_the_open_the_picture_of_the_day_names_its_slots() -> None:
    shown = scenes.SCENES["next_morning"]()
    early = replace(
        shown,
        quotes=tuple(replace(quote, day_path=()) for quote in shown.quotes),
        status=replace(shown.status, market=BEFORE_OPEN),
    )
    words = " ".join(text_of(draw("day", chart_view(early), (58, 10))).split())
    assert "The curve begins at the open; 21 slots, 09:45 to 14:45" in words


def test_the_day_tells_missed_slots_apart_from_those_that_entered_nothing() -> None:
    slots = view_of(scenes.filled()).schedule
    missed = sum(slot.state is SlotState.MISSED for slot in slots)
    assert missed
    words = text_of(draw("day", view_of(scenes.filled())))
    assert f"{missed} missed" in words
