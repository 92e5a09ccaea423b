"""Logs in with every login at the start, and reads from time to time which accounts each one reaches (rules 4).

A login that the broker refuses is recorded and reported once. An account that another login also reaches is then traded
through that login.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from core.accounts.sign_in import log_in, tell_refused
from core.broker.multi_login import LoginsBroker
from core.broker.port import Broker, BrokerAccount, BrokerError, BrokerFault, LoginAtBroker
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity
from core.guards.breakers import Breakers
from core.locks.folder_lock import LockRefused, OneTrader
from core.records.records import AccountRecord, LoginRecord, Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock

INVALID = "login.invalid"
VALID = "login.valid"
SILENT = "login.silent"


@dataclass(eq=False, repr=False)
class Logins:
    """Every login of the broker. `enable_new` says whether an account that was never seen before is traded at once."""

    broker: Broker
    breakers: Breakers
    records: Records
    bus: Bus
    clock: Clock
    locks: OneTrader
    _: KW_ONLY
    enable_new: bool
    _several: LoginsBroker | None = field(init=False)
    _each: Sequence[LoginAtBroker] = field(init=False)
    _reached: dict[str, frozenset[str]] = field(init=False, default_factory=dict)
    _refused: set[str] = field(init=False, default_factory=set)
    _refusals: Counter[str] = field(init=False, default_factory=Counter)
    _barred: set[str] = field(init=False, default_factory=set)
    _silent: set[str] = field(init=False, default_factory=set)
    _looking: bool = field(init=False, default=False)
    known: tuple[LoginRecord, ...] = field(init=False, default=())
    """Every login that was ever checked, as last recorded."""

    def __post_init__(self) -> None:
        self._several = self.broker if isinstance(self.broker, LoginsBroker) else None
        self._each = (self.broker,) if self._several is None else self._several.each

    async def start(self) -> None:
        """Logs in with each login and records the accounts they reach.

        Raises BrokerError when no login is accepted, LockRefused when another console has one of the accounts,
        RecordsError.
        """
        answers = await asyncio.gather(*(self._take_up(login) for login in self._each))
        failures = [answer for answer in answers if isinstance(answer, BrokerError)]
        if len(failures) == len(answers):
            raise failures[0]
        found = {
            login.name: answer
            for login, answer in zip(self._each, answers, strict=True)
            if not isinstance(answer, BrokerError)
        }
        await self.locks.lock_accounts(sorted({account.number for accounts in found.values() for account in accounts}))
        for name, accounts in found.items():
            await self._keep(name, accounts)
        await self.prefer_primary()

    @property
    def overdue(self) -> bool:
        """Whether a check is needed before the next regular one: a token was refused, or the operator has reset a
        login."""
        refused = frozenset() if self._several is None else self._several.refused
        return bool(refused - self._refused) or any(
            not self.breakers.is_open(BreakerKind.LOGIN, name) for name in self._barred
        )

    async def check(self) -> bool:
        """Reads which accounts each login reaches. True when one of them was not reached before.

        A login that the broker refuses is tried once more, and then not again until `senex reset login`.
        """
        if self._looking:  # one at a time: two checks must not both send refused credentials to the broker
            return False
        self._looking = True
        try:
            return await self._look()
        finally:
            self._looking = False

    async def _look(self) -> bool:
        before = self._numbers()
        for login in self._each:
            if self.breakers.is_open(BreakerKind.LOGIN, login.name):
                self._barred.add(login.name)
                continue
            if login.name in self._barred:  # the operator has reset it, so it may be tried twice again
                self._barred.discard(login.name)
                del self._refusals[login.name]
            taken = login.name in self._reached and login.name not in self._refused
            answer = await (self._ask(login) if taken else self._take_up(login))
            if not isinstance(answer, BrokerError):
                await self._keep_if_free(login.name, answer)
        more = bool(self._numbers() - before)
        if more:
            await self.prefer_primary()
        return more

    async def accounts(self) -> tuple[AccountRecord, ...]:
        """The accounts that some login reaches, with the operator's settings. Raises RecordsError."""
        reached = self._numbers()
        return tuple(account for account in await self.records.accounts.all() if account.number in reached)

    async def prefer_primary(self) -> None:
        """Takes market data through the login of the primary account, unless that login is refused."""
        primary = next((account for account in await self.accounts() if account.is_primary), None)
        if self._several is not None and primary is not None:
            self._several.prefer(primary.login)

    def _numbers(self) -> frozenset[str]:
        return frozenset(number for numbers in self._reached.values() for number in numbers)

    async def _take_up(self, login: LoginAtBroker) -> tuple[BrokerAccount, ...] | BrokerError:
        try:
            here = self._refusals[login.name]
            await log_in(login, self.breakers, self.records, self.bus, refused_here=here)
            found = await login.accounts()
        except BrokerError as error:
            await self._failed(login.name, error)
            return error
        await self._note(login.name, "")
        return found

    async def _ask(self, login: LoginAtBroker) -> tuple[BrokerAccount, ...] | BrokerError:
        try:
            found = await login.accounts()
        except BrokerError as error:
            if error.fault is BrokerFault.LOGIN_REFUSED:
                await tell_refused(self.bus, login.name, error)
                await self._hand_over(login.name)
            await self._failed(login.name, error)
            return error
        await self._note(login.name, "")
        return found

    async def _failed(self, name: str, error: BrokerError) -> None:
        if error.fault is BrokerFault.LOGIN_REFUSED:
            self._refused.add(name)
            self._refusals[name] += 1
            await self._note(name, error.detail)
        elif name not in self._silent:
            self._silent.add(name)
            await self._say(SILENT, name, f"cannot be asked: {error.detail}", Severity.WARNING)

    async def _note(self, name: str, refusal: str) -> None:
        if not refusal:
            self._refused.discard(name)
            del self._refusals[name]
        if not refusal and name in self._silent:
            self._silent.discard(name)
            await self._say(VALID, name, "answers again", Severity.INFO)
        changed = await self.records.logins.note(name, is_valid=not refusal, detail=refusal, at=self.clock.now())
        self.known = await self.records.logins.all()
        if changed and refusal:
            text = f"the broker refuses its token: {refusal}; log in anew with `senex login {name}`, then start again"
            await self._say(INVALID, name, text, Severity.CRITICAL)
        elif changed:
            await self._say(VALID, name, "its token is valid again", Severity.INFO)

    async def _keep(self, name: str, accounts: Sequence[BrokerAccount]) -> None:
        self._reached[name] = frozenset(account.number for account in accounts)
        await self.records.accounts.discover(name, accounts, enable_new=self.enable_new, at=self.clock.now())

    async def _keep_if_free(self, name: str, accounts: Sequence[BrokerAccount]) -> None:
        """Takes the login's accounts, except those that another console trades."""
        new = sorted({account.number for account in accounts} - self._numbers())
        try:
            await self.locks.lock_accounts(new)
        except LockRefused as refused:
            await self._say(SILENT, name, f"its new accounts are not traded here: {refused}", Severity.WARNING)
            return
        if new or name not in self._reached:
            await self._keep(name, accounts)

    async def _hand_over(self, name: str) -> None:
        """Moves the accounts of a refused login to other logins that reach them. The rest wait for it."""
        lost = self._reached.pop(name, frozenset())
        for other, numbers in self._reached.items():
            taken = sorted(lost & numbers)
            if taken:
                await self.records.accounts.hand_over(other, taken)
                lost -= numbers
        if lost:
            self._reached[name] = lost

    async def _say(self, kind: str, name: str, text: str, severity: Severity) -> None:
        await self.bus.say(kind, f"login {name}: {text}", severity, figures=(("login", name),))
