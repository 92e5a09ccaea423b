"""The panel of the last sessions' figures: rates, times, reasons, and each account's outcome of each day."""

from __future__ import annotations

from itertools import zip_longest

from core.domain.reporting.figures import AccountDay, DayKind, SessionFigures, Share
from widgets.base import format as shown
from widgets.base.lines import Drawing, Line, Tone, beside, fit, right, wrap
from widgets.base.panel import LinePanel

TWO_COLUMNS_FROM = 114
_LEFT = 54
_LABEL = 15
_KIND = {
    DayKind.TRADED: Tone.GOOD,
    DayKind.RULE: Tone.PLAIN,
    DayKind.RISK: Tone.WARN,
    DayKind.ERROR: Tone.BAD,
    DayKind.MISSED: Tone.WARN,
}


class FiguresPanel(LinePanel["SessionFigures"]):
    NAME = "Figures"
    PLACEHOLDER = "no session is recorded yet: rates, times and each day's outcome come with the first cycle"

    def draw(self, value: SessionFigures, width: int, height: int) -> Drawing:
        if not value.sessions:
            return Drawing(self.NAME, tuple(((line, Tone.DIM),) for line in wrap(self.PLACEHOLDER, width)))
        first, last, count = value.sessions[0], value.sessions[-1], len(value.sessions)
        title = f"{self.NAME}  {count} session{'s' * (count != 1)}, {first} to {last}"
        if width < TWO_COLUMNS_FROM:
            return Drawing(title, (*_rates(value), (), *_reasons(value), (), *_days(value)))
        left = (*_rates(value), (), *_reasons(value))
        pairs = zip_longest(left, _days(value), fillvalue=())
        return Drawing(title, tuple((*beside(a, (), _LEFT), ("   ", Tone.PLAIN), *b) for a, b in pairs))


def _rates(figures: SessionFigures) -> list[Line]:
    median, p95 = (_seconds(ms) for ms in (figures.median_ms, figures.p95_ms))
    rejected = dict(figures.pricing_rejections).get(figures.sessions[-1], 0)
    most = max((count for _, count in figures.pricing_rejections), default=0)
    slippage = f"{shown.signed(figures.mean_slippage)} mean  {shown.signed(figures.worst_slippage)} worst"
    return [
        _rate("success", figures.success, "days open to a trade"),
        _rate("retries", figures.retry, "priced cycles"),
        _rate("skipped", figures.skipped, "runs"),
        _rate("failed", figures.failed, "runs"),
        _rate("risk refusals", figures.risk, "priced runs"),
        _row("execution", f"{median} median  {p95} p95", f"  of {figures.executions}"),
        _row("rejections", f"{rejected} in the newest session", f"  at most {most}"),
        _row("slippage", slippage if figures.fills else shown.NONE, f"  of {figures.fills} filled"),
    ]


def _rate(label: str, share: Share, what: str) -> Line:
    percent = shown.NONE if share.percent is None else f"{share.percent} %"
    return _row(label, right(percent, 7), f"  {share.count} of {share.of} {what}")


def _row(label: str, value: str, rest: str) -> Line:
    return ((fit(label, _LABEL), Tone.DIM), (value, Tone.STRONG), (rest, Tone.DIM))


def _reasons(figures: SessionFigures) -> list[Line]:
    lines: list[Line] = [(("Why runs did not succeed", Tone.STRONG),)]
    for each in figures.reasons:
        tone = Tone.DIM if each.outcome.value == "skipped" else Tone.WARN
        lines.append(
            (
                (f"{each.share.count:5} {right(f'{each.share.percent} %', 7)}  ", Tone.PLAIN),
                (fit(each.outcome.value, 8), tone),
                (f" {each.reason}", Tone.PLAIN),
            )
        )
    return lines if figures.reasons else [*lines, (("  every run did", Tone.DIM),)]


def _days(figures: SessionFigures) -> list[Line]:
    """A line for each day of each account, newest first, under the counts."""
    counts = "  ".join(f"{figures.count(kind)} {kind.name.lower()}" for kind in DayKind if figures.count(kind))
    lines: list[Line] = [(("Days  ", Tone.STRONG), (counts, Tone.DIM))]
    for day in reversed(figures.days):
        lines.append(_day(day))
    return lines


def _day(day: AccountDay) -> Line:
    result = day.reason
    if day.kind is DayKind.TRADED:
        result = f"{_seconds(day.execution_ms):>6}  {shown.signed(day.slippage):>5}"
    return (
        (f"{day.day:%b %d} ", Tone.DIM),
        (f"{fit(day.account, 5)} ", Tone.DIM),
        (fit(day.kind.value, 16), _KIND[day.kind]),
        (f" {day.runs:2} run{' ' if day.runs == 1 else 's'}  ", Tone.DIM),
        (result, Tone.PLAIN),
    )


def _seconds(ms: int | None) -> str:
    return shown.NONE if ms is None else f"{ms // 1000}.{ms % 1000 // 100} s"
