"""What the records alone show of the day, for a watcher to which no trader publishes (rules 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.domain.market.sessions import Session, SlotTimes, slots_of, word_by_calendar
from core.guards.kill_files import halting_entries
from core.market.calendar import SessionCalendar
from core.market.quote_store import MemoryQuoteStore
from core.records.records import Records
from core.records.repositories.rows import TradingState
from core.runtime.clock import exchange_time
from core.snapshot import (
    Automation,
    EngineState,
    MessageView,
    Reading,
    ReadingState,
    Snapshot,
    StatusSlice,
)
from core.views.accounts import login_views
from core.views.accounts_now import Book, accounts_now
from core.views.cycle import cycle_slice
from core.views.day_records import read_day
from core.views.known_day import KnownDay
from core.views.messages import message_of, without_older
from core.views.moment import Moment
from core.views.next_steps import next_steps
from core.views.orders import order_view, proof_of
from core.views.rebuilt import rebuilt
from core.views.slots import slot_views
from core.views.spread import spread_slice
from core.views.standing_reads import read_standings

MESSAGES = 50


@dataclass(eq=False, repr=False)
class KeptDay:
    """Reads the day as the records keep it.

    `console_runs` says whether a console trades on these records, `kill_file` is the file `HALT`, and
    `sends` is false in a dry run. `calendar` is loaded at the first reading when none is given.
    """

    times: SlotTimes
    console_runs: Callable[[], Awaitable[bool]]
    kill_file: Path
    sends: bool
    calendar: SessionCalendar | None = None

    async def shown(self, records: Records, empty: Snapshot, now: datetime, speed: float) -> Snapshot:
        """The snapshot `empty` with all that the records tell at `now`, market time: everything but prices.

        `speed` is market seconds per wall second. Raises RecordsError, and CalendarError for a day outside the
        calendar.
        """
        calendar = await self._calendar_around(now)
        today = exchange_time(now).date()
        session = calendar.on(today)
        standings = await read_standings(
            records,
            self.times,
            calendar,
            now,
            console=await self.console_runs(),
            kill_file=halting_entries(self.kill_file),
            sends=self.sends,
            speed=speed,
        )
        coming = next_steps(standings)
        read = await read_day(records, today)
        known = KnownDay.of(read, [rebuilt(read, cycle.number, speed) for cycle in read.cycles])
        panels = known.panels
        moment = Moment(now, 0.0, today, session, MemoryQuoteStore(), live=False)
        planned = () if session is None else slots_of(session, self.times)
        slots = slot_views(planned, read.slots, read.cycles, known.told, coming.overall, now)
        number = 0 if panels.cycle is None else panels.cycle.number
        proofs = {standing.number: standing.settling for standing in standings}
        return replace(
            empty,
            status=_status(empty.status, await records.trading.read(), session, now, speed),
            cycle=cycle_slice(
                moment,
                panels,
                known.cycle(number),
                known.told.get(number),
                known.fates,
                slots,
                speed,
                await records.cycles.newest(),
            ),
            spread=spread_slice(moment, panels.spread, known.entries, known.views, subscribed=False),
            judgements=panels.judgements,
            attempts=panels.attempts,
            orders=tuple(
                order_view(
                    entry,
                    known.views[entry.id],
                    now,
                    speed,
                    read.evidence.get(entry.id, ()),
                    known.reentry_of(entry),
                    proofs[entry.account]
                    if entry.holds_day and entry.session_day == today and entry.account in proofs
                    else proof_of(entry, read.evidence.get(entry.id, ()), speed, reentry=known.reentry_of(entry)),
                )
                for entry in known.entries
            ),
            schedule=slots,
            messages=await _messages(records),
            logins=login_views(await records.logins.all()),
            day=today,
            next_steps=coming.accounts,
            overall=coming.overall,
            accounts_now=accounts_now(
                zip((one.number for one in standings), coming.steps, strict=True), known, Book((), ())
            ),
            reading=Reading(ReadingState.KNOWN, now.replace(microsecond=0)),
        )

    async def _calendar_around(self, now: datetime) -> SessionCalendar:
        if self.calendar is None:
            self.calendar = await asyncio.to_thread(SessionCalendar, now)
        return self.calendar


def _status(
    empty: StatusSlice, trading: TradingState, session: Session | None, now: datetime, speed: float
) -> StatusSlice:
    """The status with the time, the market by the calendar, and the trading state as recorded."""
    return replace(
        empty,
        engine=EngineState.UNSEEN,
        now=now.replace(microsecond=0),
        speed=speed,
        market=word_by_calendar(session, now),
        automation=Automation(trading.state),
        automation_detail=trading.why,
        who=trading.who,
        since=trading.at,
        why=trading.why,
    )


async def _messages(records: Records) -> tuple[MessageView, ...]:
    shown: list[MessageView] = []
    for number, event in enumerate(reversed(await records.journal.newest(MESSAGES)), 1):
        message = message_of(event)
        if message is not None:
            shown = [*without_older(shown, message.about), message.numbered(number)]
    return tuple(shown)
