"""What the figures should be: the targets that stand beside them (rules 12)."""

from __future__ import annotations

from enum import Enum

from core.domain.reporting.figures import SessionFigures


class Target(Enum):
    """A figure and its target. The value is (the figure's name, the target as people read it, its number).

    The number is in percent, in milliseconds, or a count.
    """

    figure: str
    words: str
    number: int

    def __init__(self, figure: str, words: str, number: int) -> None:
        self.figure = figure
        self.words = words
        self.number = number

    SUCCESS = ("success", "> 90 %", 90)
    RETRY = ("retry", "< 20 %", 20)
    SKIPPED = ("skipped", "< 50 %", 50)
    EXECUTION = ("execution", "< 30 s", 30_000)
    PRICING_REJECTIONS = ("pricing_rejections", "0", 0)

    def met(self, figures: SessionFigures) -> bool | None:
        """Whether the figures meet the target; None when nothing was counted.

        Of executions the 95th percentile is meant, of pricing rejections the worst session.
        """
        match self:
            case Target.EXECUTION:
                return None if figures.p95_ms is None else figures.p95_ms < self.number
            case Target.PRICING_REJECTIONS:
                return most_rejections(figures) == self.number if figures.sessions else None
            case Target.SUCCESS:
                share = figures.success
                return share.above(self.number) if share.of else None
        share = figures.retry if self is Target.RETRY else figures.skipped
        return 100 * share.count < self.number * share.of if share.of else None


def most_rejections(figures: SessionFigures) -> int:
    """The pricing rejections of the session that had most."""
    return max((count for _, count in figures.pricing_rejections), default=0)
