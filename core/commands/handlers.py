"""Carries out each command that the inbox hands over (rules 9, 10)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.accounts.logins import Logins
from core.broker.port import Broker
from core.commands.attestations import Attestations
from core.commands.exit_cancels import cancel_resting
from core.commands.exit_commands import meant_accounts
from core.commands.inbox import Done, Handler
from core.commands.intent_targets import find_intents, unnamed
from core.commands.local_handlers import LocalHandlers
from core.commands.position_attestations import attest_position
from core.commands.trident_commands import TridentCommands
from core.cycle.account_cycle import AccountResult
from core.cycle.preview_values import preview_values, preview_words
from core.cycle.runner import CycleRunner
from core.domain.operation.account_settings import AccountField
from core.domain.operation.accounts import resolve_account
from core.domain.operation.commands import COMMAND, CYCLE, HALT, PREVIEW_DONE, PREVIEWS, Command, CommandKind, stop_of
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.fate import fate_of, fate_words
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Intent
from core.domain.positions.exit_fate import exit_fate, exit_words
from core.domain.positions.exits import Exit
from core.domain.positions.trident_commands import ExitsWord, exits_words
from core.guards.breakers import Breakers
from core.guards.exit_gate import ExitGate
from core.guards.gate import TradingGate
from core.notify.alerting import Alerting
from core.orders.cancels import Answer, Canceller
from core.orders.reconciliation import Reconciliation
from core.orders.tracker import OrderTracker
from core.positions.book import TridentBook
from core.records.records import Records
from core.records.store.errors import StateConflict
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.ids import Ids

Forced = tuple[AccountResult, ...] | Refusal
"""The result of a forced cycle: each account's result, or why it did not start after all."""


