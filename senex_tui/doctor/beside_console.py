"""The doctor's rows of this machine, for a console that runs: without a login of their own, and without what costs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from core.config.folders import settings_path
from core.config.loader import Loaded, SettingsError, changed_names, load_settings
from core.runtime.clock import SystemClock
from core.runtime.redaction import redact
from core.snapshot.health import Finding, HealthRow
from senex_tui.doctor.doctor import ABOUT_THE_BROKER, Row, examine
from senex_tui.doctor.machine import Setup, all_checks, kept_running_row
from senex_tui.support.text import one_line

if TYPE_CHECKING:
    from core.config.folders import Folders
    from senex_tui.trader.place import Place

_LEFT_OUT = frozenset({*ABOUT_THE_BROKER, "terminal"})
"""What the engine tells of itself, and what only a command without a screen can ask."""


def rows_of_machine(started: Loaded, folders: Folders, place: Place, *, own_simulator: bool) -> tuple[HealthRow, ...]:
    """The rows, after some seconds at most. `started` are the settings this console goes by; they are read again, of a
    demo with its own simulator as it reads them."""
    loaded = started
    trouble: tuple[str, ...] = ()
    try:
        loaded = load_settings(settings_path(folders, os.environ), os.environ, own_simulator=own_simulator)
    except SettingsError as wrong:
        trouble = wrong.sentences
    setup = Setup(folders, loaded, place.mode, trouble, place, reads_all=False)
    checks = [check for check in all_checks(setup) if not _LEFT_OUT.intersection(check.names)]
    rows = [*examine(checks, SystemClock()), kept_running_row(place.mode, os.environ.get("TERM", ""))]
    edited = changed_names(started, loaded)
    return tuple(_as_health(_edited(row, edited) if row.name == "settings" else row) for row in rows)


def _edited(row: Row, names: tuple[str, ...]) -> Row:
    """The settings' row: what was edited since the start is used at the next one."""
    if not names or row.finding is not Finding.OK:
        return row
    found = f"{row.found}; edited since the start: {', '.join(names)}"
    return replace(row, finding=Finding.WARN, found=found, todo="the next start uses them")


def _as_health(row: Row) -> HealthRow:
    return HealthRow(row.name, row.finding, redact(one_line(row.found)), redact(one_line(row.todo)))
