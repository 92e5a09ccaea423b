"""What the console shows of the engine: one reactive a slice of the snapshot, watched by whoever draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.reactive import var

from core.snapshot import PicturesSlice, PositionsSlice

if TYPE_CHECKING:
    from core.domain.market.judgement import Judgement
    from core.domain.reporting.figures import SessionFigures
    from core.snapshot import (
        AccountView,
        AlertView,
        AttemptView,
        CycleSlice,
        LoginView,
        MessageView,
        OrderView,
        QuoteSlice,
        SlotView,
        Snapshot,
        SpreadSlice,
    )
    from widgets.status_bar import StatusView

_SLICES = (
    "quotes",
    "spread",
    "cycle",
    "judgements",
    "attempts",
    "orders",
    "schedule",
    "messages",
    "positions",
    "pictures",
    "alerts",
    "figures",
    "accounts",
    "logins",
)


class Slices(App[None]):
    """The slices as they were pulled last; `status_view` is the status with what this console adds to it."""

    status_view: var[StatusView | None] = var(None)
    quotes: var[tuple[QuoteSlice, ...]] = var(())
    cycle: var[CycleSlice | None] = var(None)
    spread: var[SpreadSlice | None] = var(None)
    judgements: var[tuple[Judgement, ...]] = var(())
    attempts: var[tuple[AttemptView, ...]] = var(())
    orders: var[tuple[OrderView, ...]] = var(())
    schedule: var[tuple[SlotView, ...]] = var(())
    messages: var[tuple[MessageView, ...]] = var(())
    positions: var[PositionsSlice] = var(PositionsSlice())
    pictures: var[PicturesSlice] = var(PicturesSlice())
    alerts: var[tuple[AlertView, ...]] = var(())
    figures: var[SessionFigures | None] = var(None)
    accounts: var[tuple[AccountView, ...]] = var(())
    logins: var[tuple[LoginView, ...]] = var(())

    def take(self, snapshot: Snapshot) -> None:
        """Copies the slices of a snapshot; equal ones cost nothing."""
        for name in _SLICES:
            setattr(self, name, getattr(snapshot, name))
