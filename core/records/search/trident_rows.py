"""Searches the tridents and their closing orders, newest first (rules 15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.figures import Figures
from core.domain.positions.exit_fate import exit_fate, exit_words
from core.domain.positions.exits import Exit
from core.domain.positions.trident_words import how_it_ended, strikes_of
from core.domain.positions.tridents import Phase
from core.domain.positions.units import UnitName
from core.records.repositories.exit_rows import exits_where, read_exits
from core.records.repositories.trident_rows import TridentRecord, read_tridents, tridents_where
from core.records.repositories.unit_rows import earned_together, read_earned
from core.records.search.conditions import any_of, between, newest, row_found, when, within
from core.records.search.history_rows import HistoryFilter, HistoryRow, Mark
from core.records.store.one_of import one_of
from core.records.store.tables import exits, tridents

_EXITS_BY_ID = exits_where(one_of(exits.c.id, "ids"))
_TRIDENTS_BY_ID = tridents_where(one_of(tridents.c.id, "ids"))
_ENDS = select(tridents.c.id, tridents.c.ended_at, tridents.c.difference).where(one_of(tridents.c.id, "ids"))
_NONE = Decimal(0)


async def exits_found(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The closing orders that fit, as they stand now."""
    e = exits.c
    words = (e.id, e.trident_id, e.kind, e.units, e.identifier, e.order_id, e.broker_status, e.detail, e.cancel_why)
    conditions = [
        *between(e.session_day, wanted),
        *when(wanted.account, e.account == wanted.account),
        *when(wanted.outcome, or_(e.state == wanted.outcome, e.state == wanted.outcome.replace(" ", "_"))),
        *when(wanted.underlying, e.underlying == wanted.underlying),
        *when(wanted.text, any_of(wanted.text, *words)),
    ]
    query = newest(select(e.id).where(*conditions), e.prepared_at, e.id, limit, after)
    ids = list((await connection.execute(query)).scalars())
    known = {one.id: one for one in await read_exits(connection, _EXITS_BY_ID, {"ids": ids})} if ids else {}
    return [_exit(known[exit_id]) for exit_id in ids]


def _exit(one: Exit) -> HistoryRow:
    fate = exit_fate(one)
    figures: Figures = (
        ("session_day", one.session_day),
        ("id", one.id),
        ("trident", one.trident_id),
        ("kind", one.kind.value),
        ("units", " ".join(one.units)),
        ("debit", one.debit),
        ("paid", fate.paid),
        ("order_id", one.order_id),
        ("broker_status", one.broker_status),
        ("sent_at", one.sent_at),
        ("terminal_at", one.terminal_at),
        ("released_at", one.released_at),
        ("told", exit_words(fate)),
    )
    return row_found(
        one.prepared_at,
        one.id,
        account=one.account,
        underlying=one.underlying,
        outcome=one.state.words,
        text=fate.why,
        figures=figures,
    )


async def tridents_found(
    connection: AsyncConnection, wanted: HistoryFilter, limit: int, after: Mark | None
) -> list[HistoryRow]:
    """The tridents that fit, by when they were opened, with what they realized so far."""
    t = tridents.c
    conditions = [
        *within(t.opened_at, wanted),
        *when(wanted.account, t.account == wanted.account),
        *when(wanted.outcome, t.phase == wanted.outcome),
        *when(wanted.underlying, t.underlying == wanted.underlying),
        *when(wanted.text, any_of(wanted.text, t.id, t.root, t.hands_off, t.hands_off_why)),
    ]
    query = newest(select(t.id).where(*conditions), t.opened_at, t.id, limit, after)
    ids = list((await connection.execute(query)).scalars())
    if not ids:
        return []
    known = {one.id: one for one in await read_tridents(connection, _TRIDENTS_BY_ID, {"ids": ids})}
    earned = await results_of(connection, ids)
    return [_trident(known[trident_id], earned[trident_id]) for trident_id in ids]


@dataclass(frozen=True, slots=True)
class Results:
    """What one trident or several have realized so far, in $ after all fees charged so far; `estimated` while a part of
    it is. `ended` and `open` count the units with a result and those that have not ended; `unexplained` names those
    that ended for nobody knows how much, `difference` is how much more the broker's rows say, which count."""

    amount: Decimal = _NONE
    estimated: bool = False
    ended: int = 0
    open: int = 0
    unexplained: tuple[UnitName, ...] = ()
    difference: Decimal = _NONE

    def __add__(self, other: Results) -> Results:
        return Results(
            self.amount + other.amount,
            self.estimated or other.estimated,
            self.ended + other.ended,
            self.open + other.open,
            (*self.unexplained, *other.unexplained),
            self.difference + other.difference,
        )


async def results_of(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, Results]:
    """What each of these tridents has realized so far, by its id; one that is not on record is left out."""
    earned = await read_earned(connection, ids)
    found = {}
    for row in await connection.execute(_ENDS, {"ids": list(ids)}):
        units = earned[row.id]
        together = earned_together(units, row.difference, ended=row.ended_at is not None)
        known = sum(one.realized is not None for one in units.values())
        if together is None:
            found[row.id] = Results(estimated=True, open=len(units))
        else:
            left = len(units) - known - len(together.unexplained)
            found[row.id] = Results(
                together.net, together.estimated, known, left, together.unexplained, together.difference
            )
    return found


def result_figures(results: Results | None) -> Figures:
    """What an entry's trident has realized as figures of a row; None in all of them where no unit has a result."""
    known = results if results is not None and results.ended else None
    return (
        ("realized", None if known is None else known.amount),
        ("realized_estimated", None if known is None else known.estimated),
        ("open_units", None if results is None else results.open),
    )


def _trident(one: TridentRecord, results: Results) -> HistoryRow:
    trident = one.trident
    figures: Figures = (
        ("id", one.id),
        ("expiration", trident.expiration),
        ("strikes", strikes_of(trident)),
        ("credit", one.credit),
        ("max_risk", one.max_risk),
        ("managed_since", one.managed_since),
        ("ended_at", one.ended_at),
        ("realized", results.amount if results.ended else None),
        ("estimated", results.estimated),
        ("unexplained", " ".join(results.unexplained)),
        ("difference", results.difference or None),
    )
    return row_found(
        one.opened_at,
        one.id,
        account=one.account,
        underlying=trident.underlying,
        outcome=trident.phase.value,
        text=how_it_ended(trident.units) if trident.phase is Phase.ENDED else one.hands_off_why,
        figures=figures,
    )
