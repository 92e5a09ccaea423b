"""Panels and bar tell the fate of a trade and what comes next, and nothing that is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.domain.operation.amounts import credit
from core.domain.operation.outcomes import Outcome
from core.domain.operation.times import when
from core.domain.orders.fate import FateKind
from core.domain.orders.next_step import Next, NextStep
from core.domain.orders.settling import Settling
from core.snapshot import (
    AttemptView,
    EngineState,
    Health,
    Mode,
    NextStepView,
    PartHealth,
    Reading,
    ReadingState,
    SlotState,
    Snapshot,
    StartState,
    StartStep,
    StepState,
    ToldView,
)
from core.views.orders import proof_words
from core.views.slots import slot_views
from senex_tui.reports.next_steps import step_values, step_words
from tests.support.console import parts, scenes
from widgets.alarms import alarms
from widgets.attempts import AttemptsPanel
from widgets.banner import shortened
from widgets.base.day_panel import DayContext, DayPanel, day_context
from widgets.base.fates import after_word, cycle_told, order_kind, order_words, sign_of, slot_told, step_sign, told_line
from widgets.base.lines import Tone, plain, width_of
from widgets.cycle import CyclePanel
from widgets.judgement import JudgementPanel
from widgets.messages import MessagesPanel
from widgets.orders import OrdersPanel
from widgets.panels import cycle_of
from widgets.schedule import SchedulePanel
from widgets.status_bar import StatusBar, StatusView, next_words, pane_title
from widgets.trade import TradePanel, TradeView

OF_THE_DAY: tuple[tuple[type[DayPanel], object, str], ...] = (
    (CyclePanel, None, "no cycle yet today"),
    (TradePanel, TradeView(), "no spread priced yet today"),
    (JudgementPanel, (), "no underlying judged yet today"),
    (AttemptsPanel, (), "no attempt yet today"),
    (OrdersPanel, (), "no order today"),
    (SchedulePanel, (), "no slot today"),
)


def drawn(panel: DayPanel, value: object, context: DayContext, width: int = 78, height: int = 20) -> str:
    """The panel's title and lines."""
    panel.context = context
    drawing = panel.drawing(value, width, height)
    assert all(width_of(line) <= width for line in drawing.lines)
    return f"{drawing.title}\n{plain(drawing.lines)}"


def bar(shown: Snapshot, width: int) -> str:
    kinds = tuple(view.step.kind for view in shown.next_steps)
    return plain(StatusBar().draw(StatusView(shown.status, overall=shown.overall, kinds=kinds), width, 1).lines)


# The table


def test_every_kind_of_fate_and_every_outcome_has_a_sign() -> None:
    for word in (*FateKind, *Outcome):
        assert sign_of(word.value)[0] != "·", word
    assert {step_sign(state)[0] for state in (*StepState, *StartState)} == {"·", "▶", "✓", "✖", "-"}


def test_only_what_was_entered_or_passed_has_a_tick_and_none_of_it_the_colours_of_trouble() -> None:
    ticked = {kind for kind in FateKind if sign_of(kind)[0] == "✓"}
    assert ticked == {FateKind.FILLED}
    assert all(sign_of(kind)[1] is Tone.ACCENT for kind in (FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY))
    assert {sign_of(word)[1] for word in ("filled", "succeeded", "validated", "passed")} == {Tone.GOOD}
    assert sign_of("held")[1] is Tone.DIM


@pytest.mark.parametrize(
    ("told", "line", "after"),
    [
        (ToldView(Outcome.SUCCEEDED, "filled", "FILLED 6.73"), "FILLED 6.73", "6.73"),
        (ToldView(Outcome.FAILED, "rejected", "REJECTED: too dear"), "REJECTED: too dear", "too dear"),
        (ToldView(Outcome.SKIPPED, "held", "day held: FILLED 6.73"), "HELD: FILLED 6.73", "FILLED 6.73"),
        (ToldView(Outcome.FAILED, "rejected", "1 rejected, 2 filled"), "1 rejected, 2 filled", "1 rejected, 2 filled"),
        (ToldView(Outcome.SKIPPED, "skipped", "score is low"), "SKIPPED: score is low", "score is low"),
        (ToldView(None, "running", "running"), "RUNNING", ""),
    ],
)
def test_a_told_word_is_said_once(told: ToldView, line: str, after: str) -> None:
    assert (told_line(told), after_word(told)) == (line, after)


