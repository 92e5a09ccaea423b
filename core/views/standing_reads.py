"""What comes next for each account, from the records alone: for the shell, the mail and a watcher (rules 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from core.domain.market.sessions import SlotTimes
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.next_step import Standing
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.records.search.standings import ConsoleNow, standings_of

_LIFE = ("engine.started", "engine.stopped")
_RECONCILING = ("engine.started", "reconcile.started", "reconcile.done")
_CLOCK = ("clock.doubt", "clock.set", "clock.confirmed")


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What the running console reconciles for and what it last said of that, empty once it is done; and the accounts
    that wait for no read."""

    cause: str = ""
    text: str = ""
    reconciled: frozenset[str] = frozenset()


async def read_standings(
    records: Records,
    times: SlotTimes,
    calendar: SessionCalendar,
    now: datetime,
    *,
    console: bool,
    kill_file: str,
    sends: bool,
    speed: float = 1.0,
    began: datetime | None = None,
    settle: SettleTimes = PRODUCT_TIMES,
    stopped_here: str = "",
    reconciling: Reconciling | None = None,
) -> tuple[Standing, ...]:
    """How each account stands at `now`, market time in UTC.

    `console`: a console runs with these records. `began` is when it took them, in market time, None when that is not
    known. `kill_file` is the path of a file that halts entries, `stopped_here` tells of a stop that is not recorded
    yet; both are empty without. `reconciling` is what a caller has read already of the running console. `sends` is
    false in a dry run. `speed` is market seconds per wall second. Without a console every account ever found is told
    of, else those that its logins reach. Raises RecordsError, and CalendarError for a day outside the calendar.
    """
    ahead = calendar.ahead(now, times)
    known = await records.standings.of_day(ahead.today, speed, settle, everyone=not console)
    told = reconciling or (await read_reconciling(records) if console else Reconciling())
    return standings_of(
        known,
        ahead,
        ConsoleNow(
            running=console,
            starting=console and await _is_starting(records, began),
            sends=sends,
            kill_file=kill_file,
            stopped_here=stopped_here,
            reconciling=told.cause,
            reconciled=told.reconciled,
            at_broker=await _at_broker(records, ahead.today) if console else {},
        ),
    )


async def _is_starting(records: Records, began: datetime | None) -> bool:
    """Whether the console that runs has not told yet that its engine started."""
    newest = await records.journal.newest_of(_LIFE)
    return newest is None or newest.kind != "engine.started" or (began is not None and newest.at < began)


async def clock_doubt(records: Records) -> str:
    """Why the running console does not believe its clock, in the words of the refusal; empty when it does (rules 9).
    Raises RecordsError."""
    told = await records.journal.newest_of(_CLOCK)
    if told is None or told.kind == "clock.confirmed":
        return ""
    return refuse(Reason.CLOCK_IN_DOUBT, what=str(dict(told.figures)["what"])).sentence()


async def _at_broker(records: Records, today: date) -> Mapping[str, str]:
    """By account the order at the broker that holds its day and that no record explains, as the running console last
    told it."""
    orders: dict[str, str] = {}
    for event in (await records.journal.since_newest_of(("engine.started",), "day.held"))[1:]:
        figures = dict(event.figures)
        orders[event.account or ""] = str(figures["order_id"] or "") if figures["day"] == today else ""
    return orders


async def read_reconciling(records: Records) -> Reconciling:
    """What the running console reconciles for. A clock in doubt makes every account wait. Raises RecordsError."""
    doubt = await clock_doubt(records)
    if doubt:
        return Reconciling(doubt, doubt)
    told = await records.journal.since_newest_of(_RECONCILING, "reconcile.waiting")
    if not told or told[0].kind == "reconcile.done":
        return Reconciling()
    waiting = {event.account for event in told[1:]}
    done = [a.number for a in await records.accounts.all() if a.number not in waiting] if waiting else []
    return Reconciling(str(dict(told[0].figures).get("cause", "start")), told[-1].text, frozenset(done))
