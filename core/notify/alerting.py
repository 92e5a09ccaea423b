"""Computes the figures when what they count has changed and at the close; opens and closes alerts by them (rules 12).

An order may be rejected, filled or found long after the cycle that sent it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from core.domain.market.sessions import Session, SlotTimes, has_slot_left
from core.domain.operation.events import Event, Severity
from core.domain.reporting.account_days import Joined, joined, joined_days
from core.domain.reporting.alerts import Alert, AlertKind, DueAlert, account_in, due_alerts, subject_words
from core.domain.reporting.exit_alerts import EXIT_ALERTS
from core.domain.reporting.figures import SESSIONS, SessionFigures, figures_of
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.records.repositories.results import Recorded
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time


@dataclass(eq=False, repr=False)
class Alerting:
    """Keeps the figures of the last 20 sessions and the open alerts. Both are replaced whole, so any thread may read
    them.

    Earlier sessions are read once a day and at the close, today's at every check.
    """

    records: Records
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    times: SlotTimes
    exit_alerts: Callable[[], tuple[DueAlert, ...] | None] = lambda: ()
    """The alerts about exits that should be open; None while nobody knows: those that are open stay."""
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _earlier_of: date | None = field(init=False, default=None)
    _earlier_days: tuple[date, ...] = field(init=False, default=())
    _earlier: Recorded = field(init=False, default_factory=lambda: Recorded((), (), {}, {}))
    _earlier_joined: Joined = field(init=False, default_factory=lambda: joined((), ()))
    _closed: date | None = field(init=False, default=None)
    _seen: tuple[int, ...] | None = field(init=False, default=None)
    _had_slot_left: bool = field(init=False, default=False)
    figures: SessionFigures | None = field(init=False, default=None)
    open_now: tuple[Alert, ...] = field(init=False, default=())

    async def load(self) -> None:
        """Takes over the alerts that earlier processes left open, and checks. Raises RecordsError."""
        await self.read_open()
        await self.check()

    async def read_open(self) -> None:
        """Reads the open alerts again, for instance after one was acknowledged in the records. Raises RecordsError."""
        async with self._turn:
            self.open_now = await self.records.alerts.open_now()

    async def check(self) -> None:
        """Computes the figures, opens the alerts that are due, tells those again that ring, and closes those that no
        longer are due. Raises RecordsError."""
        async with self._turn:
            self.figures = await self._compute()
            session = self._session()
            running = None if session is None else session.day
            exits = self.exit_alerts()
            due = {(alert.kind, alert.subject): alert for alert in (*due_alerts(self.figures, running), *(exits or ()))}
            known = {(alert.kind, alert.subject): alert for alert in self.open_now}
            if exits is None:
                known = {key: alert for key, alert in known.items() if alert.kind not in EXIT_ALERTS}
            for key, alert in known.items():
                if key not in due:
                    await self._close(alert)
            rang = False
            for key, wanted in due.items():
                if key not in known:
                    await self._open(wanted)
                elif wanted.rings_again(known[key].opened_at):
                    await self._ring(known[key], wanted)
                    rang = True
            if rang or known.keys() != due.keys():
                self.open_now = await self.records.alerts.open_now()

    async def look_again(self) -> None:
        """Checks when runs, entries, fills or slots have changed since the last check, once when no slot of the day is
        left, once after each close, and when other alerts about exits are due or one of them rings again.

        At the close everything is read again, because fills and settled entries of earlier days count. Raises
        RecordsError.
        """
        session = self.calendar.today(self.clock.now())
        if session is not None and self.clock.now() >= session.close and self._closed != session.day:
            self._earlier_of = None
            await self.check()
            self._closed = session.day
        elif (
            self.records.results.version() not in (None, self._seen)
            or self._had_slot_left != self._has_slot_left()
            or self._exits_differ()
        ):
            await self.check()

    def _exits_differ(self) -> bool:
        exits = self.exit_alerts()
        if exits is None:
            return False
        since = {(one.kind, one.subject): one.opened_at for one in self.open_now if one.kind in EXIT_ALERTS}
        due = {(alert.kind, alert.subject): alert for alert in exits}
        return since.keys() != due.keys() or any(due[key].rings_again(at) for key, at in since.items())

    async def _compute(self) -> SessionFigures:
        today, results = exchange_time(self.clock.now()).date(), self.records.results
        self._seen = results.version()
        self._had_slot_left = self._has_slot_left()
        if self._earlier_of != today:
            self._earlier_days = tuple(day for day in await results.sessions(last=today, count=SESSIONS) if day < today)
            first = self._earlier_days[0] if self._earlier_days else today
            self._earlier = await results.recorded(first, today - timedelta(days=1))
            self._earlier_joined = joined(self._earlier.runs, self._earlier.entries)
            self._earlier_of = today
        found = await results.recorded(today, today)
        began = bool(found.runs) or bool(await results.sessions(today, today))
        sessions = (*self._earlier_days, *([today] if began else []))[-SESSIONS:]
        since = sessions[0] if sessions else today
        session = self._session()
        return figures_of(
            sessions,
            [run for run in (*self._earlier.runs, *found.runs) if run.day >= since],
            [entry for entry in (*self._earlier.entries, *found.entries) if entry.session_day >= since],
            found.traded,
            {**self._earlier.missed, **found.missed},
            None if session is None else session.day,
            has_slot_left=self._had_slot_left,
            known=joined_days(since, self._earlier_joined, joined(found.runs, found.entries)),
        )

    def _session(self) -> Session | None:
        """Today's session until it closes, else None."""
        session = self.calendar.today(self.clock.now())
        return session if session is not None and self.clock.now() < session.close else None

    def _has_slot_left(self) -> bool:
        session = self._session()
        return session is not None and has_slot_left(session, self.times, self.clock.now())

    async def _open(self, due: DueAlert) -> None:
        said = self._event("alert.opened", due.kind, due.subject, due.kind.severity, due.text)
        await self.bus.publish_with(said, lambda event: self.records.alerts.open(due, event.at, event))

    async def _ring(self, alert: Alert, due: DueAlert) -> None:
        said = self._event("alert.opened", due.kind, due.subject, due.kind.severity, due.text)
        await self.bus.publish_with(said, lambda event: self.records.alerts.ring(alert.id, due, event.at, event))

    async def _close(self, alert: Alert) -> None:
        whom = subject_words(alert.subject)
        text = f"{f'{whom}: ' if whom else ''}the alert about {alert.kind.words} is over"
        said = self._event("alert.closed", alert.kind, alert.subject, Severity.INFO, text)
        await self.bus.publish_with(said, lambda event: self.records.alerts.close(alert.id, event.at, event))

    def _event(self, what: str, kind: AlertKind, subject: str, severity: Severity, text: str) -> Event:
        figures = (("alert", kind.code),)
        return Event(self.clock.now(), what, text, severity, account=account_in(subject) or None, figures=figures)
