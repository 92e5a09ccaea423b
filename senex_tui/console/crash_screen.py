"""Ends the console on a defect with one sentence, in place of Textual's own report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from rich.console import RenderableType
from rich.text import Text
from textual.app import App
from textual.worker import WorkerFailed

from core.runtime.redaction import redact

log = logging.getLogger(__name__)


def in_the_log(error: BaseException) -> str:
    """The sentence for a console that keeps no crash report: it points at the log."""
    return f"the console was stopped by a defect ({type(error).__name__}); the log has the details."


class PlainCrash(App[None]):
    """A mixin for the app. Textual's own report shows local variables, which may hold secrets (rules 13.7).

    `tell_crash` keeps a report of the error and returns the sentence, which is shown once the screen was left.
    """

    tell_crash: Callable[[BaseException], str] = staticmethod(in_the_log)

    def _fatal_error(self) -> None:
        error: BaseException = self._exception or sys.exc_info()[1] or RuntimeError("Textual named no error")
        if isinstance(error, WorkerFailed):
            error = error.error
        log.critical("the console failed", exc_info=error)
        if not self._exit_renderables:  # later errors follow from the first
            sentence = f"senex: {redact(self.tell_crash(error))}"
            self._exit_renderables.append(Text(sentence, overflow="fold"))  # never cut on a narrow terminal
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Ends the app with the same one sentence for an error that has a report of its own."""
        self._fatal_error()
