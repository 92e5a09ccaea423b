"""What an operator attests: what they saw at the broker of an entry, of a closing order, or of an order that no record
knows (rules 9, 15.4).

The word is recorded as evidence before anything is done with it. It can close the day, never reopen it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.broker.port import Broker, BrokerError, BrokerFault
from core.commands.inbox import Done
from core.commands.intent_targets import find_intents, unnamed
from core.domain.operation import amounts
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.adoption import adopted_entry, legs_as_shown, order_as_shown
from core.domain.orders.comparison import difference, same_legs
from core.domain.orders.fills import is_complete, is_overfilled, may_end_so
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import ADOPTED, Entry, Intent, OrderReport
from core.domain.orders.packages import in_packages, packages_in
from core.domain.orders.way_out import FORGOTTEN_MINUTES
from core.domain.positions.adoption import adopted_exit, closes_legs
from core.domain.positions.exit_fate import exit_name
from core.domain.positions.exits import Exit
from core.guards.breakers import Breakers
from core.orders.attribution import intent_of
from core.orders.tracker import OrderTracker
from core.records.records import Claimed, Records
from core.records.repositories.breakers import CLOSED_BY_ENGINE
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.ids import Ids

ABSENT = "absent"
"""The word for: the broker shows no such order."""


@dataclass(eq=False, repr=False, kw_only=True)
class Attestations:
    """Takes an operator's word about an order. `compare` has records and broker compared again, with the cause."""

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
        """Carries out `attest`: the note is ABSENT or an order's id at the broker, the target an entry, a closing order
        or empty."""
        found = await find_intents(self.records, command.target)
        if not command.target:
            found = tuple(one for one in found if one.state is OrderState.UNKNOWN)
        if len(found) != 1 and (command.target or command.note == ABSENT):
            kind = "unknown entry or closing order"
            return refuse(Reason.NO_SUCH_TARGET, target=unnamed(command.target, kind, several=bool(found)))
        if command.note == ABSENT:
            return await self._absent(found[0], command.who)
        if command.target:
            return await self._is(found[0], command.note, command.who)
        return await self._anywhere(command.note, found, command.who)

    # The broker shows no such order

    async def _absent(self, intent: Intent, who: str) -> Done | Refusal:
        match intent.state:
            case OrderState.UNKNOWN:
                await self._say(intent, ABSENT, who)
                await self.tracker.absent(intent, f"{who} saw no such order at the broker")
                then = "its units may get another order" if isinstance(intent, Exit) else "the day stays closed"
                return Done(f"{masked(intent.account)}: the {_name(intent)} is closed as absent; {then}")
            case OrderState.INCIDENT:
                return await self._incident_absent(intent, who)
            case OrderState.WORKING:
                why = f"it is unknown within {FORGOTTEN_MINUTES} minutes when the broker no longer knows its order"
            case _:
                why = f"only an unknown {intent.KIND}, or an incident without an order, can be absent"
        return _not_unknown(intent, why)

    async def _incident_absent(self, intent: Intent, who: str) -> Done | Refusal:
        if intent.fills:
            why = f"{amounts.counted(len(intent.fills), 'fill record')} of it are here, so its order exists"
            return _not_unknown(intent, why)
        await self._say(intent, ABSENT, who)
        for order in await self.records.intent_orders.of(intent.id):
            if order.ended:
                continue
            try:
                report = await self.broker.order(intent.account, order.order_id)
            except BrokerError as error:
                if error.fault is BrokerFault.NOT_FOUND:
                    continue
                return refuse(Reason.NOT_RECONCILED, detail=f"order {order.order_id}: {error.detail}")
            intent = await self.tracker.apply(intent, report, by_id=True)
            if report.fills or state_for(report.status) in (OrderState.WORKING, OrderState.FILLED, None):
                return refuse(Reason.NOT_RECONCILED, detail=f"order {report.order_id} is {report.status} at the broker")
        await self.tracker.attested(intent, OrderState.ABSENT, who, f"{who} saw no such order at the broker")
        return Done(f"{masked(intent.account)}: the incident is closed as absent")

    # This order is the one meant

    async def _is(self, intent: Intent, order_id: str, who: str) -> Done | Refusal:
        await self._say(intent, order_id, who)
        try:
            report = await self.broker.order(intent.account, order_id)
        except BrokerError as error:
            return refuse(Reason.NOT_RECONCILED, detail=f"order {order_id}: {error.detail}")
        return await self._fold(intent, report, who)

    async def _fold(self, intent: Intent, report: OrderReport, who: str) -> Done | Refusal:
        """Gives the order to the intent. The broker's own answer about it is the evidence."""
        known = {order.order_id for order in await self.records.intent_orders.of(intent.id)}
        incident = intent.state is OrderState.INCIDENT
        if report.order_id not in known and report.identifier != intent.identifier:
            if report.identifier is not None:
                detail = f"order {report.order_id} does not carry this {intent.KIND}'s identifier"
                return refuse(Reason.NOT_RECONCILED, detail=detail)
            differs = difference(intent.terms, intent.account, report)
            # A nameless order may correct an incident when it is on the same legs, whatever their number and its price.
            alike = {leg.symbol for leg in report.legs} == {leg.symbol for leg in intent.request.legs}
            if differs and not (incident and alike):
                detail = f"order {report.order_id} is not this {intent.KIND}'s: {differs}"
                return refuse(Reason.NOT_RECONCILED, detail=detail)
        if incident and isinstance(intent, Exit):
            return await self._settle_exit(intent, report, who)
        if incident and isinstance(intent, Entry):
            return await self._settle_incident(intent, report, who)
        current = await self.tracker.apply(intent, report, by_id=True)
        is_incident = current.state is OrderState.INCIDENT
        other = _other_legs(current, report) if is_incident and isinstance(current, Entry) else None
        return other or _is_now(current, report)

    async def _settle_exit(self, exit: Exit, report: OrderReport, who: str) -> Done | Refusal:
        """Records a closing order that was an incident as what the broker shows of it: the same legs, filled for whole
        units. What closed half a unit stays one: its legs are out of proportion, whatever anybody says."""
        exit = await self.tracker.apply(exit, report, by_id=True)
        detail = ""
        if not same_legs(exit.request, report):
            detail = difference(exit.request, exit.account, report)
        elif is_overfilled(exit.terms, exit.fills) or not may_end_so(exit):
            detail = "it closed half a unit; settle that at the broker, then `senex reset incident`"
        state = OrderState.FILLED if is_complete(exit.terms, exit.fills) else state_for(report.status)
        if detail or state is None:
            detail = detail or f"it is {report.status}, which is not known here"
            return refuse(Reason.NOT_RECONCILED, detail=f"order {report.order_id}: {detail}")
        current = await self.tracker.attested(exit, state, who, f"{who} attested order {report.order_id}", report)
        return _is_now(current, report)

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
        return _is_now(current, report)

    # An order without an intent to name

    async def _anywhere(self, order_id: str, unknown: Sequence[Intent], who: str) -> Done | Refusal:
        """Finds the order in any account. It belongs to the intent whose identifier or id it carries, else to the one
        unknown intent that it does not differ from; else it is adopted."""
        trouble = ""
        for account in (record for record in self.accounts() if not record.is_closed):
            try:
                report = await self.broker.order(account.number, order_id)
            except BrokerError as error:
                trouble = trouble or error.detail
                continue
            intent = await self._owner(report, unknown)
            if intent is None and closes_legs(report):
                return await self._adopt_exit(report, who)
            if intent is None:
                return await self._adopt(report, who)
            await self._say(intent, order_id, who)
            answer = await self._fold(intent, report, who)
            # The process that adopted it may have ended before the mismatch was closed.
            if isinstance(intent, Entry | Exit) and intent.origin == ADOPTED:
                await self._explained(intent, order_id)
            return answer
        if len(unknown) == 1:  # the word is kept, whatever can be done with it
            await self._say(unknown[0], order_id, who)
        return refuse(Reason.NOT_RECONCILED, detail=f"order {order_id}: {trouble or 'no account is known'}")

    async def _owner(self, report: OrderReport, unknown: Sequence[Intent]) -> Intent | None:
        owner = await intent_of(self.records.intents, report)
        if owner is not None or report.identifier is not None:
            return owner
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

    async def _adopt_exit(self, report: OrderReport, who: str) -> Done | Refusal:
        """Takes a closing order that no record explains as one of ours: it closes whole units of one trident."""
        now = self.clock.now()
        tridents = [one.trident for one in await self.records.tridents.held_of(report.account)]
        had = await self.records.exits.of_tridents([one.id for one in tridents])
        claimed = {one.id: {u for exit in had[one.id] if exit.holds_units for u in exit.units} for one in tridents}
        day = exchange_time(report.received_at or now).date()
        exit = adopted_exit(report, self.ids.new(), tridents, claimed, day, now)
        if isinstance(exit, Refusal):
            return exit
        adopted = await self.records.exits.adopt(exit, report.status, who, now)
        if isinstance(adopted, Claimed):
            return refuse(Reason.NOT_AN_EXIT, order_id=report.order_id, why=adopted.why)
        adopted = await self.tracker.apply(adopted, report, by_id=True)
        where, name = masked(adopted.account), exit_name(adopted.kind, adopted.units)
        text = f"{where}: order {report.order_id} is adopted as a {name}; it is {adopted.state.words}"
        figures = (("exit", adopted.id), ("trident", adopted.trident_id))
        await self.bus.say(
            "exit.adopted",
            f"{text}, by {who}",
            account=adopted.account,
            underlying=adopted.underlying,
            figures=figures,
        )
        await self._explained(adopted, report.order_id)
        return Done(text)

    async def _explained(self, intent: Intent, order_id: str) -> None:
        """An adopted order explains a mismatch. Compared again, one of another cause is opened again; one that an
        operator closed would not be."""
        why = f"order {order_id} was adopted"
        await self.breakers.close(BreakerKind.MISMATCH, intent.account, CLOSED_BY_ENGINE, why)
        self.compare(why)

    async def _say(self, intent: Intent, seen: str, who: str) -> None:
        await self.records.intents.of(intent).add_evidence(
            intent.id, "attestation", who=who, complete=True, detail={"seen": seen}, at=self.clock.now()
        )


def _name(intent: Intent) -> str:
    """What an answer calls it."""
    return exit_name(intent.kind, intent.units) if isinstance(intent, Exit) else intent.KIND.value


def _is_now(intent: Intent, report: OrderReport) -> Done:
    what = f"the {_name(intent)}" if isinstance(intent, Exit) else f"this {intent.KIND}"
    return Done(f"order {report.order_id} is {what}; it is {intent.state.words}")


def _not_unknown(intent: Intent, why: str) -> Refusal:
    if isinstance(intent, Exit):
        return refuse(Reason.EXIT_NOT_UNKNOWN, exit=_name(intent), state=intent.state.words, why=why)
    return refuse(Reason.NOT_UNKNOWN, state=intent.state.words, why=why)


def _other_legs(entry: Entry, report: OrderReport) -> Refusal | None:
    """Why the order cannot be the entry's on anybody's word: its legs have no credit and no risk that is known."""
    legs = legs_as_shown(report)
    if legs is not None and packages_in(legs, entry.request.legs) is not None:
        return None
    differs = difference(entry.request, entry.account, report)
    return refuse(Reason.OTHER_LEGS, order_id=report.order_id, differs=differs, state=entry.state.words)
