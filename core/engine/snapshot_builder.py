"""Builds the snapshot: the engine's state folded into one frozen value, several times a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from core.accounts.balances import Balances
from core.accounts.logins import Logins
from core.broker.port import StreamState
from core.cycle.progress import SpreadProgress
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.domain.market.sessions import MARKET_OPEN, word_by_calendar
from core.domain.operation.commands import Command, CommandState
from core.domain.operation.events import Event, Severity, masked
from core.domain.orders.orders import Entry
from core.domain.orders.settling import Settling
from core.engine.day_book import DayBook
from core.engine.health_rows import HealthRows
from core.engine.parts import EngineParts
from core.engine.pictures import Pictures
from core.engine.standings import Standings
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.gate import TradingGate
from core.market.feed import NOT_STARTED, Feed
from core.market.quote_store import QuoteStore
from core.market.study import MarketStudy
from core.notify.alerting import Alerting
from core.notify.mail_queue import MailQueue
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.open_tridents import OpenTridents
from core.orders.settlement import Settlement
from core.orders.tracker import OrderTracker
from core.positions.room import TridentRoom
from core.records.search.standings import HeldDay
from core.runtime.clock import exchange_time
from core.runtime.redaction import redact
from core.snapshot import (
    CommandView,
    EngineState,
    ExitsView,
    Level,
    MessageView,
    PartHealth,
    PositionsSlice,
    Reentry,
    Snapshot,
    StartStep,
    StatusSlice,
)
from core.views.accounts import AccountsAsOf, ShownAccounts, login_views
from core.views.accounts_now import Book, accounts_now
from core.views.cycle import cycle_slice
from core.views.day_panels import DayPanels
from core.views.exits import exits_stopped
from core.views.figures import ShownFigures, alert_view
from core.views.health import breaker_view, feed_health, store_health
from core.views.messages import Message, message_of, without_older
from core.views.moment import Moment
from core.views.next_steps import next_steps
from core.views.orders import order_view, proof_of
from core.views.quotes import DayPaths, quote_slice
from core.views.slots import slot_views
from core.views.spread import spread_slice
from core.views.trident_rows import TridentRows

_MESSAGES = 200
_COMMANDS = 20
_EVENTS_READ = 1_000
"""How many events a start reads back for the messages of today; most events are steps and become none."""


@dataclass(eq=False, repr=False, slots=True)
class SnapshotBuilder:
    """Keeps what the screen needs beyond the parts' own state, and builds the snapshot from both on the engine's loop.

    `snapshot` is replaced whole, so any thread may read it; it is None until the engine has started. `state` returns
    the engine's state, `redis` how publishing goes, None when it is off, and `start` the steps of the start, empty once
    it is over.
    """

    parts: EngineParts
    quotes: QuoteStore
    feed: Feed
    study: MarketStudy
    slots: SlotBook
    runner: CycleRunner
    legs: LegSubscriptions
    tridents: OpenTridents
    tracker: OrderTracker
    settlement: Settlement
    gate: TradingGate
    breakers: Breakers
    broker_check: BrokerCheck
    logins: Logins
    alerting: Alerting
    mail: MailQueue
    exits: TridentRoom
    balances: Balances
    state: Callable[[], EngineState]
    redis: Callable[[], PartHealth | None]
    start: Callable[[], tuple[StartStep, ...]]
    health: HealthRows
    book: DayBook = field(init=False)
    snapshot: Snapshot | None = field(init=False, default=None)
    _messages: deque[MessageView] = field(init=False, default_factory=lambda: deque(maxlen=_MESSAGES))
    _commands: deque[CommandView] = field(init=False, default_factory=lambda: deque(maxlen=_COMMANDS))
    _figures: ShownFigures = field(init=False, default_factory=ShownFigures)
    _accounts: ShownAccounts = field(init=False, default_factory=ShownAccounts)
    _paths: DayPaths = field(init=False, default_factory=DayPaths)
    _pictures: Pictures = field(init=False, default_factory=Pictures)
    _rows: TridentRows = field(init=False)
    _standings: Standings = field(init=False)
    _numbers: int = field(init=False, default=0)
    _feed_told: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._rows = TridentRows(self.exits.rules_of)
        self.book = DayBook(self.parts.records, self.parts.clock, self.study.today, lambda: self.runner.progresses)
        self._standings = Standings(
            self.slots, self.runner, self.gate, self.breakers, self.logins, sends=self.parts.sends
        )

    # Taking in what happened

    def heard(self, event: Event) -> None:
        """Takes an event from the bus and keeps what the operator should read."""
        self.health.heard(event)
        message = message_of(event)
        if message is not None:
            self._add(message)

    def note(self, severity: Severity, source: str, text: str) -> None:
        """Shows the operator a line that is not an event of the records, for instance because the records are the
        trouble."""
        self._add(Message(self.parts.clock.now(), Level(severity.value), source, redact(text)))

    def warn(self, source: str, text: str) -> None:
        """Shows the operator a warning of something that stops nothing."""
        self.note(Severity.WARNING, source, text)

    def pending(self, command: Command) -> None:
        """Shows a command as pending until its answer is recorded."""
        self._commands.append(CommandView(command.id, command.kind, CommandState.PENDING, ""))

    def not_recorded(self, command: Command, text: str) -> None:
        """Shows a command as refused when it could not be recorded: the inbox will never answer it."""
        for index, view in enumerate(self._commands):
            if view.id == command.id:
                self._commands[index] = CommandView(view.id, view.kind, CommandState.REFUSED, text)
        self.note(Severity.CRITICAL, "command", f"{command.kind.words}: {text}")

    def _add(self, message: Message) -> None:
        self._numbers += 1
        if message.about:
            kept = without_older(self._messages, message.about)
            self._messages.clear()
            self._messages.extend(kept)
        self._messages.append(message.numbered(self._numbers))

    # Reading again

    async def load(self) -> None:
        """Reads today and its messages from the records, so that a restart does not forget them. Raises
        RecordsError."""
        today = exchange_time(self.parts.clock.now()).date()
        events = await self.parts.records.journal.newest(_EVENTS_READ)
        said, number = tuple(self._messages), self._numbers
        self._messages.clear()
        for event in reversed(events):
            if exchange_time(event.at).date() == today:
                self.heard(event)
        # Those of before this start are numbered up to 0: a console must not ring for what is over.
        again = {(message.at, message.text) for message in said}
        earlier = [message for message in self._messages if (message.at, message.text) not in again]
        for message in said:
            earlier = without_older(earlier, message.about)
        before = [replace(message, number=message.number - self._numbers) for message in earlier]
        self._messages.clear()
        self._messages.extend((*before, *said))
        self._numbers = number
        self.book.turn()
        await self.book.read()

    async def run(self) -> None:
        """Builds the snapshot again and again, until cancelled. It waits for no disk: prices and clock on the screen
        must not stand still. Where many rows have changed, others run in between."""
        while True:
            for _ in self._make_rows(self._moment()):
                await self.parts.clock.sleep(0)
            self._rebuild()
            await self.parts.clock.sleep(self.parts.intervals.snapshot_s)

    async def follow_records(self) -> None:
        """Reads again whatever has changed in the records, until cancelled."""
        while True:
            await self.read_now()
            await self.parts.clock.sleep(self.parts.intervals.snapshot_s)

    async def read_now(self) -> None:
        """Reads again whatever has changed in the records. Raises RecordsError for a command's answer alone: what else
        cannot be read is shown as old."""
        await self.book.catch_up()
        await self._read_answers()

    def refresh(self) -> None:
        """Builds the snapshot from what is known now."""
        for _ in self._make_rows(self._moment()):
            pass
        self._rebuild()

    def _rebuild(self) -> None:
        """Builds it with the rows of tridents as last made."""
        self.book.turn()
        self._follow_feed()
        with self.gate.read_once():
            self.snapshot = self._build()

    async def _read_answers(self) -> None:
        for index, view in enumerate(self._commands):
            if view.state is CommandState.PENDING:
                record = await self.parts.records.inbox.get(view.id)
                if record is not None and record.state is not CommandState.PENDING:
                    self._commands[index] = CommandView(view.id, view.kind, record.state, record.text)

    def _follow_feed(self) -> None:
        """Writes once why the feed is down, because narrow screens have no room for it in the status bar."""
        feed = self.feed.health()
        if feed.state is StreamState.CONNECTED:
            self._feed_told = ""
        elif feed.detail not in ("", NOT_STARTED, self._feed_told):
            self._feed_told = feed.detail
            self.note(Severity.WARNING, "feed", f"the quote feed is down: {feed.detail}")

    # The snapshot

    @property
    def spread(self) -> SpreadProgress | None:
        """The trident that is shown; None before the first of the day."""
        return self.book.panels.spread

    def _build(self) -> Snapshot:
        moment, known, panels = self._moment(), self.book.known, self.book.panels
        now, speed, day, entries = moment.now, self.parts.clock.speed, known.records, known.entries
        proofs = {entry.id: self._proof_of(entry) for entry in entries}
        standings = self._standings.of(self._held(proofs), day.validated, self.book)
        coming = next_steps(standings)
        unrecorded = self.runner.unrecorded
        slots = slot_views(
            self.slots.of_today(),
            unrecorded.shown(day.slots, day.day),
            unrecorded.shown_cycles(day.cycles),
            unrecorded.told(known.told),
            coming.overall,
            now,
        )
        quotes = []
        for underlying in self.parts.settings.preferred_underlyings:
            shown = quote_slice(
                moment.quotes, moment.live, underlying, moment.monotonic, moment.today, in_session=moment.in_session
            )
            quotes.append(self._paths.add(shown, moment))
        held = self.tridents.held
        spread = spread_slice(moment, panels.spread, entries, known.views, subscribed=self._legs_subscribed(panels))
        positions = PositionsSlice(self._rows.open, self.tridents.trouble)
        number = 0 if panels.cycle is None else panels.cycle.number
        status = self._status(now)
        return Snapshot(
            status=status,
            quotes=tuple(quotes),
            cycle=cycle_slice(
                moment,
                panels,
                known.cycle(number),
                known.told.get(number),
                known.fates,
                slots,
                speed,
                self.runner.newest,
            ),
            spread=spread,
            judgements=panels.judgements,
            attempts=panels.attempts,
            orders=tuple(
                order_view(
                    entry,
                    known.views[entry.id],
                    now,
                    speed,
                    day.evidence.get(entry.id, ()),
                    known.reentry_of(entry),
                    proofs[entry.id],
                )
                for entry in entries
            ),
            schedule=slots,
            messages=tuple(self._messages),
            commands=tuple(self._commands),
            breakers=tuple(breaker_view(b) for b in self.breakers.open_now),
            positions=positions,
            pictures=self._pictures.slice(moment, spread, panels.spread, entries, positions, held, quotes),
            alerts=tuple(alert_view(alert) for alert in self.alerting.open_now),
            figures=self._figures.of(self.alerting.figures),
            accounts=self._accounts.of(self._accounts_now(moment.today)),
            logins=login_views(self.logins.known),
            day=moment.today,
            next_steps=coming.accounts,
            overall=coming.overall,
            reading=self.book.reading,
            exits=self._rows.exits,
            health=self.health.of(status.exits, self.book.reading.why),
            accounts_now=accounts_now(
                zip((one.number for one in standings), coming.steps, strict=True),
                known,
                Book(
                    self._rows.open,
                    self._rows.exits,
                    {trident.entry_id: trident.account for trident in held},
                    self.balances.of,
                    self._exits_stopped,
                ),
            ),
        )

    def _accounts_now(self, today: date) -> AccountsAsOf:
        parts = self.parts
        return AccountsAsOf(self.runner.accounts, self.logins.known, parts.settings, parts.exit_rules, today)

    def _held(self, proofs: Mapping[str, Settling | None]) -> Mapping[str, HeldDay]:
        """The entries that hold today, by account."""
        return {
            entry.account: HeldDay(
                self.book.known.fates[entry.id], proofs[entry.id], self.book.known.reentry_of(entry) is Reentry.ALLOWED
            )
            for entry in self.book.known.records.entries
            if entry.holds_day
        }

    def _proof_of(self, entry: Entry) -> Settling | None:
        """Where the proof about the entry stands, over the present connection of the alerts."""
        alerts = self.tracker.alerts
        return proof_of(
            entry,
            self.book.known.records.evidence.get(entry.id, ()),
            self.parts.clock.speed,
            self.parts.settle,
            connection=(self.parts.records.epoch, alerts.connections),
            reentry=self.book.known.reentry_of(entry),
            alerts_connected=alerts.state is StreamState.CONNECTED,
        )

    def _moment(self) -> Moment:
        now, mono = self.parts.clock.now(), self.parts.clock.monotonic()
        live = self.feed.is_live(mono)
        return Moment(now, mono, self.study.today(), self.slots.session(), self.quotes, live)

    def _legs_subscribed(self, panels: DayPanels) -> bool:
        """Whether the legs of the spread are still subscribed: its cycle runs, or its entry may still work."""
        spread, cycle = panels.spread, panels.cycle
        if spread is None or cycle is None:
            return False
        running = any(progress.ended is None and progress.spread is spread for progress in self.runner.progresses)
        return running or self.legs.keeps(spread.entry_id)

    def _make_rows(self, moment: Moment) -> Iterator[None]:
        """Makes the rows of tridents and their closing orders that have changed, a part of them in each step. Each of
        ours is shown as it stood at the newest turn of its account."""
        accounts = self.runner.accounts if self.exits.on else ()
        standings = [one for account in accounts for one in self.exits.turns.standings(account.number)]
        return self._rows.make(
            self.tridents.held, standings, self.tridents.ex_dividends, moment, self.parts.clock.speed
        )

    def _status(self, now: datetime) -> StatusSlice:
        parts = self.parts
        feed = self.feed.health()
        market = word_by_calendar(self.slots.session(), now)
        if market == MARKET_OPEN:
            market = self.broker_check.market or market
        stopped = self.gate.trading.state != "active"
        return StatusSlice(
            mode=parts.mode,
            engine=self.state(),
            now=now.replace(microsecond=0),
            speed=parts.clock.speed,
            automation=self.gate.automation,
            automation_detail=self.gate.automation_detail,
            feed=feed_health(feed),
            feed_age_s=None if feed.age_s is None else int(feed.age_s),
            broker=self.broker_check.health,
            records=store_health(self.breakers, self.book.reading.why),
            market=market,
            accounts=", ".join(masked(a.number) for a in self.runner.accounts if a.enabled) or "none enabled",
            open_alerts=len(self.alerting.open_now),
            mail=self.mail.health,
            phone=self.mail.phone_health,
            redis=self.redis(),
            who=self.gate.trading.who if stopped else "",
            since=self.gate.trading.at if stopped else None,
            why=self.gate.trading.why if stopped else self.gate.stopped_here,
            start=self.start(),
            exits=self._exits_view(),
        )

    def _exits_view(self) -> ExitsView | None:
        if not self.exits.on:
            return None
        held = (self.exits.exit_gate.held(account.number) for account in self.runner.accounts)
        return self._rows.switch([*dict.fromkeys(switch for switch in held if switch is not None)])

    def _exits_stopped(self, account: str) -> str:
        """What holds or blocks the exits of this account, and of no other; empty while they are on."""
        if not self.exits.on:
            return ""
        return exits_stopped(self.exits.turns.standings(account), self.exits.exit_gate.held(account))
