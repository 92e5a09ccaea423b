"""Which alerts should be open, by the figures and the thresholds of rules 12."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from core.domain.operation import amounts
from core.domain.operation.events import Severity, masked
from core.domain.operation.reason_words import in_general
from core.domain.operation.reasons import Reason
from core.domain.orders.way_out import SHORT_ID
from core.domain.reporting.account_days import AccountDay, DayKind
from core.domain.reporting.figures import SessionFigures

FAILURES_A_DAY = 3
SESSIONS_WITHOUT_TRADE = 5
PRICING_REJECTIONS_A_DAY = 5
RETRY_PERCENT = 30
EXECUTION_MS = 45_000
RISK_PERCENT = 20
LEAST_COUNTED = 10
"""A rate over fewer than this opens no alert: one retry in the first cycle of a morning would be 100 %.

It is half a day of slots.
"""


class AlertKind(Enum):
    """The kinds of alerts. The value is (stable code, severity, what it is about in words)."""

    code: str
    severity: Severity
    words: str

    def __init__(self, code: str, severity: Severity, words: str) -> None:
        self.code = code
        self.severity = severity
        self.words = words

    @classmethod
    def of(cls, code: str) -> AlertKind:
        """The kind with this stable code. Raises KeyError for an unknown code."""
        return _BY_CODE[code]

    ALL_FAILED = ("all_failed", Severity.CRITICAL, "every account failing")
    NO_TRADE = ("no_trade", Severity.CRITICAL, "sessions with nothing filled")
    PRICING_REJECTIONS = ("pricing_rejections", Severity.CRITICAL, "many pricing rejections")
    RETRY_RATE = ("retry_rate", Severity.WARNING, "many cycles with a retry")
    SLOW_EXECUTION = ("slow_execution", Severity.WARNING, "slow execution")
    RISK_REFUSALS = ("risk_refusals", Severity.WARNING, "many risk refusals")
    # How tridents end (rules 15.10)
    MUST_CLOSE = ("must_close", Severity.CRITICAL, "a trident that must be closed")
    CLOSES_OVERLAP = ("closes_overlap", Severity.CRITICAL, "a unit closed twice")
    EXIT_UNKNOWN = ("exit_unknown", Severity.CRITICAL, "a closing order of unknown fate")
    UNIT_BROKEN = ("unit_broken", Severity.CRITICAL, "legs out of proportion")
    ASSIGNED = ("assigned", Severity.CRITICAL, "an assignment")
    EXIT_NO_PROOF = ("exit_no_proof", Severity.CRITICAL, "an end that is not proved")
    EXITS_BLOCKED = ("exits_blocked", Severity.CRITICAL, "blocked exits near expiration")
    EXIT_REFUSED_3 = ("exit_refused_3", Severity.CRITICAL, "refused closing orders")
    GONE_UNEXPLAINED = ("gone_unexplained", Severity.CRITICAL, "a unit that left without a reason")
    EXITS_OFF = ("exits_off", Severity.WARNING, "exits that are off near expiration")
    TARGETS_MISSING = ("targets_missing", Severity.WARNING, "missing targets")
    EXIT_QUOTES_STALE = ("exit_quotes_stale", Severity.WARNING, "stale quotes of a close")
    GTC_ENDED = ("gtc_ended", Severity.WARNING, "a target ended by somebody else")
    EX_DATE_CALL = ("ex_date_call", Severity.WARNING, "a short call in the money before an ex-date")
    EXIT_WARNING = ("exit_warning", Severity.WARNING, "a warning about a closing order")
    PNL_MISMATCH = ("pnl_mismatch", Severity.WARNING, "a result that differs from the broker's")
    FIRST_SET_WAITS = ("first_set_waits", Severity.WARNING, "first targets that wait for a word")
    UNKNOWN_TRANSACTION = ("unknown_transaction", Severity.WARNING, "unknown rows of an account's history")


_BY_CODE = {kind.code: kind for kind in AlertKind}


@dataclass(frozen=True, slots=True)
class DueAlert:
    """An alert whose condition holds now.

    `subject` is what it is about (`subject_of`); empty when it is about all accounts. `rings_at`, aware UTC, is its
    newest ring: an alert that opened before is told again, as one that opens then. None for one that is told once.
    """

    kind: AlertKind
    subject: str
    text: str
    rings_at: datetime | None = None

    def rings_again(self, open_since: datetime) -> bool:
        """Whether an alert of it that is open since this instant is to be told again."""
        return self.rings_at is not None and open_since < self.rings_at


def subject_of(account: str, part: str = "") -> str:
    """What an alert about an account is about, as it is recorded; `part` names one of several alerts of a kind, such as
    the id of a trident."""
    return f"{account} {part[:SHORT_ID]}" if part else account


def account_in(subject: str) -> str:
    """The number of the account that a subject is about; empty when it is about all."""
    return subject.partition(" ")[0]


def subject_words(subject: str) -> str:
    """The subject as it may be shown: `…0001`, `…0001 ab12cd34`; empty when it is about all."""
    account, _, part = subject.partition(" ")
    return f"{masked(account)} {part}".rstrip() if account else ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as recorded. `text` states its condition as it was when the alert opened. The alert closes by itself
    once the condition has ended, and where it rings again: then another one opens in its place, seen by nobody yet."""

    id: int
    kind: AlertKind
    subject: str
    text: str
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    closed_at: datetime | None = None

    @property
    def severity(self) -> Severity:
        return self.kind.severity


