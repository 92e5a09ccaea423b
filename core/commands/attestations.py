"""What an operator attests: what they saw at the broker of an entry, or of an order that no record knows (rules 9).

The word is recorded as evidence before anything is done with it. It can close the day, never reopen it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.broker.port import Broker, BrokerError, BrokerFault
from core.commands.entry_targets import find_entries, unnamed
from core.commands.inbox import Done
from core.domain.operation import amounts
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.adoption import adopted_entry, legs_as_shown, order_as_shown
from core.domain.orders.comparison import difference
from core.domain.orders.fills import is_complete, is_overfilled
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import ADOPTED, Entry, OrderReport
from core.domain.orders.packages import in_packages, packages_in
from core.domain.orders.way_out import FORGOTTEN_MINUTES
from core.guards.breakers import Breakers
from core.orders.attribution import entry_of
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.repositories.breakers import CLOSED_BY_ENGINE
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.ids import Ids

ABSENT = "absent"
"""The word for: the broker shows no such order."""


@dataclass(eq=False, repr=False, kw_only=True)
class Attestations:
    """Takes an operator's word about an entry. `compare` has records and broker compared again, with the cause."""

    records: Records
    broker: Broker
    breakers: Breakers
    tracker: OrderTracker
    bus: Bus
    clock: Clock
    ids: Ids
    accounts: Callable[[], Sequence[AccountRecord]]
    compare: Callable[[str], None]

    async def attest(self, command: Command) -> Done | Refusal:
        """Carries out `attest`: the note is ABSENT or an order's id at the broker, the target an entry or empty."""
        found = await find_entries(self.records, command.target)
        if not command.target:
            found = tuple(entry for entry in found if entry.state is OrderState.UNKNOWN)
        if len(found) != 1 and (command.target or command.note == ABSENT):
            return refuse(Reason.NO_SUCH_TARGET, target=unnamed(command.target, "unknown entry", several=bool(found)))
        if command.note == ABSENT:
            return await self._absent(found[0], command.who)
        if command.target:
            return await self._is(found[0], command.note, command.who)
        return await self._anywhere(command.note, found, command.who)

    # The broker shows no such order

    async def _absent(self, entry: Entry, who: str) -> Done | Refusal:
        match entry.state:
            case OrderState.UNKNOWN:
                await self._say(entry, ABSENT, who)
                await self.tracker.absent(entry, f"{who} saw no such order at the broker")
                return Done(f"{masked(entry.account)}: the entry is closed as absent; the day stays closed")
            case OrderState.INCIDENT:
                return await self._incident_absent(entry, who)
            case OrderState.WORKING:
                why = f"it is unknown within {FORGOTTEN_MINUTES} minutes when the broker no longer knows its order"
            case _:
                why = "only an unknown entry, or an incident without an order, can be absent"
        return refuse(Reason.NOT_UNKNOWN, state=entry.state.words, why=why)

    async def _incident_absent(self, entry: Entry, who: str) -> Done | Refusal:
        if entry.fills:
            why = f"{amounts.counted(len(entry.fills), 'fill record')} of it are here, so its order exists"
            return refuse(Reason.NOT_UNKNOWN, state=entry.state.words, why=why)
        await self._say(entry, ABSENT, who)
        for order in await self.records.intent_orders.of(entry.id):
            if order.ended:
                continue
            try:
                report = await self.broker.order(entry.account, order.order_id)
            except BrokerError as error:
                if error.fault is BrokerFault.NOT_FOUND:
                    continue
                return refuse(Reason.NOT_RECONCILED, detail=f"order {order.order_id}: {error.detail}")
            entry = await self.tracker.apply(entry, report, by_id=True)
            if report.fills or state_for(report.status) in (OrderState.WORKING, OrderState.FILLED, None):
                return refuse(Reason.NOT_RECONCILED, detail=f"order {report.order_id} is {report.status} at the broker")
        await self.tracker.attested(entry, OrderState.ABSENT, who, f"{who} saw no such order at the broker")
        return Done(f"{masked(entry.account)}: the incident is closed as absent")

    # This order is the entry's

    async def _is(self, entry: Entry, order_id: str, who: str) -> Done | Refusal:
        await self._say(entry, order_id, who)
        try:
            report = await self.broker.order(entry.account, order_id)
        except BrokerError as error:
            return refuse(Reason.NOT_RECONCILED, detail=f"order {order_id}: {error.detail}")
        return await self._fold(entry, report, who)

    async def _fold(self, entry: Entry, report: OrderReport, who: str) -> Done | Refusal:
        """Gives the order to the entry. The broker's own answer about it is the evidence."""
        known = {order.order_id for order in await self.records.intent_orders.of(entry.id)}
        incident = entry.state is OrderState.INCIDENT
        if report.order_id not in known and report.identifier != entry.identifier:
            if report.identifier is not None:
                detail = f"order {report.order_id} does not carry this entry's identifier"
                return refuse(Reason.NOT_RECONCILED, detail=detail)
            differs = difference(entry.terms, entry.account, report)
            # A nameless order may correct an incident when it is on the same legs, whatever their number and its price.
            alike = {leg.symbol for leg in report.legs} == {leg.symbol for leg in entry.request.legs}
            if differs and not (incident and alike):
                return refuse(Reason.NOT_RECONCILED, detail=f"order {report.order_id} is not this entry's: {differs}")
        if incident:
            return await self._settle_incident(entry, report, who)
        current = await self.tracker.apply(entry, report, by_id=True)
        other = _other_legs(current, report) if current.state is OrderState.INCIDENT else None
        return other or Done(f"order {report.order_id} is this entry; it is {current.state.words}")

    async def _settle_incident(self, entry: Entry, report: OrderReport, who: str) -> Done | Refusal:
        """Records an incident as what the broker shows, with the order as it has it."""
        entry = await self.tracker.apply(entry, report, by_id=True)
        differs = difference(entry.request, entry.account, report)
        other = _other_legs(entry, report)
        if other is not None:
            return other
        shown = order_as_shown(report, entry.identifier)
        taken = in_packages(shown, entry.request.legs) if differs and shown is not None else None
        if differs and taken is None:
            return refuse(Reason.NOT_RECONCILED, detail=f"order {report.order_id}: {differs}")
        terms = taken or entry.request
        if is_overfilled(terms, entry.fills):  # the next report would make it an incident again
            filled = sum((fill.quantity for fill in entry.fills), Decimal(0))
            ordered = sum(leg.quantity for leg in terms.legs)
            detail = (
                f"{amounts.quantity(filled)} contracts of this entry are filled, order {report.order_id} has "
                f"{ordered}; settle that at the broker, then `senex reset incident`"
            )
            return refuse(Reason.NOT_RECONCILED, detail=detail)
        state = OrderState.FILLED if is_complete(terms, entry.fills) else state_for(report.status)
        ended_in_part = state not in (OrderState.WORKING, OrderState.FILLED) and bool(entry.fills)
        if state is None or ended_in_part:
            detail = f"order {report.order_id} is {report.status} with a part filled; settle that at the broker"
            return refuse(Reason.NOT_RECONCILED, detail=detail)
        why = f"{who} attested order {report.order_id}" + (f"; {differs}" if differs else "")
        current = await self.tracker.attested(entry, state, who, why, report, taken)
        return Done(f"order {report.order_id} is this entry; it is {current.state.words}")

    # An order without an entry to name

    async def _anywhere(self, order_id: str, unknown: Sequence[Entry], who: str) -> Done | Refusal:
        """Finds the order in any account. It belongs to the entry whose identifier or id it carries, else to
        the one unknown entry that it does not differ from; else it is adopted."""
        trouble = ""
        for account in (record for record in self.accounts() if not record.is_closed):
            try:
                report = await self.broker.order(account.number, order_id)
            except BrokerError as error:
                trouble = trouble or error.detail
                continue
            entry = await self._owner(report, unknown)
            if entry is None:
                return await self._adopt(report, who)
            await self._say(entry, order_id, who)
            answer = await self._fold(entry, report, who)
            if entry.origin == ADOPTED:  # the process that adopted it may have ended before the mismatch was closed
                await self._explained(entry, order_id)
            return answer
        if len(unknown) == 1:  # the word is kept, whatever can be done with it
            await self._say(unknown[0], order_id, who)
        return refuse(Reason.NOT_RECONCILED, detail=f"order {order_id}: {trouble or 'no account is known'}")

    async def _owner(self, report: OrderReport, unknown: Sequence[Entry]) -> Entry | None:
        entry = await entry_of(self.records.intents, report)
        if entry is not None or report.identifier is not None:
            return entry
        alike = [one for one in unknown if not difference(one.terms, one.account, report)]
        return alike[0] if len(alike) == 1 else None

    async def _adopt(self, report: OrderReport, who: str) -> Done | Refusal:
        now = self.clock.now()
        day = exchange_time(report.received_at or now).date()
        entry = adopted_entry(report, self.ids.new(), day, now)
        if isinstance(entry, Refusal):
            return entry
        entry = await self.records.entries.adopt(entry, report.status, who, now)
        entry = await self.tracker.apply(entry, report, by_id=True)
        where = masked(entry.account)
        text = f"{where}: order {report.order_id} is adopted as an entry of {day}; it is {entry.state.words}"
        await self.bus.say("order.adopted", f"{text}, by {who}", account=entry.account, underlying=entry.underlying)
        await self._explained(entry, report.order_id)
        return Done(text)

    async def _explained(self, entry: Entry, order_id: str) -> None:
        """An adopted order explains a mismatch. Compared again, one of another cause is opened again; one that an
        operator closed would not be."""
        why = f"order {order_id} was adopted"
        await self.breakers.close(BreakerKind.MISMATCH, entry.account, CLOSED_BY_ENGINE, why)
        self.compare(why)

    async def _say(self, entry: Entry, seen: str, who: str) -> None:
        await self.records.entries.add_evidence(
            entry.id, "attestation", who=who, complete=True, detail={"seen": seen}, at=self.clock.now()
        )


def _other_legs(entry: Entry, report: OrderReport) -> Refusal | None:
    """Why the order cannot be the entry's on anybody's word: its legs have no credit and no risk that is known."""
    legs = legs_as_shown(report)
    if legs is not None and packages_in(legs, entry.request.legs) is not None:
        return None
    differs = difference(entry.request, entry.account, report)
    return refuse(Reason.OTHER_LEGS, order_id=report.order_id, differs=differs, state=entry.state.words)
