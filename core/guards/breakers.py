"""The open breakers: kept in the records, and in memory so that a guard can ask without waiting (rules 9)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from core.domain.operation.breakers import Breaker, BreakerKind
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.records.records import Records
from core.records.repositories.breakers import CLOSED_BY_ENGINE
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.runtime.clock import Clock

log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class Breakers:
    """Opens and closes breakers, and says what they stop. One that cannot be recorded still stops entries in this
    process."""

    records: Records
    bus: Bus
    clock: Clock
    _open: dict[tuple[BreakerKind, str], Breaker] = field(init=False, default_factory=dict)
    _unrecorded: set[tuple[BreakerKind, str]] = field(init=False, default_factory=set)
    _recording: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    @property
    def open_now(self) -> tuple[Breaker, ...]:
        return tuple(self._open.values())

    async def load(self) -> None:
        """Takes over what earlier processes left open. Raises RecordsError."""
        self._open = {(b.kind, b.subject): b for b in await self.records.breakers.open_now()}

    def refusal(self, account: str, login: str) -> Refusal | None:
        """Why entries of this account are barred, None when they are not."""
        return next(iter(self.refusals(account, login)), None)

    def refusals(self, account: str, login: str) -> tuple[Refusal, ...]:
        """Every breaker that bars entries of this account."""
        return tuple(breaker_refusal(b) for b in self._open.values() if b.stops(account, login))

    def is_open(self, kind: BreakerKind, subject: str = "") -> bool:
        return (kind, subject) in self._open

    async def open(self, kind: BreakerKind, subject: str, why: str) -> None:
        """Stops entries at once, then records it. A breaker that is open already stays as it was."""
        if self.is_open(kind, subject):
            return
        self._open[kind, subject] = Breaker(kind, subject, why, self.clock.now())
        self._unrecorded.add((kind, subject))
        try:
            await self.record_open()
        except RecordsError:
            # The records themselves may be failing; the breaker in memory stops entries all the same.
            log.exception("breaker %s could not be recorded", kind.code)

    async def record_open(self) -> None:
        """Records open breakers that are not recorded yet. Raises RecordsError.

        Two calls take turns, so that each breaker is told once.
        """
        async with self._recording:
            for key in tuple(self._unrecorded):
                breaker = self._open.get(key)
                if breaker is not None:
                    await self.records.breakers.open(breaker.kind, breaker.subject, breaker.why, breaker.opened_at)
                self._unrecorded.discard(key)
                if breaker is not None:
                    text = f"entries stopped: {breaker.why}; {breaker.kind.reset}"
                    await self._say("breaker.opened", breaker.kind, breaker.subject, text, Severity.CRITICAL)

    async def close(self, kind: BreakerKind, subject: str, by: str, why: str) -> bool:
        """Lets entries go on. False when the breaker was not open. Raises RecordsError, and then it stays open."""
        if not self.is_open(kind, subject):
            return False
        await self.record_open()
        await self.records.breakers.close(kind, subject, by, why, self.clock.now())
        self._open.pop((kind, subject), None)
        await self._say(
            "breaker.closed", kind, subject, f"entries are no longer stopped by {kind.words}: {why}", Severity.INFO
        )
        return True

    async def follow(self, kind: BreakerKind, subject: str, trouble: str | None) -> None:
        """Opens a breaker that resets itself while there is `trouble`, and closes it when there is none."""
        if trouble is not None:
            await self.open(kind, subject, trouble)
        elif self.is_open(kind, subject):
            await self.close(kind, subject, CLOSED_BY_ENGINE, "the cause is gone")

    async def _say(self, kind: str, breaker: BreakerKind, subject: str, text: str, severity: Severity) -> None:
        account = subject if subject and breaker.scope.value == "account" else None
        whom = f"{masked(subject)}: " if account else f"{subject}: " if subject else ""
        await self.bus.say(kind, f"{whom}{text}", severity, account=account, figures=(("breaker", breaker.code),))


def breaker_refusal(breaker: Breaker) -> Refusal:
    """The refusal that tells why this breaker is open, and how it is reset."""
    return refuse(Reason.BREAKER_OPEN, breaker=breaker.kind.code, why=breaker.why, reset=breaker.kind.reset)
