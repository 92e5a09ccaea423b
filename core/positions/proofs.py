"""The proof that an exit has ended and closed no more than is on record: its units are free only then (rules 15.4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError, BrokerFault
from core.domain.orders.comparison import is_partial
from core.domain.orders.news import has_ended
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.domain.positions.actions import CancelWhy
from core.domain.positions.exits import Exit
from core.orders.attribution import intent_of
from core.orders.cancels import Canceller
from core.orders.tracker import OrderTracker
from core.positions.changes import ENGINE, Changes
from core.positions.complete_reads import REQUESTS, CompleteReads
from core.records.records import EvidenceRecord, Records
from core.runtime.clock import Clock

PROOF_READ_S = 2.0
"""Wall seconds from a proof that failed to the next try."""
ASK_AGAIN_S = 20.0
"""Wall seconds after which a cancel is asked again of an order that still works: the first one may have been lost."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The exit as it was when the broker's own word, which came at the second `at_s` of `Clock.boottime`, showed
    its end."""

    exit: Exit
    at_s: float


@dataclass(eq=False, repr=False, kw_only=True)
class CancelProofs:
    """Proves ends of exits: first the broker shows by the order's id that it has ended, and its fills are applied; then
    a complete read of positions that began after that answer agrees with the records.

    `login_of` names the login that reaches an account.
    """

    broker: Broker
    records: Records
    tracker: OrderTracker
    canceller: Canceller
    reads: CompleteReads
    changes: Changes
    pace: Pace
    clock: Clock
    login_of: Callable[[str], str]
    _ended: dict[str, _Ended] = field(init=False, default_factory=dict)
    _asked_s: dict[str, float] = field(init=False, default_factory=dict)
    _since_s: dict[str, float] = field(init=False, default_factory=dict)

    def waits_s(self, exit_ids: Iterable[str]) -> float | None:
        """Wall seconds since the first try to prove the oldest of these ends; None while none is tried."""
        since = [self._since_s[one] for one in exit_ids if one in self._since_s]
        return self.clock.boottime() - min(since) if since else None

    def note_asked(self, exit_id: str) -> None:
        """Takes note that the cancel of this exit was asked just now."""
        self._asked_s[exit_id] = self.clock.boottime()

    async def prove(self, exits: Sequence[Exit]) -> str:
        """Tries once to prove the ends of these exits of one account, and frees their units. Says what is missing,
        empty when nothing is. Raises RecordsError."""
        began_s = self.clock.boottime()
        missing: list[str] = []
        open_ends = [one for one in [await self.records.exits.get(each.id) for each in exits] if self._is_open(one)]
        for one in open_ends:
            self._since_s.setdefault(one.id, began_s)
        listed = await self._listed(open_ends, began_s)
        for one in open_ends:
            if one.id not in self._ended:
                missing += await self._show_end(one, listed)
        missing += await self._release([one.id for one in open_ends if one.id in self._ended])
        return "; ".join(missing)

    def _is_open(self, one: Exit) -> bool:
        """Whether the end of this exit is still to be proved. What is kept of one that is not is forgotten."""
        if one.holds_units:
            return True
        self._ended.pop(one.id, None)
        self._asked_s.pop(one.id, None)
        self._since_s.pop(one.id, None)
        return False

    async def _listed(self, exits: Sequence[Exit], began_s: float) -> Collection[OrderReport]:
        """The orders of a listing that began now, where it costs less than reading each order by its id."""
        if sum(one.id not in self._ended for one in exits) <= REQUESTS:
            return ()
        try:
            return (await self.reads.since(exits[0].account, began_s, work=Work.PROOF)).orders
        except BrokerError:
            return ()

    async def _show_end(self, one: Exit, listed: Collection[OrderReport]) -> list[str]:
        """Has the broker show the end of an exit's order, and applies its fills. Returns what is missing."""
        order_id = one.order_id
        if order_id is None:
            return [f"nobody knows whether the broker has the order ({one.state.words})"]
        report = next((each for each in listed if each.order_id == order_id), None)
        is_shown = report is not None and has_ended(report) and not is_partial(one.terms, report)
        if is_shown and report is not None and await self._is_of(report, one):
            one = await self.tracker.apply(one, report)
        else:
            try:
                one = await self._read(one, order_id)
            except BrokerError as error:
                if error.fault is not BrokerFault.NOT_FOUND or not one.needs_proof:
                    return [f"order {order_id} cannot be read: {error.detail}"]
                # The broker has told its end before, and knows it no longer: nothing of it can fill.
        if one.needs_proof:
            self._ended[one.id] = _Ended(one, self.clock.boottime())
            return []
        if one.released_at is not None:
            return []
        if one.state is OrderState.WORKING:
            await self._ask_again(one)
        return [f"order {order_id} is {one.state.words}"]

    async def _read(self, one: Exit, order_id: str) -> Exit:
        """The exit as the broker's answer about just its order leaves it. Raises BrokerError."""
        await self.pace.take(Turn(self.login_of(one.account), one.account, Work.PROOF))
        report = await self.broker.order(one.account, order_id)
        if not await self._is_of(report, one):
            raise BrokerError(BrokerFault.NOT_FOUND, f"order {order_id} is another one by now")
        return await self.tracker.apply(one, report, by_id=True)

    async def _is_of(self, report: OrderReport, one: Exit) -> bool:
        """Whether the order is this exit's: the broker may have begun its ids again."""
        owner = await intent_of(self.records.intents, report)
        return owner is not None and owner.id == one.id

    async def _ask_again(self, one: Exit) -> None:
        """Asks once more to cancel an order that works: the first cancel was lost, or an earlier process died before it
        could ask."""
        asked_s = self._asked_s.get(one.id)
        if one.cancel_asked_at is None or (asked_s is not None and self.clock.boottime() - asked_s < ASK_AGAIN_S):
            return
        self.note_asked(one.id)
        await self.pace.take(Turn(self.login_of(one.account), one.account, Work.PROOF))
        await self.canceller.for_console(one, one.cancel_why or CancelWhy.NO_LONGER_FITS.value)

    async def _release(self, ids: Sequence[str]) -> list[str]:
        """Frees the units of exits whose end is shown, where a read that began after that agrees. Returns what is
        missing."""
        if not ids:
            return []
        account, shown_s = self._ended[ids[0]].exit.account, max(self._ended[each].at_s for each in ids)
        try:
            read = await self.reads.since(account, shown_s, work=Work.PROOF)
        except BrokerError as error:
            return [f"the positions cannot be read: {error.detail}"]
        missing = []
        for exit_id in ids:
            ended, now = self._ended.pop(exit_id), await self.records.exits.get(exit_id)
            if now != ended.exit:  # something came of it meanwhile: the read says nothing of that
                missing.append(f"order {now.order_id} has changed since it was read")
                continue
            trident = (await self.records.tridents.get(now.trident_id)).trident
            if not self.changes.agrees(account, [unit for unit in trident.units if unit.name in now.units]):
                # Its order is read once more: a fill of it may have come late.
                missing.append(f"the positions do not agree yet with the end of order {now.order_id}")
                continue
            detail = {"order": now.order_id, "status": now.broker_status, "agrees": True}
            await self.records.exits.release(exit_id, EvidenceRecord("positions", ENGINE, True, detail, read.at))
            self._is_open(await self.records.exits.get(exit_id))
        return missing
