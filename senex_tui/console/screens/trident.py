"""The pages of a trident and of one of its closing orders: the story from its entry to what it earned (rules 15)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from core.views import lookups
from senex_tui.console.screens.page import AboutAnEntry
from senex_tui.console.screens.story import StoryPage
from widgets.exit_order import ExitOrderPanel, exit_order_lines

if TYPE_CHECKING:
    from core.snapshot import ExitView, Snapshot


class TridentPage(StoryPage):
    """Reads the story again whenever a unit or a closing order of the trident has changed."""

    def __init__(self, trident_id: str) -> None:
        super().__init__(partial(lookups.trident_story, trident_id=trident_id), f"trident-{trident_id}")
        self._trident_id = trident_id

    def on_mount(self) -> None:
        self.watch_slice(self._recorded, lambda _: self._ask(), init=False)

    def _recorded(self, shown: Snapshot) -> tuple[object, ...]:
        """What comes from the records: ages and prices change on the screen alone."""
        orders = tuple((one.exit_id, one.state, one.told) for one in shown.exits if one.trident_id == self._trident_id)
        units = tuple(
            unit.told
            for view in shown.positions.open
            if view.entry_id == self._trident_id and view.exits is not None
            for unit in view.exits.units
        )
        return orders, units


class ExitPage(TridentPage, AboutAnEntry):
    """Above, the closing order as it is now; c and u mean it."""

    UNSAID = StoryPage.UNSAID - {"cancel", "unknown"}
    DEFAULT_CSS = """
    ExitPage > ExitOrderPanel { max-height: 50%; }
    """

    def __init__(self, one: ExitView) -> None:
        super().__init__(one.trident_id)
        self._order = one

    @property
    def entry_id(self) -> str:
        return self._order.exit_id

    @property
    def closing_order(self) -> ExitView:
        return self._order

    def body(self) -> ComposeResult:
        yield ExitOrderPanel(id="exit-order")
        yield from super().body()

    def on_mount(self) -> None:
        self.watch_slice(lambda shown: shown.exits, self._follow_order)

    def _follow_order(self, exits: tuple[ExitView, ...]) -> None:
        """One that has ended stays as it was last shown; the story tells its end."""
        self._order = next((one for one in exits if one.exit_id == self.entry_id), self._order)
        panel = self.query_one(ExitOrderPanel)
        panel.styles.height = 1 + len(exit_order_lines(self._order, max(20, self.app.size.width - 2)))
        panel.show(self._order)
