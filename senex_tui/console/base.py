"""The part of the app that screens and actions may use. They import this module and never `app`, which imports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.message_pump import MessagePump
from textual.reactive import var

from core.snapshot import Mode, without_engine_yet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from core.domain.operation.account_settings import AccountField
    from core.domain.operation.commands import CommandKind
    from core.snapshot import AccountView, EngineClient, Snapshot
    from senex_tui.console.machine_health import MachineHealth
    from senex_tui.console.view_settings import DisplaySettings, ViewSettings
    from widgets.banner import Alarm
    from widgets.status_bar import StatusView

Sent = Callable[["AccountField", str, str], None]
"""Called with each command that changes a setting: the setting, the command's id, the value in the operator's words."""


class ConsoleApp(App[None]):
    """The state that screens read and the methods they call. `SenexApp` and the classes it is made of fill them in.

    `shown` is the snapshot that the panels show; while the view is frozen it is older than `client.snapshot()`. Before
    the first pull its slices are empty. Its status is not for showing: `status_view` is the newest status, with what
    this console adds to it.
    """

    client: EngineClient
    state_folder: Path | None
    """Where copies and exports go; None when the console has no folder."""
    view_settings: ViewSettings
    display_settings: DisplaySettings
    """The view's settings that hold now."""
    engine_stopped: bool
    """Whether the engine has ended in order."""

    machine: MachineHealth | None = None
    """How the machine is that this console runs on; None where nobody looks at it."""

    status_view: var[StatusView | None] = var(None)
    shown: var[Snapshot] = var(without_engine_yet(Mode.DEMO, ""))

    # Pulling

    def pull(self) -> None:
        """Shows the engine's newest snapshot. Never raises."""
        raise NotImplementedError

    def pull_anew(self) -> None:
        """Starts pulling again, as often as `display_settings` says now."""
        raise NotImplementedError

    def stop_pulling(self) -> None:
        """Ends the pulling for good: the app is on its way out."""
        raise NotImplementedError

    def seen_above(self) -> tuple[StatusView, Sequence[Alarm]] | None:
        """The status and the alarms as they are now, for the lines above a dialog; None without a snapshot."""
        raise NotImplementedError

    # Saying and asking

    def say(self, text: str, severity: SeverityLevel) -> None:
        """Shows a toast. The text is shown as it is, never read as markup."""
        raise NotImplementedError

    def answer(self, text: str, still: Callable[[], bool]) -> None:
        """Answers a key in the bottom row, while `still` says that it is so and not for long."""
        raise NotImplementedError

    def report_fault(self, error: BaseException) -> None:
        """Says in a toast that the console survived an error. The caller has logged it."""
        raise NotImplementedError

    def ask(self, question: Screen[bool], then: Callable[[], object]) -> None:
        """Opens a question and calls `then` when it is answered with yes."""
        raise NotImplementedError

    @property
    def is_asking(self) -> bool:
        """Whether a dialog is open. Keys typed faster than it appears open no second one over it."""
        raise NotImplementedError

    def write_sequence(self, sequence: str) -> None:
        """Sends an escape sequence to the terminal, when there is one."""
        raise NotImplementedError

    def let_go_of_terminal(self) -> None:
        """Writes nothing more to the terminal. May be called from any thread."""
        raise NotImplementedError

    # Commands

    @property
    def pending(self) -> tuple[CommandKind, ...]:
        """The commands sent from here that the engine has not settled yet, oldest first."""
        raise NotImplementedError

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Hands a command to the engine and returns its id. The answer comes as a toast.

        A read-only console sends nothing and returns an empty id.
        """
        raise NotImplementedError

    def waits_for(self, command: str) -> bool:
        """Whether the engine has yet to settle the command of this id."""
        raise NotImplementedError

    def why_not(self, action: str) -> str | None:
        """Why an action of the key table is not possible now; None when it is."""
        raise NotImplementedError

    def change_account(self, account: AccountView, field: AccountField, sent: Sent) -> None:
        """Changes a setting of an account; asks first where that is due."""
        raise NotImplementedError

    def give_account_default(self, account: AccountView, field: AccountField, sent: Sent) -> None:
        """Gives a setting of an account the settings file's value again."""
        raise NotImplementedError

    # Looks and pages

    def change_look(self, name: str, value: Any) -> None:
        """Changes a setting of the view at once and keeps it for the next start. Raises OSError when it cannot."""
        raise NotImplementedError

    def action_open(self, name: str) -> None:
        """Opens the page of this name, or closes it when it is open."""
        raise NotImplementedError


def console_of(node: MessagePump) -> ConsoleApp:
    """The app of a screen or widget. Raises TypeError in an app that is not the console."""
    app = node.app
    if not isinstance(app, ConsoleApp):
        raise TypeError(f"{type(node).__name__} works in a console alone, not in {type(app).__name__}")
    return app
