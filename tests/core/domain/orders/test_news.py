"""No report is folded that is not about our order as it was asked for, and older news changes nothing (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.orders.news import contradiction, is_aside, is_older, successor
from core.domain.orders.order_states import BROKER_STATUS, OrderState
from core.domain.orders.orders import Entry, Fill, IntentOrder, OrderReport, ReportedLeg
from tests.support import record_samples
from tests.support.record_samples import AT

ENTRY = replace(record_samples.entry(), state=OrderState.WORKING, order_id="7", broker_status="Live", sent_at=AT)
LIVE = IntentOrder(ENTRY.id, ENTRY.account, "7", "Live", AT, AT)


def after(seconds: float) -> IntentOrder:
    return replace(LIVE, updated_at=AT + timedelta(seconds=seconds))


def true_report(status: str = "Live", order_id: str = "7", **changes: object) -> OrderReport:
    legs = tuple(
        ReportedLeg(leg.symbol, leg.action.value, Decimal(leg.quantity), Decimal(leg.quantity), ())
        for leg in ENTRY.request.legs
    )
    report = OrderReport(
        order_id, ENTRY.account, status, ENTRY.identifier, "QQQ", ENTRY.limit, legs, AT, None, AT, order_type="Limit"
    )
    return replace(report, **changes)  # type: ignore[arg-type]


@st.composite
def changed(draw: st.DrawFn) -> tuple[OrderReport, str, str]:
    """A true report with one thing changed, and the values before and after as they are told."""
    report = true_report(draw(st.sampled_from(sorted(BROKER_STATUS))))
    at = draw(st.integers(0, 3))
    leg = report.legs[at]
    others = (*report.legs[:at], *report.legs[at + 1 :])
    match draw(st.sampled_from(("account", "identifier", "underlying", "credit", "quantity", "action", "leg", "word"))):
        case "account":
            return replace(report, account="5WT99999"), "0001", "9999"
        case "identifier":
            return replace(report, identifier="senex-another"), ENTRY.identifier, "senex-another"
        case "underlying":
            return replace(report, underlying="SPX"), "QQQ", "SPX"
        case "credit":
            cents = draw(st.integers(1, 1000).filter(lambda c: c != 406))
            credit = Decimal(cents) / 100
            return replace(report, credit=credit), "4.06 credit", f"{credit:.2f} credit"
        case "quantity":
            more = leg.quantity + draw(st.integers(1, 5))
            legs = (*others, replace(leg, quantity=more))
            return replace(report, legs=legs), f"{leg.action} {leg.quantity}", f"{leg.action} {more}"
        case "action":
            legs = (*others, replace(leg, action="Buy to Close"))
            return replace(report, legs=legs), f"{leg.action} {leg.quantity}", f"Buy to Close {leg.quantity}"
        case "leg":
            return replace(report, legs=others), f"{leg.action} {leg.quantity} {leg.symbol}", "no such leg"
    return replace(report, time_in_force="GTC"), "time in force Day", "GTC"


@given(changed())
def test_one_field_that_differs_is_a_contradiction_with_both_values(case: tuple[OrderReport, str, str]) -> None:
    report, asked, shown = case
    why = contradiction(ENTRY, (LIVE,), report)
    assert asked in why, why
    assert shown in why, why


@given(st.sampled_from(sorted(BROKER_STATUS)))
def test_a_true_report_is_none(status: str) -> None:
    assert contradiction(ENTRY, (LIVE,), true_report(status)) == ""


@pytest.mark.parametrize("status", sorted(BROKER_STATUS))
def test_a_second_id_for_one_identifier_is_a_contradiction_whatever_its_status(status: str) -> None:
    why = contradiction(ENTRY, (LIVE,), true_report(status, "8"))
    assert why == f"two orders under one identifier: 7 Live, 8 {status}"


def test_a_replacement_is_none_and_stands_once_it_no_longer_waits() -> None:
    waiting = true_report("Contingent", "8", replaces="7")
    assert contradiction(ENTRY, (LIVE,), waiting) == ""
    assert is_aside(ENTRY, (LIVE,), waiting)
    live = replace(waiting, status="Live")
    assert not is_aside(ENTRY, (LIVE,), live)
    chained = replace(live, order_id="9", replaces="8")
    orders = (LIVE, replace(LIVE, order_id="8", replaces="7"))
    assert not is_aside(ENTRY, orders, chained), "it replaced the replacement"
    assert is_aside(replace(ENTRY, order_id="9"), (*orders, replace(LIVE, order_id="9", replaces="8")), live)


def test_what_replaces_an_order_is_followed_until_it_has_ended_too() -> None:
    cancelled = true_report("Cancelled", replaced_by="8")
    assert successor((LIVE,), cancelled) == "8"
    waiting = replace(LIVE, order_id="8", status="Contingent", replaces="7")
    assert successor((LIVE, waiting), replace(cancelled, replaced_by="")) == "8"
    assert successor((LIVE, replace(waiting, ended=True)), cancelled) is None
    assert successor((LIVE,), replace(cancelled, replaced_by="")) is None


def test_live_again_with_a_newer_time_after_an_end_is_a_contradiction_and_an_older_one_is_no_news() -> None:
    ended = replace(after(10), status="Cancelled", ended=True)
    cancelled = replace(ENTRY, state=OrderState.CANCELLED, broker_status="Cancelled")
    newer = true_report(updated_at=AT + timedelta(seconds=20))
    why = contradiction(cancelled, (ended,), newer)
    assert "order 7 was shown Cancelled at 2026-03-02 09:45:10 ET, and is Live again at 2026-03-02 09:45:20 ET" in why
    older = true_report(updated_at=AT + timedelta(seconds=5))
    assert contradiction(cancelled, (ended,), older) == ""
    assert is_older(ended, older)
    assert is_older(ended, true_report(updated_at=None)), "without a time it proves nothing"


@pytest.mark.parametrize(
    ("known", "status", "seconds", "older"),
    [
        ("Live", "Routed", 0, True),
        ("Routed", "Live", 0, False),
        ("Live", "Routed", 1, False),
        ("Routed", "Live", -1, True),
        ("Live", "Filled", -1, False),
        ("Live", "Cancelled", -1, False),
    ],
)
def test_the_brokers_time_decides_what_is_older_and_an_end_never_is(
    known: str, status: str, seconds: int, older: bool
) -> None:
    report = true_report(status, updated_at=AT + timedelta(seconds=seconds))
    assert is_older(replace(LIVE, status=known), report) is older


@pytest.mark.parametrize(
    "change",
    [{"quantity": Decimal(1)}, {"price": Decimal("3.16")}, {"symbol": "QQQ   260417P00619000"}],
    ids=["quantity", "price", "leg"],
)
def test_a_fill_that_is_shown_otherwise_than_it_is_on_record_is_a_contradiction(change: dict[str, object]) -> None:
    known = replace(record_samples.fill("f1"), order_id="7")
    shown = replace(known, **change)  # type: ignore[arg-type]
    entry = replace(ENTRY, fills=(known,))
    why = contradiction(entry, (LIVE,), _with_fill(shown))
    assert why.startswith("fill f1 is on record as 2 QQQ   260417P00622000 at 3.155, the broker shows ")
    assert contradiction(entry, (LIVE,), _with_fill(known)) == ""


def test_an_incident_is_contradicted_by_nothing_more() -> None:
    assert contradiction(_as(OrderState.INCIDENT), (LIVE,), true_report("Live", "8")) == ""


def _as(state: OrderState) -> Entry:
    return replace(ENTRY, state=state)


def _with_fill(fill: Fill) -> OrderReport:
    report = true_report()
    legs = (replace(report.legs[0], fills=(fill,)), *report.legs[1:])
    return replace(report, legs=legs)
