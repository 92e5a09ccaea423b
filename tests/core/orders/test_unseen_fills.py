"""What positions say of an order whose fills nobody has told: an unknown one is absent only where they fit (rules 9,
15.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.port import Position
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import ExitKind
from core.domain.positions.units import UnitName
from core.domain.trident.sides import Direction
from core.orders.unseen_fills import UnseenFills
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from tests.support.exit_samples import (
    ALL,
    LONG_CALL,
    LONG_PUT,
    SHORT_CALL,
    SHORT_PUT,
    closing_fills,
    exit_of,
    filled,
    sent,
)
from tests.support.record_samples import ACCOUNT, AT, CLOSES, after, entry, url_of

pytestmark = pytest.mark.usefixtures("store")

PUT_1, PUT_2, CALL = ALL
WHOLE = {SHORT_PUT: -2, LONG_PUT: 2, SHORT_CALL: -1, LONG_CALL: 1}
NEXT_DAY = entry().session_day.replace(day=3)


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    opened = await Records.open(url_of(tmp_path / "records.sqlite3"))
    await filled(opened)
    yield opened
    await opened.close()


def positions(held: Mapping[str, int]) -> tuple[Position, ...]:
    """The broker's positions: contracts by OCC symbol, negative when short."""
    return tuple(
        Position(symbol, "QQQ", Decimal(abs(count)), "Short" if count < 0 else "Long", None, None)
        for symbol, count in held.items()
    )


def unseen(records: Records) -> UnseenFills:
    return UnseenFills(records, ShiftedClock(AT))


def minus(symbol: str, of: Mapping[str, int] = WHOLE) -> dict[str, int]:
    """These positions with one contract of the symbol fewer."""
    return {**of, symbol: of[symbol] + (1 if of[symbol] < 0 else -1)}


async def unknown_exit(records: Records, unit: UnitName = PUT_1) -> tuple[UnseenFills, str]:
    exit = await sent(records, exit_of((unit,), "unknown"), order_id=None)
    await records.exits.become(exit.id, OrderState.UNKNOWN, at=after(20))
    return unseen(records), exit.id


@pytest.mark.parametrize("symbol", [SHORT_PUT, LONG_PUT])
async def test_a_contract_of_its_legs_that_is_missing_may_be_its_fill(records: Records, symbol: str) -> None:
    fills, exit_id = await unknown_exit(records)
    exit = await records.exits.get(exit_id)
    assert not await fills.of_exit(exit, positions(WHOLE))
    assert await fills.of_exit(exit, positions(minus(symbol)))
    assert not await fills.of_exit(exit, positions(minus(SHORT_CALL))), "no leg of its own"
    other_side = {**WHOLE, SHORT_PUT: 2}
    assert await fills.of_exit(exit, positions(other_side)), "what is held long is not what it was to buy back"


async def test_what_another_exit_has_closed_is_not_missing(records: Records) -> None:
    done = await sent(records, exit_of((PUT_2,), "x2"))
    await records.exits.add_fills(done.id, closing_fills((PUT_2,)))
    await records.exits.become(done.id, OrderState.FILLED, at=after(40))
    fills, exit_id = await unknown_exit(records)
    exit = await records.exits.get(exit_id)
    left = minus(SHORT_PUT, minus(LONG_PUT))
    assert not await fills.of_exit(exit, positions(left))
    assert await fills.of_exit(exit, positions(minus(SHORT_PUT, left)))


async def test_what_is_foreign_makes_up_for_nothing(records: Records) -> None:
    fills, exit_id = await unknown_exit(records)
    exit = await records.exits.get(exit_id)
    await records.foreign.take_baseline(ACCOUNT, {(SHORT_PUT, Direction.SHORT): Decimal(1)}, after(5))
    assert await fills.of_exit(exit, positions(WHOLE)), "one of these two is somebody else's"
    assert not await fills.of_exit(exit, positions({**WHOLE, SHORT_PUT: -3}))


async def test_an_open_entry_on_its_legs_makes_up_for_nothing(records: Records) -> None:
    fills, exit_id = await unknown_exit(records)
    exit = await records.exits.get(exit_id)
    opening = entry("two", day=NEXT_DAY)
    assert await records.entries.prepare(opening) == opening
    assert await fills.of_exit(exit, positions(WHOLE)), "the new one may have filled, and the exit too"
    assert not await fills.of_exit(exit, positions({symbol: 2 * count for symbol, count in WHOLE.items()}))
    await records.entries.become("two", OrderState.NOT_SENT, at=after(30))
    assert not await fills.of_exit(exit, positions(WHOLE))


async def test_contracts_that_exits_closed_explain_no_new_ones(records: Records) -> None:
    """A trident was closed in full. What is held of its legs now is the fill of the next entry on the same strikes."""
    new = entry("two", day=NEXT_DAY)
    assert await records.entries.prepare(new) == new
    assert await records.entries.mark_sent("two", after(1), epoch=records.epoch, closes=CLOSES)
    unknown = await records.entries.become("two", OrderState.UNKNOWN, at=after(2))
    assert not await unseen(records).of_entry(unknown, positions(WHOLE)), "the first one holds them"
    closed = await sent(records, exit_of(ALL, kind=ExitKind.TIME, debit="4.06"))
    await records.exits.add_fills(closed.id, closing_fills(ALL))
    await records.exits.become(closed.id, OrderState.FILLED, at=after(40))
    assert await unseen(records).of_entry(unknown, positions(WHOLE))
    assert await unseen(records).of_entry(unknown, positions({LONG_CALL: 1}))
    assert not await unseen(records).of_entry(unknown, ())
