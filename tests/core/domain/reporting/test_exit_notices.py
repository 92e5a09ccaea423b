"""The mails about a trident's end: each as the operator reads it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.pnl import Realized
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.exit_notices import (
    AboutTrident,
    assigned_notice,
    broken_notice,
    closing_notice,
    ended_notice,
    exit_notice,
    mismatch_notice,
    must_close_notice,
    targets_notice,
)
from core.domain.reporting.notices import Letterhead, Notice
from tests.support.trident_views import ENTRY_DAY, FIRST, LAST, TARGETS, at, of
from tests.support.tridents import (
    CALL,
    LONG_CALL,
    LONG_PUT,
    PUT_1,
    PUT_2,
    SHORT_CALL,
    SHORT_PUT,
    D,
    exit,
    units,
)

ACCOUNT = "5WX00001"
HEAD = Letterhead("live", "https://my.tastytrade.com/")
CREDITS = {PUT_1: D("1.22"), PUT_2: D("1.22"), CALL: D("1.62")}
DEBITS = {PUT_1: D("0.73"), PUT_2: D("0.48"), CALL: D("0.97")}


def _priced(one: Exit) -> Exit:
    [name] = one.units
    return replace(one, basis=CREDITS[name], request=replace(one.request, credit=-DEBITS[name]))


RESTING = tuple(_priced(one) for one in TARGETS)
FILLED = exit([PUT_1], (SHORT_PUT, 1, "1.50"), (LONG_PUT, 1, "0.77"), state=OrderState.FILLED, kind=ExitKind.TARGET)
PUT_1_CLOSED = of(units=units_after(units(), [FILLED], []), exits=(FILLED, *RESTING[1:]))
PACKAGE = ((SHORT_PUT, 2, "2.10"), (LONG_PUT, 2, "0.90"), (SHORT_CALL, 1, "2.00"), (LONG_CALL, 1, "0.74"))
CLOSE = exit(UnitName, *PACKAGE, state=OrderState.FILLED, debit="3.66")
ALL_CLOSED = of(units=units_after(units(), [CLOSE], []), exits=(CLOSE,), phase=Phase.CLOSING)
ASSIGNED = units_after(units(), [], [Gone(PUT_2, SHORT_PUT, Ended.ASSIGNED, ENTRY_DAY.now)])
BROKEN = units_after(units(), [], [Gone(PUT_2, SHORT_PUT, None, ENTRY_DAY.now)])
OTHERS_REST = (RESTING[0], RESTING[2])


def about(view: TridentView, moment: Moment = ENTRY_DAY, realized: Realized | None = None) -> AboutTrident:
    return AboutTrident(ACCOUNT, view, moment.today, realized)


def ended(state: OrderState, **changes: object) -> tuple[TridentView, Exit]:
    one = replace(exit(UnitName, debit="3.66"), state=state, detail=f"margin of {ACCOUNT}.", **changes)  # type: ignore[arg-type]
    return of(exits=(one,), phase=Phase.CLOSING), one


def of_exit(state: OrderState, **changes: object) -> Notice:
    view, one = ended(state, **changes)
    found = exit_notice(about(view, FIRST), one, HEAD)
    assert found is not None
    return found


MAILS: list[tuple[Notice, str, str, bool, list[str]]] = [
    (
        targets_notice(about(of(exits=RESTING)), RESTING, HEAD),
        "exit:t-call:targets",
        "QQQ 3 targets placed, account …0001",
        False,
        [
            "They rest at the broker, also without this console, until they fill, are cancelled or its time exit.",
            "put-1:         0.73, 40 % of its credit 1.22, order 7-put-1",
            "put-2:         0.48, 60 % of its credit 1.22, order 7-put-2",
            "call:          0.97, 40 % of its credit 1.62, order 7-call",
            "Account:       …0001",
            "Trident:       T1, QQQ 622P/619P/622C/625C",
            "Expiration:    Fri 19 Dec 2025, 21 days",
        ],
    ),
    (
        targets_notice(about(of(exits=RESTING[:2])), RESTING[:2], HEAD),
        "exit:t-put-2:targets",
        "QQQ 2 targets placed, account …0001",
        False,
        ["No target works for call."],
    ),
    (
        exit_notice(about(PUT_1_CLOSED), FILLED, HEAD),  # type: ignore[list-item]
        "exit:x1:filled",
        "QQQ target of put-1 filled at 0.73, account …0001",
        False,
        [
            "The target of put-1 is filled. Left: put-2, call.",
            "Result:        +49.00 $ before fees",
            "put-1:         closed at 0.73 on Thu 6 Nov by a target",
            "put-2:         whole, target at 0.48 (order 7-put-2)",
        ],
    ),
    (
        exit_notice(about(ALL_CLOSED, FIRST), CLOSE, HEAD),  # type: ignore[list-item]
        "exit:x1:filled",
        "QQQ close of put-1, put-2, call filled at 3.66, account …0001",
        False,
        [
            "The time exit of put-1, put-2, call is filled. Nothing of the trident is left.",
            "Result:        +40.00 $ before fees",
            "put-1:         closed with put-2, call at 3.66 on Thu 6 Nov by a time exit",
        ],
    ),
    (
        of_exit(OrderState.REJECTED),
        "exit:x1:rejected",
        "QQQ closing order REFUSED, account …0001",
        False,
        [
            "The broker refused the time exit of put-1, put-2, call: margin of …0001.",
            "put-1:         whole, time exit rejected, its end is not proved (order 71)",
        ],
    ),
    (
        of_exit(OrderState.UNKNOWN),
        "exit:x1:unknown",
        "QQQ closing order UNKNOWN, look at the broker, account …0001",
        True,
        [
            "Whether the broker took the time exit of put-1, put-2, call is not known: margin of …0001.",
            "put-1, put-2, call get no other order until it is. The console keeps looking for it.",
            "Look at the broker's orders page. Then `senex attest absent x1` or `senex attest 71 x1` records what you "
            "saw there.",
            "call:          whole, time exit unknown (order 71)",
        ],
    ),
    (
        of_exit(OrderState.UNKNOWN, order_id=None),
        "exit:x1:unknown",
        "QQQ closing order UNKNOWN, look at the broker, account …0001",
        True,
        [
            "Look at the broker's orders page. Then `senex attest absent x1` or `senex attest ORDER x1` records what "
            "you saw there.",
            "Order:         no order id from the broker",
        ],
    ),
    (
        of_exit(OrderState.ABSENT),
        "exit:x1:absent",
        "QQQ closing order is not at the broker, account …0001",
        False,
        ["put-1, put-2, call may get another order.", "call:          whole, no order works on it"],
    ),
    (
        of_exit(OrderState.INCIDENT),
        "exit:x1:incident",
        "QQQ closing order: INCIDENT, look at the broker, account …0001",
        True,
        ["put-1, put-2, call get no other order; settle it at the broker."],
    ),
    (
        closing_notice(about(of(exits=RESTING), FIRST), "7 days to its expiration", HEAD),
        "trident:T1:closing",
        "QQQ time exit begins, account …0001",
        False,
        [
            "The time exit begins: 7 days to its expiration. 3 targets are cancelled first, and no target returns.",
            "What is left (put-1, put-2, call) is closed by one order that walks from the mid towards natural, never "
            "over its cap.",
        ],
    ),
    (
        closing_notice(about(of(), FIRST), "7 days to its expiration", HEAD),
        "trident:T1:closing",
        "QQQ time exit begins, account …0001",
        False,
        ["The time exit begins: 7 days to its expiration. No target returns."],
    ),
    (
        ended_notice(about(ALL_CLOSED, FIRST, Realized(D("44"), D("0"), D("7.46"), True)), 14, HEAD, settled=False),
        "trident:T1:closed",
        "QQQ trident closed: ~+36.54 $, account …0001",
        False,
        [
            "Its last unit is closed.",
            "Realized:      ~+36.54 $, after fees",
            "Held:          14 days",
            "How:           time exit",
            "Estimate:      a fee is not the broker's last word yet: that comes with its rows",
        ],
    ),
    (
        ended_notice(about(ALL_CLOSED, FIRST, Realized(D("680"), D("-800"), D("15.63"), False)), 1, HEAD, settled=True),
        "trident:T1:settled",
        "QQQ trident settled: -135.63 $, account …0001",
        False,
        [
            "The broker's rows of its expiration are here.",
            "Realized:      -135.63 $, after fees",
            "Held:          1 day",
        ],
    ),
    (
        ended_notice(about(ALL_CLOSED, FIRST), 1, HEAD, settled=True),
        "trident:T1:settled",
        "QQQ trident settled: --, account …0001",
        False,
        ["Realized:      --, after fees"],
    ),
    (
        assigned_notice(about(of(units=ASSIGNED, exits=OTHERS_REST)), ASSIGNED[1:2], HEAD),
        "trident:T1:assigned:put-2",
        "QQQ put-2 ASSIGNED: +100 QQQ, account …0001",
        True,
        [
            "1 short put assigned at 622: +100 QQQ.",
            "put-1, call keep their exits.",
            "Entries of the account are stopped; `senex reset assigned` lets them go on.",
            "To consider:   Sell 100 QQQ + Sell to Close 1 619P",
            "put-2:         broken, assigned: 619P is left",
        ],
    ),
    (
        broken_notice(about(of(units=BROKEN, exits=OTHERS_REST)), BROKEN[1:2], HEAD),
        "trident:T1:broken:put-2",
        "QQQ put-2 BROKEN, settle it at the broker, account …0001",
        True,
        [
            "The legs of put-2 are out of proportion. No order of ours is sent for it; settle it at the broker.",
            "put-1, call keep their exits.",
            "put-2:         broken: 619P is left",
        ],
    ),
    (
        must_close_notice(about(of(), at(LAST, "15:00")), "no fresh quotes", HEAD),
        f"trident:T1:must-close:{LAST}",
        "QQQ NOT CLOSED, it expires Fri 19 Dec 2025, account …0001",
        True,
        ["put-1, put-2, call are not closed, and it expires Fri 19 Dec 2025: no fresh quotes."],
    ),
    (
        must_close_notice(about(of(), at("2025-12-19", "09:45")), "no fresh quotes", HEAD),
        "trident:T1:must-close:2025-12-19",
        "QQQ NOT CLOSED, it expires today, account …0001",
        True,
        ["Expiration:    Fri 19 Dec 2025, 0 days"],
    ),
    (
        mismatch_notice(about(ALL_CLOSED, FIRST), D("36.54"), D("35.54"), HEAD),
        "trident:T1:mismatch",
        "QQQ trident: the broker tells another result, account …0001",
        False,
        ["Broker:        +35.54 $", "Our records:   +36.54 $", "Difference:    -1.00 $"],
    ),
]


@pytest.mark.parametrize(("mail", "key", "subject", "always", "lines"), MAILS, ids=[row[2] for row in MAILS])
def test_the_mail_says(mail: Notice, key: str, subject: str, always: bool, lines: list[str]) -> None:
    assert (mail.key, mail.subject, mail.always, mail.account) == (key, f"Senex: {subject}", always, ACCOUNT)
    told = mail.text.splitlines()
    assert [line for line in lines if line not in told] == []
    assert ACCOUNT not in mail.text + mail.html + mail.subject
    assert told[-1] == "Orders at the broker: https://my.tastytrade.com/"


@pytest.mark.parametrize("mail", [row[0] for row in MAILS], ids=[row[2] for row in MAILS])
def test_a_mail_tells_each_thing_once(mail: Notice) -> None:
    labels = [line.partition(":")[0] for line in mail.text.splitlines() if line[:1].isalpha() and line[14:15] == " "]
    assert len(labels) == len({*labels})


def test_each_mail_has_its_own_kind() -> None:
    assert {mail.kind for mail, *_ in MAILS} == {
        f"exit.{word}"
        for word in (
            *("targets", "filled", "rejected", "unknown", "absent", "incident", "closing", "closed", "settled"),
            *("assigned", "broken", "must_close", "mismatch"),
        )
    }


@pytest.mark.parametrize(
    "state",
    [
        OrderState.PREPARED,
        OrderState.SENT,
        OrderState.WORKING,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
        OrderState.NOT_SENT,
    ],
)
def test_what_is_no_news_has_no_mail(state: OrderState) -> None:
    view, one = ended(state)
    assert exit_notice(about(view, FIRST), one, HEAD) is None


def test_two_assigned_puts_are_one_order_to_consider() -> None:
    both = units_after(units(), [], [Gone(name, SHORT_PUT, Ended.ASSIGNED, ENTRY_DAY.now) for name in (PUT_1, PUT_2)])
    mail = assigned_notice(about(of(units=both)), both[:2], HEAD)
    assert mail.subject == "Senex: QQQ put-1, put-2 ASSIGNED: +200 QQQ, account …0001"
    assert "To consider:   Sell 200 QQQ + Sell to Close 2 619P" in mail.text


def test_an_assigned_call_brings_short_shares() -> None:
    call = units_after(units(), [], [Gone(CALL, SHORT_CALL, Ended.ASSIGNED, ENTRY_DAY.now)])
    mail = assigned_notice(about(of(units=call)), call[2:], HEAD)
    assert mail.subject == "Senex: QQQ call ASSIGNED: -100 QQQ, account …0001"
    assert "To consider:   Buy 100 QQQ + Sell to Close 1 625C" in mail.text


def test_how_units_ended_apart_is_told_of_each() -> None:
    target = exit([PUT_1], (SHORT_PUT, 1, "1.50"), (LONG_PUT, 1, "0.77"), state=OrderState.FILLED, kind=ExitKind.TARGET)
    rest = exit([PUT_2, CALL], id="x2", state=OrderState.FILLED)
    after = units_after(units(), [target, rest], [])
    mail = ended_notice(about(of(units=after, exits=(target, rest))), 3, HEAD, settled=False)
    assert "How:           put-1: target; put-2, call: time exit" in mail.text


def test_a_result_without_a_unit_says_so() -> None:
    earned = Realized(Decimal("44"), Decimal(0), Decimal(0), False, (CALL,))
    mail = ended_notice(about(ALL_CLOSED, FIRST, earned), 14, HEAD, settled=True)
    assert "Realized:      +44.00 $, without call, after fees" in mail.text