def test_a_recording_from_before_fates_shows_what_it_has() -> None:
    old = parts.order(fate=None, state="not_sent", detail="no connection", day=None)
    assert (order_kind(old), order_words(old)) == (FateKind.NOT_SENT, "NOT SENT: no connection")
    assert "NOT SENT" in drawn(OrdersPanel(), (old,), DayContext())
    cycle = replace(parts.done(), told=None, outcome="skipped", reason="score is low")
    assert told_line(cycle_told(cycle)) == "SKIPPED: score is low"
    missed = replace(parts.schedule()[0], told=None, state=SlotState.MISSED, outcome="", reason="paused")
    assert (told := slot_told(missed)) is not None
    assert (told.word, told.words) == ("missed", "paused")


# What is not known yet


@pytest.mark.parametrize(("panel", "empty", "sentence"), OF_THE_DAY, ids=lambda v: getattr(v, "__name__", ""))
def test_nothing_is_said_only_when_it_is_known(panel: type[DayPanel], empty: object, sentence: str) -> None:
    reading = drawn(panel(), empty, DayContext(reading=Reading()))
    assert "reading today's records" in reading
    assert sentence not in reading
    never = drawn(panel(), empty, DayContext(reading=Reading(), ended=True))
    assert "today's records were not read" in never
    assert sentence not in never
    assert sentence in drawn(panel(), empty, DayContext(reading=Reading(ReadingState.KNOWN)))
    old = drawn(panel(), empty, DayContext(reading=Reading(ReadingState.OLD, parts.NOW)))
    assert "as of 10:31:41" in old


def test_a_console_that_has_not_read_says_so_and_an_older_recording_does_not() -> None:
    assert day_context(scenes.starting()).reading.state is ReadingState.READING
    assert day_context(scenes.calm()).reading.state is ReadingState.KNOWN
    old = replace(scenes.calm(), day=None, reading=Reading(), overall=None, next_steps=())
    context = day_context(old)
    assert (context.reading.state, context.today) == (ReadingState.KNOWN, date(2025, 11, 20))


@pytest.mark.parametrize("engine", list(EngineState))
def test_an_engine_that_has_ended_says_nothing_of_its_parts(engine: EngineState) -> None:
    shown = replace(scenes.starting(), status=replace(scenes.starting().status, engine=engine))
    says = any("starting" in bar(shown, width) for width in (60, 80, 120, 200))
    assert says is not engine.is_over
    assert day_context(shown).ended is engine.is_over


def test_a_watcher_to_whom_nobody_publishes_is_told_the_day_and_what_comes_next() -> None:
    paused = scenes.paused()
    shown = replace(paused, status=replace(paused.status, engine=EngineState.UNSEEN))
    assert "NOT SEEN" in bar(shown, 120)
    assert "paused" in bar(shown, 120).lower().split("not seen")[1]
    assert day_context(shown).overall == paused.overall
    assert alarms(shown) == alarms(paused)


def test_a_start_is_shown_as_its_steps() -> None:
    steps = (
        StartStep("records", StartState.DONE, 1),
        StartStep("login", StartState.NOW, 3),
        StartStep("accounts", StartState.TODO),
    )
    text = drawn(CyclePanel(), None, DayContext(reading=Reading(), start=steps))
    assert "✓ records  ▶ login  · accounts" in text
    assert "login 3 s" in text
    failed = replace(steps[1], state=StartState.FAILED, detail="the broker refused it")
    assert "✖ login" in (text := drawn(CyclePanel(), None, DayContext(start=(failed,))))
    assert "login: the broker refused it" in text


# Fates in the panels


