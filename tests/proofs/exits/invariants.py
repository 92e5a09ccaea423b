"""The twelve invariants of exits as functions on the committed records, the exchange and what was sent.

Each yields a sentence for every violation, with its number. They are written apart from the product, with their own
arithmetic: a proof that asked the product's rules would find right whatever they say. `exit_orders` has those of each
order, `exit_money` those of money.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from core.simulator.exchange.orders import SimOrder
from tests.proofs.exits.exit_money import (
    cash_balances,
    gone_is_gone,
    no_worse_than_worst_case,
    recomputed_equals_stored,
)
from tests.proofs.exits.exit_orders import order_as_the_rules_say
from tests.proofs.exits.exit_times import no_qqq_on_expiration_day, nothing_delays_an_exit
from tests.proofs.exits.facts import (
    ENTRY_MARK,
    EXIT_MARK,
    NOWHERE,
    ExitRow,
    ExitWorldFacts,
    Facts,
    Kept,
    Stop,
    filled,
    is_exit,
    is_over,
    last_day,
)
from tests.support.oracle import is_attested, is_proved_absent, is_proved_forgotten, may_follow

__all__ = ["CHECKS", "QUICK", "ExitWorldFacts", "Kept", "Stop", "quick", "violations"]

ON_THE_WIRE = timedelta(seconds=2)
"""An order that was leaving when sending was stopped is with the broker by then."""
_NEVER_SENT = NOWHERE | {"prepared"}
NOTICED_WITHIN = timedelta(seconds=90)
"""A broker that refuses an order, and has it all the same, is believed until an alert or the next look shows it."""


def violations(facts: ExitWorldFacts) -> list[str]:
    """A sentence for each thing that is wrong, with the number of its invariant. Changes nothing but `facts.kept`."""
    return _found(facts, CHECKS)


def quick(facts: ExitWorldFacts) -> list[str]:
    """The violations of those invariants that are cheap enough to be judged after every commit."""
    return _found(facts, QUICK)


def _found(facts: ExitWorldFacts, checks: tuple[tuple[int, Check], ...]) -> list[str]:
    read = Facts(facts)
    return [f"9.{number}: {sentence}" for number, check in checks for sentence in check(read)]


# 1: nothing is closed twice


def no_leg_closed_twice(facts: Facts) -> Iterator[str]:
    """No leg has working + closed + gone > opened, and no close of ours opens a position."""
    ours = {order.id for order in facts.orders if is_exit(order)}
    for order_id, symbol in facts.world.exchange.opened_by_close:
        if order_id in ours:
            yield f"order {order_id}, a close of ours, opened a position in {symbol}"
    for order in facts.closes:
        if facts.world.recent is None or order.received_at >= facts.world.recent:
            yield from _too_much_at_the_exchange(facts, order)
    for row in facts.exits.values():
        yield from _too_much_on_record(facts, row)


def _too_much_at_the_exchange(facts: Facts, order: SimOrder) -> Iterator[str]:
    """When the order arrived: what closing orders had closed, and could still close, against what entries had
    opened."""
    at, account = order.received_at, order.account_number
    for leg in order.legs:
        opened = sum(filled(each, at) for _, each in facts.openings_in[account, leg.symbol])
        sent: Counter[str] = Counter()
        for other, each in facts.closes_in[account, leg.symbol]:
            if other.received_at <= at:
                may = filled(each, at) if is_over(other, at) else each.quantity
                # An order that the broker has twice, or of more contracts than were asked for, is its doing.
                name, asked = other.external_identifier or "", facts.row_of(other)
                sent[name] = max(sent[name], may if asked is None else min(may, asked.legs.get(leg.symbol, ("", 0))[1]))
        closing = sent.total()
        if closing > opened:
            yield f"order {order.id}: {closing} of {leg.symbol} closed or being closed at {at}, {opened} opened"


def _too_much_on_record(facts: Facts, row: ExitRow) -> Iterator[str]:
    """The same by the records when the exit was marked as sent, with what was known to be gone."""
    at = row.sent_at
    if at is None or row.origin:  # what an operator adopted was sent by somebody else
        return
    for symbol in row.legs:
        tridents = [(name, facts.units[name]) for name in facts.tridents_with[row.account, symbol]]
        opened = sum(symbol in (unit.short, unit.long) for _, units in tridents for unit in units.values())
        closing = 0
        for name, units in tridents:
            of_one = sum(symbol in (unit.short, unit.long) for unit in units.values())
            by_exits = sum(
                _taken(facts, other, symbol, at)
                for other in facts.exits_of[name]
                if other.sent_at is not None and other.sent_at <= at
            )
            closed = sum(
                fill.quantity
                for other in facts.exits_of[name]
                for fill in facts.fills.get(other.id, ())
                if fill.symbol == symbol
            )
            left = sum(
                gone.symbol == symbol and gone.found_at <= at for gone in facts.gone.values() if gone.trident == name
            )
            # A contract that was missed before the fill that took it was recorded is closed, not gone.
            closing += by_exits + min(left, max(0, of_one - int(closed)))
        if closing > opened:
            yield f"exit {row.id}: {closing} of {symbol} closed, gone or being closed at {at}, and {opened} opened"


def _taken(facts: Facts, row: ExitRow, symbol: str, at: datetime) -> int:
    """What an exit had closed, and could still close, of a symbol by the instant."""
    if symbol not in row.legs or row.state in ("not_sent", "incident"):
        return 0
    over = row.terminal_at is not None and row.terminal_at <= at
    done = sum(int(f.quantity) for f in facts.fills.get(row.id, ()) if f.symbol == symbol and f.at <= at)
    return done if over else row.legs[symbol][1]


# 2: one claim, and a proof before the next


def one_claim_a_unit(facts: Facts) -> Iterator[str]:
    """No unit has two unreleased claims, ever."""
    claims = defaultdict(list)
    for claim in facts.claims:
        claims[claim.trident, claim.unit].append(claim)
    for (trident, unit), of_unit in claims.items():
        of_unit.sort(key=lambda claim: claim.claimed_at)
        for first, second in pairwise(of_unit):
            # A claim that came back after its release is kept as the same row.
            if first.released_at is None or first.released_at > second.claimed_at:
                row = facts.exits[second.exit]
                if row.state != "incident" and facts.exits[first.exit].state != "incident":
                    yield f"{unit} of {trident} is claimed by {first.exit} and {second.exit} at {second.claimed_at}"


def no_close_before_proof(facts: Facts) -> Iterator[str]:
    """No close arrives while an earlier one of its unit may fill, and none follows one without the proof of its end."""
    before: dict[tuple[str, str], list[tuple[SimOrder, ExitRow]]] = defaultdict(list)
    for order in facts.closes:
        row = facts.row_of(order)
        if row is None:
            continue
        for unit in row.units:
            for earlier, its_row in before[row.trident, unit]:
                if its_row.id != row.id and not is_over(earlier, order.received_at):
                    yield f"order {order.id} for {unit} arrived while order {earlier.id} ({earlier.status}) could fill"
                if its_row.id != row.id and its_row.order_id == str(earlier.id) and not _is_proved(facts, its_row, row):
                    yield f"exit {row.id} was prepared for {unit} without the proof that exit {its_row.id} is over"
            before[row.trident, unit].append((order, row))


def _is_proved(facts: Facts, earlier: ExitRow, later: ExitRow) -> bool:
    """Whether it was on record, before the later one was prepared, that the earlier one had ended: by its fills, by a
    complete read of positions after its end, or by an operator's word."""
    seen = [one for one in facts.evidence.get(earlier.id, ()) if one.at <= later.prepared_at]
    read = any(one.kind == "positions" and one.complete and one.detail.get("agrees") is True for one in seen)
    if earlier.state == "filled" or read or is_attested(seen):
        return True
    freed = {
        c.unit: c for c in facts.claims if c.exit == earlier.id and c.why == "filled" and c.released_at is not None
    }
    return set(earlier.units) & set(later.units) <= set(freed)