@dataclass(eq=False, repr=False, kw_only=True)
class CommandHandlers:
    """The handlers of a running engine. A pause or a halt is acknowledged only after it is committed to the records.
    `earned` works out again what an account earned."""

    records: Records
    broker: Broker
    gate: TradingGate
    exit_gate: ExitGate
    book: TridentBook
    breakers: Breakers
    tracker: OrderTracker
    canceller: Canceller
    reconciliation: Reconciliation
    runner: CycleRunner
    alerting: Alerting
    logins: Logins
    bus: Bus
    clock: Clock
    ids: Ids
    live: bool
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    earned: Callable[[str], Awaitable[None]]
    _without_broker: LocalHandlers = field(init=False)
    _attestations: Attestations = field(init=False)
    _awaited: dict[str, asyncio.Future[Forced]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._without_broker = LocalHandlers(self.records, self.breakers, self.clock, running=True, live=self.live)
        self._attestations = Attestations(
            records=self.records,
            broker=self.broker,
            breakers=self.breakers,
            tracker=self.tracker,
            bus=self.bus,
            clock=self.clock,
            ids=self.ids,
            accounts=lambda: self.runner.accounts,
            compare=self.reconciliation.want,
        )

    @property
    def handlers(self) -> Mapping[CommandKind, Handler]:
        return {
            **{kind: self._followed(handler) for kind, handler in self._without_broker.handlers.items()},
            CommandKind.RESUME: self._resume,
            CommandKind.EXITS: self._exits,
            CommandKind.FORCE: self._force,
            CommandKind.PREVIEW: self._preview,
            CommandKind.CANCEL: self._cancel,
            CommandKind.RECONCILE: self._reconcile,
            CommandKind.ATTEST: self._attest,
            **TridentCommands(self.book).handlers,
        }

    def _followed(self, handler: Handler) -> Handler:
        """Wraps a handler: the engine takes over what it changed in the records before the command is acknowledged."""

        async def carried_out(command: Command) -> Done | Refusal:
            answer = await handler(command)
            followed = await self._follow(command)
            if followed and isinstance(answer, Done):
                answer = Done(f"{answer.text}; {followed}", answer.figures)
            if command.kind is CommandKind.RESET and command.target != HALT and isinstance(answer, Done):
                self.reconciliation.want("a breaker was reset")
            return answer

        return carried_out

    async def _follow(self, command: Command) -> str:
        """Says what came of it besides; empty for nothing."""
        match command.kind:
            case CommandKind.ACKNOWLEDGE:
                await self.alerting.read_open()
            case CommandKind.SET_ACCOUNT:
                await self.runner.refresh_accounts()
                name = command.note.partition(" ")[0]
                if name == AccountField.PRIMARY:
                    await self.logins.prefer_primary()
                if name == AccountField.EXITS:
                    return await self._adopt(command)
            case _:
                await self.gate.read()
        return ""

    async def _resume(self, command: Command) -> Done | Refusal:
        why = command.note or "resumed by the operator"
        try:
            await self.records.trading.resume(command.who, why, self.clock.now())
        except StateConflict:
            return refuse(Reason.HALTED)
        self.gate.stops.lift(command)
        await self.gate.read()
        return Done("automation resumed")

    async def _exits(self, command: Command) -> Done | Refusal:
        """Holds exits, lets them go on, or cancels those that rest. A hold that was asked before and is not recorded
        yet ends with a later word that exits go on."""
        words = exits_words(command.note)
        if not isinstance(words, Refusal) and words.word is ExitsWord.CANCEL:
            numbers = await meant_accounts(self.records, command.target)
            if isinstance(numbers, Refusal):
                return numbers
            return Done(await cancel_resting(self.records, self.canceller, numbers, command.who))
        answer = await self._without_broker.handlers[CommandKind.EXITS](command)
        await self.exit_gate.read()
        if isinstance(answer, Refusal) or stop_of(command) is not None:
            return answer
        self.gate.stops.lift(command)
        await self.runner.refresh_accounts()  # their first targets wait no longer
        return Done("; ".join(filter(None, (answer.text, await self._adopt(command)))))

    async def _adopt(self, command: Command) -> str:
        """Takes on the tridents of the accounts that are meant, whose exits go on from now."""
        numbers = await meant_accounts(self.records, command.target)
        return "" if isinstance(numbers, Refusal) else await self.book.adopt(numbers)

    async def _force(self, command: Command) -> Done | Refusal:
        if command.saw_cycle is not None and command.saw_cycle != self.runner.newest:
            return refuse(Reason.COMMAND_OUTDATED)
        only = self._meant(command.target)
        if isinstance(only, Refusal):
            return only
        refusal = await self.runner.force_refusal(only)
        if refusal is not None:
            return refusal
        began: asyncio.Future[int | Refusal] = asyncio.get_running_loop().create_future()
        self.spawn(self._forced(only, began, self._awaited.pop(command.id, None)))
        number = await asyncio.shield(began)  # a cancelled command must not reach into the cycle that began
        if isinstance(number, Refusal):
            return number
        alone = "" if only is None else f" for {masked(only)} alone"
        return Done(f"cycle {number} starts now{alone}", ((CYCLE, number),))

    def _meant(self, typed: str) -> str | Refusal | None:
        """The number of the one account that is meant; None for all."""
        return resolve_account(typed, [account.number for account in self.runner.accounts]) if typed else None

    async def _preview(self, command: Command) -> Done | Refusal:
        """Has a preview made. The event of it is written before the answer, so whoever has the answer finds it."""
        only = self._meant(command.target)
        previews = only if isinstance(only, Refusal) else await self.runner.preview(only)
        if isinstance(previews, Refusal):
            return previews
        words = "; ".join(preview_words(preview) for preview in previews) or "no account is known"
        values = json.dumps([preview_values(preview) for preview in previews], ensure_ascii=False)
        await self.bus.say(PREVIEW_DONE, words, figures=((COMMAND, command.id), (PREVIEWS, values)))
        return Done(words)

    def results_of(self, command_id: str) -> asyncio.Future[Forced]:
        """The future results of a force command. Ask before posting it; a refused command never sets them."""
        return self._awaited.setdefault(command_id, asyncio.get_running_loop().create_future())

    async def _forced(
        self, only: str | None, began: asyncio.Future[int | Refusal], awaited: asyncio.Future[Forced] | None
    ) -> None:
        """Runs a forced cycle. `began` gets its number, or why it did not begin after all."""
        try:
            results = await self.runner.force(only, began.set_result)
        except Exception as error:
            if not began.done():
                began.set_exception(error)
                return
            if awaited is not None:
                awaited.set_exception(error)
            raise
        if isinstance(results, Refusal) and not began.done():
            began.set_result(results)
        elif awaited is not None:
            awaited.set_result(results)

    async def _reconcile(self, command: Command) -> Done | Refusal:
        self.reconciliation.want(f"asked by {command.who}")
        return Done("reconciliation starts; entries wait for it")

    async def _attest(self, command: Command) -> Done | Refusal:
        about_held = await attest_position(self.records, command, self.clock.now(), self.earned)
        return await self._attestations.attest(command) if about_held is None else about_held

    async def _cancel(self, command: Command) -> Done | Refusal:
        """Cancels an entry or a closing order. No target that an operator cancelled is placed again (rules 15.2)."""
        found = await self._working(command.target)
        if len(found) != 1:
            return refuse(Reason.NO_SUCH_TARGET, target=unnamed(command.target, "working entry", several=bool(found)))
        [intent] = found
        if intent.state is not OrderState.WORKING or intent.order_id is None:
            return _not_cancellable(intent)
        asked = await self.canceller.for_operator(intent, command.who)
        match asked.answer:
            case Answer.TAKEN:
                return Done(f"cancel of order {intent.order_id} asked; it works until the broker confirms")
            case Answer.LOST:
                lost = f"the answer to the cancel was lost ({asked.detail})"
                return Done(f"{lost}; it works until the broker shows otherwise")
        if asked.intent.state is not OrderState.WORKING:
            return refuse(Reason.ENDED_BEFORE_CANCEL, state=asked.intent.state.words)
        return refuse(Reason.CANCEL_REFUSED, detail=asked.detail)

    async def _working(self, target: str) -> Sequence[Intent]:
        """The entries and closing orders that may be meant; without a target the entries that work."""
        if target:
            return await find_intents(self.records, target)
        return [one for one in await self.records.entries.open() if one.state is OrderState.WORKING]


def _not_cancellable(intent: Intent) -> Refusal:
    if isinstance(intent, Exit):
        fate = exit_fate(intent)
        return refuse(Reason.EXIT_NOT_CANCELLABLE, exit=fate.name, state=exit_words(fate))
    state = fate_words(fate_of(intent)) if isinstance(intent, Entry) else intent.state.words
    return refuse(Reason.NOT_CANCELLABLE, state=state)
