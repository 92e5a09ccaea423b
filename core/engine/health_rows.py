"""How the engine's parts do, as rows for the page of health: each with since when, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from core.accounts.logins import Logins
from core.broker.port import StreamState
from core.domain.operation import amounts
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Event
from core.domain.positions.resting import resting_words
from core.engine.parts import EngineParts
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.clock_check import MAX_CLOCK_OFFSET, ClockCheck
from core.guards.gate import TradingGate
from core.market.feed import Feed
from core.notify.mail_queue import MailQueue
from core.orders.open_tridents import OpenTridents
from core.orders.tracker import OrderTracker
from core.snapshot import Automation, ExitsView, PartHealth
from core.snapshot.health import FINDINGS, Finding, FirstFound, HealthRow
from core.snapshot.status import NO_REASON
from core.views.exits import BLOCKED, HELD, ON
from core.views.health import breaker_view, feed_health, store_health

LOOK_EVERY_S, COUNT_EVERY_S = 1.0, 10.0
"""Wall seconds between two looks, and between two counts of what changes all the time: a screen that shows it, and a
recording of it, need no more."""
BY_ITSELF = "nothing: it is tried again by itself"
_HAVE_ROWS = {BreakerKind.STORE, BreakerKind.CLOCK, BreakerKind.FEED, BreakerKind.LOGIN}
"""Breakers of which the part that opens them has a row of its own."""


@dataclass(eq=False, repr=False, slots=True)
class HealthRows:
    """Makes and keeps the rows. `redis` and `exits` tell how publishing and exits stand, None when there are none;
    `ping` what is wrong with the sign of life, None where nothing is known of it."""

    parts: EngineParts
    feed: Feed
    tracker: OrderTracker
    tridents: OpenTridents
    gate: TradingGate
    breakers: Breakers
    broker_check: BrokerCheck
    clock_check: ClockCheck
    logins: Logins
    mail: MailQueue
    redis: Callable[[], PartHealth | None]
    ping: Callable[[], str | None] = lambda: None
    rows: tuple[HealthRow, ...] = field(init=False, default=())
    _looked_at: float = field(init=False, default=float("-inf"))
    _counted_at: float = field(init=False, default=float("-inf"))
    _events: int = field(init=False, default=0)
    _rate: str = field(init=False, default="")
    _clock: str = field(init=False, default="")
    _reconciled: Event | None = field(init=False, default=None)
    _first_found: FirstFound = field(init=False, default_factory=FirstFound)

    def heard(self, event: Event) -> None:
        """Remembers when the last reconciliation was done."""
        if event.kind == "reconcile.done":
            self._reconciled = event

    def of(self, exits: ExitsView | None, unread: str) -> tuple[HealthRow, ...]:
        """The rows now, the same object while they say the same. `unread` says why today's records were not read."""
        now = self.parts.clock.monotonic()
        if now - self._looked_at < LOOK_EVERY_S:
            return self.rows
        self._looked_at = now
        if now - self._counted_at >= COUNT_EVERY_S:
            self._count(now)
        at = self.parts.clock.now().replace(microsecond=0)
        rows = tuple(self._first_found.dated(row, at) for row in self._all(exits, unread))
        if rows != self.rows:
            self.rows = rows
        return self.rows

    def _count(self, now: float) -> None:
        events = self.feed.health().events
        if self._counted_at > float("-inf"):
            self._rate = f", {(events - self._events) / (now - self._counted_at):.0f} events a second"
        self._counted_at, self._events, self._clock = now, events, self.clock_check.told()

    def _all(self, exits: ExitsView | None, unread: str) -> Iterator[HealthRow]:
        market = f"answers; market {self.broker_check.market}" if self.broker_check.market else "answers"
        yield _row(
            "broker", self.broker_check.health, market, "nothing: it is asked again; check the network if it lasts"
        )
        yield from self._logins()
        yield self._clock_row()
        yield self._feed()
        yield self._alerts()
        yield self._reconciliation()
        yield self._entries()
        yield _row("records", store_health(self.breakers, unread), "are read and written", "see the row disk")
        yield self._positions()
        yield exits_row(exits)
        yield from self._stops()
        yield _used(
            "mail", self.mail.health, "what was due is sent", "nothing: it is sent later; see mail in the settings"
        )
        yield _used(
            "phone", self.mail.phone_health, "what was due is sent", "nothing: it is sent later; see `senex notify`"
        )
        yield _used("redis", self.redis(), "screen and quotes are published", "nothing: trading goes on without it")
        yield self._ping()

    def _logins(self) -> Iterator[HealthRow]:
        for login in self.logins.known:
            name = "login" if len(self.logins.known) == 1 else f"login {login.name}"
            if login.is_valid:
                yield HealthRow(name, Finding.OK, f"{login.name}: the broker takes its token", since=login.changed_at)
            else:
                yield HealthRow(name, Finding.FAIL, login.detail, BreakerKind.LOGIN.reset, login.changed_at)

    def _clock_row(self) -> HealthRow:
        if not self.parts.real_time:
            return HealthRow("clock", Finding.SKIP, "market time is the simulator's own")
        refusal = self.clock_check.refusal()
        if refusal is not None:
            most = f"{MAX_CLOCK_OFFSET.total_seconds():g} s"
            todo = f"entries stop above {most}; run: timedatectl set-ntp true"
            return HealthRow("clock", Finding.FAIL, refusal.sentence(), todo)
        return HealthRow("clock", Finding.OK, self._clock or "agrees with the broker's")

    def _feed(self) -> HealthRow:
        breaker = next((one for one in self.breakers.open_now if one.kind is BreakerKind.FEED), None)
        if breaker is not None:
            return HealthRow("feed", Finding.FAIL, breaker.why, breaker.kind.reset, breaker.opened_at)
        feed = self.feed.health()
        again = f", connection {feed.connections} since the start" if feed.connections > 1 else ""
        fine = f"{amounts.counted(feed.symbols, 'symbol')}{self._rate}{again}"
        return _row("feed", feed_health(feed), fine, "nothing: it connects again by itself; entries wait for it")

    def _alerts(self) -> HealthRow:
        status = self.tracker.alerts
        if status.state is StreamState.CONNECTED:
            return HealthRow("alerts", Finding.OK, "the broker tells of orders as they change")
        found = status.detail or f"of orders: {status.state.value}"
        return HealthRow("alerts", Finding.WARN, found, "nothing: orders are polled until it is connected again")

    def _reconciliation(self) -> HealthRow:
        cause = self.gate.not_reconciled()
        if cause:
            return HealthRow("reconcile", Finding.WARN, f"entries wait for it ({cause})", "nothing: it ends by itself")
        if self._reconciled is None:
            return HealthRow("reconcile", Finding.OK, "reconciled with the broker")
        return HealthRow(
            "reconcile", Finding.OK, self._reconciled.text, since=self._reconciled.at.replace(microsecond=0)
        )

    def _entries(self) -> HealthRow:
        """Whether entries are made at all: paused or halted by the operator, by a file or by a breaker of all
        accounts."""
        trading, automation = self.gate.trading, self.gate.automation
        if automation not in (Automation.PAUSED, Automation.HALTED):
            return HealthRow("entries", Finding.OK, "automation is on")
        word = automation.value.upper()
        finding = Finding.WARN if automation is Automation.PAUSED else Finding.FAIL
        if trading.state != "active":
            why = "" if trading.why.endswith(NO_REASON) else trading.why
            by = f"{word} by {trading.who}{f': {why}' if why else ''}"
            at = None if trading.at is None else trading.at.replace(microsecond=0)
            return HealthRow("entries", finding, by, _END_HALT if finding is Finding.FAIL else _RESUME, at)
        if self.gate.stopped_here:
            return HealthRow("entries", finding, f"{word}: {self.gate.stopped_here}", _RESUME)
        if not self.gate.halting_file:
            finding = Finding.WARN  # the row of what opened the breaker has failed
        why, _, ends = self.gate.automation_detail.partition("; ")
        return HealthRow("entries", finding, f"{word}: {why}", ends or BY_ITSELF)

    def _positions(self) -> HealthRow:
        if self.tridents.trouble:
            return HealthRow("positions", Finding.WARN, self.tridents.trouble, BY_ITSELF)
        held = len(self.tridents.held)
        return HealthRow("positions", Finding.OK, f"{amounts.counted(held, 'trident')} open, as the broker holds them")

    def _stops(self) -> Iterator[HealthRow]:
        if not self.breakers.open_now:
            yield HealthRow("breakers", Finding.OK, "none is open")
        for one in self.breakers.open_now:
            if one.kind in _HAVE_ROWS:
                continue
            view = breaker_view(one)
            name = " ".join(filter(None, ("breaker", view.code, view.whom)))
            yield HealthRow(name, Finding.FAIL, view.why, view.reset, view.since)

    def _ping(self) -> HealthRow:
        url, trouble = self.parts.settings.ping.url, self.ping()
        if url is None:
            return HealthRow("ping", Finding.SKIP, "not used")
        if trouble is None:
            return HealthRow("ping", Finding.SKIP, "not sent yet")
        if trouble:
            return HealthRow("ping", Finding.WARN, f"the sign of life fails: {trouble}", "check ping.url")
        return HealthRow("ping", Finding.OK, f"every {self.parts.settings.ping.interval_seconds} s")


