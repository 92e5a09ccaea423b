"""Copying to the clipboard: through tmux where there is one, else by the terminal, always to a file (reference 3.1)."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp

log = logging.getLogger(__name__)
TMUX_ANSWERS_WITHIN_S = 2.0


async def copy(app: SenexApp, text: str) -> str:
    """Copies the text; the sentence says where it went."""
    file = _to_file(app.state_folder, text)
    if os.environ.get("TMUX") and await _to_tmux(text):
        return f"copied to tmux{file}"
    app.copy_to_clipboard(text)
    return f"sent to the terminal's clipboard{file}"


def _to_file(folder: Path | None, text: str) -> str:
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
    """`load-buffer -w` also sets the outer terminal's clipboard, with either setting of tmux."""
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
