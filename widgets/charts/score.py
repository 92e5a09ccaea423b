"""The picture of the score, a waterfall: each factor is a bar from the score before it to the score after (rules 5)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, fit, right, wrap
from widgets.base.profit import profit_tone
from widgets.charts.picture import ChartView, traded
from widgets.charts.plot import runs

if TYPE_CHECKING:
    from core.domain.market.judgement import Judgement

START = Decimal(50)
"""The score before the first factor (rules 5)."""
FULL = 125
"""The score at the right edge of the bars; the left edge is 0."""
_NAME, _POINTS, _TOTAL = 10, 6, 6
_LEAST_BAR = 6
_GAP = 2
_ABREAST_FROM = 110


@dataclass(frozen=True, slots=True)
class ScorePicture:
    judgements: tuple[Judgement, ...]

    @classmethod
    def of(cls, view: ChartView) -> ScorePicture:
        symbol = traded(view)
        return cls(tuple(sorted(view.judgements, key=lambda j: j.symbol != symbol)))

    def draw(self, width: int, height: int, *, ascii: bool = False) -> Drawing:
        """Draws the traded underlying's first, two side by side where there is room. `drawn` makes its signs ASCII."""
        title = "Score  start 50, bars to 125"
        if not self.judgements:
            return Drawing(title, ((("no underlying judged yet", Tone.DIM),),))
        if width < _ABREAST_FROM or len(self.judgements) < 2:
            return Drawing(title, tuple(line for each in self.judgements for line in waterfall(each, width, 200)))
        half = (width - 4) // 2
        left, far = (waterfall(each, half, 200) for each in self.judgements[:2])
        rows = [
            (*_padded(a, half + 4), *b)
            for a, b in zip(
                [*left, *[()] * (len(far) - len(left))], [*far, *[()] * (len(left) - len(far))], strict=True
            )
        ]
        return Drawing(title, tuple(rows))


def waterfall(judgement: Judgement, width: int, most_bar: int = 26) -> list[Line]:
    """The lines of a judgement: verdict, refusal, and for each factor name, input, points, score so far and bar."""
    word, tone = ("PASS", Tone.GOOD) if judgement.passed else ("REFUSED", Tone.BAD)
    needed = judgement.minimum
    score = "not scored"
    if judgement.score is not None:
        score = f"score {figures.score(judgement.score)}, {figures.score(needed)} needed"
    about = "" if judgement.stress is None else f"  regime {judgement.regime.value}"
    head = fit(f"  {score}{about}", max(0, width - len(word) - len(judgement.symbol) - 2))
    lines: list[Line] = [((f"{judgement.symbol}  ", Tone.STRONG), (word, tone), (head, Tone.PLAIN))]
    if judgement.refusal is not None:
        lines += [((line, Tone.WARN),) for line in wrap(judgement.refusal.sentence(), width)]
    total = START
    if judgement.factors:
        lines.append(_row("start", "", START, figures.score(START), Decimal(0), needed, width, most_bar))
    for factor in judgement.factors:
        added = figures.signed_score(factor.points)
        lines.append(_row(factor.name, factor.shown, factor.points, added, total, needed, width, most_bar))
        total += factor.points
    return lines


def _row(
    name: str,
    shown_input: str,
    points: Decimal,
    added: str,
    before: Decimal,
    needed: Decimal,
    width: int,
    most_bar: int,
) -> Line:
    bar = max(0, min(most_bar, width - _NAME - _POINTS - _TOTAL - _GAP - (20 if width >= 56 else 15)))
    shown = width - _NAME - _POINTS - _TOTAL - bar - _GAP
    tone = profit_tone(points) if points else Tone.DIM
    after = before + points
    return (
        (fit(name, _NAME), Tone.PLAIN),
        (fit(shown_input, shown), Tone.DIM),
        (right(added, _POINTS), tone),
        (right(figures.score(after), _TOTAL), Tone.DIM),
        (" " * _GAP, Tone.PLAIN),
        *_bar(before, after, needed, bar),
    )


def _bar(before: Decimal, after: Decimal, needed: Decimal, width: int) -> Line:
    """A factor's step on a scale of 0 to `FULL`: gains as full blocks, losses shaded. A thin line marks the minimum."""
    if width < _LEAST_BAR:
        return ()
    cells: list[Part] = [(" ", Tone.PLAIN)] * width
    cells[_place(needed, width)] = ("┆", Tone.DIM)
    low, high = _place(min(before, after), width), _place(max(before, after), width)
    if before == after:
        cells[low] = ("│", Tone.DIM)
    else:
        step: Part = ("█", Tone.GAIN) if after > before else ("▒", Tone.LOSS)
        cells[low : max(low + 1, high)] = [step] * max(1, high - low)
    return tuple(runs(cells))


def _place(score: Decimal, width: int) -> int:
    return min(width - 1, max(0, int(score * width / FULL)))


def _padded(line: Line, width: int) -> Line:
    used = sum(len(text) for text, _ in line)
    return (*line, (" " * max(0, width - used), Tone.PLAIN))
