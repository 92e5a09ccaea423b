"""The figures and the alerts that follow from them, one example per definition of rules 12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill
from core.domain.reporting.account_days import DayKind, joined, joined_days
from core.domain.reporting.alerts import AlertKind, due_alerts
from core.domain.reporting.figures import AccountRun, SessionFigures, Share, figures_of
from core.domain.reporting.targets import Target
from tests.support.record_samples import AT, entry

ONE, TWO = "5WT00001", "5WT00002"
MONDAY = date(2026, 3, 2)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def run(on: int, reason: Reason | None = None, *, account: str = ONE, cycle: int = 0, **more: object) -> AccountRun:
    """A run of an account that succeeded, or ended for this reason."""
    outcome = Outcome.SUCCEEDED if reason is None else outcome_for(reason)
    code = "" if reason is None else reason.code
    plain = AccountRun(cycle or _next(), account, day(on), outcome, code, "", 1, True, 0)
    return replace(plain, **more)  # type: ignore[arg-type]


_numbers = iter(range(1, 1_000_000))


def _next() -> int:
    return next(_numbers)


def made(state: OrderState, run: AccountRun, filled: int = 0, by: str = "") -> Entry:
    """The entry that a run made, with so many of its four legs filled."""
    legs = zip(entry().request.legs, ("3.10", "1.90", "3.00", "1.40"), strict=True)
    fills = [Fill(f"{run.cycle}-{n}", leg.symbol, D(leg.quantity), D(p), AT) for n, (leg, p) in enumerate(legs)]
    plain = entry(f"of {run.cycle} {run.account}", run.account, run.day)
    return replace(plain, cycle=run.cycle, state=state, fills=tuple(fills[:filled]), cancel_requested_by=by)


def figures(
    *runs: AccountRun,
    entries: Sequence[Entry] = (),
    expected: dict[str, date] | None = None,
    sessions: int = 0,
    missed: Mapping[date, Mapping[str, int]] | None = None,
    running: date | None = None,
    slot_left: bool = False,
) -> SessionFigures:
    days = {run.day for run in runs} | {e.session_day for e in entries} | {day(n) for n in range(sessions)}
    return figures_of(days, runs, entries, expected or {}, missed or {}, running, has_slot_left=slot_left)


def kinds(of: SessionFigures) -> list[DayKind]:
    return [each.kind for each in of.days]


def codes(of: SessionFigures, running: date | None = None) -> list[AlertKind]:
    return [alert.kind for alert in due_alerts(of, running)]


# Account-days


@pytest.mark.parametrize(
    ("reasons", "kind", "why"),
    [
        ((None, Reason.ENTRY_TODAY, Reason.ENTRY_TODAY), DayKind.TRADED, ""),
        ((Reason.LOW_SCORE, Reason.LOW_SCORE, Reason.FEED_DOWN), DayKind.RULE, "low_score"),
        ((Reason.RISK_ABOVE_BUDGET, Reason.RISK_ABOVE_BUDGET, Reason.LOW_SCORE), DayKind.RISK, "risk_above_budget"),
        ((Reason.FEED_DOWN, Reason.LOW_SCORE), DayKind.ERROR, "feed_down"),
        ((Reason.RISK_ABOVE_BUDGET, Reason.LOW_SCORE), DayKind.RISK, "risk_above_budget"),
        ((Reason.OUTCOME_UNKNOWN, *[Reason.ENTRY_TODAY] * 20), DayKind.ERROR, "outcome_unknown"),
        ((*[Reason.REJECTED] * 3, *[Reason.BREAKER_OPEN] * 18), DayKind.ERROR, "breaker_open"),
        ((Reason.RISK_INPUT_MISSING,), DayKind.ERROR, "risk_input_missing"),
        ((Reason.ACCOUNT_DISABLED,), DayKind.RULE, "account_disabled"),
    ],
)
def test_the_kind_of_a_day_is_that_of_most_of_its_runs(
    reasons: tuple[Reason | None, ...], kind: DayKind, why: str
) -> None:
    [found] = figures(*(run(0, reason) for reason in reasons)).days
    assert (found.kind, found.reason, found.runs) == (kind, why, len(reasons))


def told_day(state: OrderState, filled: int = 0, by: str = "", *, running: bool = False) -> tuple[DayKind, str]:
    """What a day came to on which the broker acknowledged an entry that has now this state."""
    sent = run(0)
    later = [run(0, Reason.ENTRY_TODAY) for _ in range(20)]
    made_by = made(state, sent, filled, by)
    [found] = figures(sent, *later, entries=[made_by], running=day(0) if running else None).days
    return found.kind, found.reason


def test_a_rejected_order_is_an_error_not_a_trade() -> None:
    sent = run(0)
    found = figures(sent, *[run(0, Reason.ENTRY_TODAY)] * 20, entries=[made(OrderState.REJECTED, sent)])
    assert [(d.kind, d.reason, d.failed) for d in found.days] == [(DayKind.ERROR, "rejected", 1)]
    assert (found.success, found.failed) == (Share(0, 1), Share(1, 1))
    assert [(r.reason, r.outcome, r.share) for r in found.reasons] == [("rejected", Outcome.FAILED, Share(1, 1))]
    rules = [run(0, Reason.LOW_SCORE) for _ in range(20)]
    assert kinds(figures(sent, *rules, entries=[made(OrderState.REJECTED, sent)])) == [DayKind.ERROR], "one is enough"


def test_an_order_refused_beside_a_close_is_a_rule_and_decides_only_as_its_run() -> None:
    """Else one of them would make an error of every day on which a target rests on the strikes of the entry."""
    sent = run(0)
    opposed = replace(made(OrderState.REJECTED, sent), detail="opposing_order: an order on the other side works")
    [alone] = figures(sent, entries=[opposed]).days
    assert (alone.kind, alone.reason, alone.failed) == (DayKind.RULE, "opposing_order", 0)
    [later] = figures(sent, *[run(0, Reason.FEED_DOWN)] * 2, entries=[opposed]).days
    assert (later.kind, later.reason) == (DayKind.ERROR, "feed_down")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (OrderState.ABSENT, "entry_absent"),
        (OrderState.EXPIRED, "entry_expired"),
        (OrderState.CANCELLED, "entry_cancelled"),
        (OrderState.UNKNOWN, "outcome_unknown"),
        (OrderState.INCIDENT, "entry_incident"),
    ],
)
def test_an_order_that_ended_without_a_fill_is_an_error(state: OrderState, why: str) -> None:
    assert told_day(state) == (DayKind.ERROR, why)


def test_an_order_that_an_operator_cancelled_is_a_decision_and_no_error() -> None:
    assert told_day(OrderState.CANCELLED, by="ana") == (DayKind.RULE, "cancelled_here")


def test_one_filled_contract_makes_the_day_traded_however_the_order_ended() -> None:
    for state in (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.INCIDENT, OrderState.WORKING):
        assert told_day(state, filled=1) == (DayKind.TRADED, ""), state
    assert told_day(OrderState.CANCELLED, filled=1, by="ana") == (DayKind.TRADED, "")
    assert told_day(OrderState.FILLED) == (DayKind.TRADED, ""), "by the broker's word, its fills have not come"


def test_a_lost_answer_that_turned_out_filled_is_a_trade_also_of_an_interrupted_cycle() -> None:
    lost = run(0, Reason.OUTCOME_UNKNOWN)
    found = figures(lost, entries=[made(OrderState.FILLED, lost, 4)])
    assert (kinds(found), found.failed, found.reasons) == ([DayKind.TRADED], Share(0, 1), ())
    assert kinds(figures(entries=[made(OrderState.FILLED, lost, 4)])) == [DayKind.TRADED]


def test_an_order_that_works_leaves_its_day_open_until_the_close() -> None:
    sent = run(0)
    working = [made(OrderState.WORKING, sent)]
    found = figures(sent, entries=working, running=day(0))
    assert (kinds(found), found.success) == ([DayKind.OPEN], Share(0, 0))
    assert kinds(figures(sent, entries=working)) == [DayKind.ERROR], "the session is over and nothing filled"
    assert told_day(OrderState.WORKING, running=True) == (DayKind.OPEN, "")


def test_an_unknown_order_is_an_error_only_once_the_session_is_over() -> None:
    lost = run(0, Reason.OUTCOME_UNKNOWN)
    unknown = [made(OrderState.UNKNOWN, lost)]
    found = figures(lost, entries=unknown, running=day(0))
    assert [(d.kind, d.reason, d.failed) for d in found.days] == [(DayKind.OPEN, "outcome_unknown", 0)]
    assert (found.success, found.failed, found.reasons) == (Share(0, 0), Share(0, 0), ())
    over = figures(lost, entries=unknown)
    assert [(d.kind, d.reason, d.failed) for d in over.days] == [(DayKind.ERROR, "outcome_unknown", 1)]
    assert over.failed == Share(1, 1)


def test_an_order_on_its_way_has_not_come_to_anything() -> None:
    sending = [made(OrderState.SENT, run(0))]
    assert figures(entries=sending, running=day(0)).failed == Share(0, 0)
    assert figures(entries=sending).failed == Share(1, 1)


def test_a_run_that_was_interrupted_before_its_order_left_is_an_error() -> None:
    [found] = figures(entries=[made(OrderState.NOT_SENT, run(0))]).days
    assert (found.kind, found.reason) == (DayKind.ERROR, "interrupted")


def test_a_day_the_console_was_down_is_an_error_from_the_day_the_account_was_known() -> None:
    found = figures(run(2), expected={ONE: day(1), TWO: day(2)}, sessions=3, missed={day(1): {"process_down": 21}})
    assert [(d.day, d.account, d.kind, d.reason) for d in found.days] == [
        (day(1), ONE, DayKind.ERROR, "process_down"),
        (day(2), ONE, DayKind.TRADED, ""),
        (day(2), TWO, DayKind.ERROR, "process_down"),
    ]
    assert found.success == Share(1, 3)


@pytest.mark.parametrize(
    ("missed", "kind", "why"),
    [
        ({"paused": 12, "process_down": 9}, DayKind.RULE, "paused"),
        ({"paused": 9, "process_down": 12}, DayKind.ERROR, "process_down"),
        ({"paused": 8, "suspended": 5, "process_down": 3}, DayKind.ERROR, "suspended"),
        ({"skip_today": 2, "account_disabled": 1}, DayKind.RULE, "skip_today"),
        ({"halted": 3}, DayKind.ERROR, "halted"),
        ({"kill_file": 3}, DayKind.ERROR, "kill_file"),
        ({"interrupted": 1}, DayKind.ERROR, "interrupted"),
        ({"paused": 1, "breaker_open": 1}, DayKind.ERROR, "breaker_open"),
    ],
)
def test_a_day_without_a_run_is_what_its_slots_were_missed_for(missed: dict[str, int], kind: DayKind, why: str) -> None:
    [found] = figures(expected={ONE: day(0)}, sessions=1, missed={day(0): missed}).days
    assert (found.kind, found.reason, found.runs) == (kind, why, 0)
    [ran] = figures(run(0, Reason.LOW_SCORE), missed={day(0): missed}).days
    assert ran.reason == "low_score", "a run says more than a missed slot"


def test_a_day_of_which_nothing_is_recorded_yet_is_open_while_it_runs() -> None:
    assert kinds(figures(expected={ONE: day(0)}, sessions=1, running=day(0))) == [DayKind.OPEN]
    assert kinds(figures(expected={ONE: day(0)}, sessions=1)) == [DayKind.ERROR]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, Reason.FEED_DOWN),
        (None, Reason.LOW_SCORE),
        (None, Reason.RISK_ABOVE_BUDGET),
        (OrderState.REJECTED, Reason.REJECTED),
        (OrderState.EXPIRED, Reason.ENTRY_EXPIRED),
    ],
)
def test_a_day_is_not_over_while_its_account_may_still_enter(state: OrderState | None, reason: Reason) -> None:
    """Its account-day is in no rate, and says what it came to so far."""
    ran = run(0) if state else run(0, reason)
    made_by = [] if state is None else [replace(made(state, ran), holds_day=state is OrderState.EXPIRED)]
    found = figures(ran, entries=made_by, expected={ONE: day(0)}, running=day(0), slot_left=True)
    assert [(d.kind, d.reason) for d in found.days] == [(DayKind.OPEN, reason.code)]
    assert found.success == Share(0, 0)
    for judged in (
        figures(ran, entries=made_by, expected={ONE: day(0)}, running=day(0)),
        figures(ran, entries=made_by, running=day(0), slot_left=True),
        figures(ran, entries=made_by, expected={ONE: day(0)}, running=day(1), slot_left=True),
    ):
        assert judged.days[0].kind is not DayKind.OPEN, "no slot left, not traded by the automation, or another day"


@pytest.mark.parametrize(
    ("state", "by"), [(OrderState.ABSENT, ""), (OrderState.INCIDENT, ""), (OrderState.CANCELLED, "ana")]
)
def test_a_day_that_its_entry_holds_for_good_is_over_whatever_slots_are_left(state: OrderState, by: str) -> None:
    ran = run(0)
    held = figures(ran, entries=[made(state, ran, by=by)], expected={ONE: day(0)}, running=day(0), slot_left=True)
    assert kinds(held) == [DayKind.RULE if by else DayKind.ERROR]


def test_a_dry_run_trades_by_validating_also_when_its_cycle_was_interrupted() -> None:
    assert kinds(figures(run(0), run(0, Reason.VALIDATED_TODAY))) == [DayKind.TRADED]
    assert kinds(figures(run(0, Reason.VALIDATED_TODAY))) == [DayKind.TRADED]


def test_a_day_recorded_as_missed_by_an_earlier_version_is_an_error() -> None:
    assert DayKind("missed") is DayKind.ERROR
    with pytest.raises(ValueError, match="elsewhere"):
        DayKind("elsewhere")


# Rates


def test_success_leaves_out_what_rules_and_risk_forbade() -> None:
    found = figures(run(0), run(1, Reason.LOW_SCORE), run(2, Reason.FEED_DOWN), run(3, Reason.POSITION_LIMIT), run(4))
    assert (found.success, found.success.percent) == (Share(2, 3), D("66.7"))
    assert [found.count(kind) for kind in DayKind] == [2, 1, 1, 1, 0]


def test_slots_that_the_entry_held_are_no_reason_why_runs_did_not_succeed() -> None:
    held = [run(0, reason) for reason in (Reason.ENTRY_TODAY, Reason.VALIDATED_TODAY, Reason.ALREADY_AT_BROKER)]
    found = figures(run(0), run(0, Reason.LOW_SCORE), *held)
    assert (found.skipped, found.failed) == (Share(1, 2), Share(0, 2))
    assert [(r.reason, r.share) for r in found.reasons] == [("low_score", Share(1, 2))]


def test_a_cycle_forced_for_others_counts_nowhere() -> None:
    others = [run(0, Reason.NOT_ASKED, account=TWO) for _ in range(3)]
    found = figures(run(0), *others)
    assert [(d.account, d.kind, d.runs) for d in found.days] == [(ONE, DayKind.TRADED, 1)]
    assert (found.skipped, found.failed, found.reasons) == (Share(0, 1), Share(0, 1), ())


def test_a_cycle_is_retried_once_however_many_accounts_did() -> None:
    found = figures(
        run(0, cycle=1, attempts=3),
        run(0, cycle=1, attempts=2, account=TWO),
        run(0, cycle=2),
        run(0, Reason.FEED_DOWN, cycle=3, attempts=3, reached_pricing=False),
    )
    assert found.retry == Share(1, 2)


def test_runs_by_outcome_and_reason() -> None:
    found = figures(run(0), run(0, Reason.LOW_SCORE), run(1, Reason.LOW_SCORE), run(1, Reason.OUTCOME_UNKNOWN))
    assert (found.skipped, found.failed) == (Share(2, 4), Share(1, 4))
    assert [(r.reason, r.share.count, r.share.percent) for r in found.reasons] == [
        ("low_score", 2, D("50.0")),
        ("outcome_unknown", 1, D("25.0")),
    ]


def test_risk_refusals_are_of_what_was_priced() -> None:
    stale = run(0, Reason.LEG_STALE, attempts=3, pricing_refusals=3)
    unpriced = run(0, Reason.LOW_SCORE, reached_pricing=False)
    assert figures(stale, unpriced, run(0, Reason.POSITION_LIMIT), run(1)).risk == Share(1, 2)
    assert figures(stale, unpriced).risk.percent is None


def test_pricing_rejections_are_counted_as_one_account_saw_them() -> None:
    both = [run(0, Reason.LEG_CROSSED, cycle=1, account=a, pricing_refusals=3) for a in (ONE, TWO)]
    assert figures(*both, run(0, cycle=2, pricing_refusals=1), run(1)).pricing_rejections == ((day(0), 4),)


def test_execution_times_are_nearest_rank() -> None:
    found = figures(*(run(n, acknowledged_ms=1000 * (20 - n)) for n in range(20)))
    assert (found.executions, found.median_ms, found.p95_ms) == (20, 10_000, 19_000)
    assert figures(run(0)).median_ms is None


def test_slippage_is_the_fills_less_the_mid() -> None:
    filled = replace(made(OrderState.FILLED, run(0), 4), mid=D("4.10"))
    found = figures(entries=[filled, made(OrderState.WORKING, run(0, account=TWO), 3)])
    assert [d.slippage for d in found.days] == [D("-0.10"), None]
    assert (found.fills, found.mean_slippage, found.worst_slippage) == (1, D("-0.10"), D("-0.10"))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4), st.sampled_from([None, *Reason]), st.sampled_from([ONE, TWO]), st.integers(0, 3),
            st.booleans(), st.integers(0, 6),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_whatever_is_recorded_adds_up(drawn: list[tuple[int, Reason | None, str, int, bool, int]]) -> None:
    runs = [
        run(on, reason, account=account, attempts=attempts, reached_pricing=reached, pricing_refusals=refusals)
        for on, reason, account, attempts, reached, refusals in drawn
    ]
    found = figures(*runs)
    asked = [r for r in runs if r.outcome is not Outcome.NOT_ASKED]
    assert sum(found.count(kind) for kind in DayKind) == len(found.days) == len({(r.day, r.account) for r in asked})
    held = (Reason.ENTRY_TODAY, Reason.VALIDATED_TODAY, Reason.ALREADY_AT_BROKER)
    left_out = {reason.code for reason in (*held, Reason.ACCOUNT_DISABLED)}
    told = sum(bool(r.reason) for r in asked if r.reason not in left_out)
    assert sum(each.share.count for each in found.reasons) == told
    for share in (found.success, found.retry, found.skipped, found.failed, found.risk):
        assert 0 <= share.count <= share.of
    kinds_due = [(alert.kind, alert.subject) for alert in due_alerts(found, None)]
    assert len(kinds_due) == len(set(kinds_due))


# Targets


def met(of: SessionFigures) -> list[bool | None]:
    return [target.met(of) for target in Target]


def test_the_targets_are_those_of_the_seed() -> None:
    words = {target.figure: target.words for target in Target}
    assert words == {
        "success": "> 90 %",
        "retry": "< 20 %",
        "skipped": "< 50 %",
        "execution": "< 30 s",
        "pricing_rejections": "0",
    }
    assert met(figures()) == [None] * 5
    calm = [run(n, acknowledged_ms=29_999) for n in range(10)]
    assert met(figures(*calm)) == [True] * 5


def test_a_figure_at_its_target_s_number_does_not_meet_it() -> None:
    nine = [run(n, acknowledged_ms=30_000) for n in range(9)]
    assert Target.SUCCESS.met(figures(*nine, run(9, Reason.FEED_DOWN))) is False
    assert Target.EXECUTION.met(figures(*nine)) is False
    assert Target.RETRY.met(figures(*(run(n, attempts=1 + (n < 2)) for n in range(10)))) is False
    assert Target.SKIPPED.met(figures(run(0), run(1, Reason.LOW_SCORE))) is False
    assert Target.PRICING_REJECTIONS.met(figures(run(0, pricing_refusals=1), run(1))) is False


def test_an_account_that_was_switched_off_is_in_no_share_of_runs() -> None:
    off = [run(1, Reason.ACCOUNT_DISABLED, account=TWO) for _ in range(3)]
    found = figures(*off, run(1, Reason.LOW_SCORE))
    assert (found.skipped.count, found.skipped.of) == (1, 1)
    assert [each.reason for each in found.reasons] == ["low_score"]
    assert {day.account: day.reason for day in found.days}[TWO] == "account_disabled"


# Alerts


def test_nothing_is_due_without_records() -> None:
    assert codes(figures()) == []


def test_every_account_failing_three_times_in_a_day() -> None:
    twice = [run(1, Reason.FEED_DOWN, account=a) for a in (ONE, TWO) for _ in range(2)]
    off = run(1, Reason.ACCOUNT_DISABLED, account="5WT00003")
    third = run(1, Reason.FEED_DOWN)
    assert codes(figures(*twice, third, off)) == []
    everyone = (*twice, third, off, run(1, Reason.FEED_DOWN, account=TWO))
    [alert] = due_alerts(figures(*everyone), None)
    assert (alert.kind, alert.subject) == (AlertKind.ALL_FAILED, "")
    assert "every one of 2 accounts" in alert.text
    assert alert.text.endswith("failed at least 3 times on 2026-03-03: the quote feed is not live")
    assert codes(figures(*everyone, run(1))) == [], "it traded after all"
    sent = run(1)
    works = figures(*everyone, sent, entries=[made(OrderState.WORKING, sent)], running=day(1))
    assert codes(works, running=day(1)) == [], "its order works"
    assert codes(figures(*everyone, run(2, Reason.LOW_SCORE))) == [], "another day began"
    may_enter = figures(*everyone, expected={ONE: day(0), TWO: day(0)}, running=day(1), slot_left=True)
    assert codes(may_enter, running=day(1)) == [AlertKind.ALL_FAILED], "that it may still enter mends nothing"


def test_no_trade_in_five_sessions_on_which_nothing_forbade_one() -> None:
    def failing(*days: int) -> list[AccountRun]:
        return [run(n, Reason.ORDERS_UNREADABLE) for n in days]

    forbidden = run(3, Reason.LOW_SCORE)
    assert codes(figures(*failing(0, 1, 2, 4), forbidden)) == []
    [alert] = due_alerts(figures(*failing(0, 1, 2, 4, 5), forbidden), None)
    assert (alert.kind, alert.subject) == (AlertKind.NO_TRADE, ONE)
    assert ONE not in alert.text
    assert codes(figures(*failing(0, 1, 2, 4, 5), forbidden), running=day(5)) == [], "the fifth is not over"
    assert codes(figures(*failing(0, 1, 2, 4, 5), forbidden, run(6)), running=day(6)) == []


def test_three_orders_that_the_broker_rejected_after_it_took_them_are_three_failures() -> None:
    sent = [run(0) for _ in range(3)]
    found = figures(*sent, entries=[made(OrderState.REJECTED, each) for each in sent])
    [alert] = due_alerts(found, None)
    assert (alert.kind, alert.text) == (
        AlertKind.ALL_FAILED,
        "the account failed at least 3 times on 2026-03-02: the broker refused the order",
    )


def test_sessions_the_console_was_down_are_sessions_without_a_trade() -> None:
    down = {day(n): {"process_down": 21} for n in range(5)}
    [alert] = due_alerts(figures(expected={ONE: day(0)}, sessions=5, missed=down), None)
    assert (alert.kind, alert.subject) == (AlertKind.NO_TRADE, ONE)
    assert alert.text == (
        "…0001: nothing filled in 5 sessions on which no rule forbade it, the last on 2026-03-06: "
        "the console was not running at the slot"
    )
    paused = {**down, day(2): {"paused": 21}}
    assert codes(figures(expected={ONE: day(0)}, sessions=5, missed=paused)) == [], "a pause forbade it"


def test_orders_that_were_taken_and_never_filled_are_no_trade() -> None:
    sent = [run(n) for n in range(5)]
    expired = [made(OrderState.EXPIRED, each) for each in sent]
    assert codes(figures(*sent, entries=expired)) == [AlertKind.NO_TRADE]
    assert codes(figures(*sent, entries=[*expired[:4], made(OrderState.CANCELLED, sent[4], 1)])) == []
    works = [*expired[:4], made(OrderState.WORKING, sent[4])]
    assert codes(figures(*sent, entries=works, running=day(4)), running=day(4)) == [], "today's may still fill"


def test_more_than_five_pricing_rejections_a_day() -> None:
    assert codes(figures(run(0, pricing_refusals=5))) == []
    assert codes(figures(run(0, pricing_refusals=6))) == [AlertKind.PRICING_REJECTIONS]
    assert codes(figures(run(0, pricing_refusals=6), run(1))) == []


def test_more_than_three_cycles_in_ten_retried() -> None:
    calm, again = [run(n) for n in range(7)], [run(n, attempts=2) for n in range(7, 10)]
    assert codes(figures(*calm, *again)) == []
    assert codes(figures(*calm[1:], *again)) == []
    assert codes(figures(*calm[1:], *again, run(10, attempts=3))) == [AlertKind.RETRY_RATE]


def test_a_rate_of_few_cycles_is_no_alarm() -> None:
    assert codes(figures(run(0, attempts=3))) == [], "a morning's first retry"
    assert codes(figures(*(run(n, attempts=2) for n in range(9)))) == []
    assert codes(figures(*(run(n, attempts=2) for n in range(10)))) == [AlertKind.RETRY_RATE]
    assert codes(figures(*(run(n, Reason.OPPOSITE_SIDE) for n in range(9)))) == []
    assert codes(figures(*(run(n, Reason.OPPOSITE_SIDE) for n in range(10)))) == [AlertKind.RISK_REFUSALS]


def test_an_execution_above_45_seconds_until_a_quicker_one() -> None:
    assert codes(figures(run(0, acknowledged_ms=45_000))) == []
    slow = figures(run(0, acknowledged_ms=45_099))
    [alert] = due_alerts(slow, None)
    assert (alert.kind, "45.1 s" in alert.text) == (AlertKind.SLOW_EXECUTION, True)
    assert codes(figures(run(0, acknowledged_ms=45_099), run(1, acknowledged_ms=9_000))) == []


def test_risk_refusals_above_a_fifth() -> None:
    passed, refused = [run(n) for n in range(8)], [run(n, Reason.OPPOSITE_SIDE) for n in (8, 9)]
    assert codes(figures(*passed, *refused)) == []
    assert codes(figures(*passed, *refused, run(10, Reason.OPPOSITE_SIDE))) == [AlertKind.RISK_REFUSALS]


def test_days_joined_apart_give_the_figures_of_all_of_them() -> None:
    """Alerting joins the earlier sessions once a day."""
    sent, lost = run(1), run(2)
    runs = [run(0), sent, run(1, Reason.POSITION_LIMIT, account=TWO), lost, run(2, account=TWO)]
    entries = [made(OrderState.FILLED, sent, 4), made(OrderState.REJECTED, lost)]
    since, today = day(1), day(2)
    chosen = [each for each in runs if each.day >= since]
    apart = joined_days(
        since,
        joined([each for each in runs if each.day < today], entries[:1]),
        joined([each for each in runs if each.day == today], entries[1:]),
    )
    expected = {ONE: day(0), TWO: day(0)}
    whole = figures_of([since, today], chosen, entries, expected, running=today, has_slot_left=True)
    known = figures_of([since, today], chosen, entries, expected, running=today, has_slot_left=True, known=apart)
    assert known == whole
    assert {each.day for each in apart.parts} == {since, today}
    assert len(whole.days) == 4
