"""`senex report`: the figures of some sessions, for a person, a program or a spreadsheet."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from core.domain.market.sessions import Session, SlotTimes, has_slot_left
from core.domain.operation import amounts
from core.domain.operation.events import masked
from core.domain.operation.reason_words import in_general
from core.domain.reporting.account_days import AccountDay, DayKind
from core.domain.reporting.figures import CHANCES, SESSIONS, SessionFigures, Share, figures_of
from core.domain.reporting.targets import Target, most_rejections
from core.runtime.clock import exchange_time
from senex_tui.reports.named import account_named
from senex_tui.support.refusals import Refused
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.records.records import Records

COLUMNS = (
    "day",
    "account",
    "result",
    "reason",
    "runs",
    "failed_runs",
    "attempts",
    "pricing_rejections",
    "execution_ms",
    "slippage_per_share",
)
_LABEL, _VALUE, _TARGET = 18, 8, 15
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """The figures of some sessions in one mode. Account numbers are masked."""

    mode: str
    figures: SessionFigures

    def to_json(self) -> str:
        """One object. Percentages have one decimal place; they and amounts are text, None where nothing was counted."""
        return json.dumps(_values(self))

    def to_csv(self) -> str:
        """One row an account-day, under a header."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(_day_values(day).values() for day in self.figures.days)
        return text.getvalue().rstrip("\n")

    def to_text(self) -> str:
        return "\n".join(_lines(self))


