"""Sample open tridents, as a snapshot shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

from core.snapshot import Freshness, PositionsSlice, PositionView, Snapshot
from tests.support.console import scenes as double

SOON = "5 days to expiration, no automatic exit"


def position(**changes: object) -> PositionView:
    base = PositionView(
        entry_id="e0",
        account="…4021",
        underlying="QQQ",
        expiration=date(2025, 12, 19),
        dte=29,
        strikes="622P/619P/622C/625C",
        credit=D("4.10"),
        max_risk=D(190),
        break_even_below=D("619.95"),
        break_even_above=None,
        price=D("621.84"),
        mark_mid=D("2.85"),
        mark_natural=D("3.20"),
        profit_mid=D("125.00"),
        profit_natural=D("90.00"),
        age_s=1,
        freshness=Freshness.LIVE,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def near(**changes: object) -> PositionView:
    return replace(position(expiration=date(2025, 11, 25), dte=5, warnings=(SOON,)), **changes)  # type: ignore[arg-type]


def holding(*views: PositionView, trouble: str = "") -> Snapshot:
    return replace(double.calm(), positions=PositionsSlice(views, trouble))
