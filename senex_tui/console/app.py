"""The console's app. It pulls snapshots, sends commands, asks before what matters, and ends in order."""

from __future__ import annotations

import gc
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.events import AppFocus, Event, Key, Resize
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from core.domain.operation.commands import CommandKind
from core.domain.operation.failures import failure_words
from core.runtime.clock import SystemClock
from core.runtime.redaction import redact
from senex_tui.console.actions import permission
from senex_tui.console.actions.commands import Actions
from senex_tui.console.appearance import Appearance
from senex_tui.console.attention import Attention
from senex_tui.console.crash_screen import PlainCrash, in_the_log
from senex_tui.console.driver import ConsoleDriver
from senex_tui.console.freeze import View
from senex_tui.console.key_map import shared_keys
from senex_tui.console.keys import Where, bindings
from senex_tui.console.last_look import FILE as LOOK_FILE
from senex_tui.console.last_look import KeptLook, Looking
from senex_tui.console.machine_health import LookAtMachine, MachineHealth
from senex_tui.console.navigation import Navigation
from senex_tui.console.palette import KeyCommands
from senex_tui.console.quitting import EngineThread, Quitting
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.overlay import AboveDashboard
from senex_tui.console.screens.page import Page
from senex_tui.console.screens.too_small import SAFE_UNSEEN, TooSmall
from senex_tui.console.toasts import Toasts
from senex_tui.console.view_settings import ViewSettings
from senex_tui.support import terminal
from widgets.alarms import alarms
from widgets.banner import Banner
from widgets.base.event_guard import EventGuard
from widgets.messages import MessagesPanel
from widgets.status_bar import StatusView

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from core.snapshot import EngineClient, Snapshot
    from widgets.banner import Alarm

log = logging.getLogger(__name__)

_COLUMNS: list[tuple[int, str]] | None = [(0, "-slim"), (80, "-narrow"), (110, "-medium"), (170, "-wide")]
_ROWS: list[tuple[int, str]] | None = [(0, "-low"), (24, "-short"), (38, "-tall")]
"""The style classes of the layouts, by the columns and rows they begin at."""


