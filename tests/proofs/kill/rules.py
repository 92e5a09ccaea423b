"""The rules that must hold (rules 13), checked at the simulated broker and in the records after every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from core.domain.operation.breakers import BreakerKind
from core.domain.orders.orders import Entry
from core.records.records import IntentChange, Records
from core.records.repositories.rows import EvidenceRecord
from core.simulator.exchange.orders import SimOrder
from tests.proofs.kill.broker_faults import MINUTE_S
from tests.proofs.kill.shared_market import START
from tests.support.oracle import (
    DEAD,
    NOTHING_THERE,
    contracts,
    is_attested,
    is_proved_absent,
    is_proved_forgotten,
    may_follow,
)

BETWEEN_READS_S = MINUTE_S / 2
"""30 s on the scale of the proof."""
UNDECIDED = frozenset({"prepared", "sent", "unknown"})


@dataclass(frozen=True)
class Found:
    """What records and broker hold of one account: its entries with their histories and the evidence about them, and
    the breakers that bar it; its orders, and how many POSTs of an order arrived."""

    entries: tuple[Entry, ...]
    histories: dict[str, tuple[IntentChange, ...]]
    evidence: dict[str, tuple[EvidenceRecord, ...]]
    barred_by: tuple[str, ...]
    orders: tuple[SimOrder, ...]
    posts: int
    contradicts: bool = False
    """Whether the broker was made to have another order than the one asked for, or to refuse one that it has."""
    lost: bool = False
    """Whether the records of the sending were lost, so that only an adoption makes an intent of its order."""


async def found_of(records: Records) -> Found:
    """What these records hold now, as if the broker had nothing."""
    entries = await records.entries.of_day(START.date())
    histories = {entry.id: await records.entries.history(entry.id) for entry in entries}
    evidence = {entry.id: await records.entries.evidence(entry.id) for entry in entries}
    open_now = await records.breakers.open_now()
    barred_by = tuple(f"{b.kind.code}: {b.why}" for b in open_now if b.kind is not BreakerKind.SENDS)
    return Found(entries, histories, evidence, barred_by, (), 0)


def violations(found: Found, before: Found | None) -> list[str]:
    """A sentence for each broken rule of rules 13.1 to 13.6. These rules hold at every moment, also before
    settlement."""
    return [*_one_entry_a_day(found), *_intents(found), *_unknown(found), *_fills(found), *_kept(found, before)]


def unfinished(found: Found) -> list[str]:
    """A sentence for each thing still undecided: a lost order, an entry without a final state, a bar that stays."""
    return list(_unfinished(found))


def _one_entry_a_day(found: Found) -> Iterator[str]:
    alive = {o.external_identifier for o in found.orders if o.status not in DEAD or any(leg.fills for leg in o.legs)}
    if len(alive) > 1:
        yield f"13.1: {len(alive)} entries of a day at the broker"
    if sum(entry.holds_day for entry in found.entries) > 1:
        yield "13.1: two entries hold a day in the records"


def _intents(found: Found) -> Iterator[str]:
    by_identifier = {entry.identifier: entry for entry in found.entries}
    for order in found.orders:
        entry = by_identifier.get(order.external_identifier or "")
        if entry is None:
            if not found.lost:
                yield f"13.2: order {order.id} has no intent"
            continue
        if entry.sent_at is None:
            yield f"13.2: order {order.id} was never marked sent"
        elif not entry.prepared_at <= entry.sent_at <= order.received_at:
            yield f"13.2: order {order.id} came before its intent"
        same_legs = [g.symbol for g in entry.request.legs] == [g.symbol for g in order.legs]
        if not found.contradicts and (entry.limit != order.price or not same_legs):
            yield f"13.2: order {order.id} is not its intent"
        if entry.limit < entry.natural:
            yield f"13.3: {entry.limit} is below natural {entry.natural}"
        if not found.contradicts and entry.order_id not in (None, str(order.id)):
            yield f"13.6: order {order.id} is recorded as {entry.order_id}"
    named = Counter(order.external_identifier for order in found.orders)
    if not found.contradicts and any(times > 1 for times in named.values()):
        yield "13.1: an intent was sent twice"
    sent = sum(change.state == "sent" for history in found.histories.values() for change in history) + found.lost
    if found.posts > sent:
        yield f"13.2: {found.posts} orders left, {sent} were marked sent before"
    for entry in found.entries:
        if entry.state == "cancelled" and not entry.holds_day and entry.engine_cancel_at is None:
            yield "13.1: a cancel that was not the engine's freed the day"


def _unknown(found: Found) -> Iterator[str]:
    for entry_id, history in found.histories.items():
        for before, after in pairwise(history):
            seen = [row for row in found.evidence[entry_id] if row.at <= after.at]
            old, new = before.state.value, after.state.value
            if not may_follow(old, new, attested=is_attested(seen)):
                yield f"13.6: {old} became {new}"
            if (old, new) == ("working", "unknown") and not is_proved_forgotten(seen, BETWEEN_READS_S):
                yield "13.5: working became unknown without evidence"
            if old != "unknown" or new == "unknown":
                continue
            shown = after.order_id is not None and after.broker_status is not None
            if not (is_proved_absent(seen, BETWEEN_READS_S) if new == "absent" else shown):
                yield f"13.5: {new} without evidence"


def _fills(found: Found) -> Iterator[str]:
    theirs = {fill.fill_id for order in found.orders for leg in order.legs for fill in leg.fills}
    for entry in found.entries:
        filled = contracts(entry.fills)
        over = any(filled.get(leg.symbol, Decimal(0)) > leg.quantity for leg in entry.request.legs)
        if over and entry.state != "incident":
            yield "13.6: more fills than the order"
        if not {fill.fill_id for fill in entry.fills} <= theirs:
            yield "13.6: a fill was invented"
        if entry.state == "filled" and any(
            filled.get(leg.symbol, Decimal(0)) != leg.quantity for leg in entry.request.legs
        ):
            yield "13.6: filled without its fills"


def _kept(found: Found, before: Found | None) -> Iterator[str]:
    if before is None:
        return
    fills = {entry.id: {f.fill_id for f in entry.fills} for entry in found.entries}
    for entry in before.entries:
        earlier, now = before.histories[entry.id], found.histories.get(entry.id, ())
        if now[: len(earlier)] != earlier or not {f.fill_id for f in entry.fills} <= fills.get(entry.id, set()):
            yield f"13.6: entry {entry.id} lost what was committed"


def _unfinished(found: Found) -> Iterator[str]:
    orders = {order.external_identifier: order for order in found.orders}
    for entry in found.entries:
        order = orders.get(entry.identifier)
        if entry.state in UNDECIDED:
            yield f"entry is still {entry.state.value}"
        elif order is None and entry.state not in NOTHING_THERE:
            yield f"entry is {entry.state.value}, and the broker has no such order"
        elif order is not None and entry.state in NOTHING_THERE and order.status not in DEAD:
            yield f"order lost: it is {order.status} at the broker, and {entry.state.value} here"
        elif order is not None and entry.order_id is None and order.status not in DEAD:
            yield "order lost: its number is not recorded"
        elif entry.state == "incident" and not found.contradicts:
            yield f"incident: {entry.detail}"
        elif found.contradicts and order is not None and entry.state != "incident" and _differs(found, entry):
            yield f"entry is {entry.state.value}, and the broker's order is not the one that was asked for"
    for why in found.barred_by:
        # A twin that fills before it is listed is at first a position that no record explains.
        if not (found.contradicts and why.startswith(("incident", "mismatch"))):
            yield f"barred: {why}"


def _differs(found: Found, entry: Entry) -> bool:
    """Whether the broker has the order twice, or with another price. One that it refused and has may be as asked."""
    orders = [o for o in found.orders if o.external_identifier == entry.identifier]
    return len(orders) > 1 or any(order.price != entry.limit for order in orders)


def never_sent(found: Found) -> bool:
    """Whether no entry of these records was ever marked as sent, and none was adopted."""
    if any(entry.origin == "adopted" for entry in found.entries):
        return False
    return not any(change.state == "sent" for history in found.histories.values() for change in history)
