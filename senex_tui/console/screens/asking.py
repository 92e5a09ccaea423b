"""A page that asks the records: the answer comes later, and a question without one is asked again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.worker import WorkType

from core.records.store.errors import RecordsError
from core.runtime.redaction import redact
from core.snapshot import EngineNotRunning, EngineState
from senex_tui.console.screens.page import Page

if TYPE_CHECKING:
    from core.records.records import Records
    from senex_tui.console.app import SenexApp
    from widgets.status_bar import StatusView

log = logging.getLogger(__name__)
Found = TypeVar("Found")


class AsksRecords(Page):
    """A mixin, to be named after the page's own class: Textual takes styles from the first base alone.

    A question is asked on the engine's loop and imports there what it needs, never on the screen's.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._unanswered: dict[str, tuple[EngineState | None, Callable[[], None]]] = {}

    def on_mount(self) -> None:
        self.watch(self.app, "status_view", self._ask_again)

    def ask_records(
        self,
        about: str,
        question: Callable[[Records], Awaitable[Found]],
        then: Callable[[Found], None],
    ) -> None:
        """`then` gets the answer; a newer question about the same thing takes an older one's place."""
        self._unanswered.pop(about, None)
        work: WorkType[None] = partial(self._asked, about, question, then)
        self.run_worker(work, group=about, exclusive=True, exit_on_error=False)

    def not_answered(self, about: str, why: str) -> None:
        """Subclasses show why there is no answer."""

    async def _asked(
        self, about: str, question: Callable[[Records], Awaitable[Found]], then: Callable[[Found], None]
    ) -> None:
        console: SenexApp = self.app  # type: ignore[assignment]
        try:
            found = await asyncio.wrap_future(console.client.look_up(question))
            then(found)
        except (EngineNotRunning, RecordsError) as error:
            self._unanswered[about] = (self._engine_state, lambda: self.ask_records(about, question, then))
            self.not_answered(about, redact(str(error)))
        except Exception as error:  # a worker's error would be seen by nobody
            log.exception("a question to the records failed")
            self.not_answered(about, redact(f"{type(error).__name__}: {error}"))
            console.report_fault(error)

    @property
    def _engine_state(self) -> EngineState | None:
        view: Any = getattr(self.app, "status_view", None)
        return None if view is None else view.status.engine

    def _ask_again(self, view: StatusView | None) -> None:
        """Once the engine runs, what it could not be asked before."""
        if view is None or view.status.engine is not EngineState.RUNNING:
            return
        for state, ask in tuple(self._unanswered.values()):
            if state is not EngineState.RUNNING:
                ask()