class SenexApp(EventGuard, Appearance, Navigation, Actions, PlainCrash):
    """The console over an engine client, from which it pulls snapshots as often as the view's settings say.

    `stop_engine` ends the engine in order. It is awaited on every way out that the app sees, before the app exits;
    `engine_stopped` tells afterwards whether that happened, so that whoever runs the app can stop the engine otherwise.
    `engine` is asked to stop at once when a signal comes or the terminal is lost. `monotonic` gives wall seconds.
    `tell_crash` keeps a report of a defect that ends the app and returns the sentence to show. `first_words` are said
    once at the start. Copies and exports go to `state_folder`, when there is one. `look_at_machine` looks at the
    machine for the page of health, on a thread of its own.
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
        engine: EngineThread | None = None,
        monotonic: Callable[[], float] | None = None,
        view_settings: ViewSettings | None = None,
        tell_crash: Callable[[BaseException], str] = in_the_log,
        first_words: str = "",
        state_folder: Path | None = None,
        look_at_machine: LookAtMachine | None = None,
    ) -> None:
        super().__init__(view_settings or ViewSettings())
        self.client = client
        self.state_folder = state_folder
        if look_at_machine is not None:
            self.machine = MachineHealth(look_at_machine, lambda: self.client.snapshot().status.now)
        self.tell_crash = tell_crash
        self._first_words = first_words
        self.engine_stopped = False
        self.quitting = Quitting(self, stop_engine, engine)
        self._monotonic = monotonic or SystemClock().monotonic
        self._toasts = Toasts(self, self._monotonic)
        self._attention = Attention()
        self._looking = Looking(self._monotonic, KeptLook(self._look_file()))
        self._view = View(self._monotonic)
        self._beat = 0
        self._pull_timer: Timer | None = None
        self._allowed: tuple[object, ...] = ()
        self._banner: tuple[Alarm, ...] = ()

    # Start and end ---------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        return Dashboard(self._monotonic)

    def on_mount(self) -> None:
        self.pull()
        self.pull_anew()
        for words in (self._first_words, shared_keys(self.display_settings.keys)):
            if words:
                self.say(words, "warning")
        self._fit(self.size)
        self.call_after_refresh(gc.enable)
        if not self.is_headless:
            self.quitting.watch_terminal()
            self.app_resume_signal.subscribe(self, lambda _: self.paint_all())

    def _look_file(self) -> Path | None:
        """Where it is kept when the operator looked last."""
        return None if self.state_folder is None else self.state_folder / LOOK_FILE

    def on_unmount(self) -> None:
        self._looking.keep(self.shown)
        self.quitting.leave_terminal()

    def stop_pulling(self) -> None:
        if self._pull_timer is not None:
            self._pull_timer.stop()

    def pull_anew(self) -> None:
        self.stop_pulling()
        self._pull_timer = self.set_interval(1 / self.display_settings.refresh_hz, self.pull)

    def report_fault(self, error: BaseException) -> None:
        self.say(redact(f"screen error: {failure_words(error)}"), "error")

    # Pulling ---------------------------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Shows the newest snapshot; slices that are as before cost nothing. Never raises."""
        self._beat += 1
        if not self.screen_stack or (not self.app_focus and self._beat % 4):
            return  # an app that ends has no screen any more
        try:
            snapshot = self.client.snapshot()
            notices = self._attention.notices(snapshot)
            self._toasts.name_pane(self._status_view(snapshot))
            # Nothing is painted under a dialog: it would cost far more than the dialog itself.
            if not isinstance(self.screen, ModalScreen):
                self._show(snapshot)
            elif isinstance(self.screen, AboveDashboard) and self._beat % self.display_settings.refresh_hz == 0:
                self.screen.keep_true(self._status_view(snapshot), self.alarms_of(snapshot))
            self._toasts.tell(notices, self._is_in_sight)
            self._toasts.refresh()
        except Exception as error:
            log.exception("the pull failed")
            self.report_fault(error)

    def _is_in_sight(self, text: str) -> bool:
        """Whether the banner or the messages say this now."""
        words = " ".join(text.split())
        said = [sentence for sentence, _ in self._banner] if self.screen.query(Banner) else []
        said += [panel.text for panel in self.screen.query(MessagesPanel) if panel.display and panel.region]
        return bool(words) and any(words in " ".join(each.split()) for each in said)

    def _show(self, snapshot: Snapshot) -> None:
        self.status_view = self._status_view(snapshot)
        if not self._view.is_frozen():
            self.shown = snapshot
        self._looking.pulled(snapshot)
        for panel in self.screen.query(MessagesPanel):
            panel.show_look(self._looking.mark)
        self._say_banner(snapshot)
        allowed = (
            snapshot.status.engine,
            snapshot.status.automation,
            bool(snapshot.status.who),
            snapshot.status.market,
            snapshot.cycle is not None and snapshot.cycle.running,
            self.pending,
            self.display_settings.read_only,
            tuple((order.state, order.reentry) for order in snapshot.orders),
            tuple(one.state for one in snapshot.exits),
            None if snapshot.status.exits is None else snapshot.status.exits.word,
            tuple(view.exits is not None and bool(view.exits.legs) for view in snapshot.positions.open),
        )
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def _status_view(self, snapshot: Snapshot) -> StatusView:
        kinds = tuple(view.step.kind for view in snapshot.next_steps)
        return StatusView(snapshot.status, self.pending, self.display_settings.read_only, snapshot.overall, kinds)

    def seen_above(self) -> tuple[StatusView, tuple[Alarm, ...]] | None:
        try:
            snapshot = self.client.snapshot()
        except Exception:  # each pull says so in a toast
            log.exception("no snapshot")
            return None
        return self._status_view(snapshot), self.alarms_of(snapshot)

    @property
    def pending(self) -> tuple[CommandKind, ...]:
        return self._attention.pending

    def _say_banner(self, snapshot: Snapshot) -> None:
        screen = self.screen
        if isinstance(screen, Dashboard | Page) and screen.query(Banner):
            self._banner = self.alarms_of(snapshot)
            screen.say(self._banner)

    def alarms_of(self, snapshot: Snapshot) -> tuple[Alarm, ...]:
        """What the banner says of this snapshot, most urgent first."""
        return (*self._view.alarms(snapshot), *alarms(snapshot))

    def write_sequence(self, sequence: str) -> None:
        if not self.is_headless and self._driver is not None:
            self._driver.write(sequence)

    def let_go_of_terminal(self) -> None:
        if isinstance(self._driver, ConsoleDriver):
            self._driver.let_go()

    def say(self, text: str, severity: SeverityLevel) -> None:
        self._toasts.say(text, severity)

    def answer(self, text: str, still: Callable[[], bool]) -> None:
        self._toasts.answer(text, still)

    # Keys ------------------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        if isinstance(self.screen, TooSmall) and action not in SAFE_UNSEEN:
            return terminal.too_small(*self.size)
        try:
            snapshot = self.client.snapshot()
        except Exception as error:
            log.exception("no snapshot")
            return redact(f"the engine does not answer: {failure_words(error)}")
        barred = permission.READ_ONLY if self.display_settings.read_only and action in permission.RULES else None
        return permission.why_not(action, snapshot, self.pending) or barred

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question for every key: None greys it out, False hides it.

        On a terminal too small to read, only the actions that need no reading are left.
        """
        if isinstance(self.screen_stack[-1] if self.screen_stack else None, TooSmall) and action not in SAFE_UNSEEN:
            return False
        automation = None if self.status_view is None else self.status_view.status.automation
        return permission.offered(action, automation, self.why_not)

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        if self.display_settings.read_only:
            self.say(f"{kind.words} not sent: {permission.READ_ONLY}", "warning")
            return ""
        command = self.client.send(kind, target=target, note=note)
        self._attention.sent(command, kind)
        self.pull()
        return command

    def waits_for(self, command: str) -> bool:
        return self._attention.waits_for(command)

    async def on_event(self, event: Event) -> None:
        """Notes at every key, and at the terminal's focus, that the operator looks."""
        if isinstance(event, Key | AppFocus):
            self._looking.pressed(self.shown)
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """Answers a key that is greyed out with the reason."""
        if isinstance(self.screen, Dashboard | Page):
            self.say_why_not(event.key)

    def action_freeze(self) -> None:
        self._view.toggle()
        self.pull()

    def action_ask_quit(self) -> None:
        self.quitting.ask()

    def action_interrupt(self) -> None:
        self.quitting.interrupt()

    async def action_quit(self) -> None:
        """Textual's own quit action asks too."""
        self.action_ask_quit()

    def ask(self, question: Screen[bool], then: Callable[[], object]) -> None:
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
