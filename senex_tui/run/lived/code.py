"""What code lives the days: a history that other code has lived is made again."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

import core
from senex_tui import run

_LIBRARIES = ("numpy", "pandas_market_calendars", "SQLAlchemy")
"""Those that prices, sessions and records depend on."""


def code_hash() -> str:
    """16 hexadecimal digits that change with every file of the core and of this room, and with what they rest on."""
    found = hashlib.sha256(platform.python_version().encode())
    for library in _LIBRARIES:
        found.update(f"{library} {version(library)}\n".encode())
    for folder in (Path(core.__file__).parent, Path(run.__file__).parent):
        for file in sorted(folder.rglob("*.py")):
            found.update(f"{file.relative_to(folder.parent)} ".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]
