"""Each change of exits and tridents is one commit: whichever statement of it fails, nothing of it is kept (rules 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, select

from core.domain.orders.order_states import OrderState
from core.domain.positions.attribution import ForeignFill
from core.domain.positions.closing import Gone
from core.domain.positions.exits import ExitKind
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended, UnitName
from core.domain.trident.sides import Direction
from core.records.records import GoneRecord, Records
from core.records.store.tables import metadata
from tests.support.exit_samples import (
    ALL,
    LONG_PUT,
    PUTS,
    RULES,
    SHORT_PUT,
    closing_fills,
    exit_of,
    filled,
    opening_fills,
    proof,
    sent,
)
from tests.support.record_samples import ACCOUNT, AT, CLOSES, after, entry

_S = OrderState


class _Cut(Exception):
    """The process ends here."""


@contextmanager
def _cut_at(records: Records, number: int) -> Iterator[list[str]]:
    """Lets the write statement of this number fail, counted from 1. Yields those that were run."""
    run: list[str] = []
    engine = records.database._writing_engine.sync_engine

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            run.append(statement)
            if len(run) == number:
                raise _Cut

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield run
    finally:
        event.remove(engine, "before_cursor_execute", before)


async def _everything(records: Records) -> list[list[tuple[Any, ...]]]:
    async with records.database.read() as connection:
        return [[tuple(row) for row in await connection.execute(select(table))] for table in metadata.sorted_tables]


async def _an_entry_sent(records: Records) -> None:
    await records.entries.prepare(entry())
    await records.entries.mark_sent("one", after(1), epoch=records.epoch, closes=CLOSES)
    await records.entries.add_fills("one", opening_fills())


async def _a_trident(records: Records) -> None:
    await filled(records)


async def _a_close_works(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(ALL, kind=ExitKind.TIME))


async def _a_close_was_cancelled(records: Records) -> None:
    await _a_close_works(records)
    await records.exits.become("x1", _S.CANCELLED, at=after(40))


async def _a_close_is_unknown(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of(PUTS, kind=ExitKind.TIME), order_id=None)
    await records.exits.become("x1", _S.UNKNOWN, at=after(40))


async def _with_a_baseline(records: Records) -> None:
    await filled(records)
    await records.foreign.take_baseline(ACCOUNT, {(SHORT_PUT, Direction.SHORT): Decimal(1)}, AT)


_LOST = [
    GoneRecord("one", Gone(UnitName.PUT_2, symbol, Ended.HAND, after(8)), "the console")
    for symbol in (SHORT_PUT, LONG_PUT)
]
_FOREIGN = ForeignFill(("900", "f1"), (SHORT_PUT, Direction.SHORT), Decimal(2), False, after(7))

_COMMITS: dict[str, tuple[Callable[[Records], Awaitable[None]], Callable[[Records], Awaitable[object]], int]] = {
    "intent, exit and claims": (_a_trident, lambda r: r.exits.prepare(exit_of(ALL)), 6),
    "fills, units and claims": (_a_close_works, lambda r: r.exits.add_fills("x1", closing_fills(ALL)), 10),
    "filled": (_a_close_works, lambda r: r.exits.become("x1", _S.FILLED, at=after(50)), 9),
    "proof and release": (_a_close_was_cancelled, lambda r: r.exits.release("x1", proof()), 6),
    "absent": (_a_close_is_unknown, lambda r: r.exits.become("x1", _S.ABSENT, at=after(50)), 5),
    "entry filled": (_an_entry_sent, lambda r: r.entries.become("one", _S.FILLED, at=after(2)), 7),
    "gone": (_a_trident, lambda r: r.tridents.note_gone(_LOST), 3),
    "foreign fills": (_with_a_baseline, lambda r: r.foreign.use(ACCOUNT, [_FOREIGN], {}, after(9), _LOST), 5),
    "phase": (_a_trident, lambda r: r.tridents.become("one", Phase.CLOSING, after(9)), 1),
    "adoption": (_a_trident, lambda r: r.tridents.adopt("one", RULES, after(9)), 1),
}


@pytest.mark.parametrize("name", list(_COMMITS))
async def test_a_commit_that_is_cut_anywhere_leaves_no_half(records: Records, name: str) -> None:
    prepare, change, at_least = _COMMITS[name]
    await prepare(records)
    before = await _everything(records)
    number = 1
    while True:
        with _cut_at(records, number) as run:
            try:
                await change(records)
            except _Cut:
                assert await _everything(records) == before, run[-1]
                number += 1
                continue
        break
    assert number - 1 == len(run) >= at_least, run
    assert await _everything(records) != before
