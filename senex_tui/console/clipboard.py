"""Copies text: to tmux inside tmux, otherwise to the terminal's clipboard, and always to a file."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senex_tui.console.base import ConsoleApp

log = logging.getLogger(__name__)
TMUX_ANSWERS_WITHIN_S = 2.0


async def copy(app: ConsoleApp, text: str) -> str:
    """Copies the text and returns a sentence that says where it went."""
    file = _to_file(app.state_folder, text)
    if os.environ.get("TMUX") and await _to_tmux(text):
        return f"copied to tmux{file}"
    app.copy_to_clipboard(text)
    return f"sent to the terminal's clipboard{file}"


def _to_file(folder: Path | None, text: str) -> str:
    """Writes the text to clip.txt and returns the words for the sentence; empty when it was not written."""
    if folder is None:
        return ""
    path = folder / "clip.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        log.warning("clip.txt was not written: %s", error)
        return ""
    return f" and {path}"


async def _to_tmux(text: str) -> bool:
    """Hands the text to tmux and says whether tmux took it.

    `load-buffer -w` sets the outer terminal's clipboard too, with either setting of tmux.
    """
    try:
        tmux = await asyncio.create_subprocess_exec(
            *("tmux", "load-buffer", "-w", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(tmux.communicate(text.encode()), TMUX_ANSWERS_WITHIN_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            tmux.kill()
        await tmux.wait()
        return False
    return tmux.returncode == 0