# 3: nothing is sent without its intent, and nothing while it is stopped


def every_order_has_its_intent(facts: Facts) -> Iterator[str]:
    """Every order of ours has an intent that was marked as sent before it came, and is sent once."""
    off = facts.world.clock_off
    for order in facts.closes:
        row = facts.row_of(order)
        if row is None:
            yield f"order {order.id} ({order.external_identifier}) has no intent"
        elif row.sent_at is None and not row.origin:
            yield f"order {order.id}: its exit {row.id} was never marked as sent"
        elif row.sent_at is not None and not row.prepared_at <= row.sent_at <= order.received_at + off:
            yield f"order {order.id} came at {order.received_at}, before its exit {row.id} was marked as sent"
    posted = Counter(post.request.identifier for post in facts.world.posts)
    for identifier, count in posted.items():
        if identifier.startswith(EXIT_MARK) and identifier not in facts.world.others:
            if count > 1:
                yield f"{identifier} was sent {count} times"
            if identifier not in facts.by_identifier:
                yield f"{identifier} was sent without an intent"


def none_while_stopped(facts: Facts) -> Iterator[str]:
    """No exit leaves while exits are held, under HALT-ALL, or without the lock."""
    yield from _sent_while(facts, EXIT_MARK, facts.world.stops)


def _sent_while(facts: Facts, mark: str, stops: Sequence[Stop]) -> Iterator[str]:
    for post in facts.world.posts:
        if not post.request.identifier.startswith(mark) or post.request.identifier in facts.world.others:
            continue
        for stop in stops:
            if stop.covers(post.account, post.at) and post.at >= stop.since + ON_THE_WIRE:
                yield f"{post.request.identifier} was sent at {post.at}, though {stop.why} since {stop.since}"


