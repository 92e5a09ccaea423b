"""Ends the console: asked for, by a signal, or because the terminal is gone. The engine always ends in order first."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol

from senex_tui.console.actions import questions
from senex_tui.console.actions.exit_orders import ExitOrderActions
from senex_tui.console.screens.dialogs import Question, Stopping
from senex_tui.support import terminal
from senex_tui.support.terminal_watch import GONE, TerminalWatch, leave_to_nobody, takes_nothing

if TYPE_CHECKING:
    from senex_tui.console.base import ConsoleApp

LOOK_S = 0.2
LET_GO_S = 5.0
"""Wall seconds after which, once the engine has ended, a terminal that takes nothing is let go of."""
END_WITHIN_S = 20.0
"""Wall seconds in which the console must end after its engine, and again after it let go of its terminal."""
NOT_IN_ORDER = 1
log = logging.getLogger(__name__)


class EngineThread(Protocol):
    """The engine that this console runs on another thread (`EngineHost`)."""

    @property
    def running(self) -> bool: ...

    def ask_to_stop(self) -> None:
        """Returns at once. May be called from any thread."""


class Quitting:
    """Asks before quitting, and awaits `stop_engine` on every way out before the app exits.

    A signal and a lost terminal ask the `engine` at once, from a thread of their own: the screen may stand still with
    a terminal that takes nothing.
    """

    def __init__(
        self, app: ConsoleApp, stop_engine: Callable[[], Awaitable[None]] | None, engine: EngineThread | None = None
    ) -> None:
        self._app = app
        self._stop_engine = stop_engine
        self._engine = engine
        self._watch: TerminalWatch | None = None
        self._ending: threading.Thread | None = None
        self.leaving = False
        self.unasked_for = False
        """Whether a signal or a lost terminal ended the console, or came while it was ending."""

    def watch_terminal(self) -> None:
        """From now on a signal and a lost terminal end the console in order. Saves the terminal's title."""
        loop, context = asyncio.get_running_loop(), copy_context()

        def unasked(cause: str) -> None:
            loop.call_soon_threadsafe(self.unasked, cause, context=context)  # the app is found in the context

        self._watch = TerminalWatch(lambda cause: self._end(unasked, cause))
        self._watch.start()
        self._app.write_sequence(terminal.SAVE_TITLE)

    def leave_terminal(self) -> None:
        """Stops watching for signals and restores the terminal's title."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
            self._app.write_sequence(terminal.RESTORE_TITLE)

    def ask(self) -> None:
        """Asks whether to quit. Does nothing while that question is open."""
        if self.leaving or self._is_asking():
            return
        question = questions.quit_question(self._app.client.snapshot)

        def answered(yes: bool | None) -> None:
            if yes:
                self._leave(paint=True)
            elif question.cancels_first:
                ExitOrderActions(self._app).offer_cancel()

        self._app.push_screen(question, answered)

    def leave(self) -> None:
        """Ends in order without asking: the operator has answered another question."""
        self._leave(paint=True)

    def interrupt(self) -> None:
        """For ctrl+c: asks whether to quit; at that question, quits."""
        if self._is_asking():
            self._leave(paint=True)
        else:
            self.ask()

    def unasked(self, cause: str) -> None:
        """Ends in order without a question: on SIGHUP, SIGTERM or SIGINT, or when the terminal is gone.

        Nothing more is painted when the terminal may be gone.
        """
        log.info("stopping: %s", cause)
        self.unasked_for = True
        self._leave(paint=cause not in ("SIGHUP", GONE))

    def _end(self, unasked: Callable[[str], None], cause: str) -> None:
        """Runs on the thread of the watch."""
        if self._engine is not None:
            self._engine.ask_to_stop()
        with suppress(RuntimeError):  # the loop has ended already
            unasked(cause)
        if self._ending is None:
            self._ending = threading.Thread(target=self._see_it_end, name="ending", daemon=True)
            self._ending.start()

    def _see_it_end(self) -> None:
        """Ends what a terminal that takes nothing keeps: first its hold on the event loop, at last the process."""
        pause = threading.Event()
        while self._engine is not None and self._engine.running:
            pause.wait(LOOK_S)
        full_s = waited_s = 0.0
        while full_s < LET_GO_S and waited_s < END_WITHIN_S:
            pause.wait(LOOK_S)
            waited_s += LOOK_S
            full_s = full_s + LOOK_S if takes_nothing() else 0.0
        log.warning("the terminal takes nothing; the console ends without it")
        leave_to_nobody(os.fstat(0).st_rdev)
        self._app.let_go_of_terminal()
        pause.wait(END_WITHIN_S)
        os._exit(NOT_IN_ORDER)

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
