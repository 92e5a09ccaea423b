"""The console's app: pulls snapshots, sends commands, asks before what matters, and ends in order."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.events import Key, Resize
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from core.domain.operation.commands import CommandKind
from core.runtime.clock import SystemClock
from core.runtime.redaction import redact
from core.snapshot import Automation
from senex_tui.console.actions import permission
from senex_tui.console.actions.commanding import Commanding
from senex_tui.console.appearance import Looking
from senex_tui.console.attention import Attention
from senex_tui.console.crash_screen import PlainCrash, in_the_log
from senex_tui.console.freeze import View
from senex_tui.console.keys import Where, bindings
from senex_tui.console.navigation import Opening
from senex_tui.console.palette import KeyCommands
from senex_tui.console.quitting import Quitting
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, TypedQuestion
from senex_tui.console.screens.overlay import AboveDashboard
from senex_tui.console.screens.page import Page
from senex_tui.console.screens.too_small import SAFE_UNSEEN, TooSmall
from senex_tui.console.slices import Slices
from senex_tui.console.toasts import Telling
from senex_tui.console.view_settings import ViewSettings
from senex_tui.support import terminal
from widgets.alarms import alarms
from widgets.banner import Banner
from widgets.base.event_guard import EventGuard
from widgets.status_bar import StatusView

if TYPE_CHECKING:
    from core.snapshot import (
        EngineClient,
        Snapshot,
    )
    from senex_tui.console.toast_rules import Severity
    from widgets.banner import Alarm

log = logging.getLogger(__name__)

_COLUMNS: list[tuple[int, str]] | None = [(0, "-slim"), (80, "-narrow"), (110, "-medium"), (170, "-wide")]
_ROWS: list[tuple[int, str]] | None = [(0, "-low"), (24, "-short"), (38, "-tall")]
"""The style classes of the layouts, by the columns and rows they begin at (console reference 5)."""


class SenexApp(EventGuard, Slices, Looking, Opening, Commanding, PlainCrash):
    """The terminal console over an engine client, pulled as often a second as the view's settings say.

    `first_words` are said once at the start. Copies and exports go to `state_folder`, when there is one.
    `stop_engine` ends the engine in order; it is awaited on every way out that the app sees, before the app exits.
    `engine_stopped` tells afterwards whether that happened, so that whoever runs the app can stop it otherwise.
    """

    TITLE = "senex"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {KeyCommands}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.EVERYWHERE))
    CSS_PATH = Path(__file__).with_name("senex.tcss")

    HORIZONTAL_BREAKPOINTS = _COLUMNS
    VERTICAL_BREAKPOINTS = _ROWS

    def __init__(
        self,
        client: EngineClient,
        *,
        stop_engine: Callable[[], Awaitable[None]] | None = None,
        monotonic: Callable[[], float] | None = None,
        view_settings: ViewSettings | None = None,
        tell_crash: Callable[[BaseException], str] = in_the_log,
        first_words: str = "",
        state_folder: Path | None = None,
    ) -> None:
        super().__init__(view_settings or ViewSettings())
        self.client = client
        self.state_folder = state_folder
        self.tell_crash = tell_crash
        self._first_words = first_words
        self.engine_stopped = False
        self.quitting = Quitting(self, stop_engine)
        self._monotonic = monotonic or SystemClock().monotonic
        self._telling = Telling(self, self._monotonic)
        self._attention = Attention()
        self._view = View(self._monotonic)
        self._beat = 0
        self._pull_timer: Timer | None = None
        self._allowed: tuple[object, ...] = ()

    # Start and end ---------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        return Dashboard(self._monotonic)

    def on_mount(self) -> None:
        self.pull()
        self.pull_anew()
        if self._first_words:
            self.say(self._first_words, "warning")
        self._fit(self.size)
        self.call_after_refresh(gc.enable)
        if not self.is_headless:
            self.quitting.watch_terminal()

    def on_unmount(self) -> None:
        self.quitting.leave_terminal()

    def stop_pulling(self) -> None:
        if self._pull_timer is not None:
            self._pull_timer.stop()

    def pull_anew(self) -> None:
        """Pulls as often as the view's settings say now."""
        self.stop_pulling()
        self._pull_timer = self.set_interval(1 / self.looks.refresh_hz, self.pull)

    def report_fault(self, error: BaseException) -> None:
        """An error the console survived: said in a toast; the log has the rest."""
        self.say(redact(f"screen error: {type(error).__name__}: {error}"), "error")

    # Pulling ---------------------------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Copies the newest snapshot into the slices; equal slices cost nothing. Never raises."""
        self._beat += 1
        if not self.app_focus and self._beat % 4:
            return
        try:
            snapshot = self.client.snapshot()
            self._telling.tell(self._attention.notices(snapshot))
            self._telling.name_pane(StatusView(snapshot.status, self.pending, self.looks.read_only))
            # Nothing is painted under a dialog: it would cost far more than the dialog itself (reference 2.3).
            if not isinstance(self.screen, ModalScreen):
                self._show(snapshot)
            elif isinstance(self.screen, AboveDashboard) and self._beat % self.looks.refresh_hz == 0:
                self.keep_true(self.screen, snapshot)
        except Exception as error:
            log.exception("the pull failed")
            self.report_fault(error)

    def _show(self, snapshot: Snapshot) -> None:
        self.status_view = StatusView(snapshot.status, self.pending, self.looks.read_only)
        if not self._view.is_frozen():
            self.take(snapshot)
        self._say_banner(snapshot)
        allowed = (
            snapshot.status.engine,
            snapshot.status.automation,
            snapshot.status.market,
            snapshot.cycle is not None and snapshot.cycle.running,
            self.pending,
            self.looks.read_only,
            tuple((order.state, order.reentry) for order in snapshot.orders),
        )
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def keep_true(self, dialog: AboveDashboard, snapshot: Snapshot | None = None) -> None:
        """What stands above a dialog says what is so now."""
        try:
            snapshot = snapshot or self.client.snapshot()
        except Exception:  # the pull says so, every time
            log.exception("no snapshot")
            return
        view = StatusView(snapshot.status, self.pending, self.looks.read_only)
        dialog.keep_true(view, self.alarms_of(snapshot))

    @property
    def pending(self) -> tuple[CommandKind, ...]:
        """Commands sent from here that the engine has not settled yet, oldest first."""
        return self._attention.pending

    def _say_banner(self, snapshot: Snapshot) -> None:
        screen = self.screen
        if isinstance(screen, Dashboard | Page) and screen.query(Banner):
            screen.say(self.alarms_of(snapshot))

    def alarms_of(self, snapshot: Snapshot) -> tuple[Alarm, ...]:
        """What the banner says, most urgent first."""
        return (*self._view.alarms(snapshot), *alarms(snapshot))

    def write_sequence(self, sequence: str) -> None:
        """Sends a sequence to the terminal, when there is one."""
        if not self.is_headless and self._driver is not None:
            self._driver.write(sequence)

    def say(self, text: str, severity: Severity) -> None:
        """A toast, through the limiter. The text is shown as it is, never read as markup."""
        self._telling.say(text, severity)

    # Keys ------------------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """Why an action of the key table is not possible now; None when it is."""
        if isinstance(self.screen, TooSmall) and action not in SAFE_UNSEEN:
            return terminal.too_small(*self.size)
        try:
            snapshot = self.client.snapshot()
        except Exception as error:
            log.exception("no snapshot")
            return redact(f"the engine does not answer: {error}")
        barred = permission.READ_ONLY if self.looks.read_only and action in permission.MAY_BE_BARRED else None
        return permission.why_not(action, snapshot, self.pending) or barred

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None greys an action out, False hides it. Where nothing can be read, nothing is asked."""
        if isinstance(self.screen_stack[-1] if self.screen_stack else None, TooSmall) and action not in SAFE_UNSEEN:
            return False
        paused = self.status_view is not None and self.status_view.status.automation is Automation.PAUSED
        return permission.offered(action, paused, self.why_not)

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Hands a command to the engine and returns its id; its answer comes as a toast. A read-only console sends
        none, and the id is empty."""
        if self.looks.read_only:
            self.say(f"{kind.value} not sent: {permission.READ_ONLY}", "warning")
            return ""
        command = self.client.send(kind, target=target, note=note)
        self._attention.sent(command, kind)
        self.pull()
        return command

    def waits_for(self, command: str) -> bool:
        """Whether the engine has yet to settle a command sent from here."""
        return self._attention.waits_for(command)

    def on_key(self, event: Key) -> None:
        """A key that is greyed out is answered with the reason."""
        if isinstance(self.screen, Dashboard | Page):
            self.automation.say_why_not(event.key)

    def action_freeze(self) -> None:
        self._view.toggle()
        self.pull()

    def action_ask_quit(self) -> None:
        self.quitting.ask()

    def action_interrupt(self) -> None:
        self.quitting.interrupt()

    async def action_quit(self) -> None:
        """Textual's own quit asks too."""
        self.action_ask_quit()

    def ask(self, question: Question | TypedQuestion, then: Callable[[], object]) -> None:
        def answered(yes: bool | None) -> None:
            if not yes:
                return
            try:
                then()
            except Exception as error:
                log.exception("a command failed")
                self.report_fault(error)

        self.push_screen(question, answered)

    # Size ------------------------------------------------------------------------------------------------------------

    def on_resize(self, event: Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        small = terminal.too_small(size.width, size.height)
        if small is not None and not any(isinstance(screen, TooSmall) for screen in self.screen_stack):
            self.push_screen(TooSmall())