def test_a_rejected_order_is_a_tick_nowhere() -> None:
    shown = scenes.rejected()
    context = day_context(shown)
    for panel, value in (
        (CyclePanel(), shown.cycle),
        (TradePanel(), TradeView(shown.spread)),
        (OrdersPanel(), shown.orders),
    ):
        text = drawn(panel, value, context)
        assert "REJECTED" in text
        assert "✓ send" not in text
        assert "SUCCEEDED" not in text
    [row] = [line for line in drawn(SchedulePanel(), shown.schedule, context).splitlines() if "10:30" in line]
    assert row.startswith("✖ 10:30  REJECTED")


def test_a_fill_says_its_credit_everywhere() -> None:
    shown = scenes.filled()
    context = day_context(shown)
    [order] = shown.orders
    filled = credit(parts.credit_of_fills(order))
    for panel, value in (
        (CyclePanel(), shown.cycle),
        (TradePanel(), TradeView(shown.spread)),
        (OrdersPanel(), shown.orders),
    ):
        assert f"FILLED {filled}" in drawn(panel, value, context)
    assert f"✓ 10:30  FILLED    {filled}" in drawn(SchedulePanel(), shown.schedule, context)


def test_a_restart_changes_nothing_of_what_the_panels_say_of_the_day() -> None:
    before, after = scenes.two_accounts(), scenes.restarted()
    for panel, value in ((CyclePanel, "cycle"), (JudgementPanel, "judgements"), (AttemptsPanel, "attempts")):
        told = [drawn(panel(), getattr(shown, value), day_context(shown)) for shown in (before, after)]
        assert told[0] == told[1]
    [filled] = [credit(parts.credit_of_fills(order)) for order in before.orders if order.fills]
    assert f"FILLED {filled}" in drawn(TradePanel(), TradeView(after.spread), day_context(after))


def test_several_accounts_have_a_line_each_and_are_named() -> None:
    shown = scenes.two_accounts()
    context = day_context(shown)
    cycle = drawn(CyclePanel(), shown.cycle, context)
    filled, rejected = parts.account_by_word(shown)["filled"], parts.account_by_word(shown)["rejected"]
    [price] = [credit(parts.credit_of_fills(order)) for order in shown.orders if order.fills]
    for line in ("1 rejected, 1 filled", f"{filled}  FILLED {price}", f"{rejected}  REJECTED"):
        assert line in cycle
    assert drawn(TradePanel(), TradeView(shown.spread), context).startswith(f"Spread  cycle 1  {filled}  QQQ")
    assert "…0002" in drawn(AttemptsPanel(), shown.attempts, context)
    assert "…0001" not in drawn(TradePanel(), TradeView(scenes.filled().spread), day_context(scenes.filled()))


def test_slots_that_enter_nothing_stand_together_and_are_dim() -> None:
    panel = SchedulePanel()
    shown = scenes.followed()
    [order] = shown.orders
    filled = credit(parts.credit_of_fills(order))
    lines = panel.draw(shown.schedule, 78, 30).lines
    [held] = [line for line in lines if f"slots: done today (filled {filled})" in plain((line,))]
    assert {tone for _, tone in held} == {Tone.DIM}
    assert plain((held,)).startswith("- 10:45 to 14:45  17 slots"), "those that have been stand with those to come"
    paused = panel.draw(scenes.paused().schedule, 78, 30).lines
    [will_miss] = [line for line in paused if "will miss" in plain((line,))]
    assert will_miss[0][1] is Tone.WARN
    assert "PAUSED by ada" in plain((will_miss,))


def test_a_crossed_leg_says_so_and_has_no_mid() -> None:
    spread = scenes.calm().spread
    assert spread is not None
    crossed = replace(spread.legs[0], bid=spread.legs[0].ask, ask=spread.legs[0].bid)
    text = drawn(TradePanel(), TradeView(replace(spread, legs=(crossed, *spread.legs[1:]))), DayContext())
    row = text.splitlines()[3]
    assert row.split()[-2:] == ["--", "CROSSED"]
    assert "crossed quotes" in text
    assert "live quotes" not in text


