"""A state machine that drives one entry through any order of events (rules 9, 13).

The order is submitted, answered or not, filled, cancelled or replaced; reports come late, twice or never; the process
dies in between. The broker does only what a rule says. Everything else is the product's own: records in a file, the
desk, the order tracker, reconciliation and settlement. Time is virtual.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from core.domain.orders.orders import SendClass, SendOutcome
from core.simulator.exchange.orders import SimOrder
from core.simulator.in_process.values import order_report
from tests.proofs.states.entry_world import ACCOUNTS, EntryWorld
from tests.proofs.states.scripted_broker import ENDED, ROUTE, Post
from tests.proofs.states.stored import (
    assert_fills_fit,
    assert_history_is_allowed,
    assert_one_entry_a_day,
    assert_orders_are_intended,
)
from tests.support.oracle import STATE_OF_STATUS

T = TypeVar("T")

PARTS = ([1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1], [2, 2, 1, 1], [0, 0, 1, 1])
WORDS = ("Dead", "Remove Pending", "", "\0filled\ud800")

picks = st.integers(0, 7)


def picked(options: Sequence[T], pick: int) -> T:
    return options[pick % len(options)]


class EntryMachine(EntryWorld):
    """The rules; each is named for what happens at the broker, on the wire, or to the process."""

    # The desk

    @precondition(lambda self: self.process)
    @rule(account=st.sampled_from(ACCOUNTS))
    def submit(self, account: str) -> None:
        self.run_until(self.alive.submit(account))
        self.settle()

    @precondition(lambda self: self.on_the_wire())
    @rule(pick=picks, listed=st.booleans())
    def reach_the_broker(self, pick: int, listed: bool) -> None:
        order = self.broker.accept(picked(self.on_the_wire(), pick))
        if not listed:
            self.broker.unlisted.add(order.id)
        self.settle()

    @precondition(lambda self: self.waiting())
    @rule(pick=picks, as_accepted=st.booleans())
    def acknowledge(self, pick: int, as_accepted: bool) -> None:
        post = picked(self.waiting(), pick)
        if post.order_id is None:
            self.broker.accept(post)
        assert post.order_id is not None
        report = post.accepted_as if as_accepted else order_report(self.broker.orders[post.order_id])
        self._answer(post, SendOutcome(SendClass.ACKNOWLEDGED, "", left=True, status=201, report=report))

    @precondition(lambda self: self.waiting())
    @rule(pick=picks)
    def lose_the_answer(self, pick: int) -> None:
        self._answer(picked(self.waiting(), pick), SendOutcome(SendClass.UNKNOWN, "no answer", left=True))

    @precondition(lambda self: any(p.order_id is None for p in self.waiting()))
    @rule(pick=picks, left=st.booleans())
    def refuse(self, pick: int, left: bool) -> None:
        post = picked([p for p in self.waiting() if p.order_id is None], pick)
        post.stopped = True
        if left:
            outcome = SendOutcome(SendClass.REJECTED, "margin_check_failed", left=True, status=422)
        else:
            outcome = SendOutcome(SendClass.NOT_SENT, "no connection", left=False)
        self._answer(post, outcome)

    def _answer(self, post: Post, outcome: SendOutcome) -> None:
        assert post.answer is not None
        post.answer.set_result(outcome)
        self.settle()

    # An order's life at the broker

    @precondition(lambda self: self.working())
    @rule(pick=picks)
    def go_on(self, pick: int) -> None:
        order = picked(self.working(), pick)
        if order.status in ROUTE:
            self.broker.change(order.id, status=ROUTE[min(ROUTE.index(order.status) + 1, 3)])

    @precondition(lambda self: self.working())
    @rule(pick=picks, parts=st.sampled_from(PARTS), told_first=st.booleans())
    def fill(self, pick: int, parts: list[int], told_first: bool) -> None:
        order = picked([o for o in self.working() if o.status != "Contingent"] or self.working(), pick)
        possible = [min(part, leg.remaining_quantity) for part, leg in zip(parts, order.legs, strict=True)]
        if order.status == "Contingent" or not any(possible):
            return
        if told_first and sum(possible) == order.remaining:
            self.broker.change(order.id, status="Filled")  # the word may come before the fill records (broker 8)
        done = self.broker.fill(order.id, possible)
        if done.status == "Filled" and done.replacing_order_id is not None:
            self.broker.end(order.id, "Filled")

    @precondition(lambda self: self.working())
    @rule(pick=picks, status=st.sampled_from(("Cancelled", "Cancelled", "Expired", "Rejected", "Removed")))
    def end(self, pick: int, status: str) -> None:
        order = picked(self.working(), pick)
        if order.status == "Contingent" or (status == "Rejected" and any(leg.fills for leg in order.legs)):
            return
        self.broker.end(order.id, status)

    @precondition(lambda self: self._dead())
    @rule(pick=picks, becomes_filled=st.booleans())
    def fill_late(self, pick: int, becomes_filled: bool) -> None:
        """A fill that happened before the cancel or the expiry, and is reported after it."""
        order = picked(self._dead(), pick)
        entry = self.stored.by_identifier(order.external_identifier)
        if entry is not None and not entry.holds_day:
            self.died_before_proof.add(entry.identifier)
        parts = [leg.remaining_quantity for leg in order.legs]
        self.broker.fill(order.id, parts, None if becomes_filled else order.status)

    def _dead(self) -> list[SimOrder]:
        return [
            o
            for o in self.broker.orders.values()
            if o.status in ("Cancelled", "Expired") and o.remaining and o.replacing_order_id is None
        ]

    @precondition(lambda self: self.working())
    @rule(pick=picks, keeps_name=st.booleans())
    def replace(self, pick: int, keeps_name: bool) -> None:
        """Somebody changes the price on the broker's own screen."""
        order = picked(self.working(), pick)
        if order.status == "Live" and not any(leg.fills for leg in order.legs):
            new = self.broker.replaced_by(order.id)
            if not keeps_name:
                self.broker.change(new.id, external_identifier=None)

    @precondition(lambda self: self.working())
    @rule(pick=picks, word=st.sampled_from(WORDS))
    def call_it_something_new(self, pick: int, word: str) -> None:
        order = picked(self.working(), pick)
        if order.status != "Contingent":
            self.broker.change(order.id, status=word)

    @precondition(lambda self: self.broker.unlisted)
    @rule()
    def list_everything(self) -> None:
        self.broker.unlisted.clear()

    @precondition(lambda self: self.process and self._cancellable())
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        """The operator cancels: the request is recorded, then sent once."""
        entry_id, account, order_id = picked(self._cancellable(), pick)
        process = self.alive

        async def ask() -> None:
            await process.records.entries.note_cancel_request(entry_id, "operator", self.clock.now())
            await self.broker.cancel(account, order_id)

        asked = self.loop.create_task(ask())
        self.settle()
        asked.cancel()
        self.run_until(asyncio.wait({asked}))

    def _cancellable(self) -> list[tuple[str, str, str]]:
        found = self.stored.entries.values()
        return [(e.id, e.account, e.order_id) for e in found if e.state == "working" and e.order_id]

    # On the way to us

    @precondition(lambda self: self.process and self.broker.alerts)
    @rule(pick=picks, nameless=st.booleans())
    def deliver(self, pick: int, nameless: bool) -> None:
        """Delivers one of the pending alerts; any but the first arrives out of order."""
        report = picked(self.broker.alerts, pick)
        self.broker.alerts.remove(report)
        self.hear(report, nameless=nameless)

    @precondition(lambda self: self.process and self.broker.alerts)
    @rule(nameless=st.booleans())
    def deliver_all(self, nameless: bool) -> None:
        alerts, self.broker.alerts = self.broker.alerts, []
        for report in alerts:
            self.hear(report, nameless=nameless)

    @precondition(lambda self: self.process and self.broker.alerts)
    @rule(pick=picks)
    def duplicate(self, pick: int) -> None:
        self.hear(picked(self.broker.alerts, pick), nameless=False)

    @precondition(lambda self: self.broker.alerts)
    @rule(pick=picks)
    def drop(self, pick: int) -> None:
        self.broker.alerts.remove(picked(self.broker.alerts, pick))

    @precondition(lambda self: self.process)
    @rule()
    def disconnect_or_reconnect(self) -> None:
        if self.broker.listening:
            self.broker.listening = False
            self.broker.alerts.clear()
            self.alive.hear_status(False)
            self.settle()
        else:
            self.connect_alerts()

    @rule()
    def lose_or_find_the_broker(self) -> None:
        self.broker.reachable = not self.broker.reachable

    @rule()
    def hold_or_answer_reads(self) -> None:
        held, self.broker.held = self.broker.held, None if self.broker.held else asyncio.Event()
        if held is not None:
            held.set()
        self.settle()

    # The process and its time

    @rule()
    def crash_or_restart(self) -> None:
        if self.process is None:
            self.start()
            return
        self.run_until(self.process.kill())
        self.broker.process_died()
        self.process = None
        self.told.clear()

    @precondition(lambda self: self.process)
    @rule()
    def poll(self) -> None:
        self.alive.tracker.poll_soon()
        self.settle()

    @precondition(lambda self: self.process)
    @rule(seconds=st.sampled_from((1, 40, 130)))
    def wait(self, seconds: int) -> None:
        """Time passes, and the settlement runs as it does every few seconds."""
        self.run_until(self.clock.sleep(seconds))
        looking = self.loop.create_task(self.alive.settlement.check())
        self.settle()
        if looking.done():
            looking.result()
            return
        looking.cancel()
        self.run_until(asyncio.wait({looking}))

    # What must hold

    @invariant()
    def nothing_forbidden_happened(self) -> None:
        self.stored.check()
        assert_one_entry_a_day(self.stored)
        assert_history_is_allowed(self.stored, self.broker)
        assert_fills_fit(self.stored, self.broker)
        assert_orders_are_intended(self.stored, self.broker, self.died_before_proof)

    @invariant()
    def the_process_lives(self) -> None:
        if self.process is not None:
            failed = self.process.failed()
            assert not failed, failed

    @invariant()
    def what_was_told_is_recorded(self) -> None:
        """Every fill the process was told of is stored, and every unknown status raised an alert."""
        if self.process is None or self.broker.held is not None:
            return
        known = self.stored.fill_ids()
        for report in (*self.broker.shown, *self.told):
            if self.stored.by_identifier(report.identifier) is None:
                continue
            missing = {fill.fill_id for fill in report.fills} - known
            assert not missing, f"told of {missing} by {report.status} and not recorded"
            if report.status not in STATE_OF_STATUS and report in self.told and not report.fills:
                alerted = [e.text for e in self.process.events if e.kind == "order.status_unknown"]
                assert [text for text in alerted if report.order_id in text], "an unknown word raised no alert"
        self.broker.shown.clear()
        self.told.clear()

    def teardown(self) -> None:
        """Finally everything is reachable again, and the records must agree with the broker."""
        if not hasattr(self, "loop"):
            return
        try:
            self._end_well()
        finally:
            if self.process is not None:
                self.run_until(self.process.kill())
            self.stored.close()
            self.ending.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    def _end_well(self) -> None:
        self.broker.reachable = True
        self.broker.unlisted.clear()
        if self.broker.held is not None:
            self.hold_or_answer_reads()
        if self.process is None:
            self.start()
        elif not self.broker.listening:
            self.connect_alerts()
        for post in self.waiting():
            self._answer(post, SendOutcome(SendClass.UNKNOWN, "no answer", left=True))
        self.alive.hear_status(False)
        self.connect_alerts()
        self.run_until(self.clock.sleep(70))
        self.poll()
        self.nothing_forbidden_happened()
        self.the_process_lives()
        self.records_agree_with_the_broker()

    def records_agree_with_the_broker(self) -> None:
        """What must hold once everything could be read."""
        told = {
            fill.fill_id
            for o in self.broker.orders.values()
            if o.external_identifier
            for leg in o.legs
            for fill in leg.fills
        }
        assert told <= self.stored.fill_ids(), f"fills never recorded: {told - self.stored.fill_ids()}"
        for order in self.broker.orders.values():
            entry = self.stored.by_identifier(order.external_identifier)
            if entry is None:
                continue
            if order.remaining == 0:
                assert entry.state in ("filled", "incident"), f"{order.id} is filled: {entry}"
            elif order.status not in ENDED:
                assert entry.holds_day or entry.state == "incident", f"{order.id} works: {entry}"