def day_of(option: str, text: str | None) -> date | None:
    """The date given to an option, None for None. Raises Refused for anything but a date like 2026-03-02."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise Refused(f"{option} {text!r} is not a date; write it like 2026-03-02.")
    return day


async def read_report(
    place: Place, times: SlotTimes, first: date | None, last: date | None, account: str = ""
) -> FiguresReport:
    """The figures of the recorded sessions from `first` to `last`, both included; without `first` of the 20 newest.

    `account`, the last characters of a number, leaves only that account. Takes no lock, so it can be read while a
    console trades. Raises Refused when `first` is after `last`, before the first start, and for an account that is not
    exactly one known one; RecordsError.
    """
    if first is not None and last is not None and first > last:
        raise Refused(f"--from {first} is after --to {last}; give the earlier day to --from.")
    place.need_records()
    now = (await market_clock(place)).now()
    figures = await with_records(place, lambda records: _read(records, times, first, last, account, now))
    days = tuple(replace(day, account=masked(day.account)) for day in figures.days)
    return FiguresReport(place.mode.value, replace(figures, days=days))


async def _read(
    records: Records, times: SlotTimes, first: date | None, last: date | None, account: str, now: datetime
) -> SessionFigures:
    results = records.results
    number = await account_named(records, account)
    until = last or date.max
    if first is None:
        sessions = await results.sessions(last=until, count=SESSIONS)
    else:
        sessions = await results.sessions(first, until)
    if not sessions:
        return figures_of((), (), (), {})
    found = await results.recorded(sessions[0], sessions[-1])
    if number is not None:
        found = found.of(number)
    session = await asyncio.to_thread(_running, now) if exchange_time(now).date() in sessions else None
    return figures_of(
        sessions,
        found.runs,
        found.entries,
        found.traded,
        found.missed,
        None if session is None else session.day,
        has_slot_left=session is not None and has_slot_left(session, times, now),
    )


def _running(now: datetime) -> Session | None:
    """The session that is not over at this instant, if any."""
    from core.market.calendar import SessionCalendar  # heavy, and asked only when today has been recorded

    session = SessionCalendar(now).today(now)
    return session if session is not None and now < session.close else None


def _values(report: FiguresReport) -> dict[str, Any]:
    figures = report.figures
    return {
        "mode": report.mode,
        "first": figures.sessions[0].isoformat() if figures.sessions else None,
        "last": figures.sessions[-1].isoformat() if figures.sessions else None,
        "sessions": len(figures.sessions),
        "account_days": {kind.name.lower(): figures.count(kind) for kind in DayKind},
        "success": _share(figures.success),
        "retry": _share(figures.retry),
        "skipped": _share(figures.skipped),
        "failed": _share(figures.failed),
        "risk_refused": _share(figures.risk),
        "reasons": [
            {"reason": each.reason, "outcome": each.outcome.value, **_share(each.share)} for each in figures.reasons
        ],
        "execution_ms": {"count": figures.executions, "median": figures.median_ms, "p95": figures.p95_ms},
        "pricing_rejections": [{"day": day.isoformat(), "count": count} for day, count in figures.pricing_rejections],
        "slippage_per_share": {
            "fills": figures.fills,
            "mean": _amount(figures.mean_slippage),
            "worst": _amount(figures.worst_slippage),
        },
        "targets": {target.figure: {"target": target.words, "met": target.met(figures)} for target in Target},
        "days": [_day_values(day) for day in figures.days],
    }


def _share(share: Share) -> dict[str, Any]:
    return {"count": share.count, "of": share.of, "percent": None if share.percent is None else str(share.percent)}


def _amount(value: Decimal | None) -> str | None:
    """An amount per share as text, rounded to a hundredth of a cent, because a mean may have endless digits."""
    return None if value is None else f"{value:+.4f}"


def _day_values(day: AccountDay) -> dict[str, Any]:
    values = (
        day.day.isoformat(),
        day.account,
        day.kind.value,
        day.reason,
        day.runs,
        day.failed,
        day.attempts,
        day.pricing_rejections,
        day.execution_ms,
        _amount(day.slippage),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _lines(report: FiguresReport) -> list[str]:
    figures = report.figures
    if not figures.sessions:
        return [f"No session is recorded there in {report.mode} mode."]
    counted = ", ".join(f"{figures.count(kind)} {kind.value}" for kind in DayKind if figures.count(kind))
    lines = [
        f"{report.mode.upper()}: {_sessions(figures)}, {figures.sessions[0]} to {figures.sessions[-1]}",
        "",
        f"{'account-days':<{_LABEL}}  {counted or 'none'}",
        f"{'':{_LABEL + _VALUE + 2}}  TARGET",
        _rate("success rate", figures.success, "days open to a trade", _target(figures, Target.SUCCESS)),
        _rate("retry rate", figures.retry, "priced cycles", _target(figures, Target.RETRY)),
        _rate("skip rate", figures.skipped, CHANCES, _target(figures, Target.SKIPPED)),
        _rate("failure rate", figures.failed, CHANCES),
        _rate("risk refusals", figures.risk, "priced chances"),
        _execution(figures),
        _rejections(figures),
        _slippage(figures),
        "",
        "DAY         ACCT   RESULT           RUNS    TIME   SLIP  REASON",
    ]
    for day in figures.days:
        lines += _hung(_day_head(day), day.reason)
    if figures.reasons:
        lines += ["", " RUNS   SHARE  OUTCOME    REASON"]
        for each in figures.reasons:
            share = f"{each.share.count:5}  {each.share.percent:>5}%  {each.outcome.value:<9}  "
            lines += _hung(share, each.reason)
    return [line.rstrip() for line in lines]


def _sessions(figures: SessionFigures) -> str:
    return "1 session" if len(figures.sessions) == 1 else f"{len(figures.sessions)} sessions"


def _line(label: str, value: str, target: str, rest: str) -> str:
    return f"{label:<{_LABEL}}  {value:>{_VALUE}}  {target:<{_TARGET}}  {rest}"


def _target(figures: SessionFigures, target: Target) -> str:
    """The target, and whether the figures meet it."""
    met = target.met(figures)
    return target.words if met is None else f"{target.words:<6} {'met' if met else 'not met'}"


def _rate(label: str, share: Share, of_what: str, target: str = "") -> str:
    shown, rest = share.told(of_what)
    return _line(label, shown, target, rest)


def _execution(figures: SessionFigures) -> str:
    rest = f"p95, median {amounts.seconds(figures.median_ms)}, of {figures.executions}"
    return _line(
        "execution",
        amounts.seconds(figures.p95_ms),
        _target(figures, Target.EXECUTION),
        rest if figures.executions else "no entry was acknowledged",
    )


def _rejections(figures: SessionFigures) -> str:
    total = sum(count for _, count in figures.pricing_rejections)
    rest = f"a day at most, {total} in {_sessions(figures)}" if total else ""
    most = str(most_rejections(figures))
    return _line("pricing rejections", most, _target(figures, Target.PRICING_REJECTIONS), rest)


def _slippage(figures: SessionFigures) -> str:
    rest = f"mean, worst {amounts.signed(figures.worst_slippage)}, of {figures.fills} filled"
    return _line(
        "slippage to mid", amounts.mean(figures.mean_slippage), "", rest if figures.fills else "nothing was filled"
    )


def _day_head(day: AccountDay) -> str:
    return (
        f"{day.day}  {day.account:<5}  {day.kind.value:<16} {day.runs:4} {amounts.seconds(day.execution_ms):>7} "
        f"{amounts.signed(day.slippage):>6}  "
    )


def _hung(head: str, reason: str) -> list[str]:
    """The head and beside it the reason in words, as high as they need; the head alone without a reason."""
    return wrap(head + in_general(reason), _WIDTH, subsequent_indent=" " * len(head)) if reason else [head]
