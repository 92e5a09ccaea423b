"""Compares what the broker shows with what we recorded, in the same way at every start (rules 9).

An incomplete read proves nothing. A fill is never invented. An order that is not ours is shown and never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from core.broker.port import AccountReads, Broker, BrokerError
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity, masked
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import TimeInForce
from core.domain.orders.way_out import way_out
from core.domain.positions.exits import Exit
from core.guards.breakers import Breakers
from core.orders.account_look import AccountLook
from core.orders.positions import PositionComparison
from core.records.records import Records

_OUTLIVES = "outlives_its_day"
"""The event about a day order that works on, without the beginning of its kind."""
_UNSETTLED = (OrderState.PREPARED, OrderState.SENT, OrderState.WORKING, OrderState.UNKNOWN)


@dataclass(eq=False, repr=False)
class Reconciler:
    """Compares one account at a time. Orders of ours go to the tracker; whatever does not fit opens a breaker.
    `on_reads` is given each complete read of an account."""

    broker: Broker
    records: Records
    look: AccountLook
    breakers: Breakers
    positions: PositionComparison
    on_reads: Callable[[AccountReads], None] = lambda _: None

    async def reconcile(self, number: str, today: date) -> str:
        """Reads one account and settles what can be settled. Returns what kept a read from being complete, or which
        difference of the positions a second read has to confirm; empty when nothing did.

        Raises RecordsError.
        """
        try:
            reads = await self.broker.account_reads(number)
        except BrokerError as error:
            return f"{masked(number)}: {error.detail}"
        self.on_reads(reads)
        trouble = await self.look.look(number, today)
        await self.judge_earlier(number, today)
        await self._tell_outlived(number, today)
        await self._judge_incidents(number)
        doubt = (await self.positions.compare(number, reads.positions, today)).doubt
        if doubt:
            doubt = f"{masked(number)}: {doubt}; the positions are read again"
        return "; ".join(filter(None, (trouble, doubt)))

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

    async def _tell_outlived(self, number: str, today: date) -> None:
        """Tells once of each day order of an exit that works on after its session: it keeps its units, and stops
        nothing else. A target of an earlier date is as it should be."""
        for one in await self.records.exits.looked_at(self.look.since(today), number):
            if not _outlives(one, today):
                continue
            words = self.look.tracker.kinds.words_of(one)
            if await self.records.journal.newest_with(f"{words.PREFIX}{_OUTLIVES}", ("exit", one.id)) is None:
                text = f"order {one.order_id} of {one.session_day} was for that day, and still works at the broker"
                await words.say(one, _OUTLIVES, f"{text}; its units get no other order", Severity.CRITICAL)

    async def _judge_incidents(self, number: str) -> None:
        """Stops the account for an incident whose breaker was not recorded because the process died in between."""
        for entry in await self.records.entries.incidents(number):
            since = entry.terminal_at
            if since is not None and not await self.records.breakers.opened_since(BreakerKind.INCIDENT, number, since):
                why = f"order {entry.order_id}: {entry.detail}"
                await self.breakers.open(BreakerKind.INCIDENT, number, why)


def _outlives(one: Exit, today: date) -> bool:
    """Whether an order of an earlier day works, which was for that day alone."""
    is_of_a_day = one.request.time_in_force is TimeInForce.DAY and one.session_day < today
    return is_of_a_day and one.state is OrderState.WORKING
