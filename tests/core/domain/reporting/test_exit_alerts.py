"""The alerts about exits: each opens for its cause alone, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain.operation.events import Severity
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import Alert, PlaceTargets, Wait
from core.domain.positions.blocks import Barred, Block, BlockFacts, BlockScope, blocks
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.next_action import next_action
from core.domain.positions.trident_view import Dividend, Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.alerts import AlertKind, DueAlert, account_in, subject_of, subject_words
from core.domain.reporting.exit_alerts import (
    EXIT_ALERTS,
    AccountFacts,
    ExitFacts,
    TridentFacts,
    due_exit_alerts,
)
from tests.support.trident_views import (
    ENTRY_DAY,
    FIRST,
    LAST,
    RULES,
    TARGETS,
    VIEW,
    at,
    closing,
    of,
    target,
    works,
)
from tests.support.tridents import CALL, PUT_1, PUT_2, SHORT_CALL, SHORT_PUT, D, exit, units
from tests.support.world import et

ACCOUNT = "5WX00001"
HEAD = "…0001 T1, QQQ of Fri 19 Dec 2025: "
LATER = at("2025-12-01", "10:00")
RESTING = of(exits=TARGETS)
CLOSED_TWICE = tuple(exit([CALL], id=f"x{n}", order_id=f"7{n}", state=OrderState.FILLED) for n in (1, 2))
ASSIGNED = Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, et("2025-11-28", "10:25"))
UNEXPLAINED = [Gone(CALL, symbol, None, ENTRY_DAY.now) for symbol in (SHORT_CALL, units()[2].long)]
HELD = Block(BlockScope.ACCOUNT, "closing orders are held", tuple(UnitName))
CLOSES = works(UnitName, "3.60", FIRST)
ENDED = {"state": OrderState.CANCELLED, "terminal_at": LATER.now, "released_at": LATER.now}
BY_OPERATOR = target(CALL, **ENDED, cancel_requested_by="anna")
BY_OTHERS = target(CALL, **ENDED, cancelled_by="bert")
CALL_CLOSED = units_after(units(), [exit([CALL], state=OrderState.FILLED)], [])
PUTS_CLOSE = works([PUT_1, PUT_2], "1.22", at(LAST, "15:00"))
BROKEN = units_after(units(), [], [Gone(PUT_2, SHORT_PUT, Ended.HAND, LATER.now)])
REFUSED = replace(
    works(UnitName, "3.60", FIRST, state=OrderState.REJECTED, detail="no buying power.", released_at=FIRST.now),
    terminal_at=FIRST.now,
)


def facts(view: TridentView, moment: Moment, **changes: Any) -> TridentFacts:
    return TridentFacts(ACCOUNT, view, moment, **{"action": next_action(view, moment), **changes})


def found(*tridents: TridentFacts) -> list[AlertKind]:
    return [alert.kind for alert in due_exit_alerts(ExitFacts(tridents))]


QUIET = [
    facts(RESTING, LATER),
    facts(VIEW, ENTRY_DAY),
    facts(RESTING, at("2025-11-29", "12:00")),
    facts(RESTING, LATER, blocks=(HELD,)),
    facts(closing(exits=(CLOSES,)), FIRST),
    facts(closing(exits=(CLOSES,)), FIRST, quotes_stale_s=899.0, proof_waits_s=119.0),
    facts(
        of(
            exits=(
                *TARGETS[:2],
                BY_OPERATOR,
            )
        ),
        LATER,
    ),
    facts(of(exits=TARGETS[:2], rules=replace(RULES, call_last=True)), LATER),
    facts(of(exits=TARGETS[:2], rules=replace(RULES, targets={PUT_1: 40, PUT_2: 60, CALL: None})), LATER),
    facts(of(rules=replace(RULES, mode=ExitMode.OFF)), at("2025-12-11", "10:00")),
    facts(of(hands_off=HandsOff.RELEASED), at(LAST, "15:30"), is_managed=False),
    facts(of(phase=Phase.SETTLING), at("2025-12-20", "10:00")),
    facts(of(cash_settled=True, phase=Phase.CLOSING, exits=(CLOSES,)), at(LAST, "15:30")),
    facts(of(RESTING, dividend=Dividend(et("2025-12-16").date(), D("0.70")), underlying_price=D("621.9")), LATER),
    facts(of(RESTING, dividend=Dividend(et("2025-12-22").date(), D("0.70")), underlying_price=D("630")), LATER),
    facts(of(units=units_after(units(), [], UNEXPLAINED), exits=TARGETS[:2]), LATER, gone_sessions=2),
    facts(of(phase=Phase.ENDED), LATER, proof_waits_s=500.0, warnings=("late",)),
]


@pytest.mark.parametrize("quiet", QUIET, ids=range(len(QUIET)))
def test_nothing_is_told_while_all_goes_well(quiet: TridentFacts) -> None:
    assert due_exit_alerts(ExitFacts((quiet,))) == ()


LOUD: list[tuple[AlertKind, TridentFacts, str]] = [
    (
        AlertKind.MUST_CLOSE,
        facts(
            closing(
                exits=(PUTS_CLOSE,),
                split=True,
                units=CALL_CLOSED,
            ),
            at(LAST, "15:01"),
        ),
        "put-1, put-2 are not closed and it expires tomorrow: the next step is not due",
    ),
    (
        AlertKind.MUST_CLOSE,
        facts(of(hands_off=HandsOff.DESK, phase=Phase.CLOSING), at("2025-12-19", "15:10")),
        "put-1, put-2, call are not closed and it expires today: it is left alone: desk",
    ),
    (
        AlertKind.CLOSES_OVERLAP,
        facts(of(exits=(*TARGETS[:2], *CLOSED_TWICE), units=units_after(units(), CLOSED_TWICE, [])), LATER),
        "two orders have closed call: one of them opened a position; settle it at the broker",
    ),
    (
        AlertKind.EXIT_UNKNOWN,
        facts(of(exits=(*TARGETS[:2], target(CALL, state=OrderState.UNKNOWN))), LATER),
        "whether the broker has the target of call is not known (order 7-call, `senex reconcile` looks again)",
    ),
    (
        AlertKind.EXIT_UNKNOWN,
        facts(of(exits=(*TARGETS[:2], target(CALL, state=OrderState.UNKNOWN, order_id=None))), LATER),
        "whether the broker has the target of call is not known (`senex reconcile` looks again)",
    ),
    (
        AlertKind.UNIT_BROKEN,
        facts(
            of(
                exits=(TARGETS[0], TARGETS[2]),
                units=BROKEN,
            ),
            LATER,
        ),
        "put-2 is broken, left: 619P; settle it at the broker",
    ),
    (
        AlertKind.ASSIGNED,
        facts(of(exits=(TARGETS[0], TARGETS[2]), units=units_after(units(), [], [ASSIGNED])), LATER),
        "put-2 was assigned; to consider: Sell 100 QQQ + Sell to Close 1 619P",
    ),
    (
        AlertKind.EXIT_NO_PROOF,
        facts(closing(exits=(replace(CLOSES, cancel_asked_at=FIRST.now),)), FIRST, proof_waits_s=120.0),
        "the end of 1 order (71) is not proved after 2 minutes; nothing is sent for it",
    ),
    (
        AlertKind.EXITS_BLOCKED,
        facts(closing(exits=(CLOSES,)), at("2025-12-16", "10:00"), blocks=(HELD,)),
        "nothing can be sent and it expires in 3 days: closing orders are held",
    ),
    (
        AlertKind.EXIT_REFUSED_3,
        facts(
            closing(
                exits=(REFUSED,),
                refused_at=tuple(et("2025-12-12", f"10:0{n}") for n in (1, 2, 3)),
            ),
            at("2025-12-12", "11:00"),
        ),
        "the broker refused 3 orders of this session: no buying power",
    ),
    (
        AlertKind.GONE_UNEXPLAINED,
        facts(of(units=units_after(units(), [], UNEXPLAINED), exits=TARGETS[:2]), LATER, gone_sessions=3),
        "call left 3 sessions ago and nothing explains it; `senex attest gone` says for how much",
    ),
    (
        AlertKind.EXITS_OFF,
        facts(of(rules=replace(RULES, mode=ExitMode.OFF)), FIRST),
        "its exits are off and it expires in 7 days",
    ),
    (
        AlertKind.EXITS_OFF,
        facts(VIEW, FIRST, is_managed=False),
        "the console does not manage it and it expires in 7 days",
    ),
    (
        AlertKind.TARGETS_MISSING,
        facts(of(exits=TARGETS[1:], units=(replace(units()[0], credit=D("0.01")), *units()[1:])), LATER),
        "no target works for put-1",
    ),
    (
        AlertKind.EXIT_QUOTES_STALE,
        facts(closing(exits=(CLOSES,), put=None), FIRST, quotes_stale_s=900.0),
        "no fresh quotes of its legs for 15 minutes; what works stays; it expires in 7 days",
    ),
    (
        AlertKind.GTC_ENDED,
        facts(
            of(
                exits=(
                    *TARGETS[:2],
                    BY_OTHERS,
                )
            ),
            LATER,
        ),
        "the target of call was ended by somebody else (at the broker by bert); it returns once",
    ),
    (
        AlertKind.GTC_ENDED,
        facts(of(exits=(*TARGETS[:2], replace(BY_OTHERS, state=OrderState.ABSENT, cancelled_by=""))), LATER),
        "the target of call was ended by somebody else (the broker knows it no longer); it returns once",
    ),
    (
        AlertKind.GTC_ENDED,
        facts(of(exits=(*TARGETS[:2], BY_OTHERS, replace(BY_OTHERS, id="again"))), LATER),
        "the target of call was ended by somebody else (at the broker by bert); "
        "none is placed again for call, where it ended twice",
    ),
    (
        AlertKind.EX_DATE_CALL,
        facts(of(RESTING, dividend=Dividend(et("2025-12-12").date(), D("0.70")), underlying_price=D("630")), LATER),
        "the short call at 622 is in the money, and QQQ pays 0.70 on Fri 12 Dec 2025: it may be assigned before",
    ),
    (
        AlertKind.EX_DATE_CALL,
        facts(of(RESTING, dividend=Dividend(et("2025-12-12").date(), None), underlying_price=D("630")), LATER),
        "the short call at 622 is in the money, and QQQ pays an amount that is not known on Fri 12 Dec 2025: "
        "it may be assigned before",
    ),
    (
        AlertKind.EXIT_WARNING,
        facts(RESTING, LATER, warnings=("margin_may_rise",)),
        "the broker warned about an order of it: margin_may_rise",
    ),
    (
        AlertKind.PNL_MISMATCH,
        facts(of(phase=Phase.ENDED), LATER, results=(Decimal("180.55"), Decimal("179"))),
        "realized +180.55 $ by our records and +179.00 $ by the broker's rows",
    ),
]


@pytest.mark.parametrize(("kind", "loud", "text"), LOUD, ids=[row[2] for row in LOUD])
def test_a_cause_opens_its_alert_and_no_other(kind: AlertKind, loud: TridentFacts, text: str) -> None:
    [alert] = due_exit_alerts(ExitFacts((loud,)))
    assert (alert.kind, alert.subject, alert.text) == (kind, f"{ACCOUNT} T1", f"{HEAD}{text}")


DAY = "2025-12-01"
ACCOUNT_ALERTS = [
    (
        AccountFacts(ACCOUNT, LATER, first_set_waits=True),
        AlertKind.FIRST_SET_WAITS,
        ACCOUNT,
        "…0001: its first targets wait for one more `senex exits on`",
    ),
    (
        AccountFacts(ACCOUNT, LATER, unknown_rows=("Money Movement Gift", "Trade Loan")),
        AlertKind.UNKNOWN_TRANSACTION,
        ACCOUNT,
        "…0001: its history has rows of a kind that is not known here: Money Movement Gift, Trade Loan",
    ),
]


@pytest.mark.parametrize(("account", "kind", "subject", "text"), ACCOUNT_ALERTS)
def test_what_is_about_an_account(account: AccountFacts, kind: AlertKind, subject: str, text: str) -> None:
    [alert] = due_exit_alerts(ExitFacts(accounts=(account,)))
    assert (alert.kind, alert.subject, alert.text) == (kind, subject, text)
    assert due_exit_alerts(ExitFacts(accounts=(AccountFacts(ACCOUNT, LATER),))) == ()


def test_every_alert_about_exits_has_a_cause_here() -> None:
    assert {row[0] for row in LOUD} | {row[1] for row in ACCOUNT_ALERTS} == EXIT_ALERTS


def test_the_most_severe_comes_first_and_one_account_hides_no_other_trident() -> None:
    other = replace(VIEW.trident, id="T2")
    unknown = facts(of(exits=(*TARGETS[:2], target(CALL, state=OrderState.UNKNOWN))), LATER)
    second = facts(of(replace(RESTING, trident=other), agrees=True), LATER, warnings=("w",))
    alerts = due_exit_alerts(ExitFacts((second, unknown), (AccountFacts(ACCOUNT, LATER, first_set_waits=True),)))
    assert [alert.kind for alert in alerts] == [
        AlertKind.EXIT_UNKNOWN,
        AlertKind.EXIT_WARNING,
        AlertKind.FIRST_SET_WAITS,
    ]
    severities = [alert.kind.severity for alert in alerts]
    assert severities == sorted(severities, key=[Severity.CRITICAL, Severity.WARNING].index)
    assert len({alert.subject for alert in alerts}) == 3


def test_the_first_targets_that_wait_are_told_again_each_hour() -> None:
    def waits(time: str) -> DueAlert:
        [alert] = due_exit_alerts(ExitFacts(accounts=(AccountFacts(ACCOUNT, at(DAY, time), first_set_waits=True),)))
        return alert

    assert {waits(time).subject for time in ("10:00", "11:00")} == {ACCOUNT}
    assert [waits("10:59").rings_again(et(DAY, time)) for time in ("09:59", "10:00", "10:59")] == [True, False, False]
    assert waits("11:00").rings_again(et(DAY, "10:59"))


def test_what_is_held_on_the_day_of_expiration_is_told_again_every_quarter_of_an_hour() -> None:
    def rings(day: str, time: str) -> datetime | None:
        [alert] = [
            one
            for one in due_exit_alerts(ExitFacts((facts(closing(), at(day, time)),)))
            if one.kind is AlertKind.MUST_CLOSE
        ]
        return alert.rings_at

    day = "2025-12-19"
    assert [rings(day, time) for time in ("09:30", "09:44", "09:45", "10:01", "15:59")] == [
        et(day, time) for time in ("09:30", "09:30", "09:45", "10:00", "15:45")
    ]
    assert (rings(day, "09:29"), rings(LAST, "15:30")) == (None, None), "in its session, and on that day alone"
    assert all(
        one.rings_at is None
        for _, loud, _ in LOUD
        for one in due_exit_alerts(ExitFacts((loud,)))
        if one.kind is not AlertKind.MUST_CLOSE
    ), "nothing else rings"


SWITCH = "`senex accounts set 0001 exits all` switches them on, or close it at the broker"
OFF_WORDS = f"its exits are off, so that nothing closes it; {SWITCH}"
TARGETS_WORDS = (
    "no time exit closes it, because it was filled under targets alone; "
    "`senex close T1 --unit all --walk` closes it in session"
)


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (of(rules=replace(RULES, mode=ExitMode.OFF)), OFF_WORDS),
        (of(exits=TARGETS, rules=replace(RULES, mode=ExitMode.OFF)), OFF_WORDS),
        (closing(blocked=refuse(Reason.EXITS_OFF).sentence()), OFF_WORDS),
        (of(exits=TARGETS, rules=replace(RULES, mode=ExitMode.TARGETS)), TARGETS_WORDS),
        (closing(blocked=refuse(Reason.EXITS_HELD).sentence()), refuse(Reason.EXITS_HELD).sentence()),
    ],
)
@pytest.mark.parametrize(
    ("day", "time", "expires"),
    [(LAST, "15:00", "tomorrow"), (LAST, "15:45", "tomorrow"), ("2025-12-19", "10:00", "today")],
)
def test_what_nothing_closes_before_its_expiration_says_why_and_what_to_do(
    view: TridentView, why: str, day: str, time: str, expires: str
) -> None:
    alerts = due_exit_alerts(ExitFacts((facts(view, at(day, time)),)))
    [late] = [one.text for one in alerts if one.kind is AlertKind.MUST_CLOSE]
    assert late == f"{HEAD}put-1, put-2, call are not closed and it expires {expires}: {why}"


@pytest.mark.parametrize("mode", [ExitMode.OFF, ExitMode.TARGETS])
def test_that_nothing_closes_it_is_said_before_the_open_too(mode: ExitMode) -> None:
    view = of(rules=replace(RULES, mode=mode))
    alerts = due_exit_alerts(ExitFacts((facts(view, at("2025-12-19", "08:00")),)))
    [late] = [one.text for one in alerts if one.kind is AlertKind.MUST_CLOSE]
    assert late.endswith(OFF_WORDS if mode is ExitMode.OFF else TARGETS_WORDS)


def test_refusals_are_told_in_the_brokers_words_of_this_session_its_dry_run_too() -> None:
    before = replace(REFUSED, id="x0", detail="of weeks ago", terminal_at=ENTRY_DAY.now, prepared_at=ENTRY_DAY.now)
    said = refuse(Reason.DRY_RUN_REFUSED, detail="tif_not_allowed: no").recorded()
    dry = replace(REFUSED, id="x2", state=OrderState.NOT_SENT, detail=said, sent_at=None, order_id=None)
    moment = at("2025-12-12", "11:00")
    view = closing(exits=(before, dry), refused_at=(FIRST.now,) * 3)
    [alert] = due_exit_alerts(ExitFacts((facts(view, moment),)))
    assert alert.text.endswith("the broker refused 3 orders of this session: the broker's dry run refused: no")


def test_what_a_block_of_a_part_does_not_keep_back_is_not_blocked() -> None:
    part = (Block(BlockScope.UNIT, "nobody knows", (PUT_1,)), Block(BlockScope.MOMENT, "closed", tuple(UnitName)))
    walks = (Block(BlockScope.ACCOUNT, "the feed", tuple(UnitName), Barred.WALKS),)
    moment = at("2025-12-16", "10:00")
    assert found(facts(closing(exits=(CLOSES,)), moment, blocks=part + walks)) == []


@pytest.mark.parametrize(
    ("now", "alerts"),
    [("03:00", []), ("09:30", []), ("09:34", []), ("09:35", [AlertKind.EXITS_BLOCKED]), ("16:00", [])],
)
def test_an_account_that_nobody_reads_before_the_open_is_not_blocked(now: str, alerts: list[AlertKind]) -> None:
    view, moment = closing(exits=(CLOSES,)), at("2025-12-16", now)
    for waits in (refuse(Reason.ACCOUNT_UNREAD, limit_s="300"), refuse(Reason.RECONCILING)):
        assert found(facts(view, moment, blocks=blocks(view, BlockFacts(moment, (waits,))))) == alerts
    held = refuse(Reason.EXITS_HELD)
    assert AlertKind.EXITS_BLOCKED in found(facts(view, moment, blocks=blocks(view, BlockFacts(moment, (held,)))))


@pytest.mark.parametrize(("ex_date", "alerts"), [("2025-12-19", [AlertKind.EX_DATE_CALL]), ("2025-12-22", [])])
def test_a_dividend_after_the_expiration_is_nobodys(ex_date: str, alerts: list[AlertKind]) -> None:
    dividend = Dividend(et(ex_date).date(), D("0.70"))
    view = of(RESTING, dividend=dividend, underlying_price=D("630"))
    assert found(facts(view, at("2025-12-17", "09:50"))) == alerts


def test_unknown_credits_block_a_time_exit() -> None:
    view = closing(units=tuple(replace(unit, credit=None) for unit in units()))
    assert found(facts(view, at("2025-12-16", "10:00"))) == [], "all of the loss may be paid"
    in_cash = of(view, cash_settled=True)
    assert found(facts(in_cash, at("2025-12-16", "10:00"))) == [AlertKind.EXITS_BLOCKED]
    waits = next_action(view, FIRST)
    assert isinstance(waits, Wait)
    assert waits.alert is Alert.CREDIT_UNKNOWN


def test_a_trident_that_waits_for_its_targets_is_given_five_minutes() -> None:
    view = of(exits=TARGETS[:2], opposed=True)
    assert found(facts(view, at("2025-11-28", "10:24"))) == []
    assert found(facts(view, at("2025-11-28", "10:25"))) == [AlertKind.TARGETS_MISSING]
    due = facts(of(exits=TARGETS[:2]), at("2025-11-28", "10:25"))
    assert isinstance(due.action, PlaceTargets)
    assert found(due) == []


@pytest.mark.parametrize(
    ("subject", "account", "words"),
    [
        ("", "", ""),
        (subject_of(ACCOUNT), ACCOUNT, "…0001"),
        (subject_of(ACCOUNT, "abcdefgh-1234"), ACCOUNT, "…0001 abcdefgh"),
    ],
)
def test_a_subject_masks_its_account(subject: str, account: str, words: str) -> None:
    assert (account_in(subject), subject_words(subject)) == (account, words)
