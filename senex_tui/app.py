"""The console's app: pulls snapshots, sends commands, asks before what matters, and ends in order."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.segment import Segment, Segments
from textual.app import App
from textual.binding import BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.reactive import var
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from core.clock import SystemClock
from core.domain.commands import CommandKind
from core.snapshot import Automation, EngineState
from senex_tui import permission, questions, terminal
from senex_tui.attention import Attention, Notice
from senex_tui.entry_actions import EntryActions
from senex_tui.keys import bindings
from senex_tui.palette import KeyCommands
from senex_tui.screens.dashboard import Dashboard
from senex_tui.screens.dialogs import Question, Stopping, TypedQuestion
from senex_tui.screens.help import HelpScreen
from senex_tui.screens.too_small import TooSmall
from senex_tui.theme import SENEX_DARK
from senex_tui.toasts import Severity, ToastLimiter
from widgets import figures
from widgets.alarms import alarms
from widgets.guard import EventGuard
from widgets.status_bar import StatusView, pane_title

if TYPE_CHECKING:
    from datetime import datetime

    from core.domain.judgement import Judgement
    from core.snapshot import (
        AttemptView,
        CycleSlice,
        EngineClient,
        MessageView,
        OrderView,
        QuoteSlice,
        SlotView,
        Snapshot,
        SpreadSlice,
    )
    from widgets.banner import Alarm

log = logging.getLogger(__name__)

Bell = Literal["off", "crit", "all"]
THAW_S = 120.0
HANGUP_CHECK_S = 5.0
STILL_S = 10.0
"""Wall seconds without a move of the engine's clock after which the screen says that it is old."""
_COLUMNS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-medium"), (170, "-wide")]
_ROWS: list[tuple[int, str]] | None = [(0, "-short"), (38, "-tall")]
"""The style classes of the layouts, by the columns and rows they begin at (console reference 5)."""
_SLICES = ("quotes", "spread", "cycle", "judgements", "attempts", "orders", "schedule", "messages")


