"""The base of every page: status bar and banner above, keys below, the page's own widgets between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from senex_tui.console.keys import Where, bindings
from senex_tui.console.meant import Meant
from senex_tui.console.screens.base import ConsoleScreen, EndsItself
from widgets.banner import Alarm, Banner
from widgets.base.watchers import forget_closed
from widgets.key_line import KeyLine
from widgets.status_bar import StatusBar

if TYPE_CHECKING:
    from core.snapshot import ExitView

MOST_ALARM_ROWS = 4


class AboutAnEntry:
    """A mixin for a page about entries and closing orders. There the keys c, u, r and x mean the page's own, or the
    chosen row's."""

    @property
    def entry_id(self) -> str | None:
        """The id of the entry or the closing order; None when none is chosen."""
        raise NotImplementedError

    @property
    def closing_order(self) -> ExitView | None:
        """The closing order with that id as it was last shown, also one that has ended; None when it is none."""
        return None

    @property
    def meant(self) -> Meant:
        """The order, and the trident that the entry opened or the order closes."""
        closing, order = self.closing_order, self.entry_id or ""
        return Meant("Not the chosen one", order=order, trident=order if closing is None else closing.trident_id)


class Page(EndsItself, ConsoleScreen):
    """Subclasses yield their widgets in `body`. Mode, halts and unknown orders stay in sight on every page."""

    PLACES: ClassVar[tuple[Where, ...]] = (Where.EVERYWHERE, Where.PAGES)
    UNSAID = frozenset({"force", "cancel", "unknown"})
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.PAGES), Binding("escape", "back", show=False)]
    DEFAULT_CSS = """
    Page { background: $background; }
    Page LinePanel { border-top: solid $border; padding: 0 1; background: $background; }
    Page LinePanel { border-title-style: bold; border-title-color: $foreground; }
    Page LinePanel:focus { border-top: solid $accent; border-title-color: $text-accent; }
    Page > Banner { border-top: none; height: 1; background: $warning 20%; }
    Page > Banner.-failure { background: $error 25%; }
    Page > Banner:ansi, Page > Banner.-failure:ansi { background: ansi_default; }
    Page > StatusBar { border-top: none; }
    Page > KeyLine { border-top: none; padding: 0 1 0 0; background: $panel; }
    """

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield Banner()
        yield from self.body()
        yield KeyLine()

    def body(self) -> ComposeResult:
        """The widgets between the status bar and the keys."""
        yield from ()

    def on_mount(self) -> None:
        self.watch(self.app, "status_view", self.query_one(StatusBar).show)

    def on_unmount(self) -> None:
        forget_closed(self.app)

    def say(self, alarms: Sequence[Alarm]) -> None:
        """Shows the alarms in the banner under the status bar; without any, the banner hides."""
        for banner in self.query(Banner):  # a page that is closing has none any more
            banner.say(alarms, self.app.size.width, MOST_ALARM_ROWS)

    def action_back(self) -> None:
        self.dismiss(None)
