"""Open alerts and the figures of the last sessions: rates, times, reasons and what each account-day came to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from core.domain.figures import AccountDay, DayKind, SessionFigures, Share
from widgets import figures as shown
from widgets.lines import Drawing, Line, Tone, beside, fit, right, wrap
from widgets.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import AlertView

TWO_COLUMNS_FROM = 114
_LEFT = 54
_LABEL = 15
_SEVERITY = {"critical": ("✖ critical", Tone.BAD), "warning": ("▲ warning ", Tone.WARN)}
_KIND = {
    DayKind.TRADED: Tone.GOOD,
    DayKind.RULE: Tone.PLAIN,
    DayKind.RISK: Tone.WARN,
    DayKind.ERROR: Tone.BAD,
    DayKind.MISSED: Tone.WARN,
}


@dataclass(frozen=True, slots=True)
class FiguresView:
    """What the panel shows; `figures` is None until the engine has computed them."""

    alerts: tuple[AlertView, ...]
    figures: SessionFigures | None


class FiguresPanel(LinePanel["FiguresView"]):
    NAME = "Figures"

    def draw(self, value: FiguresView, width: int, height: int) -> Drawing:
        lines = _alerts(value.alerts, width)
        figures = value.figures
        if figures is None or not figures.sessions:
            return Drawing(self.NAME, (*lines, (), (("no session is recorded yet", Tone.DIM),)))
        first, last, count = figures.sessions[0], figures.sessions[-1], len(figures.sessions)
        title = f"{self.NAME}  {count} session{'s' * (count != 1)}, {first} to {last}"
        if width < TWO_COLUMNS_FROM:
            parts = (_rates(figures), _reasons(figures), _days(figures))
            return Drawing(title, (*lines, *(line for part in parts for line in ((), *part))))
        left = (*_rates(figures), (), *_reasons(figures))
        pairs = zip_longest(left, _days(figures), fillvalue=())
        return Drawing(title, (*lines, (), *((*beside(a, (), _LEFT), ("   ", Tone.PLAIN), *b) for a, b in pairs)))


def _alerts(alerts: tuple[AlertView, ...], width: int) -> list[Line]:
    if not alerts:
        return [(("Alerts  none is open", Tone.GOOD),)]
    unseen = sum(not alert.seen_by for alert in alerts)
    waiting = f", {unseen} not acknowledged" if unseen else ", all acknowledged"
    lines: list[Line] = [((f"Alerts  {len(alerts)} open{waiting}", Tone.STRONG),)]
    for number, alert in enumerate(alerts, 1):
        word, tone = _SEVERITY.get(alert.severity, (fit(alert.severity, 10), Tone.PLAIN))
        seen = f"acknowledged by {alert.seen_by}" if alert.seen_by else f"press {number} to acknowledge"
        since = f"{alert.since.astimezone(shown.EXCHANGE):%b %d %H:%M}"
        head = f"{number}  "
        lines.append(((head, Tone.STRONG), (word, tone), (f"  {since}  ", Tone.DIM), (seen, Tone.DIM)))
        lines += [((f"   {row}", Tone.DIM if alert.seen_by else Tone.PLAIN),) for row in wrap(alert.text, width - 3)]
    return lines


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
    """Newest first."""
    counts = "  ".join(f"{figures.count(kind)} {kind.name.lower()}" for kind in DayKind if figures.count(kind))
    lines: list[Line] = [(("Days  ", Tone.STRONG), (counts, Tone.DIM))]
    for day in reversed(figures.days):
        lines.append(_day(day))
    return lines


def _day(day: AccountDay) -> Line:
    told = day.reason
    if day.kind is DayKind.TRADED:
        told = f"{_seconds(day.execution_ms):>6}  {shown.signed(day.slippage):>5}"
    return (
        (f"{day.day:%b %d} ", Tone.DIM),
        (f"{fit(day.account, 5)} ", Tone.DIM),
        (fit(day.kind.value, 16), _KIND[day.kind]),
        (f" {day.runs:2} run{' ' if day.runs == 1 else 's'}  ", Tone.DIM),
        (told, Tone.PLAIN),
    )


def _seconds(ms: int | None) -> str:
    return shown.NONE if ms is None else f"{ms // 1000}.{ms % 1000 // 100} s"
