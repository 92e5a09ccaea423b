"""The rules that must always hold (rules 13), checked after a test day at the exchange, in the records and in what was
sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from core.domain.operation.events import Event
from core.domain.orders.orders import Entry
from core.records.records import Records
from core.runtime.clock import exchange_time
from core.simulator.exchange.matching import off_tick
from core.simulator.exchange.orders import SimOrder
from core.simulator.in_process.broker import Posted
from tests.support.oracle import DEAD, contracts, is_ours, is_proved_absent
from tests.support.world import World, calendar_around

_EVERYTHING = 1_000_000


@dataclass(frozen=True)
class Found:
    """What the exchange and the records hold at the end of a day."""

    entries: tuple[Entry, ...]
    orders: tuple[SimOrder, ...]
    posted: Sequence[Posted]
    events: tuple[Event, ...]


async def assert_nothing_forbidden_happened(world: World, records: Records) -> None:
    """Checks rules 13.1 to 13.6; raises AssertionError naming the broken rule."""
    orders = tuple(
        order
        for number in world.accounts
        for order in world.exchange.orders(number)
        if is_ours(order.external_identifier)
    )
    days = sorted({world.day, *(exchange_time(order.received_at).date() for order in orders)})
    entries = tuple([entry for day in days for entry in await records.entries.of_day(day)])
    events = tuple(reversed(await records.journal.newest(_EVERYTHING)))
    found = Found(entries, orders, world.broker.posted, events)
    _one_entry_a_day(found)
    _every_order_has_an_intent(found)
    _every_price_is_good(world, found)
    _no_post_out_of_turn(world, found)
    for entry in entries:
        await _unknown_ended_by_evidence(records, entry)
    _fills_add_up(found)


def _one_entry_a_day(found: Found) -> None:
    """13.1: one entry per account and day, at the exchange and in the records."""
    alive = Counter(
        (o.account_number, exchange_time(o.received_at).date())
        for o in found.orders
        if o.status not in DEAD or any(leg.fills for leg in o.legs)
    )
    assert not [key for key, count in alive.items() if count > 1], "two entries of a day at the exchange"
    holding = Counter((e.account, e.session_day) for e in found.entries if e.holds_day)
    assert not [key for key, count in holding.items() if count > 1], "two entries hold a day in the records"


def _every_order_has_an_intent(found: Found) -> None:
    """13.2: every order has an intent that was recorded and marked sent before it, and is the order of that intent."""
    by_identifier = {e.identifier: e for e in found.entries}
    for order in found.orders:
        entry = by_identifier.get(order.external_identifier or "")
        assert entry is not None, f"order {order.id} has no intent"
        assert entry.sent_at is not None, f"order {order.id} was never marked sent"
        assert entry.prepared_at <= entry.sent_at <= order.received_at
        assert entry.limit == order.price
        assert [leg.symbol for leg in entry.request.legs] == [leg.symbol for leg in order.legs]
        if entry.order_id is not None:
            assert entry.order_id == str(order.id)
    assert max(Counter(p.request.identifier for p in found.posted).values(), default=0) <= 1, "an intent was sent twice"


def _every_price_is_good(world: World, found: Found) -> None:
    """13.3: at the last check no credit was below natural; each is on tick, and each strike is in the chain of the
    day."""
    for posted in found.posted:
        request = posted.request
        natural = Decimal(0)
        for leg in request.legs:
            quote = posted.shown[leg.symbol]
            if quote is None or quote.bid is None or quote.ask is None:
                raise AssertionError(f"{leg.symbol} was sent without a quote")
            natural += leg.quantity * (quote.bid if leg.action.value.startswith("Sell") else -quote.ask)
        assert request.credit >= natural, f"{request.credit} is below natural {natural}"
        day = world.market.session_day(posted.at)
        options = [world.market.option(leg.symbol) for leg in request.legs]
        for option in options:
            assert option is not None
            assert world.market.is_listed(option, day)
        roots = {option.root for option in options if option is not None}
        (chain,) = [r for r in world.market.chain(request.underlying, day) if r.root in roots]
        assert not off_tick(chain.tick_sizes, request.credit), f"{request.credit} is off tick"


def _no_post_out_of_turn(world: World, found: Found) -> None:
    """13.4: every order was sent in session, and none was marked sent while paused."""
    calendar = calendar_around(world.clock.now().year)
    for posted in found.posted:
        session = calendar.today(posted.at)
        assert session is not None
        assert session.is_open(posted.at), f"posted out of session at {posted.at}"
    for entry in found.entries:
        if entry.sent_at is None:
            continue
        words = [e for e in found.events if e.at < entry.sent_at and e.kind in _STOPS | _STARTS]
        assert not words or words[-1].kind in _STARTS, f"entry {entry.id} was sent after {words[-1].kind}"


_STOPS = frozenset({"command.pause.done"})
_STARTS = frozenset({"command.resume.done"})


async def _unknown_ended_by_evidence(records: Records, entry: Entry) -> None:
    """13.5: an entry leaves the state unknown only with the broker's order, or with proof that the broker holds
    none."""
    history = await records.entries.history(entry.id)
    for before, after in pairwise(history):
        if before.state.value != "unknown" or after.state.value == "unknown":
            continue
        if after.state.value == "absent":
            seen = [row for row in await records.entries.evidence(entry.id) if row.at <= after.at]
            assert is_proved_absent(seen), "absent without proof"
        else:
            assert after.order_id is not None, f"{after.state} without evidence"
            assert after.broker_status is not None, f"{after.state} without evidence"


def _fills_add_up(found: Found) -> None:
    """13.6: never more fills than ordered; a filled entry has exactly the exchange's fills."""
    orders = {o.external_identifier: o for o in found.orders}
    for entry in found.entries:
        filled = contracts(entry.fills)
        assert all(filled.get(leg.symbol, Decimal(0)) <= leg.quantity for leg in entry.request.legs), "overfilled"
        if entry.state.value == "filled":
            order = orders[entry.identifier]
            theirs = {fill.fill_id for leg in order.legs for fill in leg.fills}
            assert {fill.fill_id for fill in entry.fills} == theirs, "a fill was dropped"
