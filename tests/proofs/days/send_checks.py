"""The checks at the moment an order is sent (rules 13.2 to 13.4), against the records, the commands, what the broker
showed, and the market."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.matching import off_tick
from core.simulator.in_process.broker import Posted
from tests.proofs.days.world import DayWorld

MAX_QUOTE_AGE_S = 30.0
WIRE_S = 2.0
"""At most so many seconds pass between the last check and the wire."""


def send_violations(world: DayWorld, reader: sqlite3.Connection, posted: Posted) -> Iterator[tuple[str, str]]:
    """The items of rules 13 that sending this order now breaks, each with a sentence."""
    row = reader.execute(
        'SELECT id, state, sent_at, prepared_at, "limit", account FROM entries WHERE identifier = ?',
        (posted.request.identifier,),
    ).fetchone()
    if row is None:
        yield "2", f"{posted.request.identifier} left without an intent"
        return
    entry, state, sent_at, prepared_at, limit, account = row
    if state != "sent":
        yield "2", f"entry {entry} left while {state}"
    if Decimal(limit) != posted.request.credit or account != posted.account:
        yield "2", f"entry {entry} left as another order than its intent"
    yield from _price(world, posted)
    yield from _stopped(world, reader, posted, sent_at)
    yield from _asked_to_stop(world, reader)
    yield from _session(world, posted, datetime.fromisoformat(prepared_at))
    yield from _quotes(world, posted)


def _price(world: DayWorld, posted: Posted) -> Iterator[tuple[str, str]]:
    request, natural = posted.request, Decimal(0)
    day = world.market.session_day(posted.at)
    roots = set()
    for leg in request.legs:
        quote, contract = posted.shown[leg.symbol], world.market.option(leg.symbol)
        if quote is None or quote.bid is None or quote.ask is None:
            yield "3", f"{leg.symbol} left without a quote"
            return
        if contract is None or not world.market.is_listed(contract, day):
            yield "3", f"{leg.symbol} is not in the chain"
            return
        roots.add(contract.root)
        natural += leg.quantity * (quote.bid if leg.action.value.startswith("Sell") else -quote.ask)
    if request.credit < natural:
        yield "3", f"{request.credit} is below natural {natural}"
    (chain,) = [r for r in world.market.chain(request.underlying, day) if r.root in roots]
    if off_tick(chain.tick_sizes, request.credit):
        yield "3", f"{request.credit} is off tick"


def _stopped(
    world: DayWorld, reader: sqlite3.Connection, posted: Posted, sent_at: str | None
) -> Iterator[tuple[str, str]]:
    """A pause, halt or breaker committed before the entry was marked sent, or a pause acknowledged before it was
    sent."""
    state, since = reader.execute("SELECT state, at FROM trading_state").fetchone()
    if state != "active":
        acknowledged = reader.execute(
            "SELECT 1 FROM commands WHERE kind IN ('pause', 'halt') AND state = 'done' AND at <= ? "
            "AND seq > coalesce((SELECT max(seq) FROM commands WHERE kind = 'resume' AND state = 'done'), 0)",
            (since,),
        ).fetchone()
        if acknowledged or (sent_at is not None and since < sent_at and _same_scale(world)):
            yield "4", f"left while {state} since {since}"
    opened = reader.execute(
        "SELECT kind, opened_at FROM breakers WHERE closed_at IS NULL AND subject IN ('', ?, 'main')", (posted.account,)
    ).fetchall()
    for kind, at in opened:
        if sent_at is not None and at < sent_at and _same_scale(world):
            yield "4", f"left with the breaker {kind} open since {at}"
    if world.kill_file.exists():
        yield "4", "left with the file HALT in the data folder"
    (begun,) = reader.execute("SELECT coalesce(max(seq), 0) FROM events WHERE kind = 'reconcile.started'").fetchone()
    side = world.broker_side
    if begun <= side.barred_since or side.compared.get(posted.account, 0) < begun:
        yield "4", "left before the records were compared with the broker"
    epoch = reader.execute("SELECT epoch FROM engine").fetchone()[0]
    if epoch != world.records.epoch or not world.is_up:
        yield "4", f"left from a process of epoch {world.records.epoch}, and the trader's is {epoch}"


def _asked_to_stop(world: DayWorld, reader: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """A stop that was asked of this process and is not answered yet, or whose row waits, unless a later resume ended
    it."""
    for process, command in world.stops_asked:
        row = reader.execute("SELECT state FROM commands WHERE id = ?", (command.id,)).fetchone()
        waits = process == world.process if row is None else row[0] == "pending"
        resumed = (
            waits
            and reader.execute(
                "SELECT 1 FROM commands WHERE kind = 'resume' AND state = 'done' AND at >= ?", (_stored(command.at),)
            ).fetchone()
        )
        if waits and not resumed:
            yield "9", f"left after {command.kind.value} was asked at {command.at}"


def _stored(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _session(world: DayWorld, posted: Posted, prepared_at: datetime) -> Iterator[tuple[str, str]]:
    if not world.market.is_open(posted.at):
        yield "4", f"left out of session at {posted.at}"
    clock = world.exchange_clock
    for armed in world.broker.faults.listing(clock.monotonic()):
        # Read at the last guard, which comes after the intent.
        if armed.fault.kind is FaultKind.SESSION_CLOSED and armed.since <= prepared_at and _same_scale(world):
            yield "4", f"left while the broker's session reads closed since {armed.since}"


def _quotes(world: DayWorld, posted: Posted) -> Iterator[tuple[str, str]]:
    """Every leg's quote was delivered and is of a time not long ago, both by the broker's clock."""
    now, oldest = world.exchange_clock.monotonic(), MAX_QUOTE_AGE_S + WIRE_S
    for leg in posted.request.legs:
        shown = posted.shown[leg.symbol]
        delivered = None if shown is None else world.broker_side.delivered.get(shown.symbol)
        if shown is None or delivered is None or now - delivered > oldest:
            yield "4", f"left on a stale quote of {leg.symbol}"
        elif (posted.at - min(shown.bid_time, shown.ask_time)).total_seconds() > oldest:
            yield "4", f"left on a quote of {leg.symbol} from {min(shown.bid_time, shown.ask_time)}"


def _same_scale(world: DayWorld) -> bool:
    """Whether the trader's clock, whose times are in the records, agrees with the exchange's now."""
    return world.clock.now() == world.exchange_clock.now()