# 5: unknown ends by evidence


def unknown_left_by_evidence(facts: Facts) -> Iterator[str]:
    """No exit leaves the state unknown, and no claim is released, without evidence."""
    between = facts.world.between.total_seconds()
    for row in facts.exits.values():
        seen = facts.evidence.get(row.id, [])
        changes = facts.changes.get(row.id, [])
        for before, after in pairwise(changes):
            if not may_follow(before.state, after.state, attested=is_attested(seen)):
                yield f"exit {row.id}: {before.state} became {after.state}"
            known = [one for one in seen if one.at <= after.at]
            if before.state == "working" and after.state == "unknown" and not is_proved_forgotten(known, between):
                yield f"exit {row.id} became unknown without two complete looks"
            if before.state != "unknown" or after.state == "unknown" or is_attested(known):
                continue
            if after.state == "absent":
                if not is_proved_absent(known, between):
                    yield f"exit {row.id} is absent without two complete reads"
                yield from _too_early(facts, row, after.at)
            elif after.order_id is None or after.status is None:
                yield f"exit {row.id}: unknown became {after.state} without an order of the broker's"
        yield from _freed_without_evidence(facts, row)


def _too_early(facts: Facts, row: ExitRow, at: datetime) -> Iterator[str]:
    last = facts.world.market.session_day(at) >= last_day(facts.world.market, facts.tridents[row.trident].expiration)
    wait = facts.world.last_day if last else facts.world.hidden
    if row.sent_at is not None and at - row.sent_at < wait:
        yield f"exit {row.id} is absent {at - row.sent_at} after it was sent"


def _freed_without_evidence(facts: Facts, row: ExitRow) -> Iterator[str]:
    """A claim ends with the fill of its unit, with a state that says that no order is there, or with a proof."""
    if row.released_at is None:
        return
    if row.state == "rejected" and row.order_id is None and facts.world.now - row.released_at < NOTICED_WITHIN:
        return
    theirs = [order for order in facts.closes if order.external_identifier == row.identifier]
    for order in theirs:
        if row.state != "incident" and order.terminal_at is None and order.status != "Filled":
            yield f"exit {row.id} is released, and its order {order.id} is {order.status}"
    if row.state in _NEVER_SENT | {"filled"} or (row.state == "rejected" and row.order_id is None):
        return
    read = [one for one in facts.evidence.get(row.id, ()) if one.kind == "positions" and one.complete]
    if not read and not is_attested(facts.evidence.get(row.id, ())):
        yield f"exit {row.id} ({row.state}) is released without a complete read of positions"
    for order in theirs:
        ended = order.terminal_at
        if read and ended is not None and str(order.id) == row.order_id and read[-1].at + facts.world.clock_off < ended:
            yield f"exit {row.id} is proved over by a read of {read[-1].at}, and its order ended at {ended}"


# 7: what is not ours


def hands_off_what_is_not_ours(facts: Facts) -> Iterator[str]:
    """Nothing is sent for shares, no foreign order is cancelled or replaced, nothing of ours lacks our mark."""
    for post in facts.world.posts:
        identifier = post.request.identifier
        if not identifier.startswith((EXIT_MARK, ENTRY_MARK)):
            yield f"an order without our mark was sent: {identifier}"
        for leg in post.request.legs:
            if facts.world.market.option(leg.symbol) is None:
                yield f"{identifier} trades {leg.symbol}, which is no option"
    owners = {(order.account_number, str(order.id)): order.external_identifier or "" for order in facts.orders}
    for account, order_id in facts.world.cancels:
        if not owners.get((account, order_id), EXIT_MARK).startswith((EXIT_MARK, ENTRY_MARK)):
            yield f"the order {order_id} of {account}, which is not ours, was cancelled by us"
    for order in facts.orders:
        mark = (order.external_identifier or "").startswith((EXIT_MARK, ENTRY_MARK))
        if mark and order.replaces_order_id is not None and is_exit(order):
            yield f"order {order.id} replaces order {order.replaces_order_id}: a new price is a new order"


# 11: fills stay


