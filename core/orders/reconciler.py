"""Compares what the broker shows with what we recorded, in the same way at every start (rules 9).

An incomplete read proves nothing. A fill is never invented. An order that is not ours is shown and never touched.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from core.broker.port import AccountReads, Broker, BrokerError
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import masked
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import EntryState
from core.domain.orders.way_out import way_out
from core.domain.risk.risk import Direction, side_of
from core.domain.risk.unexplained import unexplained
from core.guards.breakers import Breakers
from core.orders.account_look import AccountLook
from core.orders.open_tridents import held_legs
from core.records.records import Records

_UNSETTLED = (EntryState.PREPARED, EntryState.SENT, EntryState.WORKING, EntryState.UNKNOWN)


@dataclass(eq=False, repr=False)
class Reconciler:
    """Compares one account at a time. Orders of ours go to the tracker; whatever does not fit opens a breaker."""

    broker: Broker
    records: Records
    look: AccountLook
    breakers: Breakers

    async def reconcile(self, number: str, today: date) -> str:
        """Reads one account and settles what can be settled. Returns what kept a read from being complete, empty when
        nothing did.

        Raises RecordsError.
        """
        try:
            reads = await self.broker.account_reads(number)
        except BrokerError as error:
            return f"{masked(number)}: {error.detail}"
        trouble = await self.look.look(number, today)
        await self.judge_earlier(number, today)
        await self._judge_incidents(number)
        await self._compare_held(number, reads, today)
        await self._explain_positions(number, reads, today)
        return trouble

    async def judge_earlier(self, number: str, today: date) -> None:
        """Stops the account while an entry of an earlier date is unsettled, and lets it go on afterwards (rules 9)."""
        open_now = [e for e in await self.records.entries.open() if e.account == number]
        earlier = [e for e in open_now if e.session_day < today and e.state in _UNSETTLED]
        trouble = None
        if earlier:
            entry = earlier[0]
            leads_out = way_out(fate_of(entry), (BreakerKind.EARLIER_ENTRY,))
            trouble = (
                f"the entry of {entry.session_day} is {entry.state.value} (order {entry.order_id or 'without id'})"
                + (f"; {leads_out}" if leads_out else "")
            )
        await self.breakers.follow(BreakerKind.EARLIER_ENTRY, number, trouble)

    async def _compare_held(self, number: str, reads: AccountReads, today: date) -> None:
        """A filled trident must be held whole or not at all. Anything in between stops the account for the operator to
        settle."""
        held: Counter[tuple[str, Direction]] = Counter()
        for position in held_legs(reads.positions):
            held[position.symbol, position.direction] += int(position.quantity)
        # The newest first: when two tridents share a leg, contracts that are missing count against the older one.
        for entry in reversed(await self.records.entries.filled_open(number, today)):
            sides = {leg: (leg.symbol, side_of(leg.action)) for leg in entry.terms.legs}
            found = {leg: min(held[side], leg.quantity) for leg, side in sides.items()}
            held.subtract({sides[leg]: count for leg, count in found.items()})
            short = [leg for leg in entry.terms.legs if found[leg] < leg.quantity]
            if not short or not any(found.values()):
                continue
            held_counts = ", ".join(f"{found[leg]} of {leg.quantity} {leg.symbol}" for leg in short)
            await self._mismatch(
                number,
                f"of the {entry.underlying} trident of {entry.session_day} the broker holds {held_counts}; "
                "a reset settles these quantities until they change again",
            )

    async def _explain_positions(self, number: str, reads: AccountReads, today: date) -> None:
        """A trident that is held and that no record explains may be ours: records were lost, or an order was lost sight
        of. It stops the account until its order is adopted or an operator says that it is not ours."""
        entries = {entry.id: entry for entry in await self.records.entries.filled_open(number, today)}
        entries |= {e.id: e for e in await self.records.entries.open() if e.account == number}
        for trident in unexplained(held_legs(reads.positions), tuple(entries.values())):
            if trident.expiration >= today:
                await self.look.strangers.held(number, trident)

    async def _mismatch(self, number: str, why: str) -> None:
        """Stops the account for this cause, unless an operator has settled just that."""
        if not await self.records.breakers.settled(BreakerKind.MISMATCH, number, why):
            await self.breakers.open(BreakerKind.MISMATCH, number, why)

    async def _judge_incidents(self, number: str) -> None:
        """Stops the account for an incident whose breaker was not recorded because the process died in between."""
        for entry in await self.records.entries.incidents(number):
            since = entry.terminal_at
            if since is not None and not await self.records.breakers.opened_since(BreakerKind.INCIDENT, number, since):
                why = f"order {entry.order_id}: {entry.detail}"
                await self.breakers.open(BreakerKind.INCIDENT, number, why)
