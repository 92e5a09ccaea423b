"""A page that asks the records. Answers come later; a question that got none is asked again once the engine runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual.worker import WorkType

from core.domain.operation.failures import failure_words
from core.records.store.errors import RecordsError
from core.runtime.redaction import redact
from core.snapshot import EngineNotRunning, EngineState
from senex_tui.console.screens.page import Page

if TYPE_CHECKING:
    from core.records.records import Records
    from core.snapshot import Snapshot
    from widgets.status_bar import StatusView

log = logging.getLogger(__name__)
Found = TypeVar("Found")


class AsksRecords(Page):
    """A mixin. Name it after the page's own base class: Textual takes styles from the first base alone.

    A question runs on the engine's loop and does its imports there, so that the screen never waits for them.
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
        """Asks a question and calls `then` with the answer. A newer one with the same `about` replaces an older one."""
        self._unanswered.pop(about, None)
        work: WorkType[None] = partial(self._answered, about, question, then)
        self.run_worker(work, group=about, exclusive=True, exit_on_error=False)

    def not_answered(self, about: str, why: str) -> None:
        """Called when there is no answer; subclasses show why."""

    async def _answered(
        self, about: str, question: Callable[[Records], Awaitable[Found]], then: Callable[[Found], None]
    ) -> None:
        try:
            found = await asyncio.wrap_future(self.console.client.look_up(question))
            then(found)
        except (EngineNotRunning, RecordsError) as error:
            self._unanswered[about] = (self._engine_state, lambda: self.ask_records(about, question, then))
            self.not_answered(about, redact(str(error)))
        except Exception as error:  # a worker's error would be seen by nobody
            log.exception("a question to the records failed")
            self.not_answered(about, redact(failure_words(error)))
            self.console.report_fault(error)

    @property
    def _engine_state(self) -> EngineState | None:
        view = self.console.status_view
        return None if view is None else view.status.engine

    def _ask_again(self, view: StatusView | None) -> None:
        """Asks, once the engine runs, what it could not be asked before."""
        if view is None or view.status.engine is not EngineState.RUNNING:
            return
        for state, ask in tuple(self._unanswered.values()):
            if state is not EngineState.RUNNING:
                ask()


def exits_recorded(shown: Snapshot) -> tuple[object, ...]:
    """What says that the records have something new of exits: the day, the closing orders that hold units, and how the
    units stand. No price is in it."""
    orders = tuple((one.exit_id, one.state) for one in shown.exits)
    units = tuple(tuple(unit.told for unit in one.exits.units) for one in shown.positions.open if one.exits is not None)
    return shown.day, orders, units