def fills_stay(facts: Facts) -> Iterator[str]:
    """A fill is stored once, is one of its exit's orders' fills, and is never lost or changed."""
    theirs = {
        (str(order.id), fill.fill_id, leg.symbol, Decimal(fill.quantity)): order.external_identifier
        for order in facts.orders
        for leg in order.legs
        for fill in leg.fills
    }
    owners: dict[tuple[str, str], str] = {}
    now = set()
    for row in facts.exits.values():
        for fill in facts.fills.get(row.id, ()):
            key = (fill.order_id, fill.fill_id, fill.symbol, fill.quantity)
            now.add((row.id, row.trident, *(str(part) for part in key)))
            if owners.setdefault((fill.order_id, fill.fill_id), row.id) != row.id:
                yield f"fill {fill.fill_id} of order {fill.order_id} is stored for two exits"
            if theirs.get(key) != row.identifier and not row.origin:
                yield f"fill {fill.fill_id} of exit {row.id} is none of its order's"
        yield from _counted_once(facts, row)
    kept = facts.world.kept
    for lost in kept.fills - now:
        yield f"a fill that was stored is gone or changed: {lost}"
    kept.fills |= now
    for intent, changes in facts.changes.items():
        states = [change.state for change in changes]
        before = kept.changes.get(intent, [])
        if states[: len(before)] != before:
            yield f"the history of {intent} was rewritten"
        kept.changes[intent] = states


def _counted_once(facts: Facts, row: ExitRow) -> Iterator[str]:
    count: Counter[str] = Counter()
    for fill in facts.fills.get(row.id, ()):
        count[fill.symbol] += int(fill.quantity)
    for symbol, filled_now in count.items():
        if row.state != "incident" and filled_now > row.legs.get(symbol, ("", 0))[1]:
            yield f"exit {row.id} has {filled_now} of {symbol}, more than it ordered"
    if row.state == "filled" and any(count[symbol] < quantity for symbol, (_, quantity) in row.legs.items()):
        ended = row.terminal_at
        if ended is not None and facts.world.now - ended > facts.world.within + facts.world.clock_off:
            yield f"exit {row.id} is filled, and its fills are not stored"


# 12: entries as before, exits only when allowed


def entries_as_before(facts: Facts) -> Iterator[str]:
    """One entry of an account's day at the exchange, each with its intent; none while entries are stopped."""
    alive: dict[tuple[str, object], set[str]] = defaultdict(set)
    for order in facts.openings:
        identifier = order.external_identifier or ""
        entry = facts.entries.get(identifier)
        if identifier not in facts.world.others and (entry is None or entry[2] is None):
            yield f"order {order.id} ({identifier}) is no entry that was marked as sent"
        has_fills = any(leg.fills for leg in order.legs)
        if order.terminal_at is None or has_fills:
            alive[order.account_number, facts.world.market.session_day(order.received_at)].add(identifier)
    for (account, day), names in alive.items():
        if len(names) > 1:
            yield f"two entries of {account} on {day}: {sorted(names)}"
    yield from _sent_while(facts, ENTRY_MARK, facts.world.entry_stops)


def exits_only_when_allowed(facts: Facts) -> Iterator[str]:
    """Every exit is sent in a session, and none once its trident is in other hands or ended."""
    for order in facts.closes:
        if not facts.world.market.is_open(order.received_at):
            yield f"order {order.id} came at {order.received_at}, out of session"
    for row in facts.exits.values():
        ended = facts.tridents[row.trident].ended_at
        if row.sent_at is not None and ended is not None and row.sent_at > ended and not row.origin:
            yield f"exit {row.id} was sent after its trident had ended"
        if row.sent_at is not None and facts.tridents[row.trident].managed_since is None and not row.origin:
            yield f"exit {row.id} was sent for a trident that is not managed"


Check = Callable[[Facts], Iterator[str]]
QUICK: tuple[tuple[int, Check], ...] = (
    (1, no_leg_closed_twice),
    (2, one_claim_a_unit),
    (2, no_close_before_proof),
    (5, unknown_left_by_evidence),
)
CHECKS: tuple[tuple[int, Check], ...] = (
    *QUICK[:3],
    (3, every_order_has_its_intent),
    (3, none_while_stopped),
    (4, order_as_the_rules_say),
    QUICK[3],
    (6, nothing_delays_an_exit),
    (7, hands_off_what_is_not_ours),
    (8, no_qqq_on_expiration_day),
    (9, cash_balances),
    (9, gone_is_gone),
    (10, recomputed_equals_stored),
    (10, no_worse_than_worst_case),
    (11, fills_stay),
    (12, entries_as_before),
    (12, exits_only_when_allowed),
)