def _row(name: str, health: PartHealth, fine: str, todo: str) -> HealthRow:
    """A row by a part's health: `fine` says what is so when it is well, `todo` what to do when it is not."""
    finding = FINDINGS[health.health]
    if finding is Finding.OK:
        return HealthRow(name, finding, fine)
    if finding is Finding.SKIP:
        return HealthRow(name, finding, "is starting")
    return HealthRow(name, finding, health.detail or health.health.value, todo)


def _used(name: str, health: PartHealth | None, fine: str, todo: str) -> HealthRow:
    """The row of a part that the settings may leave out, and without which trading goes on: it never fails."""
    if health is None:
        return HealthRow(name, Finding.SKIP, "not used")
    row = _row(name, health, fine, todo)
    return replace(row, finding=Finding.WARN) if row.finding is Finding.FAIL else row


def exits_row(exits: ExitsView | None) -> HealthRow:
    if exits is None:
        return HealthRow("exits", Finding.SKIP, "no trident is held")
    rests = resting_words(exits.rests) or "no closing order rests at the broker"
    if exits.word == ON:
        return HealthRow("exits", Finding.OK, f"on; {rests}")
    told = f"{exits.word.upper()} {exits.why}" if exits.word == HELD else f"{exits.word.upper()}: {exits.why}"
    return HealthRow("exits", Finding.WARN, f"{told}; {rests}", _EXITS.get(exits.word, ""))


_RESUME = "{pause} or `senex resume` resumes"
_END_HALT = "{pause} or `senex reset halt` ends it; paused afterwards"
_EXITS = {
    HELD: "{exits} or `senex exits on` lets them go on",
    BLOCKED: "mend what keeps them back; {positions} says what would be sent",
}
"""What to do, with the actions of the console whose keys it fills in: only it knows how they are mapped."""
