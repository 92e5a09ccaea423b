"""One process of the trader on the records file: the real desk, tracker, reconciliation and settlement."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

from core.broker.pace import Pace
from core.broker.port import StreamState, StreamStatus
from core.commands.attestations import Attestations
from core.cycle.attempts import Attempts
from core.domain.market.judgement import Judgement
from core.domain.market.underlying import QQQ, Underlying
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Event
from core.domain.orders.orders import Intent
from core.domain.risk.risk import RiskAssessment
from core.domain.trident.entry_price import EntryPrice, entry_price
from core.domain.trident.pricing import Pricing
from core.domain.trident.suggestion import Suggestion
from core.domain.trident.trident import Trident, build_trident
from core.guards.breakers import Breakers
from core.guards.foreign_tridents import ForeignTridents
from core.guards.gate import TradingGate
from core.guards.refused_orders import RefusedOrders
from core.locks.folder_lock import AloneInVirtualTime
from core.orders.account_look import AccountLook
from core.orders.decision import Decision
from core.orders.desk import OrderDesk
from core.orders.entry_desk import EntryDesk
from core.orders.kinds import product_kinds
from core.orders.polls import OrderPolls
from core.orders.positions import PositionComparison
from core.orders.reconciler import Reconciler
from core.orders.reconciliation import Reconciliation
from core.orders.sending import SendingRules
from core.orders.settlement import Settlement
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.clock_jumps import JumpDetector
from core.runtime.ids import Ids
from tests.proofs.states.scripted_broker import LOGIN, ScriptedBroker
from tests.support.domain_builders import QQQ_TICKS, expiration, priced
from tests.support.world import StoreCalls, calendar_around

EXPIRES = date(2026, 4, 17)
BODY = Decimal(622)


def _trident() -> Trident:
    built = build_trident(QQQ, expiration(EXPIRES), BODY, Decimal(3))
    assert isinstance(built, Trident)
    return built


TRIDENT = _trident()
PRICING = priced(TRIDENT)


@dataclass
class UnmovedMarket:
    """The market as the desk sees it just before it sends: unchanged since the decision."""

    def reprice(self, trident: Trident) -> Pricing:
        return PRICING

    async def price(self, underlying: Underlying) -> Decimal:
        return BODY


class TradingProcess:
    """Takes open records; `start` starts its tasks, and `kill` ends them at once, as SIGKILL would."""

    def __init__(self, broker: ScriptedBroker, records: Records, clock: Clock, ids: Ids, folder: Path) -> None:
        self.records = records
        self.events: list[Event] = []
        self.entering: list[asyncio.Task[object]] = []
        self._broker = broker
        self._clock = clock
        self._ids = ids
        self._tasks: list[asyncio.Task[None]] = []
        self._connections = 0
        bus = Bus(records.journal.append, clock)
        bus.listen(self.events.append)
        self.breakers = Breakers(records, bus, clock)
        age_s = JumpDetector(clock, 60.0).age_s
        refused = RefusedOrders(clock, age_s)
        foreign = ForeignTridents(lambda: exchange_time(clock.now()).date())
        self.gate = TradingGate(records, self.breakers, folder / "HALT", foreign, refused)
        strangers = Strangers(records, self.breakers, bus, foreign)
        self.tracker = OrderTracker(
            records=records,
            kinds=product_kinds(
                records=records,
                bus=bus,
                clock=clock,
                sessions_back=calendar_around(clock.now().year).sessions_back,
                on_closed=self._nothing_to_release,
                on_incident=self._incident,
            ),
            clock=clock,
            refused=refused,
            on_alerts_connected=lambda: self._want("alerts"),
            on_stranger=strangers.heard,
        )
        look = AccountLook(broker, records, self.tracker, strangers, clock, lambda day: day - timedelta(days=7), age_s)
        self.polls = OrderPolls(
            look,
            self.tracker,
            records,
            clock,
            Pace(clock),
            lambda _: "main",
            lambda: exchange_time(clock.now()).date(),
            age_s,
        )
        self._reconciliation = Reconciliation(
            Reconciler(
                broker, records, look, self.breakers, PositionComparison(records, self.breakers, strangers, bus, clock)
            ),
            self.gate,
            bus,
            lambda: [_account(number) for number in broker.accounts_open],
            lambda: exchange_time(clock.now()).date(),
            lambda: asyncio.sleep(0),
        )
        self._attestations = Attestations(
            records=records,
            broker=broker,
            breakers=self.breakers,
            tracker=self.tracker,
            bus=bus,
            clock=clock,
            ids=ids,
            accounts=lambda: [_account(number) for number in broker.accounts_open],
            compare=self._want,
        )
        self.settlement = Settlement(broker, records, self.tracker, bus, clock, age_s)
        self._desk = EntryDesk(
            desk=OrderDesk(broker=broker, tracker=self.tracker, clock=clock, age_s=age_s, locks=AloneInVirtualTime()),
            broker=broker,
            records=records,
            bus=bus,
            clock=clock,
            age_s=age_s,
            ids=ids,
            calendar=calendar_around(clock.now().year),
            gate=self.gate,
            rules=SendingRules(preflight=False, sends=True),
        )

    @classmethod
    async def open(
        cls, broker: ScriptedBroker, url: str, clock: Clock, ids: Ids, folder: Path, calls: StoreCalls
    ) -> TradingProcess:
        calls.under_way += 1
        try:
            records = await Records.open(url)
        finally:
            calls.under_way -= 1
        calls.one_at_a_time(records.database)
        return cls(broker, records, clock, ids, folder)

    async def start(self) -> None:
        """Does what the engine does before its first cycle, then starts the services an entry needs."""
        await self.breakers.load()
        await self.tracker.recover()
        await self.gate.read()
        self._want("start")
        for service in (self.tracker.run, self.polls.run, self._reconciliation.run):
            self._tasks.append(asyncio.create_task(service()))

    async def kill(self) -> None:
        tasks = [*self._tasks, *self.entering]
        tasks += [task for task in asyncio.all_tasks() if task.get_name().startswith("send ")]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self.records.close()

    def failed(self) -> list[BaseException]:
        """The errors that ended a service or an entry; there must be none."""
        done = [task for task in (*self._tasks, *self.entering) if task.done() and not task.cancelled()]
        return [error for task in done if (error := task.exception()) is not None]

    async def submit(self, account: str) -> None:
        """Hands a cycle's decision to the desk, and does not wait for the outcome."""
        self.entering.append(asyncio.create_task(self._enter(account)))

    async def _enter(self, account: str) -> object:
        attempts = cast(Attempts, UnmovedMarket())
        return await self._desk.enter(self._decision(account), attempts)

    async def attest(self, note: str, target: str = "") -> None:
        """An operator says what they saw at the broker; whether it is taken or refused is the product's matter."""
        command = Command(
            self._ids.new(), CommandKind.ATTEST, "operator", self._clock.now(), None, target=target, note=note
        )
        await self._attestations.attest(command)

    def hear_status(self, connected: bool) -> None:
        self._connections += connected
        state = StreamState.CONNECTED if connected else StreamState.WAITING
        self.tracker.on_alert_status(StreamStatus(state, self._clock.monotonic(), "", self._connections))

    def _decision(self, account: str) -> Decision:
        limit = entry_price(PRICING.mid, PRICING.natural, 0, QQQ_TICKS)
        assert isinstance(limit, EntryPrice)
        suggestion = Suggestion(
            id=self._ids.new(),
            attempt=1,
            at=self._clock.now(),
            decided=self._clock.monotonic(),
            underlying=QQQ,
            price=BODY,
            expiration=expiration(EXPIRES),
            trident=TRIDENT,
            pricing=PRICING,
            judgement=Judgement("QQQ", None, Decimal(60)),
        )
        return Decision(
            account=account,
            login=LOGIN,
            session_day=exchange_time(self._clock.now()).date(),
            cycle=1,
            suggestion=suggestion,
            risk=RiskAssessment(PRICING.max_risk_natural),
            price=limit,
        )

    def _want(self, cause: str) -> None:
        self._reconciliation.want(cause)

    async def _incident(self, intent: Intent, detail: str) -> None:
        await self.breakers.open(BreakerKind.INCIDENT, intent.account, f"order {intent.order_id}: {detail}")

    async def _nothing_to_release(self, intent: Intent) -> None:
        """Nothing to release: these tests do not follow the quotes of legs."""


def _account(number: str) -> AccountRecord:
    return AccountRecord(number, "", "Margin", False, LOGIN, True, None, None, None, None)
