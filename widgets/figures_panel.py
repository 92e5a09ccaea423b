"""The panel of the last sessions' figures beside their targets, with the reasons, and each account's days."""

from __future__ import annotations

from itertools import zip_longest

from core.domain.operation import amounts
from core.domain.reporting.account_days import AccountDay, DayKind
from core.domain.reporting.figures import CHANCES, SessionFigures, Share
from core.domain.reporting.targets import Target, most_rejections
from widgets.base.lines import Drawing, Line, Tone, beside, fit, right, wrap
from widgets.base.panel import LinePanel

TWO_COLUMNS_FROM = 118
_LEFT = 58
_LABEL, _VALUE, _TARGET = 14, 7, 8
_KIND = {
    DayKind.TRADED: Tone.GOOD,
    DayKind.RULE: Tone.PLAIN,
    DayKind.RISK: Tone.WARN,
    DayKind.ERROR: Tone.BAD,
    DayKind.OPEN: Tone.DIM,
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
    rejected = dict(figures.pricing_rejections).get(figures.sessions[-1], 0)
    worst = f"mean, worst {amounts.signed(figures.worst_slippage)}, of {figures.fills}"
    most = most_rejections(figures)
    times = f"p95, median {amounts.seconds(figures.median_ms)}, of {figures.executions}"
    return [
        ((" " * (_LABEL + _VALUE + 2), Tone.DIM), ("target", Tone.DIM)),
        _rate("success", figures, figures.success, "tradable days", Target.SUCCESS),
        _rate("retries", figures, figures.retry, "priced cycles", Target.RETRY),
        _rate("skipped", figures, figures.skipped, CHANCES, Target.SKIPPED),
        _rate("failed", figures, figures.failed, CHANCES),
        _rate("risk refusals", figures, figures.risk, "priced chances"),
        _row("execution", figures, amounts.seconds(figures.p95_ms), times, Target.EXECUTION),
        _row(
            "rejections",
            figures,
            str(most) if most else "none",
            f"a day at most, newest {rejected or 'none'}" if most else "",
            Target.PRICING_REJECTIONS,
        ),
        _row("slippage", figures, amounts.mean(figures.mean_slippage), worst if figures.fills else "nothing filled"),
    ]


def _rate(label: str, figures: SessionFigures, share: Share, what: str, target: Target | None = None) -> Line:
    return _row(label, figures, *share.told(what), target)


def _row(label: str, figures: SessionFigures, value: str, rest: str, target: Target | None = None) -> Line:
    met = None if target is None else target.met(figures)
    tone = Tone.STRONG if met is None else Tone.GOOD if met else Tone.WARN
    return (
        (fit(label, _LABEL), Tone.DIM),
        (right(value, _VALUE), tone),
        (f"  {fit('' if target is None else target.words, _TARGET)}", Tone.DIM),
        (rest, Tone.DIM),
    )


def _reasons(figures: SessionFigures) -> list[Line]:
    lines: list[Line] = [(("Why there was no entry", Tone.STRONG),)]
    for each in figures.reasons:
        tone = Tone.DIM if each.outcome.value == "skipped" else Tone.WARN
        lines.append(
            (
                (f"{each.share.count:5} {right(f'{each.share.percent} %', 7)}  ", Tone.PLAIN),
                (fit(each.outcome.value, 8), tone),
                (f" {each.reason}", Tone.PLAIN),
            )
        )
    return lines if figures.reasons else [*lines, (("  there was one each time", Tone.DIM),)]


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
        result = f"{amounts.seconds(day.execution_ms):>6}  {amounts.signed(day.slippage):>5}"
    return (
        (f"{day.day:%b %d} ", Tone.DIM),
        (f"{fit(day.account, 5)} ", Tone.DIM),
        (fit(day.kind.value, 16), _KIND[day.kind]),
        (f" {day.runs:2} run{' ' if day.runs == 1 else 's'}  ", Tone.DIM),
        (result, Tone.PLAIN),
    )
