"""Tells of each change of an intent's order, with its figures (rules 9)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic

from core.domain.operation import amounts
from core.domain.operation.broker_words import without_codes
from core.domain.operation.events import Severity, masked
from core.domain.operation.figures import Figures
from core.domain.orders.fate import fate_of
from core.domain.orders.fills import is_complete, is_rest_open
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import AnyIntent, Entry, OrderReport
from core.domain.orders.packages import fill_credit, risk_at, risk_of
from core.runtime.bus import Bus

HAS_FILLS = frozenset({f"order.{OrderState.FILLED.value}", f"order.{OrderState.INCIDENT.value}", "order.fills_known"})
"""The kinds of events after which an entry is a position at risk, or a position of another credit."""
SEVERITY: Mapping[OrderState, Severity] = {
    OrderState.REJECTED: Severity.WARNING,
    OrderState.CANCELLED: Severity.WARNING,
    OrderState.EXPIRED: Severity.WARNING,
    OrderState.UNKNOWN: Severity.CRITICAL,
    OrderState.INCIDENT: Severity.CRITICAL,
}
"""How much an intent's new state matters; any other is of no concern."""


@dataclass(frozen=True, slots=True)
class IntentWords(ABC, Generic[AnyIntent]):
    """Says on the bus what an intent of one kind has come to. Each call raises RecordsError when that cannot be
    recorded."""

    bus: Bus
    PREFIX: ClassVar[str]
    """How the kinds of its events begin."""

    async def announce(self, intent: AnyIntent) -> None:
        """Publishes the intent's state with its figures."""
        named = f"order {intent.order_id}" if intent.order_id else "the order"
        why = without_codes(intent.detail)
        text = {
            OrderState.WORKING: f"order {intent.order_id} is working at {self.limit(intent)}",
            OrderState.FILLED: f"order {intent.order_id} is filled"
            + ("" if is_complete(intent.terms, intent.fills) else "; its fill records have not all come"),
            OrderState.REJECTED: f"the broker rejected the order: {why or 'no reason given'}",
            OrderState.NOT_SENT: f"the order did not leave: {why}",
            OrderState.UNKNOWN: f"what became of order {intent.order_id} is unknown: {why}"
            if intent.order_id
            else f"whether the broker took the order is unknown: {why}",
        }.get(intent.state, f"{named} is {intent.state.words}: {why}".rstrip(": "))
        await self.say(intent, intent.state.value, text, self.severity(intent))

    async def fills(self, intent: AnyIntent, report: OrderReport) -> None:
        """Says what fills just recorded mean, where no change of state says it: a part of the order is filled, or the
        price of a filled order is known at last."""
        complete = is_complete(intent.terms, intent.fills)
        if is_rest_open(report) and not complete:
            await self.say(intent, "partially_filled", self.partly(intent), Severity.INFO)
        elif intent.state is OrderState.FILLED and complete:
            text = f"the fill records of order {intent.order_id} have all come: filled"
            await self.say(intent, "fills_known", text, Severity.INFO)

    def severity(self, intent: AnyIntent) -> Severity:
        """How much the intent's present state matters."""
        return SEVERITY.get(intent.state, Severity.INFO)

    @abstractmethod
    def limit(self, intent: AnyIntent) -> str:
        """The price that its order is at, in words."""

    @abstractmethod
    def partly(self, intent: AnyIntent) -> str:
        """How much of its order is filled while the rest works."""

    @abstractmethod
    async def say(self, intent: AnyIntent, kind: str, text: str, severity: Severity) -> None:
        """Publishes one sentence about the intent, with its figures. `kind` is without PREFIX."""

    @abstractmethod
    async def cancel(self, intent: AnyIntent, text: str, severity: Severity) -> None:
        """Publishes what became of this console's own cancel of its order."""


class EntryWords(IntentWords[Entry]):
    """Says what an entry has come to, with its credit and its risk."""

    PREFIX = "order."

    def limit(self, intent: Entry) -> str:
        return f"{amounts.credit(intent.standing_limit)} credit"

    def partly(self, intent: Entry) -> str:
        fate = fate_of(intent)
        return (
            f"partially filled: {fate.filled} of {fate.contracts} contracts; "
            f"the rest works at {amounts.credit(intent.terms.credit)} credit"
        )

    async def say(self, intent: Entry, kind: str, text: str, severity: Severity) -> None:
        credit = fill_credit(intent)
        figures: Figures = (
            ("entry", intent.id),
            ("order_id", intent.order_id),
            ("limit", intent.standing_limit),
            ("contracts_filled", str(sum((f.quantity for f in intent.fills), 0))),
        )
        if credit is not None:
            risk = risk_at(intent, credit)
            text = f"{text} at {amounts.credit(credit)} credit, {amounts.risk(risk)}"
            figures = (*figures, ("fill_credit", credit), ("max_risk", risk))
        elif risk_of(intent) is None:
            text = f"{text}; {amounts.risk(None)}"
        await self.bus.say(
            f"{self.PREFIX}{kind}",
            f"{intent.underlying} {masked(intent.account)}: {text}",
            severity,
            cycle=intent.cycle,
            account=intent.account,
            underlying=intent.underlying,
            figures=figures,
        )

    async def cancel(self, intent: Entry, text: str, severity: Severity) -> None:
        figures = (("entry", intent.id), ("order_id", intent.order_id))
        await self.bus.say(
            f"{self.PREFIX}cancel_late",
            f"{intent.underlying} {masked(intent.account)}: order {intent.order_id}: {text}",
            severity,
            cycle=intent.cycle,
            account=intent.account,
            figures=figures,
        )
