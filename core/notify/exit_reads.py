"""Reads from the records what the digests tell of exits: what was realized, what rests, what comes next (rules
15.10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

from core.domain.operation.times import when
from core.domain.orders.order_states import OrderState
from core.domain.positions.pnl import Unrealized
from core.domain.positions.timing import ExitDays, time_exit_at
from core.domain.positions.trident_words import how_it_ended, strikes_of
from core.domain.reporting.exit_digest import Earned, ExitsAhead
from core.domain.reporting.money import Period, money_of
from core.market.calendar import SessionCalendar
from core.records.records import Records, TridentRecord
from core.records.search.money import Money
from core.runtime.clock import exchange_time

Mark = Callable[[str], Awaitable[Unrealized | None]]
"""What is open in an account by its quotes now; None without fresh ones."""
_RESTS = (OrderState.WORKING, OrderState.UNKNOWN)


async def earned_on(records: Records, money: Money, account: str, day: date) -> Earned | None:
    """What the account realized on a session day, as it was worked out; None where it never had a trident. Raises
    RecordsError."""
    own = money.of(account)
    if not own.tridents:
        return None
    part = money_of(own.units, own.tridents, (), Period.DAY, first=day, last=day).total
    ended = []
    for one in own.tridents:
        days = [unit.day for unit in own.units if unit.trident_id == one.id]
        known = [at for at in days if at is not None]
        if len(known) == len(days) and max(known) == day:
            ended.append(one.id)
    names = tuple(
        f"{name_of(record)}, {how_it_ended(record.trident.units)}" for record in await records.tridents.these(ended)
    )
    unexplained = sum(unit.day == day and unit.is_unexplained for unit in own.units)
    return Earned(part.realized, part.estimated, names, unexplained)


async def exits_ahead(
    records: Records, account: str, calendar: SessionCalendar, now: datetime, mark: Mark
) -> ExitsAhead | None:
    """How the exits of the account stand; None where none is managed and none rests. Raises RecordsError."""
    held = [one for one in await records.tridents.held_of(account) if one.managed_since is not None]
    resting = sum(one.state in _RESTS and one.order_id is not None for one in await records.exits.open_of(account))
    if not held and not resting:
        return None
    today, switch = exchange_time(now).date(), await records.exit_switch.held(account)
    why = "" if switch is None or not switch.why else f": {switch.why}"
    stopped = "" if switch is None else f"exits are held by {switch.who} since {when(switch.at, today)}{why}"
    return ExitsAhead(today, resting, stopped, await mark(account) if held else None, _coming(held, calendar, now))


def name_of(record: TridentRecord) -> str:
    """A trident in a line of a digest: `QQQ 622P/619P/622C/625C`."""
    return f"{record.trident.underlying} {strikes_of(record.trident)}"


def _coming(
    held: Sequence[TridentRecord], calendar: SessionCalendar, now: datetime
) -> tuple[tuple[datetime, str], ...]:
    found = []
    for one in held:
        first = min(exchange_time(one.opened_at).date(), exchange_time(now).date())
        sessions = calendar.between(first, max(one.trident.expiration, exchange_time(now).date()))
        at = time_exit_at(one.trident, ExitDays(one.trident.expiration, sessions), now)
        if at is not None:
            found.append((at, name_of(one)))
    return tuple(found)
