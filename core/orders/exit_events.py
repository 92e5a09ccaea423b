"""Tells of each change of an exit's order, with its figures (rules 15.1)."""

from __future__ import annotations

from core.domain.operation.amounts import price
from core.domain.operation.events import Severity, masked
from core.domain.operation.figures import Figures
from core.domain.orders.order_states import OrderState
from core.domain.positions.exit_fate import exit_fate, exit_name, paid
from core.domain.positions.exits import Exit
from core.domain.positions.units import names_of
from core.orders.order_events import SEVERITY, IntentWords


class ExitWords(IntentWords[Exit]):
    """Says what an exit has come to, with its units and its debit."""

    PREFIX = "exit."

    def severity(self, intent: Exit) -> Severity:
        """A cancel that was asked for here, and the end of a day order, are no concern."""
        asked = intent.cancel_asked_at is not None or bool(intent.cancel_requested_by)
        cancelled_here = intent.state is OrderState.CANCELLED and asked and not intent.cancelled_by
        if cancelled_here or intent.state is OrderState.EXPIRED:
            return Severity.INFO
        return SEVERITY.get(intent.state, Severity.INFO)

    def limit(self, intent: Exit) -> str:
        return f"{price(intent.debit)} debit"

    def partly(self, intent: Exit) -> str:
        fate = exit_fate(intent)
        so_far = f"{fate.filled} of {fate.contracts} contracts"
        return f"partially filled: {so_far}; the rest works at {self.limit(intent)}"

    async def say(self, intent: Exit, kind: str, text: str, severity: Severity) -> None:
        debit = paid(intent)
        figures: Figures = (
            ("limit", intent.debit),
            ("contracts_filled", str(sum((fill.quantity for fill in intent.fills), 0))),
        )
        if debit is not None:
            text = f"{text} at {price(debit)} debit"
            figures = (*figures, ("fill_debit", debit))
        await self._publish(intent, kind, text, severity, figures)

    async def cancel(self, intent: Exit, text: str, severity: Severity) -> None:
        await self._publish(intent, "cancel", f"order {intent.order_id}: {text}", severity, ())

    async def _publish(self, one: Exit, kind: str, text: str, severity: Severity, figures: Figures) -> None:
        named = (
            ("exit", one.id),
            ("trident", one.trident_id),
            ("units", names_of(one.units)),
            ("order_id", one.order_id),
        )
        await self.bus.say(
            f"{self.PREFIX}{kind}",
            f"{one.underlying} {masked(one.account)}: {exit_name(one.kind, one.units)}: {text}",
            severity,
            account=one.account,
            underlying=one.underlying,
            figures=(*named, *figures),
        )
