"""The page of the preview: what a cycle would send now for each account, and why not (rules 5)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from core.domain.operation.commands import CommandKind, CommandState
from core.snapshot import EngineState, Mode, Watching
from senex_tui.console import clipboard as copying
from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.asking import AsksRecords
from widgets.base.key_names import key_for
from widgets.preview import PreviewPanel, PreviewShown, age_words

if TYPE_CHECKING:
    from datetime import datetime

    from core.records.records import Records
    from core.snapshot import Snapshot
    from core.snapshot.previews import PreviewView
    from widgets.status_bar import StatusView

_UNANSWERED = "asking: every step of a cycle but the sending. Legs without a quote are waited for, 15 s at most"


async def _previews(command: str, records: Records) -> tuple[PreviewView, ...]:
    # It imports msgspec; the screen does not wait for it.
    from core.views.previews import previews_of

    return await previews_of(records, command)


class PreviewPage(AsksRecords):
    """Asks when it opens and at its key, and then stands still: a preview is of one moment.

    A preview that was refused is asked for again when what kept it has passed: the engine's start, a running cycle. One
    that asks nothing, because it is read-only or has no engine, says so once.
    """

    PLACES = (Where.EVERYWHERE, Where.PAGES, Where.PREVIEW)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.PREVIEW))
    AUTO_FOCUS = "PreviewPanel"

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._shown = PreviewShown()
        self._command = ""
        self._is_refused = False

    def body(self) -> ComposeResult:
        yield PreviewPanel(id="preview")

    def on_mount(self) -> None:
        self._ask()
        self.watch(self.app, "status_view", self._settle, init=False)
        self.watch_slice(_what_keeps_it, self._ask_again_after, init=False)
        self.watch_slice(lambda shown: shown.status.now, self._grow_old, init=False)

    @property
    def panel(self) -> PreviewPanel:
        return self.query_one(PreviewPanel)

    def action_again(self) -> None:
        if self._command:
            self.console.say("preview: the engine has not answered yet", "warning")
        else:
            self._ask()

    async def action_copy(self) -> None:
        self.console.say(await copying.copy(self.console, self.panel.whole), "information")

    @property
    def _has_engine(self) -> bool:
        """Whether this console is the one of an engine: what a replay or a watcher is refused stays so."""
        status = self.console.client.snapshot().status
        return status.watching is Watching.NONE and status.mode is not Mode.REPLAY

    def _ask(self) -> None:
        self._is_refused = False
        if self.console.display_settings.read_only:
            said = "no preview: a read-only console asks nothing; `senex preview` in a shell does"
            self._show(replace(self._shown, said=said, is_trouble=True))
            return
        self._show(replace(self._shown, said=_UNANSWERED, is_trouble=False))
        self._command = self.console.send(CommandKind.PREVIEW)
        self._settle(None)

    def _settle(self, view: StatusView | None) -> None:
        if not self._command or self.console.waits_for(self._command):
            return
        command, self._command = self._command, ""
        answer = next((one for one in self.console.client.snapshot().commands if one.id == command), None)
        if answer is None or answer.state is CommandState.DONE:
            self.ask_records("previews", partial(_previews, command), self._found)
        else:
            self._refuse(answer.text)

    def _found(self, previews: tuple[PreviewView, ...]) -> None:
        self._show(PreviewShown(previews))

    def not_answered(self, about: str, why: str) -> None:
        self._refuse(why)

    def _refuse(self, why: str) -> None:
        """Keeps an earlier preview in sight, with its time, below the reason why there is no newer one."""
        self._is_refused = self._has_engine
        again = f". {key_for('again', 'space')} asks again" if self._has_engine else ""
        self._show(replace(self._shown, said=f"no preview: {why}{again}", is_trouble=True))

    def _ask_again_after(self, _: object) -> None:
        if self._is_refused and not self._command:
            self._ask()

    def _grow_old(self, now: datetime | None) -> None:
        previews = self._shown.previews
        if previews:
            self._show(replace(self._shown, age=age_words(max(one.at for one in previews), now)))

    def _show(self, shown: PreviewShown) -> None:
        if shown != self._shown:
            self._shown = shown
            self.panel.show(shown)


def _what_keeps_it(shown: Snapshot) -> tuple[EngineState, bool]:
    return shown.status.engine, shown.cycle is not None and shown.cycle.running
