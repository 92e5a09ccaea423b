"""Writes lists and stories to files in the state folder. The name says what is in it and the market time."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from core.runtime.clock import exchange_time

if TYPE_CHECKING:
    from senex_tui.console.base import ConsoleApp

log = logging.getLogger(__name__)


def export(app: ConsoleApp, name: str, text: str, kind: str = "csv") -> str:
    """Writes the text to a new file and returns a sentence: where it is, or why it could not be written."""
    if app.state_folder is None:
        return "not exported: this console has no folder of its own"
    now = app.client.snapshot().status.now
    stamp = "before-start" if now is None else f"{exchange_time(now):%Y-%m-%d-%H%M%S}"
    folder = app.state_folder / "exports"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(1000):
            path = folder / (f"{name}-{stamp}.{kind}" if number == 0 else f"{name}-{stamp}-{number}.{kind}")
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            return f"exported to {path}"
    except OSError as error:
        log.warning("export failed: %s", error)
        return f"not exported: {error.strerror} ({folder})"
    return f"not exported: {folder} already has a thousand of this second"
