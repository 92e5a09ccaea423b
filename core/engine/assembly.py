"""Builds the parts of an engine that need many others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.accounts.logins import Logins
from core.broker.pace import Pace
from core.commands.handlers import CommandHandlers
from core.commands.inbox import CommandDesk
from core.cycle.runner import CycleRunner
from core.domain.positions.tridents import ExitMode
from core.engine.parts import EngineParts
from core.engine.tasks import Jobs
from core.guards.clock_doubt import ClockDoubt
from core.guards.gate import TradingGate
from core.market.study import MarketStudy
from core.notify.alerting import Alerting
from core.orders.account_look import AccountLook
from core.orders.cancels import Canceller
from core.orders.desk import OrderDesk
from core.orders.reconciliation import Reconciliation
from core.orders.sending import SendingRules
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.positions.room import TridentRoom
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus
from core.snapshot import Mode


def trident_room(
    parts: EngineParts,
    pace: Pace,
    bus: Bus,
    gate: TradingGate,
    study: MarketStudy,
    orders: OrderDesk,
    canceller: Canceller,
    accounts: Callable[[], Sequence[AccountRecord]],
) -> TridentRoom:
    """What takes tridents to their end. Where the parts say that no exit is ever sent, nothing of it runs."""
    return TridentRoom(
        on=parts.exits is not ExitMode.OFF,
        broker=parts.broker,
        records=parts.records,
        bus=bus,
        clock=parts.clock,
        pace=pace,
        ids=parts.ids,
        calendar=parts.calendar,
        intervals=parts.intervals,
        locks=parts.locks,
        rules=SendingRules(parts.preflight, parts.sends),
        gate=gate,
        feed=study.feed,
        quotes=study.quotes,
        orders=orders,
        canceller=canceller,
        accounts=accounts,
        chain=study.chain,
        underlyings=tuple(one.symbol for one in parts.settings.preferred_underlyings),
    )


def account_look(
    parts: EngineParts, tracker: OrderTracker, strangers: Strangers, clock_doubt: ClockDoubt
) -> AccountLook:
    """What reads the orders of an account."""
    follow_sessions = parts.settings.trading.follow_sessions
    return AccountLook(
        parts.broker,
        parts.records,
        tracker,
        strangers,
        parts.clock,
        lambda day: parts.calendar.sessions_back(day, follow_sessions),
        clock_doubt.age_s,
        parts.settle,
    )


def command_handlers(
    parts: EngineParts,
    bus: Bus,
    gate: TradingGate,
    exits: TridentRoom,
    canceller: Canceller,
    reconciliation: Reconciliation,
    runner: CycleRunner,
    alerting: Alerting,
    logins: Logins,
    jobs: Jobs,
) -> CommandHandlers:
    """What carries out the operator's commands."""
    return CommandHandlers(
        records=parts.records,
        broker=parts.broker,
        gate=gate,
        exit_gate=exits.exit_gate,
        book=exits.book,
        breakers=gate.breakers,
        tracker=canceller.tracker,
        canceller=canceller,
        reconciliation=reconciliation,
        runner=runner,
        alerting=alerting,
        logins=logins,
        bus=bus,
        clock=parts.clock,
        ids=parts.ids,
        live=parts.mode is Mode.LIVE,
        spawn=lambda work: jobs.spawn(work, "the forced cycle"),
        earned=exits.books.earnings.work_out,
    )


def command_desk(
    parts: EngineParts,
    bus: Bus,
    gate: TradingGate,
    handlers: CommandHandlers,
    jobs: Jobs,
    say_failed: Callable[[str], None],
) -> CommandDesk:
    """What takes commands from the inbox and has each carried out once."""
    return CommandDesk(
        parts.records,
        bus,
        parts.clock,
        handlers.handlers,
        gate.stops,
        lambda work: jobs.spawn(work, "a command"),
        say_failed,
    )
