"""Freezes the view, notices when the engine stands still, and gives the banner's sentences about both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.snapshot import EngineState
from widgets.base import format as figures
from widgets.base.key_names import key_for

if TYPE_CHECKING:
    from datetime import datetime

    from core.snapshot import Snapshot
    from widgets.banner import Alarm

THAW_S = 120.0
"""Wall seconds after which a frozen view thaws by itself."""
STILL_S = 10.0
"""Wall seconds without a move of the engine's clock after which the screen says that it is old."""


class View:
    """The view can be frozen by a key for `THAW_S` wall seconds at most. Trading goes on meanwhile."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._frozen_at: float | None = None
        self._moved: tuple[datetime | None, float] = (None, monotonic())

    def toggle(self) -> None:
        self._frozen_at = self._monotonic() if self._frozen_at is None else None

    def is_frozen(self) -> bool:
        """Whether the panels stand still. Ends a freeze that has lasted long enough."""
        if self._frozen_at is not None and self._monotonic() - self._frozen_at >= THAW_S:
            self._frozen_at = None
        return self._frozen_at is not None

    def alarms(self, snapshot: Snapshot) -> list[Alarm]:
        """Says when what is on the screen is old, and why."""
        said: list[Alarm] = []
        still = self._still_s(snapshot)
        if snapshot.status.engine is EngineState.FAILED:
            said.append((f"No cycle will run; {key_for('quit', 'q')} quits. {snapshot.status.failure}", True))
        elif still >= STILL_S:
            said.append((f"The engine has not moved for {still:.0f} s: what you see is old.", True))
        if self._frozen_at is not None:
            since = figures.span(int(self._monotonic() - self._frozen_at))
            said.append(
                (f"VIEW FROZEN {since}: trading goes on; {key_for('freeze', 'space')} shows the present again", False)
            )
        return said

    def _still_s(self, snapshot: Snapshot) -> float:
        """Wall seconds since the engine's clock moved, 0 unless the engine runs. A stuck engine cannot say so."""
        status = snapshot.status
        if status.engine is not EngineState.RUNNING or status.now != self._moved[0]:
            self._moved = (status.now, self._monotonic())
        return self._monotonic() - self._moved[1]
