"""`senex report`: the figures of some sessions, for a person, a program or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason
from core.domain.reporting.figures import SESSIONS, AccountDay, DayKind, SessionFigures, Share, figures_of
from senex_tui.support.refusals import Refused
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
_LABEL = 20
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """The figures of some sessions in one mode. Account numbers are masked."""

    mode: str
    figures: SessionFigures

    def to_json(self) -> str:
        """One object. Percentages have one decimal place; they and amounts are text, None where nothing was counted."""
        return json.dumps(_values(self), ensure_ascii=False)

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


async def read_report(place: Place, first: date | None, last: date | None) -> FiguresReport:
    """The figures of the recorded sessions from `first` to `last`, both included; without `first` of the 20 newest.

    Takes no lock, so it can be read while a console trades. Raises Refused when `first` is after `last` and before the
    first start, RecordsError.
    """
    if first is not None and last is not None and first > last:
        raise Refused(f"--from {first} is after --to {last}; give the earlier day to --from.")
    place.need_records()
    figures = await with_records(place, lambda records: _read(records, first, last))
    days = tuple(replace(day, account=masked(day.account)) for day in figures.days)
    return FiguresReport(place.mode.value, replace(figures, days=days))


async def _read(records: Records, first: date | None, last: date | None) -> SessionFigures:
    results = records.results
    until = last or date.max
    if first is None:
        sessions = await results.sessions(last=until, count=SESSIONS)
    else:
        sessions = await results.sessions(first, until)
    if not sessions:
        return figures_of((), (), (), {})
    found = await results.recorded(sessions[0], sessions[-1])
    return figures_of(sessions, found.runs, found.entries, found.traded)


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
        _line("account-days", counted or "none"),
        _line("success rate", _rate(figures.success, "account-days no rule or risk forbade")),
        _line("retry rate", _rate(figures.retry, "cycles that reached pricing")),
        _line("skip rate", _rate(figures.skipped, "runs")),
        _line("failure rate", _rate(figures.failed, "runs")),
        _line("risk refusals", _rate(figures.risk, "priced runs")),
        _line("slot to acknowledged", _execution(figures)),
        _line("pricing rejections", _rejections(figures)),
        _line("slippage to mid", _slippage(figures)),
        "",
        "DAY         ACCT   RESULT           RUNS    TIME   SLIP  REASON",
    ]
    lines += [_day_line(day) for day in figures.days]
    if figures.reasons:
        lines += ["", " RUNS   SHARE  OUTCOME    REASON"]
        for each in figures.reasons:
            share = f"{each.share.count:5}  {each.share.percent:>5}%  {each.outcome.value:<9}  "
            lines += wrap(share + reason_words(each.reason), _WIDTH, subsequent_indent=" " * len(share))
    return [line.rstrip() for line in lines]


def _sessions(figures: SessionFigures) -> str:
    return "1 session" if len(figures.sessions) == 1 else f"{len(figures.sessions)} sessions"


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}  {text}"


def _rate(share: Share, of_what: str) -> str:
    shown = "--" if share.percent is None else f"{share.percent} %"
    return f"{shown:>7}  {share.count} of {share.of} {of_what}"


def _execution(figures: SessionFigures) -> str:
    if figures.median_ms is None or figures.p95_ms is None:
        return "no entry was acknowledged"
    return f"median {seconds(figures.median_ms)}, p95 {seconds(figures.p95_ms)}, of {figures.executions}"


def _rejections(figures: SessionFigures) -> str:
    if not figures.pricing_rejections:
        return "none"
    total = sum(count for _, count in figures.pricing_rejections)
    worst = max(figures.pricing_rejections, key=lambda each: each[1])
    return f"{total} in {_sessions(figures)}, at most {worst[1]} a day ({worst[0]})"


def _slippage(figures: SessionFigures) -> str:
    if figures.mean_slippage is None or figures.worst_slippage is None:
        return "nothing was filled"
    mean, worst = figures.mean_slippage, figures.worst_slippage
    return f"mean {mean:+.3f}, worst {worst:+.3f} per share, of {figures.fills} filled"


def seconds(ms: int | None) -> str:
    """Milliseconds as seconds to a tenth, rounded down; `--` for None."""
    return "--" if ms is None else f"{ms // 1000}.{ms % 1000 // 100} s"


def _day_line(day: AccountDay) -> str:
    slippage = "--" if day.slippage is None else f"{day.slippage:+.2f}"
    return (
        f"{day.day}  {day.account:<5}  {day.kind.value:<16} {day.runs:4} {seconds(day.execution_ms):>7} "
        f"{slippage:>6}  {day.reason}"
    )


def reason_words(code: str) -> str:
    """A reason's code with its sentence; the code alone when it is not known here or its sentence has figures."""
    try:
        sentence = Reason.of(code).sentence
    except KeyError:
        return code
    return f"{code}: {sentence}" if "{" not in sentence else code
