"""The market judgement as a waterfall: each factor, its input and its points (SPEC 5)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from widgets import figures
from widgets.lines import Drawing, Line, Tone, fit, right, wrap
from widgets.panel import LinePanel

if TYPE_CHECKING:
    from core.domain.judgement import Judgement

START = Decimal(50)
"""The score before the first factor (SPEC 5)."""

_NAME, _POINTS, _TOTAL = 10, 6, 5


class JudgementPanel(LinePanel["tuple[Judgement, ...]"]):
    NAME = "Judgement"
    PLACEHOLDER = "no underlying judged yet"

    def draw(self, value: tuple[Judgement, ...], width: int, height: int) -> Drawing:
        lines: list[Line] = []
        for judgement in value:
            lines += _one(judgement, width)
        return Drawing(self.NAME, tuple(lines) or (((self.PLACEHOLDER, Tone.DIM),),))


def _one(judgement: Judgement, width: int) -> list[Line]:
    word, tone = ("PASS", Tone.GOOD) if judgement.passed else ("REFUSED", Tone.BAD)
    score = "not scored" if judgement.score is None else f"score {judgement.score:.0f}, {judgement.minimum:.0f} needed"
    about = ""
    if judgement.stress is not None:
        about = f"  regime {judgement.regime.value}"
    head = fit(f"  {score}{about}", max(0, width - len(word) - len(judgement.symbol) - 2))
    lines: list[Line] = [((f"{judgement.symbol}  ", Tone.STRONG), (word, tone), (head, Tone.PLAIN))]
    if judgement.refusal is not None:
        lines += [((line, Tone.WARN),) for line in wrap(judgement.refusal.sentence(), width)]
    total = START
    if judgement.factors:
        lines.append(_row("start", "", START, Decimal(0), width))
    for factor in judgement.factors:
        lines.append(_row(factor.name, factor.shown, factor.points, total, width))
        total += factor.points
    return lines


def _row(name: str, shown_input: str, points: Decimal, before: Decimal, width: int) -> Line:
    bar = max(0, min(26, width - _NAME - _POINTS - _TOTAL - 2 - (20 if width >= 56 else 15)))
    shown = width - _NAME - _POINTS - _TOTAL - bar - 2
    tone = Tone.GOOD if points > 0 else Tone.BAD if points < 0 else Tone.DIM
    after = before + points
    return (
        (fit(name, _NAME), Tone.PLAIN),
        (fit(shown_input, shown), Tone.DIM),
        (right(figures.points(points), _POINTS), tone),
        (right(f"{after:.0f}", _TOTAL), Tone.DIM),
        ("  ", Tone.PLAIN),
        *_bar(before, after, bar),
    )


def _bar(before: Decimal, after: Decimal, width: int) -> Line:
    """The step from the score before to the score after, on a scale of 0 to 125."""
    if width < 6:
        return ()
    low, high = (_place(min(before, after), width), _place(max(before, after), width))
    if before == after:
        return ((" " * low + "│", Tone.DIM),)
    return ((" " * low, Tone.PLAIN), ("█" * max(1, high - low), Tone.GAIN if after > before else Tone.LOSS))


def _place(score: Decimal, width: int) -> int:
    return min(width - 1, max(0, int(score * width / 125)))
