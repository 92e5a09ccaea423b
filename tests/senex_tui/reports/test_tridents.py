"""What `senex tridents` and `senex exits status` tell of recorded values, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.exits import ExitKind
from core.domain.positions.pnl import Realized
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, UnitName
from senex_tui.reports.tridents import (
    RecordedExits,
    RecordedTrident,
    exits_report,
    next_in_records,
    trident_values,
    tridents_report,
)
from tests.support.trident_views import ENTRY_DAY, FIRST, RULES, TARGETS, VIEW, at, closing, of, target, works
from tests.support.tridents import CALL, LONG_PUT, PUT_1, PUT_2, SHORT_PUT, D, exit, units
from tests.support.world import et

ACCOUNT = "5WX00001"
LATER = at("2025-12-01", "10:00")
FILLED = exit([PUT_1], (SHORT_PUT, 1, "1.50"), (LONG_PUT, 1, "0.77"), state=OrderState.FILLED, kind=ExitKind.TARGET)
ONE_CLOSED = of(units=units_after(units(), [FILLED], []), exits=(FILLED, *TARGETS[1:]))
WHOLE = "open risk 194.00 $, worst case -194.00 $ before fees, realized --"
CALL_GONE = [Gone(CALL, symbol, Ended.HAND, LATER.now) for symbol in (units()[2].short, units()[2].long)]
EARNED = Realized(D("49"), D("0"), D("6.97"), True)


def recorded(view: TridentView, moment: Moment = LATER, **changes: Any) -> RecordedTrident:
    return RecordedTrident(ACCOUNT, view, moment, et("2025-11-28", "10:20"), D("4.06"), **changes)


def test_a_trident_is_told_with_its_units_and_what_comes_next() -> None:
    report = tridents_report([recorded(ONE_CLOSED, realized=EARNED)], console=True, everything=False)
    assert report.to_text().splitlines() == [
        "T1  …0001  QQQ 622P/619P/622C/625C 2025-12-19 (18 days) at 4.06 credit: targets resting",
        "          put-1  closed at 0.73 on Thu 6 Nov by a target",
        "          put-2  whole, target at 0.73 (order 7-put-2)",
        "          call   whole, target at 0.73 (order 7-call)",
        "          open risk 16.00 $, worst case +33.00 $ before fees, realized ~+42.03 $",
        "          next: 2 targets rest; time exit Fri 12 Dec 10:00",
    ]
    [told] = json.loads(report.to_json())["tridents"]
    assert told["account"] == "…0001"
    assert (told["state"], told["dte"], told["managed"]) == ("targets resting", 18, True)
    assert (told["open_risk"], told["worst_case"], told["realized"]) == ("16.00", "33.00", "42.03")
    assert [unit["state"] for unit in told["units"]] == ["closed", "whole", "whole"]
    assert [(one["order"], one["kind"], one["claims"]) for one in told["exits"]] == [
        ("71", "target", False),
        ("7-put-2", "target", True),
        ("7-call", "target", True),
    ]
    assert told["exits"][0]["told"] == "FILLED 0.73"


@pytest.mark.parametrize(
    ("trident", "head", "figures"),
    [
        (
            recorded(VIEW, is_managed=False),
            "not managed",
            WHOLE,
        ),
        (
            recorded(of(phase=Phase.SETTLING)),
            "settling",
            WHOLE,
        ),
        (
            recorded(of(hands_off=HandsOff.RELEASED)),
            "released",
            WHOLE,
        ),
        (
            recorded(of(units=tuple(replace(unit, credit=None) for unit in units())), credit_estimated=True),
            "open",
            "open risk --, worst case -- before fees, realized --",
        ),
        (
            recorded(of(units=units_after(units(), [], CALL_GONE))),
            "open",
            "open risk 356.00 $, worst case -- before fees, realized --",
        ),
    ],
)
def test_how_it_stands(trident: RecordedTrident, head: str, figures: str) -> None:
    lines = tridents_report([trident], console=True, everything=False).to_text().splitlines()
    assert lines[0].endswith(f"credit: {head}")
    assert lines[4].strip() == figures
    assert ("~4.06" in lines[0]) is trident.credit_estimated


def test_an_expired_one_is_not_said_to_have_days_left() -> None:
    lines = tridents_report(
        [recorded(of(phase=Phase.SETTLING), at("2025-12-22", "10:00"))], console=True, everything=False
    )
    assert "2025-12-19 (expired)" in lines.to_text()


def test_one_that_has_ended_tells_what_it_realized_and_nothing_of_days_or_risk() -> None:
    one = recorded(of(phase=Phase.ENDED), at("2025-12-01", "10:00"))
    lines = tridents_report([one], console=True, everything=True).to_text().splitlines()
    assert "2025-12-19 at 4.06 credit: ended" in lines[0]
    assert [line.strip() for line in lines[4:]] == ["realized --"]


def test_no_trident_and_no_console_are_said() -> None:
    assert tridents_report([], console=True, everything=False).to_text() == (
        "No trident is held; `senex tridents --all` has those that have ended."
    )
    assert tridents_report([], console=False, everything=True).to_text().splitlines() == [
        "No trident is recorded.",
        "",
        "No console is running: nothing is sent, and what rests at the broker works on.",
    ]


def test_a_step_of_a_walk_is_not_told_without_prices() -> None:
    bare = {"put": None, "call": None}
    assert next_in_records(closing(exits=(works(UnitName, "3.60", FIRST),), **bare), FIRST) == (
        "the time exit of put-1, put-2, call works at 3.60"
    )
    assert next_in_records(closing(**bare), FIRST) == "its close is under way"
    assert next_in_records(of(exits=TARGETS, **bare), ENTRY_DAY) == "3 targets rest; time exit Fri 12 Dec 10:00"


def test_the_values_need_no_console() -> None:
    json.dumps(trident_values(recorded(of(exits=(target(CALL, state=OrderState.UNKNOWN, order_id=None),)))))


EXITS = RecordedExits(
    ACCOUNT, RULES, tridents=2, not_managed=1, resting=("71", "72"), next_exit=et("2025-12-12", "10:00")
)


def test_the_exits_of_an_account_are_told_with_what_rests() -> None:
    other = RecordedExits(
        "5WX00002",
        replace(
            RULES, mode=ExitMode.OFF, targets={PUT_1: 40, PUT_2: None, CALL: 40}, call_last=True, let_index_expire=True
        ),
        held="by anna since 10:00: lunch",
        first_set_waits=True,
        unknown=("73",),
    )
    assert exits_report([EXITS, other], console=False).to_text().splitlines() == [
        "…0001  exits all",
        "       targets put-1 40 %, put-2 60 %, call 40 %; time exit at 7 days",
        "       2 tridents, 1 of them not managed; 2 closing orders rest at the broker (71, 72); next time exit "
        "Fri 12 Dec 2025 10:00",
        "…0002  exits off, HELD by anna since 10:00: lunch",
        "       targets put-1 40 %, put-2 off, call 40 %; time exit at 7 days; an index may expire; the call's target "
        "last",
        "       no trident; no closing order rests at the broker",
        "       its first targets wait for one more `senex exits on`",
        "       UNKNOWN: 73; `senex reconcile` looks again",
        "No console is running: nothing is sent, and what rests at the broker works on.",
    ]


def test_a_hold_of_all_comes_first() -> None:
    lines = exits_report([EXITS], console=True, held="by anna since 10:00").to_text().splitlines()
    assert lines[0] == "Exits are HELD for all accounts by anna since 10:00."
    assert exits_report([], console=True).to_text() == "No account is known yet."
    told = json.loads(exits_report([EXITS], console=True).to_json())["accounts"][0]
    assert (told["account"], told["held"], told["next_time_exit"]) == ("…0001", None, "2025-12-12T10:00:00-05:00")
