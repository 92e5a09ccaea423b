"""The invariants of exits hold in a world that brings a trident to its end, and each of them can fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.domain.positions.exits import ExitKind
from core.domain.positions.tridents import Phase
from core.simulator.exchange.transactions import TRADE
from tests.proofs.exits.facts import EXIT_MARK
from tests.proofs.exits.invariants import CHECKS, ExitWorldFacts, Stop, quick, violations
from tests.support.trident_world import (
    CALL,
    EARLY,
    PUT_1,
    PUT_2,
    fill,
    held,
    off_until,
    targets_rest,
    trident,
    until,
    working,
)
from tests.support.world import ACCOUNT, World, et, in_world

CASH = Decimal("25000.00")


def facts_of(world: World, free: Sequence[tuple[datetime, datetime]], **more: Any) -> ExitWorldFacts:
    """What is committed and at the exchange now; nothing blocked an exit in the periods of `free`."""
    now = world.clock.now()
    world.exchange.advance(now)
    return replace(
        ExitWorldFacts(
            reader=sqlite3.connect(world.records_file),
            exchange=world.exchange,
            market=world.market,
            now=now,
            posts=world.broker.posted,
            free=free,
            first_cash={ACCOUNT: CASH},
            fills_as_asked=True,
        ),
        **more,
    )


async def one_to_its_end(world: World) -> list[tuple[datetime, datetime]]:
    """One target fills on the first day; weeks later the time exit closes the rest, and the next mornings tell of it.
    Returns when a console ran."""
    free = []
    await held(world)
    began = world.clock.now()
    fill(world, (await targets_rest(world))[PUT_2])
    await targets_rest(world, (PUT_1, CALL))
    await world.clock.sleep(120)
    free.append((began, world.clock.now()))
    await off_until(world, "09:59:30", "2026-04-10")
    began = world.clock.now()
    await until(world, lambda: _time_exit_works(world))
    (close,) = (await working(world)).values()
    fill(world, close)
    await until(world, lambda: _has_ended(world))
    await world.clock.sleep(120)
    free.append((began, world.clock.now()))
    await off_until(world, "08:29:30", "2026-04-14")
    await world.clock.sleep(120)
    return free


async def _time_exit_works(world: World) -> bool:
    return bool(await working(world, ExitKind.TIME))


async def _has_ended(world: World) -> bool:
    return (await trident(world)).trident.phase is Phase.ENDED


def test_the_invariants_hold_to_the_end_and_each_can_fail(tmp_path: Path) -> None:
    async def weeks(world: World) -> None:
        whole = facts_of(world, await one_to_its_end(world), at_rest=True)
        assert violations(whole) == []
        assert quick(whole) == []
        assert len(whole.kept.fills) == 6
        found = {number for number, _ in CHECKS}
        for number, facts in _broken(world, whole):
            wrong = violations(facts)
            assert any(sentence.startswith(f"9.{number}:") for sentence in wrong), f"nothing breaks 9.{number}: {wrong}"
            found.discard(number)
        assert not found, "each is seen to fail"
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)


def _broken(world: World, whole: ExitWorldFacts) -> Sequence[tuple[int, ExitWorldFacts]]:
    """The facts with one thing wrong each, and the invariant that this breaks."""

    def stored(*changes: str) -> ExitWorldFacts:
        reader = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(world.records_file)) as records:
            records.backup(reader)
        reader.execute("PRAGMA foreign_keys = OFF")
        for change in changes:
            assert reader.execute(change).rowcount, change
        return replace(whole, reader=reader)

    sent = next(post for post in world.broker.posted if post.request.identifier.startswith(EXIT_MARK))
    entry = world.broker.posted[0]
    theirs = [row for row in world.exchange.transactions(ACCOUNT, whole.now) if row.kind == TRADE]
    assert len(theirs) == 10
    end = et("2026-04-17", "09:00")
    weeks_later: dict[str, Any] = {"now": end, "free": [(whole.free[0][0], end)], "at_rest": False}
    the_time = "(SELECT id FROM exits WHERE kind = 'time')"
    return [
        (1, stored(f"UPDATE exits SET state = 'working', terminal_at = NULL WHERE id != {the_time}")),
        (2, stored(f"UPDATE claims SET released_at = NULL WHERE exit_id != {the_time} AND unit = 'call'")),
        (2, stored(f"UPDATE evidence SET complete = 0 WHERE intent_id != {the_time}")),
        (3, stored(f"UPDATE exits SET identifier = 'senexit-other' WHERE id = {the_time}")),
        (3, replace(whole, stops=[Stop(since=sent.at - timedelta(minutes=1), until=None, why="held")])),
        (4, stored("UPDATE units SET credit = '0.01'")),
        (4, stored("""UPDATE tridents SET rules = replace(rules, '"put-1":40', '"put-1":41')""")),
        (5, stored(f"UPDATE intent_changes SET state = 'unknown' WHERE intent_id = {the_time} AND state = 'prepared'")),
        (5, stored("DELETE FROM evidence WHERE kind = 'positions'")),
        (6, stored("UPDATE exits SET sent_at = '2026-03-03T15:00:00.000000Z' WHERE kind = 'target'")),
        (6, stored("UPDATE tridents SET closing_since = '2026-04-10T14:30:00.000000Z'")),
        (7, replace(whole, posts=[replace(entry, request=replace(entry.request, identifier="other"))])),
        (8, replace(stored(f"UPDATE exits SET identifier = 'senexit-other' WHERE id = {the_time}"), **weeks_later)),
        (9, stored("UPDATE units SET fees = '0.00', realized = CAST(received - paid AS TEXT) WHERE unit = 'call'")),
        (9, replace(whole, first_cash={ACCOUNT: CASH + Decimal("0.01")})),
        (10, stored("UPDATE units SET state = 'whole' WHERE unit = 'put-1'")),
        (10, stored("UPDATE units SET credit = '1.11', estimated = 0")),
        (10, stored("UPDATE units SET paid = '900.00' WHERE unit = 'call'")),
        (11, stored(f"DELETE FROM fills WHERE intent_id = {the_time}")),
        (11, stored(f"UPDATE fills SET fill_id = 'other-' || seq WHERE intent_id = {the_time}")),
        (12, replace(whole, entry_stops=[Stop(since=entry.at - timedelta(minutes=1), until=None, why="paused")])),
        (12, stored("UPDATE tridents SET managed_since = NULL")),
    ]