def test_quotes_are_called_live_only_when_they_are() -> None:
    spread = scenes.calm().spread
    assert spread is not None
    panel = TradePanel()
    stale = tuple(replace(leg, age_s=31) for leg in spread.legs)
    gone = tuple(replace(leg, bid=None) for leg in spread.legs)
    for changed, words in (
        (spread, "live quotes"),
        (replace(spread, live=False), "last priced"),
        (replace(spread, legs=stale), "stale quotes"),
        (replace(spread, legs=gone), "waiting for quotes"),
    ):
        text = drawn(panel, TradeView(changed), DayContext())
        assert words in text
        assert ("live quotes" in text) is (words == "live quotes")


def test_attempts_of_two_underlyings_never_mix_and_the_traded_one_comes_first() -> None:
    first, second = parts.attempts()[:2]

    def attempt(number: int, underlying: str, **changes: object) -> AttemptView:
        at = first.at + timedelta(seconds=number)
        return replace(first, attempt=number, underlying=underlying, at=at, **changes)  # type: ignore[arg-type]

    assert {first.underlying, second.underlying} == {"QQQ", "SPX"}
    tried = (attempt(1, "SPX"), attempt(2, "QQQ"), attempt(3, "SPX", traded=True), attempt(4, "QQQ"))
    text = drawn(AttemptsPanel(), tried, DayContext(today=first.day))
    shown = [line.split()[3] for line in text.splitlines() if line.split()[3:4] in (["SPX"], ["QQQ"])]
    assert shown == ["SPX", "SPX", "QQQ", "QQQ"]
    assert text.startswith("Attempts  4 today")


def test_what_is_not_of_today_has_its_date() -> None:
    today = date(2025, 11, 20)
    yesterday = date(2025, 11, 19)
    context = DayContext(today=today)
    orders = (parts.order(day=today), replace(parts.filled_order(), day=yesterday))
    text = drawn(OrdersPanel(), orders, context)
    assert text.startswith("Orders  1 today, 1 earlier")
    assert text.index("WORKING") < text.index("of Wed 19 Nov") < text.index("FILLED")
    assert text.count("no other entry") == 1, "what an entry means for the day is said of today's alone"
    tried = (parts.attempts()[0], replace(parts.attempts()[0], day=yesterday))
    text = drawn(AttemptsPanel(), tried, context)
    assert text.startswith("Attempts  1 today")
    assert "of Wed 19 Nov" in text
    cycle = replace(parts.done(), day=yesterday)
    assert "Wed 19 Nov" in drawn(CyclePanel(), cycle, context).splitlines()[0]
    messages = (parts.messages()[0], replace(parts.messages()[0], number=0, at=parts.NOW - timedelta(days=1)))
    assert "of Wed 19 Nov" in drawn(MessagesPanel(), messages, context)


def test_the_two_reads_after_a_cancel_are_counted_down() -> None:
    shown = scenes.freeing()
    text = drawn(OrdersPanel(), shown.orders, day_context(shown))
    assert "CANCELLED" in text
    assert "the day is free when two reads show no fill" in text
    assert "second complete read due in 00:20" in text


def test_a_retry_is_counted_down() -> None:
    waiting = parts.cycle(retry_in_s=4)
    assert "running 00:13, retrying in 4 s" in drawn(CyclePanel(), waiting, DayContext())


# What comes next


def test_bar_and_orders_count_the_same_seconds_down_to_a_read() -> None:
    shown = scenes.SCENES["freeing"]()
    view = StatusView(shown.status, overall=shown.overall)
    assert shown.orders[0].evidence.endswith("second complete read due in 00:20")
    for width in (80, 118, 196):
        assert "second read in 00:20" in bar(shown, width)
    assert shown.overall is not None
    assert shown.overall.settling is not None
    for silent in (replace(shown.overall.settling, blocked="no alerts"), None):
        held = replace(view, overall=replace(shown.overall, settling=silent))
        assert next_words(held) == "no entry: day not free yet"


def test_no_part_that_still_starts_is_called_ok() -> None:
    shown = scenes.SCENES["freeing"]()
    for part in ("feed", "broker", "records"):
        starting = replace(shown, status=replace(shown.status, **{part: PartHealth(Health.STARTING)}))
        for width in range(50, 119):
            assert "all ok" not in bar(starting, width)
            assert "rest ok" not in bar(starting, width)
    assert "all ok" in bar(shown, 80)


