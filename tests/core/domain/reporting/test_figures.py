"""The figures and the alerts that follow from them, one example per definition of rules 12."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry, Fill
from core.domain.reporting.alerts import AlertKind, due_alerts
from core.domain.reporting.figures import AccountRun, DayKind, SessionFigures, Share, figures_of
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


def figures(
    *runs: AccountRun, entries: Sequence[Entry] = (), expected: dict[str, date] | None = None, sessions: int = 0
) -> SessionFigures:
    days = {run.day for run in runs} | {e.session_day for e in entries} | {day(n) for n in range(sessions)}
    return figures_of(days, runs, entries, expected or {})


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


def test_an_unknown_entry_that_the_broker_turned_out_to_have_is_a_trade() -> None:
    runs = (run(0, Reason.OUTCOME_UNKNOWN), run(0, Reason.ENTRY_TODAY))
    assert kinds(figures(*runs, entries=[replace(entry(), state=EntryState.UNKNOWN)])) == [DayKind.ERROR]
    assert kinds(figures(*runs, entries=[replace(entry(), state=EntryState.WORKING)])) == [DayKind.TRADED]
    assert kinds(figures(entries=[replace(entry(), state=EntryState.PREPARED)])) == [DayKind.ERROR]


def test_a_session_without_a_run_is_missed_from_the_day_the_account_was_known() -> None:
    found = figures(run(2), expected={ONE: day(1), TWO: day(2)}, sessions=3)
    assert [(d.day, d.account, d.kind) for d in found.days] == [
        (day(1), ONE, DayKind.MISSED),
        (day(2), ONE, DayKind.TRADED),
        (day(2), TWO, DayKind.MISSED),
    ]
    assert found.success == Share(1, 1), "nobody knows what a missed day would have been"


# Rates


def test_success_leaves_out_what_rules_and_risk_forbade() -> None:
    found = figures(run(0), run(1, Reason.LOW_SCORE), run(2, Reason.FEED_DOWN), run(3, Reason.POSITION_LIMIT), run(4))
    assert (found.success, found.success.percent) == (Share(2, 3), D("66.7"))
    assert [found.count(kind) for kind in DayKind] == [2, 1, 1, 1, 0]


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
    legs = zip(entry().request.legs, ("3.10", "1.90", "3.00", "1.40"), strict=True)
    fills = tuple(Fill(f"f{n}", leg.symbol, D(leg.quantity), D(p), AT) for n, (leg, p) in enumerate(legs))
    filled = replace(entry(), state=EntryState.FILLED, fills=fills, mid=D("4.10"))
    found = figures(entries=[filled, replace(entry("two", TWO), fills=fills[:3])])
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
    assert sum(found.count(kind) for kind in DayKind) == len(found.days) == len({(r.day, r.account) for r in runs})
    assert sum(each.share.count for each in found.reasons) == sum(bool(r.reason) for r in runs)
    for share in (found.success, found.retry, found.skipped, found.failed, found.risk):
        assert 0 <= share.count <= share.of
    kinds_due = [(alert.kind, alert.subject) for alert in due_alerts(found, None)]
    assert len(kinds_due) == len(set(kinds_due))


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
    assert codes(figures(*everyone, run(1))) == [], "it traded after all"
    assert codes(figures(*everyone, run(2, Reason.LOW_SCORE))) == [], "another day began"


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
    assert (alert.kind, "45.0 s" in alert.text) == (AlertKind.SLOW_EXECUTION, True)
    assert codes(figures(run(0, acknowledged_ms=45_099), run(1, acknowledged_ms=9_000))) == []


def test_risk_refusals_above_a_fifth() -> None:
    passed, refused = [run(n) for n in range(8)], [run(n, Reason.OPPOSITE_SIDE) for n in (8, 9)]
    assert codes(figures(*passed, *refused)) == []
    assert codes(figures(*passed, *refused, run(10, Reason.OPPOSITE_SIDE))) == [AlertKind.RISK_REFUSALS]
