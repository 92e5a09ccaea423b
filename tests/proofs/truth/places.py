"""Everything that the product says at one moment, and the truth of the same moment (rules 13.8)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.guards.kill_files import halt_all_file
from core.snapshot import Snapshot
from tests.proofs.truth.oracle import read_truth
from tests.proofs.truth.panels import texts_of
from tests.proofs.truth.reader import Reader, place_of
from tests.proofs.truth.said import Said
from tests.proofs.truth.screen import as_watched, on_screen
from tests.proofs.truth.shell import as_kept, in_lines, in_mails, in_shell
from tests.proofs.truth.values import Day, Facts
from tests.support.world import calendar_around

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.simulator.exchange.orders import SimOrder
    from tests.support.world import World

TRIES, A_MOMENT_S = 12, 0.25
_WATCHED = (
    "SELECT (SELECT count(*) FROM intent_changes), (SELECT count(*) FROM fills), (SELECT count(*) FROM slots), "
    "(SELECT count(*) FROM cycles), (SELECT count(*) FROM cycles WHERE ended_at IS NULL), "
    "(SELECT count(*) FROM breakers WHERE closed_at IS NULL), (SELECT group_concat(state || coalesce(at, '')) FROM "
    "trading_state), (SELECT group_concat(enabled || is_closed || coalesce(skip_day, '')) FROM accounts), "
    "(SELECT count(*) FROM evidence), (SELECT count(*) FROM entries WHERE holds_day)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What was said at one moment, with the truth of it. `snapshot` is None where no console ran."""

    day: Day
    said: tuple[Said, ...]
    snapshot: Snapshot | None


def signature(database: sqlite3.Connection) -> tuple[object, ...]:
    """A value that stays the same while nothing changes that a place tells of."""
    found: tuple[object, ...] = database.execute(_WATCHED).fetchone()
    return found


def facts_of(world: World, *, console: bool = True) -> Facts:
    """What no record says, from the world and its running engine."""
    engine = world.engine if console else None
    now = world.clock.now()
    session = calendar_around(now.year).today(now)
    facts = Facts(
        now=now,
        open=None if session is None else session.open,
        close=None if session is None else session.close,
        console=console,
        kill_file=world.kill_file.exists() or halt_all_file(world.kill_file).exists(),
        sends=world.sends,
    )
    return facts if engine is None else with_engine(facts, engine)


def with_engine(facts: Facts, engine: Engine) -> Facts:
    """The same with what the running engine has in memory."""
    gate = engine.gate
    return replace(
        facts,
        stopped_here=gate.stopped_here != "",
        gate=gate.trading.state,
        breakers=frozenset((breaker.kind.code, breaker.subject) for breaker in engine.breakers.open_now),
        runs=engine.runner.in_cycle,
        at_broker=frozenset(gate.foreign.accounts),
        unrecorded=frozenset(slot.slot for slot in engine.runner.unrecorded.shown((), facts.today)),
        reconciling=frozenset(a.number for a in engine.accounts if gate.waits_for(a.number)),
    )


async def fresh(engine: Engine, database: sqlite3.Connection, truth: Callable[[], Day]) -> tuple[Snapshot, Day] | None:
    """The snapshot of what is recorded now, and the `truth` of the same records; None before the first snapshot, and
    when the records do not stand still long enough to read both.

    While a write is under way the console keeps what it knows; a record may be so old on it. A thread of its own
    writes, so the records may change also while nothing else runs here.
    """
    records = engine.parts.records
    for _ in range(TRIES):
        before = (records.version("entries"), signature(database))
        await engine.builder.read_now()
        if before[0] is not None and (records.version("entries"), signature(database)) == before:
            engine.builder.refresh()
            snapshot, day = engine.builder.snapshot, truth()
            if snapshot is None:
                return None
            if signature(database) == before[1]:
                return snapshot, day
        await engine.parts.clock.sleep(A_MOMENT_S)
    return None


async def told_now(world: World, database: sqlite3.Connection, shell: Reader | None) -> Told | None:
    """What everything says now, while a console runs; None when the records change all the time. Without a shell the
    commands are not asked."""
    read = await fresh(world.engine, database, lambda: read_truth(database, facts_of(world)))
    if read is None:
        return None
    # From here on nothing else runs: all of it is said at one moment.
    snapshot, day = read
    once = filled_at_once(order for number in world.accounts for order in world.exchange.orders(number))
    said = [*on_screen(snapshot, day), *as_watched(snapshot), *in_mails(database, day, once)]
    said += in_lines(database, day, once)
    if shell is not None:
        place = place_of(world.records_file, world.kill_file, mode=world.mode)
        kept = as_kept(shell, place, day)
        said += in_shell(shell, place, day)
        said += on_screen(kept, day, "watcher alone")
        said += same_panels(snapshot, kept)
    return Told(day, tuple(said), snapshot)


def same_panels(snapshot: Snapshot, kept: Snapshot) -> list[Said]:
    """Each panel of a watcher that reads the records alone says what the console's own does, once no cycle runs."""
    if snapshot.cycle is not None and snapshot.cycle.running:
        return []
    own, other = texts_of(snapshot), texts_of(kept)
    return [
        Said(f"watcher alone {panel}", other[panel], lie=f"the console's own panel says {own[panel]!r}")
        for panel in own.keys() & other.keys()
        if own[panel] != other[panel]
    ]


def told_offline(world: World, database: sqlite3.Connection, shell: Reader) -> Told:
    """What the shell says while no console runs."""
    day = read_truth(database, facts_of(world, console=False))
    said = in_shell(shell, place_of(world.records_file, world.kill_file, trades=False, mode=world.mode), day)
    return Told(day, tuple(said), None)


def filled_at_once(orders: Iterable[SimOrder]) -> frozenset[str]:
    """The identifiers whose one order was filled in one moment. Of two under one the broker may fill each in part."""
    found: dict[str, list[bool]] = {}
    for order in orders:
        if order.external_identifier:
            moments = {fill.filled_at for leg in order.legs for fill in leg.fills}
            found.setdefault(order.external_identifier, []).append(len(moments) == 1 and order.status == "Filled")
    return frozenset(identifier for identifier, at_once in found.items() if at_once == [True])
