"""What the engine shows: folds its state into one frozen snapshot, several times a second (ARCHITECTURE 3)."""

from __future__ import annotations

from collections import deque
from datetime import date, datetime
from typing import TYPE_CHECKING

from core.broker.port import StreamState
from core.cycle.progress import CycleProgress, SpreadProgress
from core.domain.market.judgement import Judgement
from core.domain.operation.breakers import Breaker, BreakerKind, Scope
from core.domain.operation.commands import Command, CommandState
from core.domain.operation.events import Event, Severity, StepResult, masked
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry
from core.engine.pictures import Pictures
from core.market.feed import NOT_STARTED, FeedHealth
from core.records.repositories.rows import CycleRecord, EvidenceRecord, SlotRecord
from core.runtime.clock import exchange_time
from core.runtime.redaction import redact
from core.snapshot import (
    AttemptView,
    BreakerView,
    CommandView,
    Health,
    Level,
    MessageView,
    PartHealth,
    Reentry,
    Snapshot,
    StatusSlice,
)
from core.views.accounts import account_views, login_views
from core.views.cycle import cycle_slice
from core.views.figures import ShownFigures, alert_view
from core.views.orders import evidence_text, order_view, reentry_of
from core.views.positions import positions_slice
from core.views.quotes import QuoteTrails, quote_slice
from core.views.slots import slot_views
from core.views.spread import spread_slice

if TYPE_CHECKING:
    from core.engine.engine import Engine

_MESSAGES = 200
_ATTEMPTS = 60
# Shown on their own panel; as messages they would only be noise.
_SEEN_ELSEWHERE = frozenset({"order.status", "reconcile.started"})


