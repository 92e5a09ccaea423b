"""Ends the console: asked for, by a signal, or because the terminal is gone. The engine always ends in order first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from senex_tui.console.actions import questions
from senex_tui.console.screens.dialogs import Question, Stopping
from senex_tui.support import terminal

if TYPE_CHECKING:
    from senex_tui.console.base import ConsoleApp

HANGUP_CHECK_S = 5.0
log = logging.getLogger(__name__)


class Quitting:
    """Asks before quitting, and awaits `stop_engine` on every way out before the app exits."""

    def __init__(self, app: ConsoleApp, stop_engine: Callable[[], Awaitable[None]] | None) -> None:
        self._app = app
        self._stop_engine = stop_engine
        self._undo_signals: Callable[[], None] | None = None
        self.leaving = False

    def watch_terminal(self) -> None:
        """From now on a signal and a lost terminal end the console in order. Saves the terminal's title."""
        self._undo_signals = terminal.install_signal_handlers(asyncio.get_running_loop(), self.unasked)
        self._app.write_sequence(terminal.SAVE_TITLE)
        self._app.set_interval(HANGUP_CHECK_S, self.check_hangup)

    def leave_terminal(self) -> None:
        """Stops watching for signals and restores the terminal's title."""
        if self._undo_signals is not None:
            self._undo_signals()
            self._undo_signals = None
            self._app.write_sequence(terminal.RESTORE_TITLE)

    def ask(self) -> None:
        """Asks whether to quit. Does nothing while that question is open."""
        if self.leaving or self._is_asking():
            return
        self._app.ask(questions.quit_question(self._app.client.snapshot), lambda: self._leave(paint=True))

    def interrupt(self) -> None:
        """For ctrl+c: asks whether to quit; at that question, quits."""
        if self._is_asking():
            self._leave(paint=True)
        else:
            self.ask()

    def unasked(self, cause: str) -> None:
        """Ends in order without a question: on SIGHUP, SIGTERM or SIGINT, or when the terminal is gone.

        Nothing more is painted when the terminal may be gone: its writer would block the event loop.
        """
        log.info("stopping: %s", cause)
        self._leave(paint=cause not in ("SIGHUP", "terminal gone"))

    def check_hangup(self) -> None:
        if terminal.terminal_gone():
            self.unasked("terminal gone")

    def _is_asking(self) -> bool:
        return isinstance(self._app.screen, Question) and self._app.screen.name == questions.QUIT_NAME

    def _leave(self, *, paint: bool) -> None:
        if self.leaving:
            return
        self.leaving = True
        self._app.stop_pulling()
        if paint:
            self._app.push_screen(Stopping())
        self._app.run_worker(self._stop_and_exit(), exit_on_error=False, exclusive=True, group="leaving")

    async def _stop_and_exit(self) -> None:
        code = 0
        try:
            if self._stop_engine is not None:
                await self._stop_engine()
            self._app.engine_stopped = True
        except Exception:
            log.exception("the engine did not stop in order")
            code = 1
        finally:
            self._app.exit(return_code=code)
