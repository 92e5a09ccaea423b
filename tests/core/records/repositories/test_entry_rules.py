"""Any order of events for three entries of one account's day, checked against the rules that always hold (rules 13)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.orders.order_states import OrderState, may_become
from core.domain.orders.orders import Entry
from core.records.records import DayHeld, IllegalTransition, Records, StateConflict
from tests.support.proofs import ALL
from tests.support.record_samples import CLOSES, DAY, after, entry, fill, url_of

_FACTS = st.one_of(
    st.tuples(st.sampled_from(["prepare", "send", "free", "allow", "cancel", "fill"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(list(OrderState)), st.integers(0, 2)),
)


@dataclass
class _Day:
    """Three entries of one account's day, and what must be recorded of them."""

    records: Records
    account: str
    fills: dict[str, set[str]]
    changes: dict[str, int]
    allowed: set[str] = field(default_factory=set)

    async def happen(self, fact: str | OrderState, number: int, step: int) -> None:
        name = f"{self.account}-{number}"
        found = await self.records.entries.by_identifier(f"senex-{name}")
        if fact == "prepare":
            if found is None:
                self._note(name, await self.records.entries.prepare(entry(name, account=self.account)))
            return
        if found is None:
            return
        if fact == "send":
            sent = await self.records.entries.mark_sent(name, after(step), epoch=self.records.epoch, closes=CLOSES)
            assert sent == (found.state is OrderState.PREPARED and not found.cancel_requested_by)
            self.changes[name] += sent
        elif fact == "cancel":
            asked = await self.records.entries.note_cancel_request(name, f"operator {step}", after(step))
            assert asked.cancel_requested_by == (found.cancel_requested_by or f"operator {step}")
            self.changes[name] += not found.cancel_requested_by
        elif fact == "fill":
            assert await self.records.entries.add_fills(name, [fill(f"{name}-{step}")]) == 1
            self.fills[name].add(f"{name}-{step}")
        else:
            await self._change(found, fact, step)

    async def _change(self, found: Entry, fact: str | OrderState, step: int) -> None:
        try:
            if fact == "allow":
                await self.records.entries.allow_reentry(found.id, "anna", after(step))
                self.allowed.add(found.id)
            elif fact == "free":
                freed = await self.records.entries.free_day(found.id, "proof", after(step))
                assert found.id in self.allowed or freed == found or not found.cancel_requested_by
                self.changes[found.id] += freed.holds_day is not found.holds_day
            elif isinstance(fact, OrderState):
                became = await self.records.entries.become(found.id, fact, at=after(step))
                assert may_become(found.state, fact)
                assert became.state in {fact, OrderState.INCIDENT}
                self.changes[found.id] += 1
        except (IllegalTransition, StateConflict):
            assert await self.records.entries.get(found.id) == found, "a refusal changes nothing"

    def _note(self, name: str, answer: Entry | DayHeld) -> None:
        if isinstance(answer, Entry):
            self.changes[name] = self.changes.get(name, 0) + 1
            self.fills.setdefault(name, set())

    async def check(self) -> None:
        recorded = [each for each in await self.records.entries.of_day(DAY) if each.account == self.account]
        assert {each.id for each in recorded} == set(self.changes), "no record is lost"
        holders = [each for each in recorded if each.holds_day]
        assert len(holders) <= 1
        assert await self.records.entries.holding(self.account, DAY) == (holders[0] if holders else None)
        at_broker = {OrderState.SENT, OrderState.WORKING, OrderState.FILLED, OrderState.UNKNOWN}
        assert sum(each.state in at_broker for each in recorded) <= 1
        for each in recorded:
            history = await self.records.entries.history(each.id)
            assert len(history) == self.changes[each.id]
            assert (history[-1].state, history[-1].holds_day) == (each.state, each.holds_day)
            assert {one.fill_id for one in each.fills} == self.fills[each.id], "no fill is dropped"


_accounts = count()


# One store for all examples, and a new account for each.
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.lists(_FACTS, max_size=25))
def test_no_course_of_events_breaks_the_rules_of_the_day(
    path: Path, store: str, facts: list[tuple[str | OrderState, int]]
) -> None:
    account = next(_accounts)
    if store == "postgres" and account % 3 and not ALL:
        return

    async def run() -> None:
        records = await Records.open(url_of(path))
        day = _Day(records, f"5WT{account:05}", {}, {})
        try:
            for step, (fact, number) in enumerate(facts):
                await day.happen(fact, number, step)
                await day.check()
        finally:
            await records.close()

    asyncio.run(run())
