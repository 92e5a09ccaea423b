"""What comes next: over every combination of what can stop an account, one answer and at most one countdown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.market.sessions import Session
from core.domain.operation.breakers import Breaker, BreakerKind
from core.domain.orders.fate import Fate, FateKind, fate_of
from core.domain.orders.next_step import Next, Standing, TradingWords, next_step, overall
from core.domain.orders.order_states import FREES_DAY, OrderState
from core.domain.orders.settling import Settling
from tests.support.domain_builders import D
from tests.support.record_samples import ACCOUNT, entry

DAY = date(2026, 3, 2)
NINE_58 = datetime(2026, 3, 2, 14, 58, tzinfo=UTC)
SLOT = datetime(2026, 3, 2, 15, 15, tzinfo=UTC)
SESSION = Session(DAY, datetime(2026, 3, 2, 14, 30, tzinfo=UTC), datetime(2026, 3, 2, 21, tzinfo=UTC))
NEXT_OPEN = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
NEXT_DAY = NEXT_OPEN + timedelta(minutes=15)
CALM = Standing(DAY, SESSION, SLOT, NEXT_OPEN, NEXT_DAY, ACCOUNT, "primary")
PAUSED = TradingWords("paused", "ana", NINE_58, "lunch")
HALTED = TradingWords("halted", "ana", NINE_58, "odd fills")


def fate(state: OrderState, **more: object) -> Fate:
    made = fate_of(replace(entry(), state=state, holds_day=state not in FREES_DAY, detail=""))
    return replace(made, **more)  # type: ignore[arg-type]


def breaker(kind: BreakerKind, subject: str = "") -> Breaker:
    return Breaker(kind, subject, "why it opened", NINE_58)


FILLED = fate(OrderState.FILLED, filled=6, credit=D("6.73"), fills_missing=False)
EXPIRED = fate(OrderState.EXPIRED)
CANCELLED = fate(OrderState.CANCELLED, by="ana", cancel="by ana", needs_word=True)
READ = Settling(False, SLOT, SLOT, SLOT + timedelta(seconds=30))

FATES = st.none() | st.builds(
    lambda kind, holds, traded, word: fate(
        OrderState.WORKING, kind=kind, holds_day=holds, filled=3 if traded else 0, needs_word=word
    ),
    st.sampled_from(FateKind), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
BREAKERS = st.lists(
    st.builds(breaker, st.sampled_from(BreakerKind), st.sampled_from(["", ACCOUNT, "5WT00002", "primary", "second"])),
    max_size=2,
).map(tuple)
STANDINGS = st.builds(
    Standing,
    today=st.just(DAY), session=st.sampled_from([SESSION, None]), slot=st.sampled_from([SLOT, None]),
    next_open=st.sampled_from([NEXT_OPEN, None]), next_day=st.sampled_from([NEXT_DAY, None]), number=st.just(ACCOUNT),
    login=st.just("primary"), enabled=st.booleans(), is_closed=st.booleans(), login_valid=st.booleans(),
    skips_today=st.booleans(), trading=st.sampled_from([TradingWords(), PAUSED, HALTED]),
    stopped_here=st.sampled_from(["", "it could not be recorded"]), kill_file=st.sampled_from(["", "HALT"]),
    breakers=BREAKERS, reconciling=st.sampled_from(["", "starting"]), running=st.booleans(), console=st.booleans(),
    starting=st.booleans(), fate=FATES, settling=st.sampled_from([None, READ]), reentry_allowed=st.booleans(),
    validated=st.booleans(), sends=st.booleans(),
)  # fmt: skip


@given(STANDINGS)
@settings(max_examples=500)
def test_a_countdown_runs_to_a_slot_only_when_nothing_at_all_stops_the_account(standing: Standing) -> None:
    step = next_step(standing)
    stopped = (
        not standing.console
        or standing.starting
        or bool(standing.kill_file or standing.stopped_here or standing.reconciling)
        or standing.trading.state != "active"
        or any(each.stops(ACCOUNT, "primary") for each in standing.breakers)
        or not (standing.enabled and standing.login_valid)
        or standing.is_closed
        or (standing.fate is not None and standing.fate.holds_day)
        or standing.skips_today
        or standing.validated
        or standing.running
        or standing.session is None
        or standing.slot is None
    )
    assert (step.kind is Next.FREE) is not stopped
    assert step.enters_at == (None if stopped else standing.slot)
    assert step.words
    assert step.enters_at is None or step.misses_at is None
    assert overall((step, step)).enters_at == step.enters_at


@given(STANDINGS)
@settings(max_examples=300)
def test_only_what_stops_a_slot_that_would_run_says_it_will_be_missed(standing: Standing) -> None:
    step = next_step(standing)
    if step.misses_at is not None:
        assert step.kind in (Next.PAUSED, Next.HALTED, Next.BREAKER, Next.NO_CONSOLE)
        assert step.words.endswith("; the 10:15 slot will be missed")
    if step.next_day is not None:
        assert step.enters_at is None
        assert step.misses_at is None


STOPS: list[tuple[Standing, Next, str]] = [
    (CALM, Next.FREE, "free to enter at 10:15"),
    (replace(CALM, sends=False), Next.FREE, "free to validate at 10:15 (dry run)"),
    (replace(CALM, fate=FILLED), Next.DONE, "done today (filled 6.73)"),
    (replace(CALM, fate=FILLED, trading=PAUSED), Next.DONE, "done today (filled 6.73)"),
    (replace(CALM, trading=PAUSED), Next.PAUSED, "PAUSED by ana since 09:58: lunch; the 10:15 slot will be missed"),
    (replace(CALM, trading=replace(PAUSED, at=NINE_58 - timedelta(days=3)), slot=None), Next.PAUSED,
     "PAUSED by ana since Fri 27 Feb 09:58: lunch"),
    (replace(CALM, trading=HALTED), Next.HALTED, "HALTED by ana since 09:58: odd fills; the 10:15 slot will be missed"),
    (replace(CALM, trading=HALTED, fate=FILLED), Next.HALTED,
     "HALTED by ana since 09:58: odd fills; done today (filled 6.73)"),
    (replace(CALM, kill_file="HALT", fate=FILLED), Next.HALTED,
     "halted by the file HALT; remove the file to go on; done today (filled 6.73)"),
    (replace(CALM, breakers=(breaker(BreakerKind.FEED),), fate=FILLED), Next.BREAKER,
     "stopped by a breaker: why it opened; resets by itself when the quote feed is live again; "
     "done today (filled 6.73)"),
    (replace(CALM, console=False, fate=FILLED), Next.NO_CONSOLE,
     "no console is running; done today (filled 6.73)"),
    (replace(CALM, starting=True, fate=FILLED), Next.STARTING, "the console is starting"),
    (replace(CALM, kill_file="HALT"), Next.HALTED,
     "halted by the file HALT; remove the file to go on; the 10:15 slot will be missed"),
    (replace(CALM, stopped_here="it could not be recorded"), Next.PAUSED,
     "PAUSED: it could not be recorded; the 10:15 slot will be missed"),
    (replace(CALM, breakers=(breaker(BreakerKind.FEED),)), Next.BREAKER,
     "stopped by a breaker: why it opened; resets by itself when the quote feed is live again; "
     "the 10:15 slot will be missed"),
    (replace(CALM, breakers=(breaker(BreakerKind.LOGIN, "second"),)), Next.FREE, "free to enter at 10:15"),
    (replace(CALM, enabled=False, trading=PAUSED), Next.OFF, "automation off for this account"),
    (replace(CALM, is_closed=True), Next.OFF, "the account is closed at the broker"),
    (replace(CALM, login_valid=False), Next.OFF, "the broker refuses the login primary"),
    (replace(CALM, fate=fate(OrderState.UNKNOWN), settling=READ), Next.HELD,
     "held by an unknown entry; second read due 10:15:30"),
    (replace(CALM, fate=fate(OrderState.UNKNOWN), settling=Settling(False, SLOT, None, None)), Next.HELD,
     "held by an unknown entry; first read due 10:15:00"),
    (replace(CALM, fate=fate(OrderState.UNKNOWN), settling=Settling(False, SLOT, None, None, "the alerts are down")),
     Next.HELD, "held by an unknown entry; the alerts are down"),
    (replace(CALM, fate=fate(OrderState.INCIDENT, why="twice")), Next.HELD,
     "held by an incident: twice; `senex attest ORDER one` corrects the record"),
    (replace(CALM, fate=fate(OrderState.WORKING)), Next.WORKING, "an order works: working 4.06, 0 of 6 filled"),
    (replace(CALM, fate=fate(OrderState.SENT)), Next.WORKING, "an order is being sent"),
    (replace(CALM, fate=EXPIRED, settling=READ), Next.FREEING,
     "expired unfilled; the day is not free yet; second read due 10:15:30"),
    (replace(CALM, fate=CANCELLED), Next.HELD,
     "cancelled by ana; the day is free when an operator allows re-entry and two reads show no fill"),
    (replace(CALM, fate=CANCELLED, reentry_allowed=True, settling=READ), Next.FREEING,
     "cancelled by ana; the day is not free yet; second read due 10:15:30"),
    (replace(CALM, fate=replace(CANCELLED, filled=3)), Next.DONE, "done today (cancelled by ana, 3 of 6 filled)"),
    (replace(CALM, fate=replace(CANCELLED, holds_day=False)), Next.FREE, "free to enter at 10:15"),
    (replace(CALM, fate=fate(OrderState.REJECTED)), Next.FREE, "free to enter at 10:15"),
    (replace(CALM, fate=fate(OrderState.ABSENT)), Next.HELD, "held by an entry that is absent: not at the broker"),
    (replace(CALM, skips_today=True), Next.SKIPPED, "this account is skipped today"),
    (replace(CALM, reconciling="starting"), Next.RECONCILING, "reconciling with the broker: starting"),
    (replace(CALM, validated=True), Next.VALIDATED,
     "done today: the suggestion is validated, and a dry run sends no order"),
    (replace(CALM, running=True), Next.RUNNING, "a cycle is running"),
    (replace(CALM, unread="the disk is gone"), Next.UNREAD, "whether it enters next is not known: the disk is gone"),
    (replace(CALM, unread="the disk is gone", slot=None), Next.CLOSED,
     "no slot is left today; the next is Tue 3 Mar 09:45"),
    (replace(CALM, slot=None), Next.CLOSED, "no slot is left today; the next is Tue 3 Mar 09:45"),
    (replace(CALM, session=None, slot=None), Next.CLOSED, "market closed until Tue 3 Mar 09:30, first slot 09:45"),
    (replace(CALM, console=False), Next.NO_CONSOLE, "no console is running; the 10:15 slot will be missed"),
    (replace(CALM, starting=True), Next.STARTING, "the console is starting"),
]  # fmt: skip


@pytest.mark.parametrize(("standing", "kind", "words"), STOPS, ids=[words for _, _, words in STOPS])
def test_the_answer_and_its_words(standing: Standing, kind: Next, words: str) -> None:
    step = next_step(standing)
    assert (step.kind, step.words) == (kind, words)


def test_a_pause_says_who_when_why_and_how_it_ends() -> None:
    step = next_step(replace(CALM, trading=PAUSED))
    assert (step.who, step.since, step.why, step.ends) == ("ana", NINE_58, "lunch", "`senex resume`")
    assert step.misses_at == SLOT


def test_a_day_that_enters_nothing_more_names_the_next_one() -> None:
    for standing in (replace(CALM, fate=FILLED), replace(CALM, slot=None), replace(CALM, skips_today=True)):
        assert next_step(standing).next_day == NEXT_DAY


@given(STANDINGS)
@settings(max_examples=300)
def test_no_slot_of_a_day_that_is_done_will_be_missed(standing: Standing) -> None:
    done = replace(standing, fate=FILLED)
    step = next_step(done)
    assert step.misses_at is None
    assert "will be missed" not in step.words
    if done.trading.state == "halted" and done.console and not done.starting and not done.kill_file:
        assert step.kind is Next.HALTED, "it stops the next day too"
        assert "done today" in step.words


def test_the_console_enters_when_its_first_account_does() -> None:
    free, later = next_step(CALM), next_step(replace(CALM, slot=SLOT + timedelta(minutes=15)))
    halted, done = next_step(replace(CALM, trading=HALTED)), next_step(replace(CALM, fate=FILLED))
    assert overall((halted, later, free)) == free
    assert overall((done, halted)) == halted
    halted_and_done = next_step(replace(CALM, fate=FILLED, trading=HALTED))
    assert overall((halted_and_done, halted)) == halted, "a slot will be missed"


def test_a_day_that_two_reads_may_free_is_told_before_an_order_that_works() -> None:
    """The account that may enter again does so sooner, and its reads are what is counted down."""
    works = next_step(replace(CALM, fate=fate(OrderState.WORKING)))
    freeing = next_step(replace(CALM, fate=CANCELLED, reentry_allowed=True, settling=READ))
    assert (works.kind, freeing.kind) == (Next.WORKING, Next.FREEING)
    assert overall((works, freeing)) == overall((freeing, works)) == freeing


def test_without_an_entering_account_the_most_severe_is_told() -> None:
    off, done = next_step(replace(CALM, enabled=False)), next_step(replace(CALM, fate=FILLED))
    assert overall((off, done)) == done
    assert overall((off, off)).words == "no account may enter: automation is off for all"
    refused = next_step(replace(CALM, login_valid=False))
    assert overall((off, refused)).words == f"no account may enter: {off.words}; {refused.words}"
    assert overall(()).kind is Next.OFF
