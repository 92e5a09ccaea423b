"""What the pictures are shown: an entry of the morning followed since, and its payoff."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

from core.domain.trident.payoff import Payoff
from core.snapshot import AttemptView, CreditPoint, CreditTrail, PayoffView, PicturesSlice, Snapshot
from tests.support.console import scenes as double

EXPIRATION = date(2026, 1, 2)
STRIKES = "622P/619P 622C/625C"


def payoff(**changes: object) -> PayoffView:
    base = PayoffView(
        underlying="QQQ",
        expiration=EXPIRATION,
        strikes=STRIKES,
        account="…4021",
        basis="fill",
        payoff=Payoff(D(622), D(3), D("4.08")),
        price=D("621.84"),
        price_stale=False,
        profit_mid=D("12.50"),
        profit_natural=D("-20"),
        marks_stale=False,
        others=1,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def trail(points: int = 20) -> CreditTrail:
    """The mid falls by a cent every 30 s, the natural credit 24 cents below it."""
    shown = tuple(
        CreditPoint(double.NOW + timedelta(seconds=30 * n), D("3.84") - D(n) / 100, D("4.08") - D(n) / 100)
        for n in range(points)
    )
    return CreditTrail("QQQ", EXPIRATION, STRIKES, shown)


def morning() -> tuple[AttemptView, ...]:
    """Three cycles' attempts, 15 minutes apart; the second had no quotes, the last passed."""
    first, _, passed = double.attempts()
    at = passed.at - timedelta(minutes=30)
    early = replace(passed, cycle=1, attempt=1, at=at, mid=D("4.22"), natural=D("3.99"), limit=None, result="RETRY")
    return early, first, replace(passed, result="PASS")


def followed() -> Snapshot:
    """Filled an hour into the session and watched since."""
    return replace(double.filled(), attempts=morning(), pictures=PicturesSlice((trail(),), payoff()))
