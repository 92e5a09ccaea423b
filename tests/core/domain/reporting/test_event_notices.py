"""Which events are mailed to the operator, under which name, and what counts as the same cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.operation.events import Event, Severity
from core.domain.operation.reasons import Reason
from core.domain.reporting.alerts import AlertKind
from core.domain.reporting.event_notices import event_notice
from core.domain.reporting.notices import Letterhead, Notice
from tests.support.record_samples import ACCOUNT, AT

HEAD = Letterhead("live", "https://broker.example/")


def warning(kind: str = "broker.down", text: str = "broker: HTTP 502", **more: object) -> Event:
    return replace(Event(AT, kind, text, Severity.WARNING), **more)  # type: ignore[arg-type]


def mailed(event: Event) -> Notice:
    notice = event_notice(event, HEAD)
    assert notice is not None
    return notice


@pytest.mark.parametrize(
    "kind",
    [
        "alert.opened",
        "broker.down",
        "login.silent",
        "mail.given_up",
        "phone.given_up",
        "order.cancel_late",
        "reconcile.waiting",
        "settings.changed",
        "study.incomplete",
    ],
)
def test_a_warning_is_mailed_whatever_the_preference(kind: str) -> None:
    notice = mailed(warning(kind, f"{ACCOUNT}: what happened; what follows", account=ACCOUNT))
    assert (notice.kind, notice.account, notice.always) == ("warning", "", True)
    assert notice.subject == "Senex: WARNING: …0001: what happened"
    assert "what happened; what follows." in notice.text
    assert ACCOUNT not in notice.text + notice.html


@pytest.mark.parametrize(
    "kind",
    [
        "step.pricing",
        "command.force.refused",
        "mail.failing",
        "phone.failing",
        "login.refused",
        "order.rejected",
        "order.cancelled",
        "order.expired",
        "exit.unknown",
        "exit.incident",
        "exit.rejected",
        "exit.absent",
    ],
)
def test_what_is_told_otherwise_is_no_warning_to_mail(kind: str) -> None:
    assert event_notice(warning(kind), HEAD) is None


@pytest.mark.parametrize("kind", AlertKind)
def test_an_alert_is_mailed_unless_a_mail_about_its_trident_tells_more(kind: AlertKind) -> None:
    opened = replace(warning("alert.opened"), figures=(("alert", kind.code),), severity=kind.severity)
    told = {"exit_unknown", "unit_broken", "assigned", "must_close", "pnl_mismatch"}
    assert (event_notice(opened, HEAD) is None) is (kind.code in told)


def test_a_failed_cycle_is_mailed_unless_its_entry_is_told_of() -> None:
    failed = warning("cycle.ended", "cycle 10:15 failed: no fresh quote", reason=Reason.LEG_STALE)
    assert mailed(failed).subject == "Senex: WARNING: cycle 10:15 failed: no fresh quote"
    next_slot = replace(failed, text="cycle 10:45 failed: no fresh quote of SPXW", at=AT + timedelta(seconds=60))
    assert mailed(next_slot).key == mailed(failed).key
    assert event_notice(replace(failed, reason=Reason.REJECTED), HEAD) is None
    assert event_notice(replace(failed, severity=Severity.CRITICAL), HEAD) is None


def test_other_figures_are_the_same_cause_within_the_hour() -> None:
    first = warning(text="…0001: no answer after 21.5 s")
    again = replace(first, text="…0001: no answer after 34 s", at=AT + timedelta(seconds=60))
    later = replace(first, at=AT + timedelta(hours=1))
    other = replace(first, text="…0002: no answer after 21.5 s")
    elsewhere = replace(first, kind="reconcile.waiting")
    assert mailed(first).key == mailed(again).key
    assert len({mailed(each).key for each in (first, later, other, elsewhere)}) == 4


def test_an_alarm_keeps_its_name_and_news_is_not_mailed() -> None:
    alarm = replace(warning(), severity=Severity.CRITICAL)
    assert mailed(alarm).subject == "Senex: ALARM: broker: HTTP 502"
    assert mailed(alarm).kind == "alarm"
    assert event_notice(replace(alarm, severity=Severity.INFO), HEAD) is None
