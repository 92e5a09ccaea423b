"""The console of a demo that runs its own simulated broker: it can jump over time that nobody wants to watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from textual.binding import BindingType

from senex_tui.console.actions.jump import JumpQuestion
from senex_tui.console.app import SenexApp
from senex_tui.console.keys import Where, bindings
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.viewer_app import ViewOptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.screen import Screen

    from core.snapshot import EngineClient
    from senex_tui.console.actions.jump import JumpTarget, Targets
    from senex_tui.console.quitting import EngineThread


class ConsoleOptions(ViewOptions, total=False):
    """The arguments of a console with an engine besides its client; each has the meaning it has in `SenexApp`."""

    stop_engine: Callable[[], Awaitable[None]] | None
    engine: EngineThread | None
    first_words: str


class DemoDashboard(Dashboard):
    """The dashboard with the keys of a demo."""

    PLACES = (*Dashboard.PLACES, Where.OWN_DEMO)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.OWN_DEMO))


class DemoApp(SenexApp):
    """`targets` gives the moments to jump to.

    Once the console has ended, `jumps_to` is the one that was chosen: whoever runs it then lives the time between, and
    opens another.
    """

    def __init__(self, client: EngineClient, targets: Targets, **options: Unpack[ConsoleOptions]) -> None:
        super().__init__(client, **options)
        self._targets = targets
        self._chosen: JumpTarget | None = None

    @property
    def jumps_to(self) -> JumpTarget | None:
        """The moment that the operator has chosen; None also when a signal ended the console meanwhile."""
        return None if self.quitting.unasked_for else self._chosen

    def get_default_screen(self) -> Screen[Any]:
        return DemoDashboard(self._monotonic)

    def action_jump(self) -> None:
        if self.is_asking:
            return
        question = JumpQuestion(self.client.snapshot, self._targets)

        def go() -> None:
            self._chosen = question.chosen
            self.quitting.leave()

        self.ask(question, go)