def due_alerts(figures: SessionFigures, running: date | None) -> tuple[DueAlert, ...]:
    """Every alert that should be open, most severe first. `running` is the day of the session that is not over, if any.

    Counts a day are those of the newest session with a run. Rates are over all sessions given, which should be the last
    20. A session that is not over does not count as one without a trade; one on which the console was down does.
    """
    ran = [day for day in figures.days if day.runs]
    newest = [day for day in ran if day.day == ran[-1].day]
    due = [_all_failed(newest), *_no_trade(figures, running), _rejected(figures, newest)]
    due += [_retried(figures), _slow(ran), _risk(figures)]
    return tuple(alert for alert in due if alert is not None)


def _all_failed(newest: list[AccountDay]) -> DueAlert | None:
    """Open when all accounts that the automation trades failed at least three times that day, and none traded.

    An account whose order works at the broker has not failed. One that may still enter today has.
    """
    asked = [day for day in newest if day.reason != Reason.ACCOUNT_DISABLED.code]
    if not asked or any(day.kind is DayKind.TRADED or day.awaits_order or day.failed < FAILURES_A_DAY for day in asked):
        return None
    whom = "the account" if len(asked) == 1 else f"every one of {len(asked)} accounts"
    text = f"{whom} failed at least {FAILURES_A_DAY} times on {asked[0].day}: {in_general(asked[0].reason)}"
    return DueAlert(AlertKind.ALL_FAILED, "", text)


def _no_trade(figures: SessionFigures, running: date | None) -> list[DueAlert]:
    """Open for an account with nothing filled in its last five sessions on which no rule and no risk forbade it."""
    due = []
    for account in sorted({day.account for day in figures.days}):
        open_to_trade = [
            day
            for day in figures.days
            if day.account == account
            and (day.kind is DayKind.TRADED or (day.kind is DayKind.ERROR and day.day != running))
        ][-SESSIONS_WITHOUT_TRADE:]
        if len(open_to_trade) == SESSIONS_WITHOUT_TRADE and all(d.kind is DayKind.ERROR for d in open_to_trade):
            text = (
                f"{masked(account)}: nothing filled in {SESSIONS_WITHOUT_TRADE} sessions on which no rule forbade it, "
                f"the last on {open_to_trade[-1].day}: {in_general(open_to_trade[-1].reason)}"
            )
            due.append(DueAlert(AlertKind.NO_TRADE, account, text))
    return due


def _rejected(figures: SessionFigures, newest: list[AccountDay]) -> DueAlert | None:
    rejected = dict(figures.pricing_rejections).get(newest[0].day, 0) if newest else 0
    if rejected <= PRICING_REJECTIONS_A_DAY:
        return None
    text = f"{rejected} pricing rejections on {newest[0].day}; more than {PRICING_REJECTIONS_A_DAY} a day is an alert"
    return DueAlert(AlertKind.PRICING_REJECTIONS, "", text)


def _retried(figures: SessionFigures) -> DueAlert | None:
    share = figures.retry
    if share.of < LEAST_COUNTED or not share.above(RETRY_PERCENT):
        return None
    text = (
        f"{share.count} of {share.of} cycles that reached pricing needed more than one attempt ({share.percent} %); "
        f"the limit is {RETRY_PERCENT} %"
    )
    return DueAlert(AlertKind.RETRY_RATE, "", text)


def _slow(ran: list[AccountDay]) -> DueAlert | None:
    """Open when the slowest execution of the newest session that has one is too slow."""
    timed = [(day.day, day.execution_ms) for day in ran if day.execution_ms is not None]
    slowest = max((ms for day, ms in timed if day == timed[-1][0]), default=0)
    if slowest <= EXECUTION_MS:
        return None
    took = amounts.seconds(slowest)
    text = f"{took} from slot to acknowledgement on {timed[-1][0]}; the limit is {EXECUTION_MS // 1000} s"
    return DueAlert(AlertKind.SLOW_EXECUTION, "", text)


def _risk(figures: SessionFigures) -> DueAlert | None:
    share = figures.risk
    if share.of < LEAST_COUNTED or not share.above(RISK_PERCENT):
        return None
    text = f"risk refused {share.count} of {share.of} priced runs ({share.percent} %); the limit is {RISK_PERCENT} %"
    return DueAlert(AlertKind.RISK_REFUSALS, "", text)
