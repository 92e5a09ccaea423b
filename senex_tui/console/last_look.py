"""Knows when the operator looked last, by the keys: nobody who sits before the screen goes long without one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from core.snapshot import Automation, EngineState, Snapshot
from widgets.messages import LastLook

AWAY_S = 120.0
"""Wall seconds without a key after which the operator counts as gone."""
READ_S = 20.0
"""Wall seconds after the return for which what came meanwhile stays marked, whatever is pressed."""


class Looking:
    """Moves the mark to the newest message with each key, except with the first ones after an absence: what came
    meanwhile is to be read."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._pressed_at = self._returned_at = monotonic()
        self._began = False
        self._seen: LastLook | None = None
        self._newest = 0
        self._is_unseen = False
        self.mark: LastLook | None = None

    def pulled(self, snapshot: Snapshot) -> None:
        """Takes what the first snapshot shows as seen, and what a start says until it has reconciled. Where another
        engine numbers the messages anew, as a watcher sees it after a restart, what came since then counts by its
        time."""
        if self._is_renumbered(snapshot) and self._began:
            self.mark, self._seen = _by_time(self.mark, snapshot), _by_time(self._seen, snapshot)
        self._newest = _newest(snapshot).number
        if not self._began:
            self.mark = self._seen = _newest(snapshot)
            status = snapshot.status
            self._began = status.engine is not EngineState.STARTING and status.automation is not Automation.RECONCILING

    def _is_renumbered(self, snapshot: Snapshot) -> bool:
        """Numbers only rise while one engine gives them. While none is seen, a watcher numbers what is on record."""
        was_unseen, self._is_unseen = self._is_unseen, snapshot.status.engine is EngineState.UNSEEN
        falls = bool(snapshot.messages) and _newest(snapshot).number < self._newest
        return falls or was_unseen is not self._is_unseen

    def pressed(self, snapshot: Snapshot) -> None:
        """Called at every key, and when the terminal gets the focus."""
        now = self._monotonic()
        if now - self._pressed_at >= AWAY_S:
            self.mark, self._returned_at = self._seen, now
        elif now - self._returned_at >= READ_S:
            self.mark = _newest(snapshot)
        self._pressed_at, self._seen = now, _newest(snapshot)


def _by_time(look: LastLook | None, snapshot: Snapshot) -> LastLook | None:
    """The same look among messages with other numbers."""
    if look is None or look.at is None:
        return look
    seen = (one.number for one in snapshot.messages if one.at <= look.at)
    before_all = min((one.number for one in snapshot.messages), default=1) - 1
    return LastLook(max(seen, default=before_all), look.at)


def _newest(snapshot: Snapshot) -> LastLook:
    number = max((message.number for message in snapshot.messages), default=0)
    at: datetime | None = snapshot.status.now
    return LastLook(number, at)
