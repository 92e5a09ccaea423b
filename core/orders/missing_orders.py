"""What the broker no longer knows: the looks that missed an order of ours, until they prove that it is lost (rules
9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.orders.news import known_order
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Intent, IntentOrder
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.repositories.rows import EvidenceRecord
from core.runtime.clock import Clock


@dataclass(eq=False, repr=False)
class MissingOrders:
    """Keeps when each order was last found, and the misses since. What becomes of a lost order is unknown.

    Each miss is recorded, so that another process goes on with the waits. `age_s` has the wall seconds since an
    instant, at least, also when the clock was set meanwhile.
    """

    records: Records
    tracker: OrderTracker
    clock: Clock
    age_s: Callable[[datetime], float]
    times: SettleTimes = PRODUCT_TIMES
    # By account and order id the monotonic second at which a look last found the order: a clock that is set must not
    # make the wait shorter. And the orders of which a miss is on record.
    _found_s: dict[tuple[str, str], float] = field(init=False, default_factory=dict)
    _missed: set[tuple[str, str]] = field(init=False, default_factory=set)

    async def found(self, intent_id: str, account: str, order_id: str) -> None:
        """Takes note that a look has found the order: what missed it before counts no more, also what an earlier
        process missed. Raises RecordsError."""
        key = (account, order_id)
        may_be_missed = key in self._missed or key not in self._found_s
        self._found_s[key] = self.clock.monotonic()
        if not may_be_missed:
            return
        self._missed.discard(key)
        known = known_order(await self.records.intent_orders.of(intent_id), order_id)
        if known is not None and not known.ended and await self._misses(intent_id, known):
            await self.records.intent_orders.note(replace(known, seen_at=self.clock.now()))

    async def is_due(self, intent: Intent, order: IntentOrder) -> bool:
        """Whether a look that missed this order now is one to record: the first, and those from which the waits of the
        proof have passed. Raises RecordsError."""
        if intent.state is not OrderState.WORKING or order.order_id != intent.order_id:
            return False
        key = (intent.account, order.order_id)
        # One that no look has found yet may have been found by an earlier process just before.
        self._found_s.setdefault(key, self.clock.monotonic())
        self._missed.add(key)
        misses = await self._misses(intent.id, order)
        counted = next((one for one in misses if one.complete), None)
        if counted is not None:
            return self.age_s(counted.at) >= self.times.between_reads_s
        return not misses or self._waited_s(intent, order, misses) >= self.times.settle_s

    async def missed(self, intent: Intent, order: IntentOrder) -> None:
        """Records a complete look without the order, and the broker's word that it knows none: one that `is_due`.
        Twice, with the waits of an unknown intent between, and what became of the order is unknown (rules 9). Raises
        RecordsError."""
        misses = await self._misses(intent.id, order)
        is_second = any(one.complete for one in misses)
        # The first, from which the wait is counted, proves nothing by itself.
        counts = is_second or self._waited_s(intent, order, misses) >= self.times.settle_s
        await self.records.intents.of(intent).add_evidence(
            intent.id, "missing", who="engine", complete=counts, detail={"order": order.order_id}, at=self.clock.now()
        )
        if is_second:
            await self.tracker.forgotten(intent, order.order_id)

    def _waited_s(self, intent: Intent, order: IntentOrder, misses: list[EvidenceRecord]) -> float:
        """Wall seconds since a look last found the order, or since the first that missed it, when that is longer
        ago."""
        waited_s = self.clock.monotonic() - self._found_s[intent.account, order.order_id]
        return max(waited_s, self.age_s(misses[0].at) if misses else 0.0)

    async def _misses(self, intent_id: str, order: IntentOrder) -> list[EvidenceRecord]:
        """The looks on record that missed the order since it was last seen. One is complete when it counts."""
        return [
            one
            for one in await self.records.intents.evidence(intent_id)
            if one.kind == "missing" and one.detail.get("order") == order.order_id and one.at > order.seen_at
        ]
