"""A story as it is shown: a verdict, and lines in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.operation import amounts
from core.domain.operation.events import Severity
from core.domain.operation.figures import Figures


class StoryKind(StrEnum):
    """A section begins a part of the story; an event has its time; a figure belongs to the event above it."""

    SECTION = "section"
    EVENT = "event"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line. `at` is market time, UTC. `label` names the step, state or figure; `points` are a factor's."""

    kind: StoryKind
    label: str
    text: str = ""
    at: datetime | None = None
    severity: Severity = Severity.INFO
    points: Decimal | None = None
    account: str = ""
    reason: str = ""
    figures: Figures = ()

    @property
    def is_total(self) -> bool:
        """Whether `points` are the start or the sum of a score, and not what a factor adds."""
        return self.label in ("start", "score")

    @property
    def shown_points(self) -> str:
        """The points as text; only what is added has a sign."""
        return amounts.score(self.points) if self.is_total else amounts.signed_score(self.points)


@dataclass(frozen=True, slots=True)
class Story:
    """`verdict` is the result of the slot or cycle in one sentence."""

    title: str
    verdict: str
    lines: tuple[StoryLine, ...]
