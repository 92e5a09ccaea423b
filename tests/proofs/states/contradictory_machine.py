"""The entry machine at a broker that contradicts itself, with other people at it, over several sessions (rules 9, 13).

An order is there twice, has another price, works again after its end, is forgotten, or has the id of an older one.
Somebody cancels it there, or places one of their own. An operator attests whatever they like.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from core.domain.orders.orders import OrderRequest, SendClass, SendOutcome
from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import SimOrder
from tests.proofs.states.entry_machine import EntryMachine, picked, picks
from tests.proofs.states.entry_world import ACCOUNTS
from tests.proofs.states.scripted_broker import ENDED
from tests.proofs.states.stored import assert_cancels_hold_the_day
from tests.proofs.states.trading_process import PRICING, TRIDENT
from tests.support.oracle import is_attested

OTHER_PRICES = (-10, 5, 100)
"""By how many cents the broker's price is another one."""
NAMES = ("senex-of-another-console", "somebody-else", None)
USERS = ("main", "somebody", "staff")
MORNING = timedelta(hours=10)


class ContradictoryMachine(EntryMachine):
    """The rules of the entry machine, and those of a broker and of people that do what they should not."""

    # The broker

    @precondition(lambda self: self.working())
    @rule(pick=picks)
    def twin(self, pick: int) -> None:
        order = picked(self.working(), pick)
        if order.status != "Contingent" and order.replacing_order_id is None:
            self.broker.twin(order.id)
            self.settle()

    @precondition(lambda self: self.working())
    @rule(pick=picks, cents=st.sampled_from(OTHER_PRICES))
    def change_price(self, pick: int, cents: int) -> None:
        order = picked(self.working(), pick)
        if order.price is not None:
            self.broker.change(order.id, price=order.price + Decimal(cents) / 100)
            self.settle()

    @precondition(lambda self: self._ended_unfilled())
    @rule(pick=picks)
    def revive(self, pick: int) -> None:
        order = picked(self._ended_unfilled(), pick)
        entry = self.stored.by_identifier(order.external_identifier)
        if entry is not None and not entry.holds_day:
            self.died_before_proof.add(entry.identifier)
        self.broker.revive(order.id)
        self.settle()

    @precondition(lambda self: any(p.order_id is not None for p in self.waiting()))
    @rule(pick=picks)
    def refuse_what_it_has(self, pick: int) -> None:
        """The broker answers 422, and has the order all the same: until that is seen the day is free."""
        post = picked([p for p in self.waiting() if p.order_id is not None], pick)
        self.died_before_proof.add(post.request.identifier)
        self._answer(post, SendOutcome(SendClass.REJECTED, "margin_check_failed", left=True, status=422))

    @precondition(lambda self: self.broker.orders)
    @rule(pick=picks)
    def forget(self, pick: int) -> None:
        order = picked(list(self.broker.orders.values()), pick)
        linked = order.replacing_order_id is not None or order.replaces_order_id is not None
        if not linked and order.id not in {post.order_id for post in self.waiting()}:
            self.broker.forget(order.id)

    def _ended_unfilled(self) -> list[SimOrder]:
        return [
            o
            for o in self.broker.orders.values()
            if o.status in ("Cancelled", "Expired") and o.remaining and o.replacing_order_id is None
        ]

    # People

    @precondition(lambda self: self.working())
    @rule(pick=picks, by=st.sampled_from(USERS))
    def cancel_there(self, pick: int, by: str) -> None:
        """Somebody cancels the order on the broker's own screen."""
        order = picked(self.working(), pick)
        if order.status != "Contingent":
            self.broker.change(order.id, cancel_username=by)
            self.broker.end(order.id, "Cancelled")

    @rule(account=st.sampled_from(ACCOUNTS), name=st.sampled_from(NAMES))
    def stranger(self, account: str, name: str | None) -> None:
        """Somebody else places a trident in the account."""
        named = None if name is None else f"{name}-{len(self.broker.ever)}"
        request = OrderRequest.for_trident(TRIDENT, PRICING.mid, named or "")
        self.broker.place(account, request, named, by="rival")
        self.settle()

    @precondition(lambda self: self.process and self.stored.entries)
    @rule(pick=picks, seen=picks, names_entry=st.booleans(), absent=st.booleans())
    def attest(self, pick: int, seen: int, names_entry: bool, absent: bool) -> None:
        """An operator attests that an order is an entry's, that there is none, or that an order is to be adopted."""
        entry = picked(sorted(self.stored.entries), pick)
        orders = sorted(self.broker.orders)
        note = "absent" if absent or not orders else str(picked(orders, seen))
        attesting = self.loop.create_task(self.alive.attest(note, entry if names_entry or note == "absent" else ""))
        self.settle()
        if attesting.done():
            attesting.result()
            return
        attesting.cancel()
        self.settle()

    # Time

    @rule(ids_again=st.booleans())
    def next_day(self, ids_again: bool) -> None:
        """The session ends, with it every day order, and the next morning comes."""
        for order in self.working():
            if order.status == "Contingent":
                self.broker.change(order.id, status="Removed", terminal_at=self.clock.now())
            else:
                self.broker.end(order.id, "Expired")
        for post in self.waiting():
            self._answer(post, SendOutcome(SendClass.UNKNOWN, "no answer", left=True))
        for post in self.on_the_wire():
            post.stopped = True  # no request is on its way for a night
        today = exchange_time(self.clock.now())
        days = 3 if today.weekday() == 4 else 1
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
        morning = midnight + timedelta(days=days) + MORNING
        self.run_until(self.clock.sleep((morning - today).total_seconds()))
        if ids_again:
            self.broker.begin_ids_again()
        self.settle()

    # What must hold

    @invariant()
    def a_cancel_elsewhere_holds_the_day(self) -> None:
        assert_cancels_hold_the_day(self.stored)

    def records_agree_with_the_broker(self) -> None:
        """What contradicts the order that was asked for is an incident, unless an operator's word stands."""
        for post in self.broker.posts:
            entry = self.stored.by_identifier(post.request.identifier)
            orders = [o for o in self.broker.orders.values() if o.external_identifier == post.request.identifier]
            if entry is None or is_attested(self.stored.evidence.get(entry.id, [])) or entry.state == "incident":
                continue
            linked = any(o.replaces_order_id or o.replacing_order_id for o in orders)
            assert len(orders) <= 1 or linked, f"two orders under {post.request.identifier}, and it is {entry.state}"
            for order in orders:
                fills = {fill.fill_id for leg in order.legs for fill in leg.fills}
                assert fills <= self.stored.fill_ids(), f"fills never recorded: {fills - self.stored.fill_ids()}"
                if order.remaining == 0:
                    assert entry.state == "filled", f"{order.id} is filled: {entry}"
                elif order.status not in ENDED:
                    assert entry.holds_day, f"{order.id} works: {entry}"
                    assert linked or order.price == post.request.credit, f"{order.id} has another price: {entry}"
