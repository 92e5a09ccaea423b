"""Takes every trident to its end: one task an account, which has the next action of each trident done when it is due
(rules 15.7).

What comes next is decided by `next_action` alone; how far anything has come is in the records.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.broker.pace import Work
from core.domain.operation.events import Event
from core.domain.operation.failures import failure_words
from core.domain.operation.reasons import Reason
from core.domain.positions.actions import Action, Alert, Cancel, CancelWhy, End, MarkSettling, Prove, Wait
from core.domain.positions.due_targets import AFTER_THE_FILL
from core.domain.positions.tridents import ExitMode, Phase
from core.domain.positions.walk import STEP_EVERY
from core.guards.exit_gate import COMPLETE_WITHIN_S, ExitGate
from core.locks.folder_lock import LockLost, LockUnconfirmed
from core.market.calendar import SessionCalendar
from core.positions.changes import Changes
from core.positions.complete_reads import FRESH_S, LEAST_S, CompleteReads
from core.positions.exit_desk import ExitDesk
from core.positions.short_waits import SETTLES_S
from core.positions.telling import Telling
from core.positions.views_of import Standing, TridentViews
from core.records.records import Records
from core.records.store.errors import FencedOff
from core.runtime.clock import Clock, exchange_time

LOOK_AGAIN_S = 15.0
"""Wall seconds after which an account is read again of which a read showed other than it may."""
AT_REST_EVERY = 5 * STEP_EVERY
"""How often prices are looked at while an order rests until a time that is known."""
QUOTES_AGAIN_S = 10.0
"""Wall seconds after which quotes are looked for again that were not fresh."""
BLOCKED_S = 2.0
"""Wall seconds after which a trident is looked at again whose block may end without a word: a file that is removed."""
FAILED_S = 5.0
"""Wall seconds after a turn that failed, the first time; doubled each time, up to a minute."""
LONGEST_S = 3600.0
"""Wall seconds between two turns in session, at most."""
NIGHT_S = 6 * LONGEST_S
"""The same while the exchange is closed: nothing of a trident changes then by time alone."""
_WAKES = ("exit.", "trident.", "order.", "command.", "breaker.", "reconcile.", "clock.", "login.", "positions.")
_WAKEN = frozenset({Reason.EXITS_OFF, Reason.EXITS_HELD, Reason.ACCOUNT_UNREAD})
"""What ends with a command, or with a read."""
log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Account:
    """One account in its turns. `standings` are those of its newest turn. `again_s` has the monotonic second before
    which a trident is left alone, unless it changes: its `signs` differ. `done` has its last action, and `under_way`
    those being done."""

    number: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    standings: tuple[Standing, ...] = ()
    knows_foreign: bool = False
    is_known: bool = False
    is_read: bool = False
    again_s: dict[str, float] = field(default_factory=dict)
    done: dict[str, Action] = field(default_factory=dict)
    signs: dict[str, object] = field(default_factory=dict)
    priced: dict[str, Standing] = field(default_factory=dict)
    under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    failed_s: float = 0.0

    def keep(self, standing: Standing) -> None:
        """Takes how one trident stands with prices."""
        self.priced[standing.id] = standing

    @property
    def shown(self) -> tuple[Standing, ...]:
        """How its tridents stand, with the prices by which the newest decision was made, where one needs them."""
        return tuple(
            priced
            if one.asks_prices and (priced := self.priced.get(one.id)) is not None and priced.record == one.record
            else one
            for one in self.standings
        )

    def forget(self, but: set[str]) -> None:
        """Keeps nothing of tridents that are not held any more."""
        for kept in (self.again_s, self.done, self.signs, self.priced):
            for gone in kept.keys() - but:
                del kept[gone]

    @property
    def has_exits(self) -> bool:
        """Whether something of it is managed, or rests at the broker."""
        return any(one.is_managed or one.view.claimed for one in self.standings)


@dataclass(eq=False, repr=False, kw_only=True)
class TridentTurns:
    """Runs the turns of all accounts, until cancelled. `accounts` are those that the logins reach.

    In a turn each trident whose action is due gets one, beside those of the others; the next one is worked out when
    that is done. An account that fails delays no other.
    """

    views: TridentViews
    desk: ExitDesk
    reads: CompleteReads
    changes: Changes
    gate: ExitGate
    records: Records
    telling: Telling
    clock: Clock
    calendar: SessionCalendar
    accounts: Callable[[], Iterable[str]]
    wake_s: float = 1.0
    _accounts: dict[str, _Account] = field(init=False, default_factory=dict)
    _more: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _ends: bool = field(init=False, default=False)

    def standings(self, account: str) -> tuple[Standing, ...]:
        """How the account's tridents stood at its newest turn."""
        known = self._accounts.get(account)
        return () if known is None else known.shown

    def all_known(self) -> bool:
        """Whether every account has had a turn."""
        return all((one := self._accounts.get(number)) is not None and one.is_known for number in self.accounts())

    def followed(self) -> list[str]:
        """The accounts whose positions and live orders are read regularly: those with exits, and those of which nobody
        knows yet what of their positions is foreign though exits are to be sent for them."""
        return [
            one.number
            for one in self._accounts.values()
            if one.has_exits or (one.is_known and not one.knows_foreign and self._sends(one.number))
        ]

    def wake(self, account: str) -> None:
        """Has the account take a turn at once."""
        known = self._accounts.get(account)
        if known is None:
            self._more.set()
        else:
            known.wake.set()

    def wake_all(self) -> None:
        """Has every account take a turn at once."""
        self._more.set()
        for one in self._accounts.values():
            one.wake.set()

    def heard(self, event: Event) -> None:
        """Listens on the bus: what is written of an account may change what comes next for it."""
        if event.kind.startswith(_WAKES):
            self.wake_all() if event.account is None else self.wake(event.account)

    async def run(self) -> None:
        """Raises FencedOff and LockLost as soon as another trader could be at work."""
        self._accounts.clear()
        async with asyncio.TaskGroup() as group:
            while True:
                self._more.clear()
                for number in self.accounts():
                    if number not in self._accounts:
                        self._accounts[number] = known = _Account(number)
                        group.create_task(self._follow(known, group), name="the turns of an account")
                await self._more.wait()

    async def close(self) -> None:
        """Lets no further action begin, and waits for the outcome of what is being sent. The rest is given up: the
        records say how far it has come."""
        self._ends = True
        under_way = [task for one in self._accounts.values() for task in one.under_way.values()]
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)

    async def _follow(self, one: _Account, group: asyncio.TaskGroup) -> None:
        while True:
            one.wake.clear()
            try:
                sleep_s = await self._turn(one, group)
                one.failed_s = 0.0
            except FencedOff:
                raise
            except Exception as error:  # it must not end the turns of the others
                sleep_s = one.failed_s = min(60.0, max(FAILED_S, 2 * one.failed_s))
                log.warning("a turn of …%s failed: %s", one.number[-4:], failure_words(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(LEAST_S, sleep_s)):
                    await one.wake.wait()

    async def _turn(self, one: _Account, group: asyncio.TaskGroup) -> float:
        """Begins what is due. Returns the wall seconds until something else is."""
        one.standings = await self.views.of(one.number)
        if not one.knows_foreign and self._sends(one.number):
            one.knows_foreign = await self.records.foreign.positions(one.number) is not None
        one.is_known = True
        waits = [self._read_in_s(one)]
        for standing in one.standings:
            self._read_dividend(standing, group)
            await self.views.let_go(standing)
            if standing.id in one.under_way:
                continue
            rest_s = self._rests_s(one, standing)
            if rest_s > 0:
                waits.append(rest_s)
            elif not self._ends and (standing.asks_prices or self._is_to_be_done(standing)):
                self._begin(one, standing, group)
            else:
                waits.append(self._wait_s(standing))
        waits.append(self._blocked_in_s(one))
        one.forget({standing.id for standing in one.standings})
        await self.telling.after_turn(one.number, one.standings)
        return min([*waits, self._edge_s(), LONGEST_S if self.calendar.is_open(self.clock.now()) else NIGHT_S])

    def _rests_s(self, one: _Account, standing: Standing) -> float:
        """Wall seconds for which the trident is left alone after its last action, while nothing changes of it."""
        sign = one.signs.setdefault(standing.id, standing.sign)
        if sign != standing.sign:
            one.signs[standing.id] = standing.sign
            one.again_s.pop(standing.id, None)
        now_s = self.clock.monotonic()
        return one.again_s.get(standing.id, now_s) - now_s

    def _is_to_be_done(self, standing: Standing) -> bool:
        """Whether its action is ours to do. Of a trident that is not managed only what has come to pass is recorded,
        and what its operator asks for is done; and by a wrong clock nothing is but what ends orders and proves it: a
        cancel needs the lock and the login alone."""
        action = standing.action
        wrong_clock = self.gate.wrong_clock()
        if isinstance(action, Wait) or (wrong_clock is not None and not _goes_on(action, wrong_clock.reason)):
            return False
        is_ours = standing.is_managed or standing.view.asked is not None
        return is_ours or isinstance(action, (Cancel, End, MarkSettling, Prove))

    def _begin(self, one: _Account, standing: Standing, group: asyncio.TaskGroup) -> None:
        task = group.create_task(self._do(one, standing), name=f"trident {standing.id}")
        one.under_way[standing.id] = task

        def ended(_: asyncio.Task[None]) -> None:
            one.under_way.pop(standing.id, None)
            one.signs.pop(standing.id, None)  # what it has changed itself is no reason to hurry
            one.wake.set()

        task.add_done_callback(ended)

    async def _do(self, one: _Account, standing: Standing) -> None:
        """Has one action done. What fails is tried again: nothing of it is lost, because it is decided anew."""
        again_s, why = FAILED_S, ""
        try:
            standing = await self.views.priced(standing)
            one.keep(standing)
            if self._is_to_be_done(standing):
                done = await self.desk.do(standing.view, standing.action)
                again_s, why = done.again_s or 0.0, done.why
                if one.done.get(standing.id) == standing.action:
                    again_s = max(again_s, self.wake_s)  # it changed nothing: it must not be done without a pause
                one.done[standing.id] = standing.action
            else:
                again_s = self._wait_s(standing)
        except FencedOff:
            raise
        except LockUnconfirmed as error:
            why = str(error)
        except LockLost:
            raise
        except Exception as error:
            log.exception("trident %s: what came next failed: %s", standing.id, standing.action)
            why = failure_words(error)
        one.again_s[standing.id] = self.clock.monotonic() + again_s
        if why:
            log.info("trident %s: %s", standing.id, why)

    def _read_dividend(self, standing: Standing, group: asyncio.TaskGroup) -> None:
        """Has the dividend of its underlying read, once a day in session. Nobody waits for it."""
        symbol, session = standing.view.trident.underlying, standing.moment.session
        is_open = session is not None and session.is_open(standing.moment.now)
        dividends, account = self.views.dividends, standing.record.account
        if is_open and standing.is_managed and dividends.take(symbol):
            group.create_task(dividends.read(symbol, account, self.views.login_of(account)), name="a dividend")

    # When something is due

    def _wait_s(self, standing: Standing) -> float:
        """Wall seconds until the trident is looked at again, if nothing wakes it before."""
        action, moment = standing.action, standing.moment
        due: list[datetime] = []
        if isinstance(action, Wait) and action.until is not None:
            due.append(action.until)
        if standing.next_turn is not None:
            due.append(standing.next_turn)
        if standing.view.trident.phase is Phase.OPEN:
            due.append(standing.view.trident.filled_at + AFTER_THE_FILL)
        if standing.asks_prices:
            rests = isinstance(action, Wait) and action.until is not None and action.alert is None
            due.append(moment.now + (AT_REST_EVERY if rests else STEP_EVERY))
            if isinstance(action, Wait) and action.alert is Alert.QUOTES_STALE:
                due.append(moment.now + timedelta(seconds=QUOTES_AGAIN_S * self.clock.speed))
        if standing.view.blocked and not self._ends_with_an_event(standing):
            due.append(moment.now + timedelta(seconds=BLOCKED_S * self.clock.speed))
        later = [at for at in due if at > moment.now]
        return self._until_s(min(later)) if later else NIGHT_S

    def _ends_with_an_event(self, standing: Standing) -> bool:
        """Whether whatever blocks the trident ends with something that wakes its account."""
        session, now = standing.moment.session, standing.moment.now
        is_open = session is not None and session.is_open(now)
        return not is_open or {one.reason for one in standing.facts.refusals} <= _WAKEN

    def _until_s(self, at: datetime) -> float:
        return max(0.0, (at - self.clock.now()).total_seconds() / self.clock.speed)

    def _edge_s(self) -> float:
        """Wall seconds until the next open or close of the exchange."""
        now = self.clock.now()
        session = self.calendar.today(now)
        if session is not None and now < session.open:
            return self._until_s(session.open)
        if session is not None and now < session.close:
            return self._until_s(session.close)
        return self._until_s(self.calendar.next_after(exchange_time(now).date()).open)

    # What has to be read

    def _read_in_s(self, one: _Account) -> float:
        """Has the account read where something waits for that, at once where an exit does or where positions follow a
        fill. Returns the wall seconds until it is asked once more. Out of session only what an order of others has done
        is looked at again: the comparison of a reconciliation must not meet it unbelieved. What expires is gone then,
        and is told by the rows of the next morning."""
        now = self.clock.now()
        is_due = self.calendar.is_open(now) or self.changes.others_traded(one.number)
        if not is_due or one.number not in self.followed():
            return NIGHT_S
        if any(each.is_managed and each.waits_for_read for each in one.standings):
            self.reads.want(one.number, Work.PROOF)
            return FRESH_S
        newest, now_s = self.reads.newest(one.number), self.clock.boottime()
        if newest is None:
            if not one.is_read:
                one.is_read = True  # it is tried again until it succeeds
                self.reads.want(one.number, Work.ROUTINE)
            return NIGHT_S
        again_s = after_fill_s = NIGHT_S
        differing = self.changes.differing(one.number)
        if differing is None or differing or self.changes.in_doubt(one.number):
            again_s = newest.began_s + LOOK_AGAIN_S - now_s
        for standing in one.standings:
            since = standing.view.trident.filled_at
            if standing.is_managed and newest.at < since + AFTER_THE_FILL:  # positions lag a fill
                after_fill_s = min(after_fill_s, self._until_s(since + AFTER_THE_FILL))
        soonest_s = min(again_s, after_fill_s)
        if soonest_s > 0:
            return soonest_s
        self.reads.want(one.number, Work.PROOF if after_fill_s <= 0 else Work.ROUTINE)
        return NIGHT_S

    def _blocked_in_s(self, one: _Account) -> float:
        """Wall seconds until something that is not told yet may be a block, though no event says so: the newest read of
        the account grows too old, or what is expected to pass has not passed."""
        if not one.standings or not self._sends(one.number) or not self.calendar.is_open(self.clock.now()):
            return NIGHT_S
        if any(standing.facts.settles for standing in one.standings):
            return SETTLES_S
        age_s = self.gate.complete_age_s(one.number)
        return NIGHT_S if age_s is None or age_s > COMPLETE_WITHIN_S else COMPLETE_WITHIN_S - age_s + LEAST_S

    def _sends(self, account: str) -> bool:
        return self.gate.mode_of(account) is not ExitMode.OFF


def _goes_on(action: Action, wrong_clock: Reason) -> bool:
    """Whether it is done by a wrong clock, too. A clock that was set may tell the desk's hour of another day."""
    by_the_hour = isinstance(action, Cancel) and action.why is CancelWhy.DESK
    return isinstance(action, (Cancel, Prove)) and not (by_the_hour and wrong_clock is Reason.CLOCK_IN_DOUBT)