def test_the_newest_order_stands_first() -> None:
    order = parts.filled_order()
    older = replace(order, entry_id="older", order_id="1", at=parts.NOW - timedelta(minutes=45))
    newer = replace(order, entry_id="newer", order_id="2", at=parts.NOW - timedelta(minutes=15))
    context = replace(day_context(scenes.calm()), several=True)
    for given in ((older, newer), (newer, older)):
        text = drawn(OrdersPanel(), given, context)
        assert text.index("order 2") < text.index("order 1")


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("rejected", "enters 10:45 in 13:19"),
        ("filled", "done today"),
        ("unknown", "no entry: day held"),
        ("paused", "no entry: paused"),
        ("halted", "no entry: halted"),
        ("accounts_off", "no entry: accounts off"),
        ("freeing", "no entry: second read in 00:20"),
        ("closed", "next slot Fri 21 Nov 09:45"),
    ],
)
def test_bar_and_pane_count_down_only_to_a_slot_that_enters(scene: str, words: str) -> None:
    shown = scenes.SCENES[scene]()
    view = StatusView(shown.status, overall=shown.overall)
    assert next_words(view) == words
    assert words in bar(shown, 118)
    assert pane_title(view).endswith(words)
    assert words.startswith("enters") is (shown.overall is not None and shown.overall.enters_at is not None)
    foot = drawn(CyclePanel(), shown.cycle, day_context(shown), height=30)
    assert shown.overall is not None
    assert shown.overall.words in " ".join(foot.split())


@pytest.mark.parametrize("engine", [EngineState.STOPPING, EngineState.STOPPED, EngineState.FAILED])
def test_an_engine_that_has_ended_counts_nothing_down(engine: EngineState) -> None:
    running = scenes.rejected()
    ended = replace(running, status=replace(running.status, engine=engine))
    for width in (58, 78, 118):
        assert "13:19" in bar(running, width)
        assert "13:19" not in bar(ended, width)
        assert "no entry" in bar(ended, width)
    assert "free to enter" in drawn(CyclePanel(), running.cycle, day_context(running))
    assert "free to enter" not in drawn(CyclePanel(), ended.cycle, day_context(ended))


def test_where_there_is_room_the_bar_tells_of_every_account_and_of_the_next_session() -> None:
    shown = scenes.filled()
    assert shown.overall is not None
    assert shown.overall.next_day is not None
    first = f"next slot {when(shown.overall.next_day, shown.day)}"
    assert f"done today; {first}" in bar(shown, 180)
    assert f"{shown.overall.words}; {first}" in " ".join(drawn(CyclePanel(), shown.cycle, day_context(shown)).split())
    held = NextStep(Next.HELD, "held")
    steps = (NextStepView("…0001", held), NextStepView("…0002", NextStep(Next.WORKING, "an order works")))
    both = replace(shown, overall=held, next_steps=steps)
    assert "no entry: day held; an order works" in bar(both, 140)
    for width in range(50, 181):
        line = bar(both, width)
        assert len(line) <= width
        assert "day held" in line or "no entry" in line or width < 60


def test_slots_that_will_be_missed_after_the_next_one_stand_together() -> None:
    shown = scenes.paused()
    at, *more = [slot.at for slot in shown.schedule if slot.state in (SlotState.WILL_MISS, SlotState.TO_COME)]
    assert shown.overall is not None
    assert shown.overall.misses_at == at
    assert shown.status.now is not None
    slots = slot_views([at, *more], (), (), {}, shown.overall, shown.status.now)
    first, rest = drawn(SchedulePanel(), slots, day_context(shown)).splitlines()[1:]
    assert "will miss" in first
    assert f"{len(more)} slots: none enters, as things stand" in rest
    [only] = drawn(SchedulePanel(), slots[-1:], day_context(shown)).splitlines()[1:]
    assert "will miss" in only


