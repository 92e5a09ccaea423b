"""Turns rows of tridents into the domain's values, and back; and a filled entry into its trident."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.market.chain import TickTable
from core.domain.market.underlying import SHIPPED
from core.domain.orders.orders import Entry
from core.domain.positions.credits import UnitCredits, unit_credits
from core.domain.positions.exit_rules import rules_for
from core.domain.positions.trident_view import ManualClose
from core.domain.positions.tridents import ExitMode, ExitRules, HandsOff, ManagedTrident, Phase
from core.domain.positions.units import Unit, UnitName, units_of
from core.domain.trident.occ import read_occ
from core.domain.trident.trident import CALL_SPREADS, PUT_SPREADS
from core.records.repositories.accounts import read_own_exits
from core.records.repositories.unit_rows import add_units, read_units, store_credits
from core.records.store.same_rows import built_once
from core.records.store.tables import suggestions, tridents

log = logging.getLogger(__name__)

_NEW = insert(tridents)
_STORE = update(tridents).where(tridents.c.id == bindparam("the_id"))
_KNOWN = select(tridents.c.id, tridents.c.credit).where(tridents.c.id == bindparam("id"))
_EVIDENCE = select(suggestions.c.evidence).where(suggestions.c.id == bindparam("id"))
MORNING_SETTLED = "SPX"
"""The root whose options are settled at the open of their last day: nothing is sent to close them (rules 15.7)."""


@dataclass(frozen=True, slots=True)
class TridentRecord:
    """A trident with what is on record of it besides. Instants are aware UTC.

    `credit` is per share of the package, None while fills are missing; `max_risk` is in $, of the entry. No exit is
    sent for it while `managed_since` is None. `asked` is an operator's word to close units, while it lasts.
    `difference` is by how much the broker's rows say that it earned more, None while they do not tell all.
    """

    trident: ManagedTrident
    account: str
    root: str
    opened_at: datetime
    credit: Decimal | None
    credit_estimated: bool
    max_risk: Decimal
    managed_since: datetime | None
    closing_since: datetime | None
    hands_off_why: str
    desk_day: date | None
    asked: ManualClose | None
    ended_at: datetime | None
    difference: Decimal | None = None

    @property
    def id(self) -> str:
        return self.trident.id


def tridents_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """The query for the tridents that meet the conditions, the oldest first. Build it once and run it often."""
    return select(tridents).where(*conditions).order_by(tridents.c.opened_at, tridents.c.id)


HELD_OF = tridents_where(tridents.c.ended_at.is_(None), tridents.c.account == bindparam("account"))
"""The tridents of an account that have not ended."""


async def read_tridents(
    connection: AsyncConnection, query: Select[Any], values: Mapping[str, Any]
) -> tuple[TridentRecord, ...]:
    """The tridents that a query of `tridents_where` finds, with their units."""
    rows = (await connection.execute(query, values)).all()
    units = await read_units(connection, [row.id for row in rows]) if rows else {}
    return tuple(_record(row, units[row.id]) for row in rows)


@built_once(1000)
def _record(row: Row[Any], units: tuple[Unit, ...]) -> TridentRecord:
    return TridentRecord(
        trident=ManagedTrident(
            id=row.id,
            underlying=row.underlying,
            expiration=row.expiration,
            body=row.body,
            width=row.width,
            units=units,
            rules=_rules(row.rules),
            ticks=_ticks(row.ticks),
            filled_at=row.filled_at,
            cash_settled=row.underlying in SHIPPED and SHIPPED[row.underlying].is_index,
            phase=Phase(row.phase),
            split=row.split,
            hands_off=HandsOff(row.hands_off),
        ),
        account=row.account,
        root=row.root,
        opened_at=row.opened_at,
        credit=row.credit,
        credit_estimated=row.credit_estimated,
        max_risk=row.max_risk,
        managed_since=row.managed_since,
        closing_since=row.closing_since,
        hands_off_why=row.hands_off_why,
        desk_day=row.desk_day,
        asked=_asked(row.asked),
        ended_at=row.ended_at,
        difference=row.difference,
    )


async def store_trident(connection: AsyncConnection, trident_id: str, **values: object) -> None:
    """Writes these columns of the trident."""
    await connection.execute(_STORE, {"the_id": trident_id, **values})


async def take_in(connection: AsyncConnection, entry: Entry, default: ExitRules, at: datetime, *, manage: bool) -> bool:
    """Adds the trident of a filled entry, with its three units, under the rules of its account at this instant. False,
    and nothing is added, when it is there already, or the entry is not of one package.

    `manage` lets exits be sent for it, where its rules send any.
    """
    if (await connection.execute(_KNOWN, {"id": entry.id})).first() is not None:
        return False
    try:
        opened = units_of(entry.terms)
    except ValueError:
        return False
    short = read_occ(opened[0].short)
    if short is None:
        return False
    rules = rules_for(await read_own_exits(connection, entry.account), default)
    evidence = await _evidence(connection, entry.suggestion_id)
    managed = manage and rules.mode is not ExitMode.OFF and short.root != MORNING_SETTLED
    await connection.execute(
        _NEW,
        {
            "id": entry.id,
            "account": entry.account,
            "underlying": entry.underlying,
            "root": short.root,
            "expiration": entry.expiration,
            "body": short.strike,
            "width": entry.width,
            "credit_estimated": False,
            "opened_at": max((fill.at for fill in entry.fills), default=entry.sent_at or at),
            "filled_at": at,
            "rules": rules_stored(rules),
            "ticks": ticks_stored(_ticks_in(evidence)),
            "managed_since": at if managed else None,
            "phase": Phase.OPEN.value,
            "split": False,
            "hands_off": HandsOff.NONE.value,
            "hands_off_why": "",
            "max_risk": entry.max_risk,
        },
    )
    await add_units(connection, entry.id, opened)
    await note_credits(connection, entry)
    return True


async def note_credits(connection: AsyncConnection, entry: Entry) -> None:
    """Writes what the units of the entry's trident brought, once its fill records say it. A trident that is not taken
    in, or whose credits are known, stays as it is."""
    known = (await connection.execute(_KNOWN, {"id": entry.id})).one_or_none()
    if known is None or known.credit is not None:
        return
    evidence = await _evidence(connection, entry.suggestion_id)
    credits = unit_credits(entry.terms, entry.fills, entry.width, _mids_in(evidence))
    if credits is None:
        return
    await store_credits(connection, entry.id, credits)
    values = {"credit": _of_package(credits), "credit_estimated": credits.estimated}
    if entry.fills:
        values["opened_at"] = max(fill.at for fill in entry.fills)
    await store_trident(connection, entry.id, **values)


def _of_package(credits: UnitCredits) -> Decimal:
    return PUT_SPREADS * credits.put + CALL_SPREADS * credits.call


# What a suggestion's evidence says of the trident. It may not cost the fill in whose commit it is read: what cannot be
# understood counts as not said. Older versions kept no ticks there.


async def _evidence(connection: AsyncConnection, suggestion_id: str) -> object:
    found = await connection.execute(_EVIDENCE, {"id": suggestion_id})
    try:
        return found.scalar_one_or_none()  # decodes the text
    except (ValueError, TypeError, ArithmeticError):
        log.exception("the evidence of the suggestion %s cannot be read", suggestion_id)
        return None


def _mids_in(evidence: object) -> tuple[Decimal, Decimal] | None:
    """The mids of a put spread and of the call spread at the decision; None when the evidence does not say."""
    match evidence:
        case {"pricing": {"legs": (short_put, long_put, short_call, long_call)}}:
            mids = [_mid(leg) for leg in (short_put, long_put, short_call, long_call)]
        case _:
            return None
    known = [mid for mid in mids if mid is not None]
    return None if len(known) < len(mids) else (known[0] - known[1], known[2] - known[3])


def _mid(leg: object) -> Decimal | None:
    match leg:
        case {"bid": str(bid), "ask": str(ask)}:
            try:
                mid = (Decimal(bid) + Decimal(ask)) / 2
            except ArithmeticError:
                return None
            return mid if mid.is_finite() else None
    return None


def _ticks_in(evidence: object) -> TickTable:
    match evidence:
        case {"ticks": {"bands": tuple() as bands, "fallback": None | Decimal() as fallback}}:
            pairs = [band for band in bands if isinstance(band, tuple) and len(band) == 2]
            if len(pairs) == len(bands) and all(isinstance(one, Decimal) for pair in pairs for one in pair):
                return TickTable(tuple((threshold, tick) for threshold, tick in pairs), fallback)
    return TickTable((), None)


# The values that are kept as JSON.


def ticks_stored(ticks: TickTable) -> dict[str, object]:
    """A table of ticks as the records keep it."""
    return {"bands": ticks.bands, "fallback": ticks.fallback}


def _ticks(stored: Mapping[str, Any]) -> TickTable:
    return TickTable(tuple((threshold, tick) for threshold, tick in stored["bands"]), stored["fallback"])


def rules_stored(rules: ExitRules) -> dict[str, object]:
    """The rules of a trident as the records keep them."""
    return {
        "mode": rules.mode.value,
        "targets": {name.value: rules.targets.get(name) for name in UnitName},
        "exit_dte": rules.exit_dte,
        "let_index_expire": rules.let_index_expire,
        "call_last": rules.call_last,
    }


def _rules(stored: Mapping[str, Any]) -> ExitRules:
    return ExitRules(
        mode=ExitMode(stored["mode"]),
        targets={UnitName(name): percent for name, percent in stored["targets"].items()},
        exit_dte=stored["exit_dte"],
        let_index_expire=stored["let_index_expire"],
        call_last=stored["call_last"],
    )


def asked_stored(asked: ManualClose | None) -> dict[str, object] | None:
    """An operator's word to close units as the records keep it."""
    if asked is None:
        return None
    return {"units": [unit.value for unit in asked.units], "limit": asked.limit, "asked_at": asked.asked_at}


def _asked(stored: Mapping[str, Any] | None) -> ManualClose | None:
    if stored is None:
        return None
    return ManualClose(tuple(UnitName(unit) for unit in stored["units"]), stored["limit"], stored["asked_at"])