class SenexApp(EventGuard, App[None]):
    """The terminal console over an engine client, pulled `refresh_hz` times a second.

    `stop_engine` ends the engine in order; it is awaited on every way out that the app sees, before the app exits.
    `engine_stopped` tells afterwards whether that happened, so that whoever runs the app can stop it otherwise.
    """

    TITLE = "senex"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {KeyCommands}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings())
    CSS_PATH = Path(__file__).with_name("senex.tcss")

    HORIZONTAL_BREAKPOINTS = _COLUMNS
    VERTICAL_BREAKPOINTS = _ROWS

    status_view: var[StatusView | None] = var(None)
    quotes: var[tuple[QuoteSlice, ...]] = var(())
    cycle: var[CycleSlice | None] = var(None)
    spread: var[SpreadSlice | None] = var(None)
    judgements: var[tuple[Judgement, ...]] = var(())
    attempts: var[tuple[AttemptView, ...]] = var(())
    orders: var[tuple[OrderView, ...]] = var(())
    schedule: var[tuple[SlotView, ...]] = var(())
    messages: var[tuple[MessageView, ...]] = var(())

    def __init__(
        self,
        client: EngineClient,
        *,
        stop_engine: Callable[[], Awaitable[None]] | None = None,
        monotonic: Callable[[], float] | None = None,
        refresh_hz: int = 4,
        bell: Bell = "crit",
    ) -> None:
        super().__init__()
        self.client = client
        self.engine_stopped = False
        self._stop_engine = stop_engine
        self._monotonic = monotonic or SystemClock().monotonic
        self._toasts = ToastLimiter(self._monotonic)
        self._attention = Attention()
        self._entries = EntryActions(self)
        self._pull_s = 1 / refresh_hz
        self._bell = bell
        self._frozen_at: float | None = None
        self._moved: tuple[datetime | None, float] = (None, self._monotonic())
        self._beat = 0
        self._leaving = False
        self._pane_title = ""
        self._allowed: tuple[object, ...] = ()
        self._undo_signals: Callable[[], None] | None = None
        self.animation_level = "none"
        self.register_theme(SENEX_DARK)
        self.theme = SENEX_DARK.name

    # Start and end ---------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[Any]:
        return Dashboard(self._monotonic)

    def on_mount(self) -> None:
        self.pull()
        self._pull_timer = self.set_interval(self._pull_s, self.pull)
        self._fit(self.size)
        if not self.is_headless:
            self._undo_signals = terminal.install_signal_handlers(asyncio.get_running_loop(), self.stop_unasked)
            self._write(terminal.SAVE_TITLE)
            self.set_timer(2.0, terminal.tune_gc)
            self.set_interval(HANGUP_CHECK_S, self._check_hangup)

    def on_unmount(self) -> None:
        if self._undo_signals is not None:
            self._undo_signals()
            self._undo_signals = None
            self._write(terminal.RESTORE_TITLE)

    def stop_unasked(self, cause: str) -> None:
        """SIGHUP, SIGTERM, SIGINT or a terminal that is gone: end cleanly without a question.

        Nothing more is painted when the terminal may be gone: its writer would block the event loop."""
        log.info("stopping: %s", cause)
        self._leave(paint=cause not in ("SIGHUP", "terminal gone"))

    def _check_hangup(self) -> None:
        if terminal.terminal_gone():
            self.stop_unasked("terminal gone")

    def _leave(self, *, paint: bool) -> None:
        if self._leaving:
            return
        self._leaving = True
        self._pull_timer.stop()
        if paint:
            self.push_screen(Stopping())
        self.run_worker(self._stop_and_exit(), exit_on_error=False, exclusive=True, group="leaving")

    async def _stop_and_exit(self) -> None:
        code = 0
        try:
            if self._stop_engine is not None:
                await self._stop_engine()
            self.engine_stopped = True
        except Exception:
            log.exception("the engine did not stop in order")
            code = 1
        finally:
            self.exit(return_code=code)

    def _fatal_error(self) -> None:
        """Textual's own report shows local variables, which may hold secrets (SPEC 13.7); this one does not."""
        text = traceback.format_exc()
        log.critical("the console failed: %s", text)
        self._exit_renderables.append(Segments([Segment(text)]))
        self._close_messages_no_wait()

    def report_fault(self, error: BaseException) -> None:
        """An error the console survived: said in a toast; the log has the rest."""
        self.say(f"screen error: {type(error).__name__}: {error}", "error")

    # Pulling ---------------------------------------------------------------------------------------------------------

    def pull(self) -> None:
        """Copies the newest snapshot into the slices; equal slices cost nothing. Never raises."""
        self._beat += 1
        if not self.app_focus and self._beat % 4:
            return
        try:
            snapshot = self.client.snapshot()
            self._tell(self._attention.notices(snapshot))
            self._name_pane(snapshot)
            # Nothing is painted under a dialog: it would cost far more than the dialog itself (reference 2.3).
            if not isinstance(self.screen, ModalScreen):
                self._show(snapshot)
        except Exception as error:
            log.exception("the pull failed")
            self.report_fault(error)

    def _show(self, snapshot: Snapshot) -> None:
        self.status_view = StatusView(snapshot.status, self.pending)
        self._thaw_when_due()
        if self._frozen_at is None:
            for name in _SLICES:
                setattr(self, name, getattr(snapshot, name))
        self._say_banner(snapshot)
        allowed = (
            snapshot.status.engine,
            snapshot.status.automation,
            snapshot.status.market,
            snapshot.cycle is not None and snapshot.cycle.running,
            self.pending,
            tuple((order.state, order.reentry) for order in snapshot.orders),
        )
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    @property
    def pending(self) -> tuple[CommandKind, ...]:
        """Commands sent from here that the engine has not settled yet, oldest first."""
        return self._attention.pending

    def _say_banner(self, snapshot: Snapshot) -> None:
        dashboard = self.screen
        if not isinstance(dashboard, Dashboard) or not dashboard.is_mounted:
            return
        said: list[Alarm] = []
        still = self._still_s(snapshot)
        if snapshot.status.engine is EngineState.FAILED:
            said.append((f"No cycle will run; q quits. {snapshot.status.failure}", True))
        elif still >= STILL_S:
            said.append((f"The engine has not moved for {still:.0f} s: what you see is old.", True))
        if self._frozen_at is not None:
            since = figures.span(int(self._monotonic() - self._frozen_at))
            said.append((f"VIEW FROZEN {since}: trading goes on; space shows the present again", False))
        dashboard.say((*said, *alarms(snapshot)))

    def _still_s(self, snapshot: Snapshot) -> float:
        """Wall seconds since the engine's clock last moved; 0 unless it runs. A stuck engine cannot say so itself."""
        status = snapshot.status
        if status.engine is not EngineState.RUNNING or status.now != self._moved[0]:
            self._moved = (status.now, self._monotonic())
        return self._monotonic() - self._moved[1]

    def _name_pane(self, snapshot: Snapshot) -> None:
        title = pane_title(StatusView(snapshot.status, self.pending))
        if title != self._pane_title:
            self._pane_title = title
            self._write(terminal.set_title(title))

    def _write(self, sequence: str) -> None:
        if not self.is_headless and self._driver is not None:
            self._driver.write(sequence)

    def _thaw_when_due(self) -> None:
        if self._frozen_at is not None and self._monotonic() - self._frozen_at >= THAW_S:
            self._frozen_at = None

    def say(self, text: str, severity: Severity) -> None:
        """A toast, through the limiter. The text is shown as it is, never read as markup."""
        toasts = self._toasts.add(text, severity)
        self.clear_notifications()
        for toast in toasts:
            self.notify(toast.shown, severity=toast.severity, timeout=self._toasts.left_s(toast), markup=False)

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            self.say(notice.text, notice.severity)
            rings = notice.ring if self._bell == "crit" else self._bell == "all"
            if rings and self._toasts.may_ring():
                self.bell()

    # Keys ------------------------------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """Why an action of the key table is not possible now; None when it is."""
        try:
            snapshot = self.client.snapshot()
        except Exception as error:
            log.exception("no snapshot")
            return f"the engine does not answer: {error}"
        return permission.why_not(action, snapshot, self.pending)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """None greys an action out, False hides it: pause and resume share one key; c and u need an entry."""
        if action in ("pause", "resume"):
            view = self.status_view
            paused = view is not None and view.status.automation is Automation.PAUSED
            if paused is (action == "pause"):
                return False
        if action not in permission.MAY_BE_BARRED or self.why_not(action) is None:
            return True
        return False if action in permission.ABOUT_AN_ENTRY else None

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> None:
        """Hands a command to the engine; its answer comes as a toast."""
        self._attention.sent(self.client.send(kind, target=target, note=note), kind)
        self.pull()

    def action_pause(self) -> None:
        self.send(CommandKind.PAUSE)

    def action_resume(self) -> None:
        question = Question("Resume automation", lambda: questions.resume_facts(self.client.snapshot()), "Resume? y/n")
        self.ask(question, lambda: self.send(CommandKind.RESUME))

    def action_force(self) -> None:
        before = self.client.snapshot()

        def force() -> None:
            changed = questions.changed_since(before, self.client.snapshot())
            if changed is None:
                self.send(CommandKind.FORCE)
            else:
                self.say(f"force not sent: {changed}", "warning")

        self.ask(questions.force_question(self.client.snapshot), force)

    def action_cancel(self) -> None:
        self._entries.cancel()

    def action_unknown(self) -> None:
        self._entries.decide()

    def action_reentry(self) -> None:
        self._entries.allow_reentry()

    def action_reconcile(self) -> None:
        self._entries.reconcile()

    def action_show_panel(self, name: str) -> None:
        if isinstance(self.screen, Dashboard):
            self.screen.show_panel(name)

    def action_zoom(self) -> None:
        if isinstance(self.screen, Dashboard):
            self.screen.toggle_zoom()

    def action_freeze(self) -> None:
        self._frozen_at = self._monotonic() if self._frozen_at is None else None
        self.pull()

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    def action_command_palette(self) -> None:
        """Textual's palette, without its blinking cursor."""
        super().action_command_palette()
        self.call_after_refresh(self._calm_palette)

    def _calm_palette(self) -> None:
        for field in self.screen.query(Input):
            field.cursor_blink = False

    def action_ask_quit(self) -> None:
        """Asks once, saying what stops; while the question is open the key does nothing."""
        if self._leaving or self._quit_question_open():
            return
        self.ask(questions.quit_question(self.client.snapshot), lambda: self._leave(paint=True))

    def action_interrupt(self) -> None:
        """ctrl+c: the quit question; at the question, quits."""
        if self._quit_question_open():
            self._leave(paint=True)
        else:
            self.action_ask_quit()

    def action_close(self) -> None:
        """Closes whatever is open over the dashboard; on the dashboard, leaves the zoom."""
        screen = self.screen
        if isinstance(screen, Stopping):
            return
        if isinstance(screen, Question):
            screen.dismiss(False)
        elif isinstance(screen, ModalScreen):
            screen.dismiss(None)
        elif isinstance(screen, Dashboard) and screen.zoomed:
            screen.toggle_zoom()

    async def action_quit(self) -> None:
        """Textual's own quit asks too."""
        self.action_ask_quit()

    def _quit_question_open(self) -> bool:
        return isinstance(self.screen, Question) and self.screen.name == questions.QUIT_NAME

    def ask(self, question: Question | TypedQuestion, then: Callable[[], None]) -> None:
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
