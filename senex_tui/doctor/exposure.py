"""What others can read or change, added to the doctor's rows of what it concerns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from senex_tui.doctor.doctor import Finding, Row

if TYPE_CHECKING:
    from core.config.exposure import Exposure
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.snapshot import Mode


def with_exposures(row: Row, loaded: Loaded | None, folders: Folders, mode: Mode | None) -> Row:
    """The row, with what is exposed of the thing it is about: a FAIL where it keeps a live console from starting, else
    a WARN. Without valid settings nothing is known."""
    from core.config.exposure import file_exposures, network_exposures

    if loaded is None or mode is None:
        return row
    exposures = network_exposures(loaded.settings, os.environ) + file_exposures(loaded, folders, mode.value)
    for exposure in exposures:
        if exposure.about == row.name:
            row = _with(row, exposure, barred=bool(exposure.live) and mode.value == "live")
    return row


def _with(row: Row, exposure: Exposure, *, barred: bool) -> Row:
    found = exposure.found + (": the console does not start" if barred else "")
    is_bad = barred or row.finding is Finding.FAIL
    return Row(
        row.name,
        Finding.FAIL if is_bad else Finding.WARN,
        f"{row.found}; {found}",
        "; ".join(filter(None, (row.todo, exposure.todo))),
    )
