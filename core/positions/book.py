"""The tridents of this console as its operator may change them: taken in, adopted, given new targets, closed, released
(rules 15.9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence, Sized
from dataclasses import dataclass

from core.domain.market.chain import OptionChain, TickTable
from core.domain.operation import amounts
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.actions import CancelWhy
from core.domain.positions.closing import Gone
from core.domain.positions.due_targets import given_up
from core.domain.positions.exit_rules import rules_for
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.resting import Resting, resting_words
from core.domain.positions.trident_commands import (
    CloseWords,
    close_asked,
    release_refusal,
    retarget_refusal,
    trident_named,
)
from core.domain.positions.trident_view import ManualClose
from core.domain.positions.trident_words import short_id, title_of
from core.domain.positions.tridents import ExitMode, ExitRules, HandsOff
from core.domain.positions.units import Ended, names_of
from core.domain.risk.held import GONE
from core.orders.cancels import Answer, Canceller
from core.positions.changes import ENGINE
from core.positions.views_of import Standing, TridentViews
from core.records.records import GoneRecord, Records, TridentRecord
from core.records.repositories.trident_rows import MORNING_SETTLED
from core.records.search.open_tridents import last_compared
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time

_NO_TICKS = TickTable((), None)


@dataclass(frozen=True, slots=True)
class CloseTaken:
    """An operator's close that is under way: the orders that are `cancelled` first, by their ids, and all of it in a
    sentence."""

    trident_id: str
    asked: ManualClose
    cancelled: tuple[str, ...]
    text: str


@dataclass(eq=False, repr=False, kw_only=True)
class TridentBook:
    """What commands and starts change of tridents. Each change is recorded before it is answered; whatever it has sent
    or cancelled comes in the turns of its account, which `wake` brings on.

    `chain` has today's option chain of an underlying, or why it cannot be read. Every method raises RecordsError.
    """

    records: Records
    views: TridentViews
    canceller: Canceller
    bus: Bus
    clock: Clock
    chain: Callable[[str], Awaitable[OptionChain | Refusal]]
    wake: Callable[[str], None]

    async def take_in(self) -> None:
        """Takes in the filled entries of older versions that expire today or later. Nothing is sent for them before
        they are adopted. One of which the broker held nothing any more was closed by hand: for how much is not
        known."""
        now = self.clock.now()
        entries = await self.records.tridents.not_taken_in(exchange_time(now).date())
        told = await last_compared(self.records.journal) if entries else {}
        taken: dict[str, int] = {}
        for entry in entries:
            record = await self.records.tridents.take_in(entry.id, now)
            if record is None:
                continue
            if told.get(entry.id) == GONE:
                await self._closed_by_hand(record)
            elif record.managed_since is None:
                taken[record.account] = taken.get(record.account, 0) + 1
        for account, count in taken.items():
            shown = "is shown and not managed" if count == 1 else "are shown and not managed"
            text = (
                f"{amounts.counted(count, 'trident')} of {masked(account)} from an earlier version {shown}; "
                f"`senex exits on {account[-4:]}` adopts {_them(range(count))}"
            )
            await self.bus.say("trident.taken_in", text, Severity.WARNING, account=account)

    async def _closed_by_hand(self, record: TridentRecord) -> None:
        now = self.clock.now()
        left = [
            GoneRecord(record.id, Gone(unit.name, symbol, Ended.HAND, now), ENGINE)
            for unit in record.trident.units
            for symbol in unit.held
        ]
        await self.records.tridents.note_gone(left)

    async def adopt(self, accounts: Iterable[str]) -> str:
        """Has exits sent for the tridents of these accounts that are not managed yet, by the rules of each account;
        nothing where its exits are off. Says how many were adopted; empty for none."""
        numbers = set(accounts)
        rules = {
            one.number: rules_for(one.exits, self.records.tridents.default_rules)
            for one in await self.records.accounts.all()
            if one.number in numbers
        }
        adopted: dict[str, list[str]] = {}
        for record in await self.records.tridents.held():
            of_account = rules.get(record.account)
            if of_account is None or of_account.mode is ExitMode.OFF or record.managed_since is not None:
                continue
            if record.root == MORNING_SETTLED or record.trident.hands_off is HandsOff.RELEASED:
                continue
            await self._take_on(record, of_account)
            adopted.setdefault(record.account, []).append(short_id(record.trident))
        for account, ids in adopted.items():
            text = (
                f"{amounts.counted(len(ids), 'trident')} of {masked(account)} adopted: exits are sent for {_them(ids)}"
            )
            await self.bus.say("trident.adopted", f"{text} from now on ({', '.join(ids)})", account=account)
        ids = [one for each in adopted.values() for one in each]
        return f"{amounts.counted(len(ids), 'trident')} adopted ({', '.join(ids)})" if ids else ""

    async def close(self, target: str, words: CloseWords, who: str) -> CloseTaken | Refusal:
        """Takes an operator's word to close units. Their other orders are cancelled and proved over first."""
        standing = await self._named(target)
        if isinstance(standing, Refusal):
            return standing
        view = standing.view
        if not standing.is_managed and standing.record.root == MORNING_SETTLED:
            return refuse(Reason.NOT_CLOSABLE, why="it is settled at an open, and closed at the broker")
        asked = close_asked(words, view, standing.moment)
        if isinstance(asked, Refusal):
            return asked
        await self._need_ticks(standing.record)
        await self.records.tridents.ask(standing.id, asked)
        first = [one for one in view.resting if {*one.units} & {*asked.units}]
        at = "walks from the mid" if asked.limit is None else f"is sent at {amounts.price(asked.limit)}"
        text = f"the close of {names_of(asked.units)} {at}, for this session"
        if first:
            text += f"; cancelled first: {_numbers(first)}"
        await self._say(standing.record, "close", f"{who}: {text}")
        self.wake(standing.record.account)
        orders = tuple(one.order_id for one in first if one.order_id)
        return CloseTaken(standing.id, asked, orders, f"{_named_so(standing.record)}: {text}")

    async def retarget(self, target: str, who: str) -> str | Refusal:
        """Gives a trident the rules of its account as they are now: its targets are cancelled and placed anew."""
        standing = await self._named(target)
        if isinstance(standing, Refusal):
            return standing
        rules = await self.records.tridents.rules_of(standing.record.account)
        refusal = retarget_refusal(standing.view, standing.moment)
        if refusal is not None:
            return refusal
        if rules.mode is ExitMode.OFF:
            return refuse(Reason.NOT_RETARGETED, why="exits are off for its account")
        targets = [one for one in standing.view.resting if one.kind is ExitKind.TARGET]
        await self._take_on(standing.record, rules)
        not_taken = await self._cancel(targets)
        text = "it has the targets of its account's settings now"
        if names := given_up(standing.view):
            text += f"; no target is placed again for {names_of(names)}, where an operator cancelled it"
        if targets:
            text += f"; cancelled first: {_numbers(targets)}"
        if not_taken:
            text += f"; not taken: {', '.join(not_taken)}"
        await self._say(standing.record, "retarget", f"{who}: {text}")
        self.wake(standing.record.account)
        return f"{_named_so(standing.record)}: {text}"

    async def release(self, target: str, who: str) -> str | Refusal:
        """Gives a trident to the operator for good: its exits are cancelled, and no order of ours is sent for it any
        more."""
        standing = await self._named(target)
        if isinstance(standing, Refusal):
            return standing
        refusal = release_refusal(standing.view)
        if refusal is not None:
            return refusal
        await self.records.tridents.hand_off(standing.id, HandsOff.RELEASED, f"by {who}")
        resting = resting_words(Resting.of(standing.view.resting))
        cancelled = f"; {resting} until cancelled, which is asked now" if resting else ""
        text = f"it is yours for good: no order of ours is sent for it any more{cancelled}"
        await self._say(standing.record, "released", f"{who}: {text}", Severity.WARNING)
        self.wake(standing.record.account)
        return f"{_named_so(standing.record)}: {text}"

    async def _named(self, target: str) -> Standing | Refusal:
        """The one trident that is meant, by its id or the beginning of it."""
        found = await self.records.tridents.these([target])
        if not found and len(target) >= SHORT_ID:
            found = await self.records.tridents.beginning_with(target)
        named = trident_named(target, [one.id for one in found])
        return named if isinstance(named, Refusal) else await self.views.one(named)

    async def _take_on(self, record: TridentRecord, rules: ExitRules) -> None:
        await self._need_ticks(record)
        await self.records.tridents.adopt(record.id, rules, self.clock.now())
        self.wake(record.account)

    async def _need_ticks(self, record: TridentRecord) -> None:
        """Has the ticks of the trident's chain on record: older versions kept none. Without them no price is made."""
        if record.trident.ticks != _NO_TICKS:
            return
        chain = await self.chain(record.trident.underlying)
        if isinstance(chain, Refusal):
            return
        of = (record.root, record.trident.expiration)
        ticks = next((one.ticks for one in chain.expirations if (one.root, one.day) == of), _NO_TICKS)
        if ticks != _NO_TICKS:
            await self.records.tridents.set_ticks(record.id, ticks)

    async def _cancel(self, exits: Sequence[Exit]) -> list[str]:
        """Asks to cancel these exits, the newest first. Returns the orders of which the broker did not take it."""
        not_taken = []
        for one in reversed(exits):
            asked = await self.canceller.for_console(one, CancelWhy.NEW_TARGETS.value)
            if asked.answer is Answer.REFUSED and asked.intent.state is OrderState.WORKING:
                not_taken.append(f"{one.order_id} ({asked.detail})")
        return not_taken

    async def _say(self, record: TridentRecord, kind: str, text: str, severity: Severity = Severity.INFO) -> None:
        await self.bus.say(
            f"trident.{kind}",
            f"{masked(record.account)} trident {short_id(record.trident)}: {text}",
            severity,
            account=record.account,
            underlying=record.trident.underlying,
            figures=(("trident", record.id),),
        )


def _named_so(record: TridentRecord) -> str:
    return f"{short_id(record.trident)}, {title_of(record.trident)}"


def _them(some: Sized) -> str:
    return "it" if len(some) == 1 else "them"


def _numbers(exits: Sequence[Exit]) -> str:
    return ", ".join(f"{names_of(one.units)} (order {one.order_id})" for one in exits)