class SnapshotBuilder:
    """Built on the engine's loop; `snapshot` may be read from any thread, since it is replaced whole.

    It is None until the engine has started.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._messages: deque[MessageView] = deque(maxlen=_MESSAGES)
        self._attempts: deque[AttemptView] = deque(maxlen=_ATTEMPTS)
        self._commands: deque[CommandView] = deque(maxlen=20)
        self._figures = ShownFigures()
        self._trails = QuoteTrails(engine.parts.clock)
        self._pictures = Pictures(engine)
        self._entries: tuple[Entry, ...] = ()
        self._evidence: dict[str, tuple[EvidenceRecord, ...]] = {}
        self._evidence_of: tuple[object, ...] = ()
        self._reentry: dict[str, Reentry] = {}
        self._slots: tuple[SlotRecord, ...] = ()
        self._last_cycle: CycleRecord | None = None
        self._numbers = 0
        self._feed_told = ""
        self._dirty = True
        self._judgements: dict[str, Judgement] = {}
        self._day: date | None = None
        self._yesterday: CycleProgress | None = None
        self.spread: SpreadProgress | None = None
        self.snapshot: Snapshot | None = None

    # What happened

    def heard(self, event: Event) -> None:
        """A listener of the bus: keeps what the operator should read, and marks what must be read again."""
        if event.kind.startswith(("order.", "cycle.", "slot.", "engine.", "command.")):
            self._dirty = True
        if event.kind.startswith("step."):
            # Only what one attempt refused: the cycle's own end tells the reason of every other step.
            if event.result is StepResult.REFUSED and event.attempt is not None and event.step is not None:
                text = f"attempt {event.attempt} {event.underlying}: {event.text}"
                self._add(event.at, event.severity, event.step.value, text)
            return
        if event.kind in _SEEN_ELSEWHERE:
            return
        self._add(event.at, event.severity, event.kind.split(".")[0], event.text)

    def note(self, severity: Severity, source: str, text: str) -> None:
        """A line for the operator that is not an event of the records (they may be the trouble)."""
        self._add(self._engine.parts.clock.now(), severity, source, redact(text))

    def warn(self, source: str, text: str) -> None:
        """The same for what the operator should know and that stops nothing."""
        self.note(Severity.WARNING, source, text)

    def pending(self, command: Command) -> None:
        """Shows a command as pending until its answer is recorded."""
        self._commands.append(CommandView(command.id, command.kind, CommandState.PENDING, ""))

    def not_recorded(self, command: Command, text: str) -> None:
        """A command whose request could not be recorded: it will never be answered by the inbox."""
        for index, view in enumerate(self._commands):
            if view.id == command.id:
                self._commands[index] = CommandView(view.id, view.kind, CommandState.REFUSED, text)
        self.note(Severity.CRITICAL, "command", f"{command.kind.value}: {text}")

    def _add(self, at: datetime, severity: Severity, source: str, text: str) -> None:
        self._numbers += 1
        self._messages.append(
            MessageView(self._numbers, at.replace(microsecond=0), Level(severity.value), source, text)
        )

    # Keeping up

    async def load(self) -> None:
        """Today's messages from the records, so that a restart does not forget what was said."""
        today = exchange_time(self._engine.parts.clock.now()).date()
        for event in reversed(await self._engine.parts.records.journal.newest(50)):
            if exchange_time(event.at).date() == today:
                self.heard(event)
        await self._read_records()

    async def run(self) -> None:
        """Replaces the snapshot again and again, until cancelled. Waits for nothing: a slow disk must not make prices
        and clock on the screen stand still."""
        while True:
            self.refresh()
            await self._engine.parts.clock.sleep(self._engine.parts.intervals.snapshot_s)

    async def follow_records(self) -> None:
        """Reads again what changed in the records, until cancelled."""
        while True:
            if self._dirty:
                await self._read_records()
            await self._read_evidence()
            await self._read_answers()
            await self._engine.parts.clock.sleep(self._engine.parts.intervals.snapshot_s)

    def refresh(self) -> None:
        """Builds the snapshot from what is known now."""
        self._follow_cycle()
        self._follow_feed()
        self.snapshot = self._build()

    async def _read_records(self) -> None:
        self._dirty = False
        day = exchange_time(self._engine.parts.clock.now()).date()
        records = self._engine.parts.records
        today = await records.entries.of_day(day)
        todays = {entry.id for entry in today}
        self._entries = (*today, *(e for e in await records.entries.open() if e.id not in todays))
        self._reentry = {e.id: await reentry_of(e, records.entries.reentry_allowed) for e in today}
        self._slots = await records.slots.of_day(day)
        self._last_cycle = next(reversed(await records.cycles.of_day(day)), None)

    async def _read_evidence(self) -> None:
        """Evidence is recorded without an event of its own; an unknown entry's is read again when there is more."""
        entries = self._engine.parts.records.entries
        unknown = [entry.id for entry in self._entries if entry.state is EntryState.UNKNOWN]
        asked = (entries.evidence_written, *unknown)
        if asked != self._evidence_of:
            self._evidence = {entry_id: await entries.newest_evidence(entry_id) for entry_id in unknown}
            self._evidence_of = asked

    async def _read_answers(self) -> None:
        for index, view in enumerate(self._commands):
            if view.state is CommandState.PENDING:
                record = await self._engine.parts.records.inbox.get(view.id)
                if record is not None and record.state is not CommandState.PENDING:
                    self._commands[index] = CommandView(view.id, view.kind, record.state, record.text)

    def _follow_cycle(self) -> None:
        """What the newest cycle came to; a new day begins with empty panels."""
        progress, today = self._engine.progress, self._engine.study.today()
        if today != self._day:
            self._day, self._yesterday = today, progress
            self._attempts.clear()
            self._judgements.clear()
        if progress is None or progress is self._yesterday:
            return
        if progress.spread is not None:
            self.spread = progress.spread
        self._judgements.update(progress.judgements)
        kept = [a for a in self._attempts if a.cycle != progress.number]
        self._attempts.clear()
        self._attempts.extend([*kept, *progress.attempts])

    def _follow_feed(self) -> None:
        """Says once why the feed is down; narrow screens have no room for it beside the word."""
        feed = self._engine.feed.health()
        if feed.state is StreamState.CONNECTED:
            self._feed_told = ""
        elif feed.detail not in ("", NOT_STARTED, self._feed_told):
            self._feed_told = feed.detail
            self.note(Severity.WARNING, "feed", f"the quote feed is down: {feed.detail}")

    # The snapshot

    def _build(self) -> Snapshot:
        engine = self._engine
        clock = engine.parts.clock
        progress = engine.progress
        now, mono = clock.now(), clock.monotonic()
        slots = slot_views(engine.slots.of_today(), self._slots, engine.slots.next(), now)
        quotes, session = [], engine.slots.session()
        in_session = session is not None and session.is_open(now)
        for underlying in engine.underlyings:
            shown = quote_slice(engine.quotes, engine.feed.is_live(mono), underlying, mono, in_session=in_session)
            quotes.append(self._trails.add(shown, session, now))
        spread, positions = spread_slice(engine, self.spread, self._entries), positions_slice(engine)
        return Snapshot(
            status=self._status(),
            quotes=tuple(quotes),
            cycle=cycle_slice(progress, engine.runner.newest, slots, engine.slots.next(), clock, self._last_cycle),
            spread=spread,
            judgements=tuple(self._judgements.values()),
            attempts=tuple(self._attempts),
            orders=tuple(
                order_view(entry, now, clock.speed, self._known_of(entry, now), self._reentry.get(entry.id))
                for entry in self._entries
            ),
            schedule=slots,
            messages=tuple(self._messages),
            commands=tuple(self._commands),
            breakers=tuple(_breaker_view(b) for b in engine.breakers.open_now),
            positions=positions,
            pictures=self._pictures.slice(spread, self.spread, self._entries, positions, quotes),
            alerts=tuple(alert_view(alert) for alert in engine.alerting.open_now),
            figures=self._figures.of(engine.alerting.figures),
            accounts=account_views(engine.accounts, engine.logins.known, engine.parts.settings, engine.study.today()),
            logins=login_views(engine.logins.known),
        )

    def _known_of(self, entry: Entry, now: datetime) -> str:
        engine = self._engine
        return evidence_text(
            entry,
            self._evidence.get(entry.id, ()),
            engine.settlement.first_read(entry.id),
            now,
            engine.parts.clock.speed,
            alerts_connected=engine.watch.alerts.state is StreamState.CONNECTED,
        )

    def _status(self) -> StatusSlice:
        engine = self._engine
        parts = engine.parts
        now = parts.clock.now()
        feed = engine.feed.health()
        session = engine.slots.session()
        if session is None or now >= session.close:
            market = "closed"
        elif now < session.open:
            market = "before the open"
        else:
            market = engine.broker_check.market or "open"
        return StatusSlice(
            mode=parts.mode,
            engine=engine.state,
            now=now.replace(microsecond=0),
            speed=parts.clock.speed,
            automation=engine.gate.automation,
            automation_detail=engine.gate.automation_detail,
            feed=_feed_health(feed),
            feed_age_s=None if feed.age_s is None else int(feed.age_s),
            broker=engine.broker_check.health,
            records=_store_health(engine),
            market=market,
            next_slot=engine.slots.next(),
            accounts=", ".join(masked(a.number) for a in engine.accounts if a.enabled) or "none enabled",
            open_alerts=len(engine.alerting.open_now),
            mail=engine.mail.health,
            redis=engine.publishing.health,
        )


def _feed_health(feed: FeedHealth) -> PartHealth:
    if feed.live:
        return PartHealth(Health.OK)
    if feed.state is StreamState.CONNECTED:
        return PartHealth(Health.TROUBLE, "silent" if feed.age_s is not None else "waiting for the first event")
    if feed.connections == 0 and feed.state is StreamState.CONNECTING:
        return PartHealth(Health.STARTING)
    return PartHealth(Health.DOWN, feed.detail or feed.state.value)


def _store_health(engine: Engine) -> PartHealth:
    trouble = next((b.why for b in engine.breakers.open_now if b.kind is BreakerKind.STORE), None)
    return PartHealth(Health.OK) if trouble is None else PartHealth(Health.DOWN, trouble)


def _breaker_view(breaker: Breaker) -> BreakerView:
    whom = masked(breaker.subject) if breaker.kind.scope is Scope.ACCOUNT else breaker.subject
    return BreakerView(breaker.kind.code, whom, breaker.why, breaker.kind.reset, breaker.opened_at)
