"""Writes the mails about tridents that no commit of an order writes: targets placed, the time exit, what happens behind
our back, and how each ended (rules 15.10).

Each is worked out from how a trident stands, and has a key of its own. So one that a crash kept from being written is
written after the next start, and none is written twice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from core.domain.operation.amounts import counted
from core.domain.operation.times import minute
from core.domain.positions.actions import PlaceTargets
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended, Unit, UnitState
from core.domain.reporting.exit_notices import (
    AboutTrident,
    assigned_notice,
    broken_notice,
    closing_notice,
    ended_notice,
    mismatch_notice,
    must_close_notice,
    targets_notice,
)
from core.domain.reporting.must_close import must_close_rings_at, must_close_why
from core.domain.reporting.notices import Letterhead, Notice
from core.positions.views_of import Standing
from core.records.records import Records, TridentRecord
from core.records.repositories.unit_rows import earned_together
from core.records.store.errors import FencedOff, RecordsError
from core.records.store.tables import tridents, units
from core.runtime.clock import Clock, exchange_time

_ENDED_FOR = timedelta(days=5)
"""How long after its end a trident is told of, so that one that ended before a weekend off is."""
_DIFFERS_FOR = timedelta(days=60)
_ONE_BATCH = timedelta(minutes=1)
"""Targets that were sent within this time of each other are told in one mail."""
_BY_ROWS = frozenset({Ended.EXPIRED, Ended.ASSIGNED, Ended.EXERCISED})
_NONE = Decimal(0)
_Write = Callable[[Letterhead], Notice]
log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class Telling:
    """Tells of the tridents of an account after each of its turns. `work_out` has its earnings worked out."""

    records: Records
    clock: Clock
    work_out: Callable[[str], Awaitable[None]]
    # What was given to the outbox by this process: it knows the keys of earlier ones by itself.
    _told: set[tuple[str, object]] = field(init=False, default_factory=set)
    _seen: dict[str, tuple[int, ...] | None] = field(init=False, default_factory=dict)

    async def after_turn(self, account: str, standings: Sequence[Standing]) -> None:
        """Writes the mails that are due. One that cannot be written is tried at the next turn: nothing waits for it.
        Raises FencedOff."""
        if not self.records.outbox.is_open:
            return
        try:
            for one in standings:
                for sign, write in _due(one):
                    await self._tell(account, (one.id, sign), write)
            await self._tell_results(account)
        except FencedOff:
            raise
        except RecordsError as error:
            log.warning("mails about tridents are written later: %s", error)

    async def _tell_results(self, account: str) -> None:
        version = self.records.version(tridents.name, units.name)
        if version is not None and self._seen.get(account) == version:
            return
        now = self.clock.now()
        for record in await self.records.pnl_rows.tridents(account, now - _ENDED_FOR):
            if record.ended_at is not None and (record.id, "ended") not in self._told:
                await self._tell_ended(record, record.ended_at)
        for trident_id, (ours, brokers) in (await self.records.pnl_rows.results(account, now - _DIFFERS_FOR)).items():
            if (trident_id, "differs") not in self._told:
                about = await self._about(trident_id)
                await self._tell(account, (trident_id, "differs"), _mismatch(about, ours, brokers))
        self._seen[account] = version

    async def _tell_ended(self, record: TridentRecord, ended_at: datetime) -> None:
        if any(one.realized is None for one in (await self.records.pnl_rows.units(record.id)).values()):
            await self.work_out(record.account)
        about = await self._about(record.id)
        days = (exchange_time(ended_at).date() - exchange_time(record.opened_at).date()).days
        settled = any(unit.how in _BY_ROWS for unit in record.trident.units)
        await self._tell(
            record.account, (record.id, "ended"), lambda head: ended_notice(about, days, head, settled=settled)
        )

    async def _about(self, trident_id: str) -> AboutTrident:
        known = await self.records.tridents_on_record.get(trident_id)
        record, today = known.record, exchange_time(self.clock.now()).date()
        view = TridentView(record.trident, known.exits, tuple(one.gone for one in known.gone))
        earned = earned_together(known.earned, record.difference, ended=record.ended_at is not None)
        return AboutTrident(record.account, view, today, earned)

    async def _tell(self, account: str, sign: tuple[str, object], write: _Write) -> None:
        if sign in self._told:
            return
        await self.records.outbox.tell(account, self.clock.now(), write)
        self._told.add(sign)


def _due(one: Standing) -> Iterator[tuple[object, _Write]]:
    """The mails about how the trident stands now, each with what tells it from the others of the same trident."""
    about = AboutTrident(one.record.account, one.view, one.moment.today)
    for batch in _placed(one):
        yield ("targets", batch[-1].id), _targets(about, batch)
    since = one.record.closing_since
    if one.view.trident.phase is Phase.CLOSING and since is not None:
        began = exchange_time(since).date()
        why = f"{counted(one.moment.days.dte(began), 'day')} to its expiration"
        if began == one.moment.today:
            yield "closing", lambda head: closing_notice(about, why, head)
    broken = [unit for unit in one.view.trident.units if unit.state is UnitState.BROKEN]
    others = tuple(unit for unit in broken if unit.how is not Ended.ASSIGNED)
    if others:
        yield ("broken", _names(others)), lambda head: broken_notice(about, others, head)
    for is_put in (True, False):
        side = tuple(unit for unit in broken if unit.how is Ended.ASSIGNED and unit.is_put is is_put)
        if side:
            yield ("assigned", _names(side)), _assigned(about, side)
    late = must_close_why(one.record.account, one.view, one.moment, one.action)
    if late:
        rings_at = must_close_rings_at(one.view, one.moment)
        hour = "" if rings_at is None else minute(rings_at.replace(minute=0))
        yield ("must-close", one.moment.today, hour), lambda head: must_close_notice(about, late, head, hour)


def _placed(one: Standing) -> Iterator[tuple[Exit, ...]]:
    """The targets that were placed today, each batch once no other of it is on its way."""
    if one.view.leaving or isinstance(one.action, PlaceTargets):
        return
    placed = [exit for exit in one.view.exits if exit.kind is ExitKind.TARGET and exit.order_id is not None]
    batch: list[Exit] = []
    for exit in placed:
        if batch and exit.prepared_at - batch[-1].prepared_at > _ONE_BATCH:
            yield from _of_today(batch, one)
            batch = []
        batch.append(exit)
    yield from _of_today(batch, one)


def _of_today(batch: Sequence[Exit], one: Standing) -> Iterator[tuple[Exit, ...]]:
    if batch and batch[-1].session_day == one.moment.today:
        yield tuple(batch)


def _targets(about: AboutTrident, batch: Sequence[Exit]) -> _Write:
    return lambda head: targets_notice(about, batch, head)


def _assigned(about: AboutTrident, side: Sequence[Unit]) -> _Write:
    return lambda head: assigned_notice(about, side, head)


def _mismatch(about: AboutTrident, ours: Decimal, brokers: Decimal) -> _Write:
    return lambda head: mismatch_notice(about, ours, brokers, head)


def _names(some: Iterable[Unit]) -> tuple[str, ...]:
    return tuple(unit.name.value for unit in some)