def test_after_the_close_the_slot_with_the_entry_is_in_sight() -> None:
    start = scenes.closed().schedule[0]
    fate = ToldView(Outcome.SUCCEEDED, "filled", "FILLED 6.81", fate=FateKind.FILLED)
    missed = ToldView(None, "missed", "no console was running")
    slots = tuple(
        replace(
            start,
            at=start.at + timedelta(minutes=15 * n),
            state=SlotState.DONE if n == 12 else SlotState.MISSED,
            told=fate if n == 12 else missed,
        )
        for n in range(25)
    )
    drawing = SchedulePanel().draw(slots, 78, 8)
    assert drawing.follow is not None
    assert "FILLED" in plain(drawing.lines[drawing.follow : drawing.follow + 1])


def test_a_dry_run_validates_and_does_not_enter() -> None:
    shown = scenes.rejected()
    view = StatusView(replace(shown.status, mode=Mode.DRY_RUN), overall=shown.overall)
    assert next_words(view) == "validates 10:45 in 13:19"


def test_every_next_step_has_words_in_the_bar() -> None:
    for kind in Next:
        assert next_words(StatusView(parts.status(), overall=NextStep(kind, "so"))) != ""


@pytest.mark.parametrize("width", [58, 78, 118, 168, 198])
def test_a_pause_is_in_the_bar_in_a_word_and_the_banner_says_the_rest(width: int) -> None:
    shown = scenes.paused()
    longest = replace(shown, status=replace(shown.status, why="a reason " * 40))
    for each in (shown, longest):
        text = bar(each, width)
        assert "■ PAUSED " in text
        assert "ada" not in text
        assert "no entry" in text
        assert len(text) <= width


def test_the_bar_has_the_date_where_there_is_room() -> None:
    assert "Fri 21 Nov  09:31:41 ET" in bar(scenes.next_morning(), 118)
    assert "Fri 21 Nov" not in bar(scenes.next_morning(), 58)


# Which story enter opens


def test_enter_opens_the_cycle_that_the_panel_shows() -> None:
    shown = scenes.followed()
    assert shown.cycle is not None
    assert (shown.cycle.number, shown.cycle.newest) == (3, 7)
    panels = ("cycle", "spread", "attempts", "judgement", "chart")
    assert [cycle_of(name, shown) for name in panels] == [3, 3, 3, 3, 3]
    assert cycle_of("spread", scenes.closed()) is None


# Alarms that are too long


def test_a_cut_alarm_keeps_how_it_ends() -> None:
    why = "the broker shows a trident that these records do not have " * 3
    ends = "settle it at the broker, then `senex reset mismatch`"
    sentence = f"STOPPED, no entries for …0001: {why.strip()}; {ends}"
    for width, rows in ((78, 2), (78, 1), (58, 2), (118, 1)):
        lines = shortened(sentence, width, rows)
        assert len(lines) <= rows
        assert all(len(line) <= width for line in lines)
        assert lines[0].startswith("STOPPED, no entries")
        assert "…" in " ".join(lines)
        assert " ".join(lines).endswith("`senex reset mismatch`")
    assert shortened("short", 78, 1) == ["short"]
    assert shortened(sentence, 78, 0) == []


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_every_countdown_of_one_screen_is_of_the_clock_that_it_shows(speed: float) -> None:
    """The bar to a slot, the bar to a read, the orders panel and the shell: at any speed of the market, and between two
    seconds."""
    now = scenes.calm().status.now
    assert now is not None
    between = now + timedelta(seconds=0.9)
    due = now + timedelta(seconds=754, microseconds=500)
    proof = Settling(False, due, None, None)
    freeing = NextStep(Next.FREEING, "the day is not free yet", settling=proof)
    free = NextStep(Next.FREE, "free to enter", enters_at=due)
    for at in (now, between):
        status = replace(scenes.calm().status, now=at, speed=speed)
        assert next_words(StatusView(status, overall=freeing)).endswith(" first read in 12:34")
        assert next_words(StatusView(status, overall=free)).endswith(" in 12:34")
        assert proof_words(proof, (), at) == "first complete read due in 12:34"
        assert "12:34" in step_words(step_values(free, at, ()))
        assert "12:34" in step_words(step_values(freeing, at, ()))
