"""Sample tridents and exits for tests of the records: the entry of `record_samples`, filled at 1.22 a put, 1.62 the
call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, OrderLeg, OrderRequest, TimeInForce
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.tridents import ExitMode, ExitRules
from core.domain.positions.units import Unit, UnitName, units_of
from core.domain.trident.trident import Action
from core.records.records import DayHeld, EvidenceRecord, Records
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, after, entry, request

RULES = ExitRules(ExitMode.ALL, {UnitName.PUT_1: 40, UnitName.PUT_2: 60, UnitName.CALL: 40})
SHORT_PUT, LONG_PUT, SHORT_CALL, LONG_CALL = (leg.symbol for leg in request("any").legs)
PUTS = (UnitName.PUT_1, UnitName.PUT_2)
ALL = tuple(UnitName)
_OPENED_AT = dict(zip((SHORT_PUT, LONG_PUT, SHORT_CALL, LONG_CALL), ("5.00", "3.78", "6.00", "4.38"), strict=True))


def opened() -> tuple[Unit, ...]:
    """The three units as they were opened, without credits."""
    return units_of(request("any"))


def opening_fills(order_id: str = "70", at: datetime | None = None) -> tuple[Fill, ...]:
    return tuple(
        Fill(
            f"open-{leg.symbol}", leg.symbol, Decimal(leg.quantity), Decimal(_OPENED_AT[leg.symbol]), at or AT, order_id
        )
        for leg in request("any").legs
    )


async def filled(
    records: Records, entry_id: str = "one", account: str = ACCOUNT, fills: Sequence[Fill] | None = None
) -> Entry:
    """An entry that is prepared, sent, and filled by the broker, with its fills unless others are given."""
    new = entry(entry_id, account)
    assert not isinstance(await records.entries.prepare(new), DayHeld)
    assert await records.entries.mark_sent(new.id, after(1), epoch=records.epoch, closes=CLOSES)
    await records.entries.add_fills(new.id, opening_fills(f"7-{entry_id}") if fills is None else fills)
    return await records.entries.become(new.id, OrderState.FILLED, at=after(2), order_id=f"7-{entry_id}")


def closing(units: Sequence[UnitName], identifier: str, debit: str = "0.73", *, gtc: bool = True) -> OrderRequest:
    """The close of these units of the sample trident."""
    shape = close_shape([unit for unit in opened() if unit.name in units])
    assert shape is not None
    time_in_force = TimeInForce.GTC if gtc else TimeInForce.DAY
    return OrderRequest("QQQ", shape.legs, -Decimal(debit), identifier, time_in_force, strict=True)


def exit_of(
    units: Sequence[UnitName] = (UnitName.PUT_1,),
    exit_id: str = "x1",
    *,
    trident: str = "one",
    account: str = ACCOUNT,
    kind: ExitKind = ExitKind.TARGET,
    debit: str = "0.73",
) -> Exit:
    """A prepared exit of these units."""
    return Exit(
        id=exit_id,
        account=account,
        session_day=DAY,
        underlying="QQQ",
        identifier=f"senexit-{exit_id}",
        request=closing(units, f"senexit-{exit_id}", debit, gtc=kind is ExitKind.TARGET),
        state=OrderState.PREPARED,
        prepared_at=after(10),
        sent_at=None,
        order_id=None,
        broker_status=None,
        terminal_at=None,
        detail="",
        trident_id=trident,
        kind=kind,
        units=tuple(units),
        basis=Decimal("1.22"),
    )


def closing_fills(
    units: Sequence[UnitName], order_id: str = "71", *, number: str = "1", legs: Sequence[str] | None = None
) -> tuple[Fill, ...]:
    """Fills that close these units once; `legs` leaves only those of these symbols."""
    shape = close_shape([unit for unit in opened() if unit.name in units])
    assert shape is not None
    return tuple(
        Fill(f"{leg.symbol}-{number}", leg.symbol, Decimal(leg.quantity), _paid(leg), after(30), order_id)
        for leg in shape.legs
        if legs is None or leg.symbol in legs
    )


def _paid(leg: OrderLeg) -> Decimal:
    return Decimal("2.10") if leg.action is Action.BUY_TO_CLOSE else Decimal("1.37")


async def sent(records: Records, exit: Exit, order_id: str | None = "71") -> Exit:
    """The exit prepared and sent, and working where it has an order's id."""
    assert await records.exits.prepare(exit) == exit
    assert await records.exits.mark_sent(exit.id, after(11), epoch=records.epoch, closes=CLOSES)
    if order_id is None:
        return await records.exits.get(exit.id)
    return await records.exits.become(
        exit.id, OrderState.WORKING, at=after(12), order_id=order_id, broker_status="Live"
    )


def proof(seconds: float = 60, *, complete: bool = True) -> EvidenceRecord:
    """A read of positions after the order had ended."""
    return EvidenceRecord("positions", "the console", complete, {"agrees": True}, after(seconds))
