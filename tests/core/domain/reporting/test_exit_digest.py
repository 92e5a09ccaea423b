"""What the daily and the weekly mail say of exits."""

from __future__ import annotations

from datetime import date

import pytest

from core.domain.positions.pnl import Unrealized
from core.domain.reporting.digests import AccountDay, Outlook, SessionDay, daily_digest, weekly_digest
from core.domain.reporting.exit_digest import Earned, ExitsAhead, ahead_lines, earned_lines, total
from core.domain.reporting.notices import Letterhead
from tests.support.tridents import D
from tests.support.world import et

ACCOUNT = "5WX00001"
HEAD = Letterhead("live", "https://my.tastytrade.com/")
FRIDAY, THURSDAY = date(2025, 12, 12), date(2025, 12, 11)
EARNED = Earned(D("44"), True, ("QQQ 622P/619P/622C/625C, time exit",))
AHEAD = ExitsAhead(
    FRIDAY,
    resting=3,
    mark=Unrealized(D("12"), D("-8.5")),
    time_exits=((et("2025-12-19", "10:00"), "QQQ 618P/615P/618C/621C"), (et("2025-12-12", "10:00"), "QQQ 622P")),
)


def session(day: date, earned: Earned | None) -> SessionDay:
    return SessionDay(day, (AccountDay(ACCOUNT, True, (), earned=earned),), {}, {}, {})


OUTLOOK = Outlook({ACCOUNT: ()}, (), exits={ACCOUNT: AHEAD})


@pytest.mark.parametrize(
    ("earned", "lines"),
    [
        (Earned(D("0")), ()),
        (Earned(D("44")), ("Realized +44.00 $.",)),
        (EARNED, ("Realized ~+44.00 $.", "Ended: QQQ 622P/619P/622C/625C, time exit.")),
        (Earned(D("-10"), unexplained=1), ("Realized -10.00 $ without 1 unit that nothing explains.",)),
        (Earned(D("0"), ended=("QQQ, expired",)), ("Realized 0.00 $.", "Ended: QQQ, expired.")),
    ],
)
def test_what_a_day_earned(earned: Earned, lines: tuple[str, ...]) -> None:
    assert earned_lines(earned) == lines


def test_days_add_up_to_a_week() -> None:
    week = total([Earned(D("1.50"), ended=("a",)), Earned(D("-0.50"), True, ("b",), 2)])
    assert week == Earned(D("1.00"), True, ("a", "b"), 2)
    assert total([]) == Earned(D("0"))


@pytest.mark.parametrize(
    ("ahead", "lines"),
    [
        (ExitsAhead(FRIDAY), ()),
        (ExitsAhead(FRIDAY, resting=1), ("1 closing order rests at the broker.",)),
        (
            ExitsAhead(FRIDAY, stopped="exits are held by anna since 10:00"),
            ("No closing order is sent: exits are held by anna since 10:00.",),
        ),
        (
            AHEAD,
            (
                "3 closing orders rest at the broker.",
                "Open by mark: +12.00 $, -8.50 $ at natural, before fees.",
                "Next time exits: 10:00 QQQ 622P; Fri 19 Dec 10:00 QQQ 618P/615P/618C/621C.",
            ),
        ),
        (
            ExitsAhead(FRIDAY, time_exits=tuple((et("2025-12-19", "10:00"), f"T{n}") for n in (3, 1, 2, 4, 5))),
            ("Next time exits: Fri 19 Dec 10:00 T1; Fri 19 Dec 10:00 T2; Fri 19 Dec 10:00 T3; and 2 more.",),
        ),
    ],
)
def test_what_comes_next(ahead: ExitsAhead, lines: tuple[str, ...]) -> None:
    assert ahead_lines(ahead) == lines


def test_the_daily_mail_tells_what_was_realized_and_what_comes_next() -> None:
    mail = daily_digest(session(FRIDAY, EARNED), OUTLOOK, HEAD)
    told = mail.text.splitlines()
    assert told[:7] == [
        "Account …0001",
        "No entry.",
        "Realized ~+44.00 $.",
        "Ended: QQQ 622P/619P/622C/625C, time exit.",
        "Open tridents: none.",
        "3 closing orders rest at the broker.",
        "Open by mark: +12.00 $, -8.50 $ at natural, before fees.",
    ]


def test_the_weekly_mail_adds_up_what_its_days_tell() -> None:
    days = [session(THURSDAY, Earned(D("49"))), session(FRIDAY, EARNED)]
    told = weekly_digest(days, OUTLOOK, HEAD).text.splitlines()
    assert "Thu 11 Dec:    no entry; realized +49.00 $" in told
    assert "Fri 12 Dec:    no entry; realized ~+44.00 $" in told
    assert "Realized ~+93.00 $." in told


@pytest.mark.parametrize("earned", [None, Earned(D("0"))])
def test_an_account_without_exits_is_told_as_before(earned: Earned | None) -> None:
    mail = daily_digest(session(FRIDAY, earned), Outlook({ACCOUNT: ()}, ()), HEAD)
    assert "ealized" not in mail.text
    assert "ealized" not in weekly_digest([session(FRIDAY, earned)], Outlook({ACCOUNT: ()}, ()), HEAD).text
