"""The checks at the moment an exit is sent: what its last guards must have seen, against the records, the files and
what passed between the console and the broker."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from core.guards.kill_files import halt_all_file
from core.simulator.in_process.broker import Posted
from tests.proofs.days.world import DayWorld


def exit_send_violations(world: DayWorld, reader: sqlite3.Connection, posted: Posted) -> Iterator[str]:
    """A sentence with the number of its invariant for each thing that forbids sending this exit now."""
    name = posted.request.identifier
    row = reader.execute("SELECT state, sent_at, account FROM exits WHERE identifier = ?", (name,)).fetchone()
    if row is None:
        yield f"9.3: {name} left without an intent"
        return
    state, sent_at, account = row
    if state != "sent" or account != posted.account:
        yield f"9.3: {name} left for {posted.account} while {state}, and is of {account}"
    if halt_all_file(world.kill_file).exists():
        yield f"9.3: {name} left with the file HALT-ALL in the data folder"
    held = reader.execute(
        "SELECT at FROM exit_switch WHERE held AND account IN ('', ?) AND at < ?", (account, sent_at)
    ).fetchone()
    if held is not None:
        yield f"9.3: {name} left, and exits were held since {held[0]}"
    (epoch,) = reader.execute("SELECT epoch FROM engine").fetchone()
    if epoch != world.records.epoch or not world.is_up:
        yield f"9.3: {name} left from a process of epoch {world.records.epoch}, and the trader's is {epoch}"
    if not world.market.is_open(posted.at):
        yield f"9.12: {name} left out of session"
    query = "SELECT coalesce(max(seq), 0) FROM events WHERE kind = 'reconcile.started'"
    (begun,) = reader.execute(query).fetchone()
    side = world.broker_side
    if begun <= side.barred_since or side.compared.get(posted.account, 0) < begun:
        yield f"9.12: {name} left before the records were compared with the broker"
