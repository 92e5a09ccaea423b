"""Tells of each change of an entry's order, with its figures (rules 9)."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.operation import amounts
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Figures
from core.domain.orders.fate import fate_of
from core.domain.orders.fills import is_complete, is_rest_open
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderReport
from core.domain.orders.packages import fill_credit, risk_at, risk_of
from core.runtime.bus import Bus

HAS_FILLS = frozenset({f"order.{OrderState.FILLED.value}", f"order.{OrderState.INCIDENT.value}", "order.fills_known"})
"""The kinds of events after which an entry is a position at risk, or a position of another credit."""
_SEVERITY = {
    OrderState.REJECTED: Severity.WARNING,
    OrderState.CANCELLED: Severity.WARNING,
    OrderState.EXPIRED: Severity.WARNING,
    OrderState.UNKNOWN: Severity.CRITICAL,
    OrderState.INCIDENT: Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class OrderEvents:
    """Says on the bus what an entry has come to. Each call raises RecordsError when that cannot be recorded."""

    bus: Bus

    async def announce(self, entry: Entry) -> None:
        """Publishes the entry's state with its figures."""
        named = f"order {entry.order_id}" if entry.order_id else "the order"
        text = {
            OrderState.WORKING: f"order {entry.order_id} is working at {amounts.credit(entry.standing_limit)} credit",
            OrderState.FILLED: f"order {entry.order_id} is filled"
            + ("" if is_complete(entry.terms, entry.fills) else "; its fill records have not all come"),
            OrderState.REJECTED: f"the broker rejected the order: {entry.detail or 'no reason given'}",
            OrderState.NOT_SENT: f"the order did not leave: {entry.detail}",
            OrderState.UNKNOWN: f"what became of order {entry.order_id} is unknown: {entry.detail}"
            if entry.order_id
            else f"whether the broker took the order is unknown: {entry.detail}",
        }.get(entry.state, f"{named} is {entry.state.words}: {entry.detail}".rstrip(": "))
        await self.say(entry, f"order.{entry.state.value}", text, _SEVERITY.get(entry.state, Severity.INFO))

    async def say(self, entry: Entry, kind: str, text: str, severity: Severity) -> None:
        """Publishes one sentence about the entry, with its figures."""
        credit = fill_credit(entry)
        figures: Figures = (
            ("entry", entry.id),
            ("order_id", entry.order_id),
            ("limit", entry.standing_limit),
            ("contracts_filled", str(sum((f.quantity for f in entry.fills), 0))),
        )
        if credit is not None:
            risk = risk_at(entry, credit)
            text = f"{text} at {amounts.credit(credit)} credit, {amounts.risk(risk)}"
            figures = (*figures, ("fill_credit", credit), ("max_risk", risk))
        elif risk_of(entry) is None:
            text = f"{text}; {amounts.risk(None)}"
        await self.bus.say(
            kind,
            f"{entry.underlying} {masked(entry.account)}: {text}",
            severity,
            cycle=entry.cycle,
            account=entry.account,
            underlying=entry.underlying,
            figures=figures,
        )

    async def fills(self, entry: Entry, report: OrderReport) -> None:
        """Says what fills just recorded mean, where no change of state says it: a part of the order is filled, or the
        credit of a filled order is known at last."""
        complete = is_complete(entry.terms, entry.fills)
        if is_rest_open(report) and not complete:
            await self.say(entry, "order.partially_filled", _partly(entry), Severity.INFO)
        elif entry.state is OrderState.FILLED and complete:
            text = f"the fill records of order {entry.order_id} have all come: filled"
            await self.say(entry, "order.fills_known", text, Severity.INFO)


def _partly(entry: Entry) -> str:
    """How much of an order is filled while the rest works."""
    fate = fate_of(entry)
    return (
        f"partially filled: {fate.filled} of {fate.contracts} contracts; "
        f"the rest works at {amounts.credit(entry.terms.credit)} credit"
    )
