"""Knows when the operator looked last, by the keys: nobody who sits before the screen goes long without one."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from core.snapshot import Automation, EngineState, Level, Snapshot
from widgets.messages import LastLook

log = logging.getLogger(__name__)

FILE = "last-look.json"
"""The file in the state folder that says, for each mode, when the operator looked last."""
AWAY_S = 120.0
"""Wall seconds without a key after which the operator counts as gone."""
READ_S = 20.0
"""Wall seconds after the return for which what came meanwhile stays marked, whatever is pressed."""
KEPT_EVERY_S = 30.0
"""Wall seconds between two times that the look is kept, besides the one at the end."""


class KeptLook:
    """Keeps the market time of the last look over the end of the console. Without a file nothing is kept."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def at(self, mode: str) -> datetime | None:
        """When the operator looked last at a console of this mode; None where that is not known."""
        found = self._read().get(mode)
        try:
            at = datetime.fromisoformat(found) if isinstance(found, str) else None
        except ValueError:
            return None
        return at if at is not None and at.tzinfo is not None else None

    def keep(self, mode: str, at: datetime) -> None:
        """Keeps it. A file that cannot be written is no reason to stop: the log says so."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps({**self._read(), mode: at.isoformat()}) + "\n", encoding="utf-8")
            fresh.replace(self._file)
        except OSError as failure:
            log.warning("the last look is not kept in %s: %s", self._file, failure)

    def _read(self) -> dict[str, Any]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as failure:
            log.warning("the last look in %s is left out: %s", self._file, failure)
            return {}
        return found if isinstance(found, dict) else {}


class Looking:
    """Moves the mark to the newest message with each key, except with the first ones after an absence: what came
    meanwhile is to be read."""

    def __init__(self, monotonic: Callable[[], float], kept: KeptLook | None = None) -> None:
        self._monotonic = monotonic
        self._kept = kept or KeptLook()
        self._kept_at: float | None = None
        self._opened: datetime | None = None
        self._before: datetime | None = None
        self._pressed_at = self._returned_at = monotonic()
        self._began = False
        self._seen: LastLook | None = None
        self._newest = 0
        self._is_unseen = False
        self.mark: LastLook | None = None

    def pulled(self, snapshot: Snapshot) -> None:
        """Takes what the first snapshot shows as seen, and what a start says until it has reconciled; what came after
        the last look at an earlier console stays marked. Where another engine numbers the messages anew, as a watcher
        sees it after a restart, what came since then counts by its time."""
        if self._is_renumbered(snapshot) and self._began:
            self.mark, self._seen = _by_time(self.mark, snapshot), _by_time(self._seen, snapshot)
        self._newest = _newest(snapshot).number
        if not self._began:
            self.mark = self._seen = self._since_before(snapshot) or _newest(snapshot)
            status = snapshot.status
            self._began = status.engine is not EngineState.STARTING and status.automation is not Automation.RECONCILING

    def _since_before(self, snapshot: Snapshot) -> LastLook | None:
        """The last look at an earlier console, where a warning, a fill or a refusal came between it and the opening of
        this one. What an engine says as it ends or starts is no news."""
        now = snapshot.status.now
        if self._opened is None and now is not None:
            self._opened, self._before = now, self._kept.at(snapshot.status.mode.value)
        before, opened = self._before, self._opened
        if before is None or opened is None:
            return None
        came = (one for one in snapshot.messages if before < one.at < opened)
        if not any(one.pinned or one.level is not Level.INFO for one in came):
            return None
        return _by_time(LastLook(0, before), snapshot)

    def keep(self, snapshot: Snapshot) -> None:
        """Keeps when the operator looked last, for the next console of this mode."""
        if self._seen is not None and self._seen.at is not None:
            self._kept.keep(snapshot.status.mode.value, self._seen.at)

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
        if self._kept_at is None or now - self._kept_at >= KEPT_EVERY_S:
            self._kept_at = now
            self.keep(snapshot)


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
