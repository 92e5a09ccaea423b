"""Decides whether an account's exits may be sent now. What stops entries alone is not asked here: entries stop, exits
go on (rules 15.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Bars
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.positions.tridents import ExitMode
from core.guards.breakers import Breakers, breaker_refusal
from core.guards.kill_files import halting_all
from core.guards.stops import Stops
from core.records.records import Records
from core.records.repositories.exit_switch import ALL_ACCOUNTS, Switch
from core.runtime.clock import Clock

COMPLETE_WITHIN_S = 300.0
"""Wall seconds within which an account's positions and live orders must have been read completely."""
BARRING = frozenset({BreakerKind.CLOCK, BreakerKind.STORE, BreakerKind.LOGIN})
"""The breakers that stop exits too: the machine, the records, or the login cannot be relied on."""


@dataclass(eq=False, repr=False)
class ExitGate:
    """What is known here of whatever bars exits. Every method but `read` answers without waiting.

    `mode_of` says what is sent for the account with this number. `wrong_clock` says why the machine's clock must not be
    believed, None when nothing speaks against it. `not_reconciled` says why an account is not reconciled, empty once it
    is: an exit waits for a reconciliation under way.
    """

    records: Records
    breakers: Breakers
    stops: Stops
    kill_file: Path
    clock: Clock
    mode_of: Callable[[str], ExitMode]
    wrong_clock: Callable[[], Refusal | None]
    not_reconciled: Callable[[str], str]
    _complete_s: dict[str, float] = field(init=False, default_factory=dict)
    _barred: dict[str, str] = field(init=False, default_factory=dict)
    _held: dict[str, Switch] = field(init=False, default_factory=dict)

    async def read(self) -> None:
        """Reads again whose exits are held, because another process may have changed it. Raises RecordsError."""
        self._held = {one.account: one for one in await self.records.exit_switch.all() if one.held}

    def note_complete(self, account: str, began_s: float) -> None:
        """Takes note that all of the account was read and given to the records, by reads that began at this second of
        `Clock.boottime`."""
        self._complete_s[account] = max(began_s, self._complete_s.get(account, began_s))

    def note_restriction(self, account: str, exits_barred: str) -> None:
        """Takes note of why the broker takes no order at all of the account, empty when it does."""
        self._barred[account] = exits_barred

    def held(self, account: str) -> Switch | None:
        """The recorded switch that holds the account's exits, that of all accounts first; None when they are on."""
        return self._held.get(ALL_ACCOUNTS) or self._held.get(account)

    def complete_age_s(self, account: str) -> float | None:
        """Wall seconds since the account was read completely, those included that the machine slept; None when it never
        was in this process."""
        began_s = self._complete_s.get(account)
        return None if began_s is None else self.clock.boottime() - began_s

    def refusal(self, account: str, login: str) -> Refusal | None:
        """What bars exits of this account, reached by this login. None when nothing does."""
        return next(self._refusals(account, login), None)

    def refusals(self, account: str, login: str) -> tuple[Refusal, ...]:
        """Everything that bars exits of this account, reached by this login, what bars all accounts first."""
        return tuple(dict.fromkeys(self._refusals(account, login)))

    def _refusals(self, account: str, login: str) -> Iterator[Refusal]:
        halting = halting_all(self.kill_file)
        if halting:
            yield refuse(Reason.HALT_ALL_FILE, path=halting)
        stopped = self.stops.refusal(account, Bars.EXITS)
        if stopped is not None:
            yield stopped
        if self.held(account) is not None:
            yield refuse(Reason.EXITS_HELD)
        wrong = self.wrong_clock()
        if wrong is not None:
            yield wrong
        for breaker in self.breakers.open_now:
            if breaker.kind in BARRING and breaker.stops(account, login):
                yield breaker_refusal(breaker)
        if self.mode_of(account) is ExitMode.OFF:
            yield refuse(Reason.EXITS_OFF)
        barred = self._barred.get(account, "")
        if barred:
            yield refuse(Reason.ACCOUNT_RESTRICTED, restriction=barred)
        age_s = self.complete_age_s(account)
        if age_s is None or age_s > COMPLETE_WITHIN_S:
            yield refuse(Reason.ACCOUNT_UNREAD, limit_s=f"{COMPLETE_WITHIN_S:g}")
        if self.not_reconciled(account):
            yield refuse(Reason.RECONCILING)
