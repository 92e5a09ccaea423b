"""Tells of each change of an exit's order, with its figures (rules 15.1)."""

from __future__ import annotations

from decimal import Decimal
from math import gcd

from core.domain.operation import amounts
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Figures
from core.domain.orders.fills import is_complete, is_overfilled
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import Exit
from core.domain.trident.trident import Action
from core.orders.order_events import SEVERITY, IntentWords


class ExitWords(IntentWords[Exit]):
    """Says what an exit has come to, with its units and its debit."""

    PREFIX = "exit."

    def severity(self, intent: Exit) -> Severity:
        """A cancel that this console asked for, and the end of a day order, are no concern."""
        asked = intent.cancel_asked_at is not None or bool(intent.cancel_requested_by)
        if intent.state is OrderState.EXPIRED or (
            intent.state is OrderState.CANCELLED and asked and not intent.cancelled_by
        ):
            return Severity.INFO
        return SEVERITY.get(intent.state, Severity.INFO)

    def limit(self, intent: Exit) -> str:
        return f"{amounts.credit(intent.debit)} debit"

    def partly(self, intent: Exit) -> str:
        filled = sum((fill.quantity for fill in intent.fills), Decimal(0))
        ordered = sum(leg.quantity for leg in intent.terms.legs)
        return (
            f"partially filled: {amounts.quantity(filled)} of {ordered} contracts; the rest works at "
            f"{self.limit(intent)}"
        )

    async def say(self, intent: Exit, kind: str, text: str, severity: Severity) -> None:
        debit = fill_debit(intent)
        figures: Figures = (
            ("limit", intent.debit),
            ("contracts_filled", str(sum((fill.quantity for fill in intent.fills), 0))),
        )
        if debit is not None:
            text = f"{text} at {amounts.credit(debit)} debit"
            figures = (*figures, ("fill_debit", debit))
        await self._publish(intent, kind, text, severity, figures)

    async def cancel(self, intent: Exit, text: str, severity: Severity) -> None:
        await self._publish(intent, "cancel", f"order {intent.order_id}: {text}", severity, ())

    async def _publish(self, one: Exit, kind: str, text: str, severity: Severity, figures: Figures) -> None:
        units = ", ".join(one.units)
        await self.bus.say(
            f"{self.PREFIX}{kind}",
            f"{one.underlying} {masked(one.account)}: {one.kind.value} exit of {units}: {text}",
            severity,
            account=one.account,
            underlying=one.underlying,
            figures=(
                ("exit", one.id),
                ("trident", one.trident_id),
                ("units", units),
                ("order_id", one.order_id),
                *figures,
            ),
        )


def fill_debit(one: Exit) -> Decimal | None:
    """What the order cost per share of its own price, which is that of one of each leg where it has two of each. None
    while a leg is not filled in full, and when more is filled than was ordered."""
    terms = one.terms
    if not is_complete(terms, one.fills) or is_overfilled(terms, one.fills):
        return None
    sign = {leg.symbol: 1 if leg.action is Action.BUY_TO_CLOSE else -1 for leg in terms.legs}
    paid = sum((sign.get(f.symbol, 0) * f.quantity * f.price for f in one.fills), Decimal(0))
    return paid / gcd(*(leg.quantity for leg in terms.legs))
