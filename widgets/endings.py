"""The panel of how tridents ended: units by how, days to a target, and the results by year, underlying
and account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from core.domain.operation import amounts
from core.domain.positions.units import UnitName
from core.domain.reporting.money import MoneyPart
from core.snapshot.money import MoneyView
from widgets.base.lines import Drawing, Line, Tone, fit, right, wrap
from widgets.base.panel import LinePanel
from widgets.base.profit import profit_tone
from widgets.charts.picture import drawn

_HOW, _COUNT, _SHARE = 10, 5, 8
_LEAST_BAR = 6


class EndingsPanel(LinePanel[MoneyView]):
    NAME = "How they ended"
    PLACEHOLDER = ""
    EMPTY = "Of the units that ended: how many at a target, by the time exit, by hand, or behind our back."

    def draw(self, value: MoneyView, width: int, height: int) -> Drawing:
        if not value.figures.periods:
            return Drawing(self.NAME, tuple(((line, Tone.DIM),) for line in wrap(self.EMPTY, width)))
        return drawn(_Endings(value), width, height, ascii=self.is_ascii)


class _Endings:
    """The lines of the panel, made as a picture is, so that bars are ASCII where the screen is."""

    def __init__(self, view: MoneyView) -> None:
        self._view = view

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        figures = self._view.figures
        total = figures.total
        units = sum(total.units.values())
        ended = f"{amounts.counted(total.ended, 'trident')}, {amounts.counted(units, 'unit')}"
        lines = _hows(total, units, width)
        if total.days_to_target:
            told = ", ".join(f"{name.value} {total.days_to_target[name]:.1f}" for name in UnitName
                             if name in total.days_to_target)  # fmt: skip
            lines += _wrapped(f"days to a target: {told}", width, Tone.PLAIN)
        if total.slippage is not None:
            lines += _wrapped(f"exit slippage {amounts.mean(total.slippage)} a share, to mid", width, Tone.PLAIN)
        if total.unexplained:
            gone = f"{amounts.counted(total.unexplained, 'trident')} gone for nobody knows how much: left out"
            lines += _wrapped(gone, width, Tone.WARN)
        for parts in (_years(figures.periods), figures.underlyings, figures.accounts):
            if len(parts) > 1:
                lines += [(), *(_result(name, part, width) for name, part in parts)]
        return Drawing(f"{EndingsPanel.NAME}  {ended}", tuple(lines))


def _years(months: Sequence[tuple[date, MoneyPart]]) -> list[tuple[str, MoneyPart]]:
    """What the months of each year add up to, the newest year first: results and tridents alone, no means."""
    found: dict[str, MoneyPart] = {}
    for begins, part in reversed(months):
        year = str(begins.year)
        before = found.get(year, MoneyPart())
        found[year] = MoneyPart(
            before.realized + part.realized,
            before.fees + part.fees,
            estimated=before.estimated or part.estimated,
            ended=before.ended + part.ended,
        )
    return list(found.items())


def _hows(total: MoneyPart, units: int, width: int) -> list[Line]:
    """A line for each way to end, the most frequent first."""
    if not units:
        return [(("no unit has ended yet", Tone.DIM),)]
    bar = max(0, width - _HOW - _COUNT - _SHARE - 2)
    most = max(total.units.values())
    lines: list[Line] = []
    for how, count in sorted(total.units.items(), key=lambda item: -item[1]):
        share = right(f"{100 * count / units:.1f} %", _SHARE)
        long = max(1, round(bar * count / most)) if bar >= _LEAST_BAR else 0
        lines.append(
            (
                (fit(how.value, _HOW), Tone.PLAIN),
                (right(str(count), _COUNT), Tone.STRONG),
                (f"{share}  ", Tone.DIM),
                ("█" * long, Tone.PICTURE),
            )
        )
    return lines


def _result(name: str, part: MoneyPart, width: int) -> Line:
    told = amounts.realized(part.realized, estimated=part.estimated)
    ended = f"  {part.ended} ended" if width >= 40 else ""
    return (
        (fit(name, _HOW), Tone.PLAIN),
        (right(told, _COUNT + _SHARE + 2), profit_tone(part.realized)),
        (ended, Tone.DIM),
    )


def _wrapped(text: str, width: int, tone: Tone) -> list[Line]:
    return [((line, tone),) for line in wrap(text, width)]
