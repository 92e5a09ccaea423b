"""The panel of the trade: the spread until it is filled, from then on the position (rules 2, 7, 15)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.message import Message

from widgets.base.day_panel import DayPanel
from widgets.base.lines import Drawing
from widgets.held_trident import held_lines
from widgets.spread import spread_drawing

if TYPE_CHECKING:
    from core.snapshot import PositionView, SpreadSlice

SPREAD = ""
"""Stands for the spread among the ids of the tridents."""


@dataclass(frozen=True, slots=True)
class TradeView:
    """The spread of the day, and the open tridents. `was_held`: the trident of the spread was among these before."""

    spread: SpreadSlice | None = None
    open: tuple[PositionView, ...] = ()
    was_held: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be shown: the spread unless it is held, then the tridents from the newest to the oldest, by id."""
        held = tuple(view.entry_id for view in sorted(self.open, key=lambda view: view.newest_first))
        return held if self.spread is None or self.is_held else (SPREAD, *held)

    @property
    def is_held(self) -> bool:
        """Whether the trident of the spread is among the open ones."""
        spread = self.spread
        return spread is not None and any(spread.entry_id == view.entry_id for view in self.open)

    @property
    def foremost(self) -> str:
        """What is shown while nobody has chosen: a spread that is under way or not taken up yet, else the newest
        trident. One that was held and is not any more has ended."""
        choices, spread = self.choices, self.spread
        if SPREAD in choices and spread is not None:
            has_filled = spread.fate is not None and spread.fate.traded
            if spread.is_under_way or (has_filled and not self.was_held):
                return SPREAD
        return next((choice for choice in choices if choice != SPREAD), SPREAD)


class TradePanel(DayPanel["TradeView"]):
    """Shows one of the choices. What was chosen by key stays until something newer comes to the front."""

    NAME = "Spread"
    EMPTY = "no spread priced yet today"

    class Turned(Message):
        """Sent when a position with exits, which needs more rows, is shown in place of something else, or the other
        way."""

        def __init__(self, *, with_exits: bool) -> None:
            super().__init__()
            self.with_exits = with_exits

    _told_exits = False
    _chosen: str | None = None
    _chosen_before = SPREAD
    """What was foremost when it was chosen, or took the place of what has ended since."""
    _was_held = ""
    """The entry of the newest spread whose trident was seen among the open ones."""

    def show(self, value: TradeView | None) -> None:
        if value is not None:
            if value.spread is not None and value.is_held:
                self._was_held = value.spread.entry_id
            value = self._with_past(value)
            self._keep_choice(value)
        super().show(value)
        self._tell()

    def _with_past(self, value: TradeView) -> TradeView:
        spread = value.spread
        was_held = spread is not None and bool(spread.entry_id) and spread.entry_id == self._was_held
        return replace(value, was_held=was_held)

    def _keep_choice(self, value: TradeView) -> None:
        """Gives the choice up for something newer that comes to the front. What moves up because another has ended is
        not newer."""
        foremost, before = value.foremost, () if self._slice is None else self._slice.choices
        is_newer = foremost != self._chosen_before and (foremost == SPREAD or foremost not in before)
        if is_newer or self._chosen not in value.choices:
            self._chosen = None
        self._chosen_before = foremost

    def _tell(self) -> None:
        shown, held = self.trident, () if self._slice is None else self._slice.open
        with_exits = any(view.entry_id == shown and view.exits is not None for view in held)
        if with_exits is not self._told_exits:
            self._told_exits = with_exits
            self.post_message(self.Turned(with_exits=with_exits))

    @property
    def trident(self) -> str:
        """The id of the trident that is shown; empty while it is the spread, or nothing."""
        return SPREAD if self._slice is None else self._shown(self._slice)

    @property
    def is_chosen(self) -> bool:
        """Whether what is shown was chosen by key."""
        return self._chosen is not None

    def choose(self, steps: int) -> bool:
        """Shows an older trident, or a newer one with a negative step. False when there is no other."""
        if self._slice is None or len(self._slice.choices) < 2:
            return False
        choices = self._slice.choices
        place = (choices.index(self._shown(self._slice)) + steps) % len(choices)
        self._chosen, self._chosen_before = choices[place], self._slice.foremost
        self._scrolled = False
        self.redraw()
        self._tell()
        return True

    def _shown(self, value: TradeView) -> str:
        return value.foremost if self._chosen is None else self._chosen

    def draw(self, value: TradeView, width: int, height: int) -> Drawing:
        shown = self._shown(value)
        found = next((view for view in value.open if view.entry_id == shown), None)
        if found is not None:
            spread = value.spread
            used = spread.utilization if spread is not None and spread.entry_id == found.entry_id else None
            lines = held_lines(found, width, height, self.context.today, used)
            return Drawing(
                self._title(value, found), tuple(lines), note="[ newer  ] older" if len(value.open) > 1 else ""
            )
        if value.spread is None:
            return self.nothing(width)
        return spread_drawing(value.spread, width, several=self.context.several)

    def _title(self, value: TradeView, view: PositionView) -> str:
        """`Position 2 of 5  QQQ  Jan 15 2027, 46 days`."""
        held = [choice for choice in value.choices if choice != SPREAD]
        place = f" {held.index(view.entry_id) + 1} of {len(held)}" if len(held) > 1 else ""
        account = view.account if len({one.account for one in value.open}) > 1 else ""
        day = view.expiration
        days = "expires today" if view.dte == 0 else f"{view.dte} day{'s' * (view.dte != 1)}"
        words = (f"Position{place}", account, view.underlying, f"{day:%b} {day.day} {day.year}, {days}")
        return "  ".join(word for word in words if word)
