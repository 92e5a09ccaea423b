"""The page that tells a story: a cycle's decision with its figures, and what became of its entry (rules 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input
from textual.worker import WorkType

from core.records.store.errors import RecordsError
from core.snapshot import EngineNotRunning
from core.views import lookups
from senex_tui.console import clipboard as copying
from senex_tui.console import export as exporting
from senex_tui.console.keys import Where, bindings
from senex_tui.console.meant import ANYTHING, Meant
from senex_tui.console.screens.dialogs import SteadyCursorInput
from senex_tui.console.screens.page import Page
from widgets.story import StoryPanel

if TYPE_CHECKING:
    from core.records.records import Records
    from core.snapshot import CycleSlice
    from core.snapshot.story import Story

Question = Callable[["Records"], Awaitable["Story | None"]]


class StoryPage(Page):
    """Reads the story from the records when it opens, and again at every step while the cycle is running."""

    PLACES = (Where.EVERYWHERE, Where.PAGES, Where.STORIES)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.STORIES))
    AUTO_FOCUS = "StoryPanel"
    DEFAULT_CSS = """
    StoryPage #search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    StoryPage #search.-open { display: block; }
    """

    def __init__(self, question: Question, file_name: str, cycle: int | None = None) -> None:
        """`file_name` names an export. `cycle` is the number of the story's cycle, when that may still be running."""
        super().__init__(name="story")
        self._question = question
        self._file_name = file_name
        self._cycle = cycle
        self._seen: object = None

    @classmethod
    def of_cycle(cls, number: int) -> StoryPage:
        """The story of one cycle."""
        return cls(partial(lookups.story, cycle=number), f"cycle-{number}", number)

    def body(self) -> ComposeResult:
        yield StoryPanel(id="story")
        yield SteadyCursorInput(placeholder="words to find", select_on_focus=False, id="search")

    def on_mount(self) -> None:
        self._ask()
        if self._cycle is not None:
            self.watch_slice(lambda shown: shown.cycle, self._follow, init=False)

    @property
    def meant(self) -> Meant:
        """The entries of the story's cycle, where it is of one."""
        return ANYTHING if self._cycle is None else Meant("None of this cycle", cycle=self._cycle)

    @property
    def panel(self) -> StoryPanel:
        return self.query_one("#story", StoryPanel)

    def _follow(self, cycle: CycleSlice | None) -> None:
        if cycle is None or cycle.number != self._cycle:
            return
        now = (cycle.running, cycle.attempt, cycle.steps)
        if now != self._seen:
            self._seen = now
            self._ask()

    def _ask(self) -> None:
        work: WorkType[None] = self._asked
        self.run_worker(work, exclusive=True, exit_on_error=False)

    async def _asked(self) -> None:
        try:
            story = await asyncio.wrap_future(self.console.client.look_up(self._question))
        except EngineNotRunning as error:
            self.panel.say(f"there is nobody to ask: {error}")
        except RecordsError as error:
            self.panel.say(f"the records did not answer: {error}; leave and come back to ask again")
        else:
            if story is None:
                self.panel.say("nothing of it is recorded")
            else:
                self.panel.show(story)

    def action_search(self) -> None:
        field = self.query_one("#search", Input)
        field.value = self.panel.words
        field.add_class("-open")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.panel.search(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_search()

    def action_back(self) -> None:
        """Leaves the search's field first, then the search, then the page."""
        if self.query_one("#search", Input).has_focus:
            self._leave_search()
        elif self.panel.words:
            self.panel.search("")
        else:
            super().action_back()

    def _leave_search(self) -> None:
        self.panel.focus()
        self.query_one("#search", Input).remove_class("-open")

    def action_next_section(self, steps: int) -> None:
        self.panel.next_section(steps)

    def action_fold(self) -> None:
        self.panel.fold()

    async def action_copy(self) -> None:
        self.console.say(await copying.copy(self.console, self.panel.whole), "information")

    def action_export(self) -> None:
        said = exporting.export(self.console, self._file_name, self.panel.whole + "\n", "txt")
        self.console.say(said, "information")
