"""The faults that are armed: asked for where a real broker or network fails when it answers a client (broker 5, 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.simulator.exchange.faults import CONDITION_KINDS, DURATION_KINDS, Fault, FaultKind


@dataclass(slots=True)
class ArmedFault:
    """A fault that is armed."""

    number: int
    fault: Fault
    since: datetime
    """Market time at which it was armed, UTC."""
    until: float | None
    """Monotonic second at which it ends; None for one that does not end by itself."""
    left: int | None
    """Occurrences left; None for no limit."""


class ArmedFaults:
    """The armed faults, in the order they were armed."""

    def __init__(self) -> None:
        self._armed: list[ArmedFault] = []
        self._numbers = 0

    def arm(self, fault: Fault, now: datetime, monotonic: float) -> ArmedFault:
        """Arms a fault. `now` is market time and `monotonic` the monotonic second at this moment."""
        self._numbers += 1
        lasts = fault.seconds is not None and fault.kind not in DURATION_KINDS
        armed = ArmedFault(
            number=self._numbers,
            fault=fault,
            since=now,
            until=monotonic + fault.seconds if lasts and fault.seconds is not None else None,
            left=None if fault.kind in CONDITION_KINDS else fault.count,
        )
        self._armed.append(armed)
        return armed

    @property
    def is_empty(self) -> bool:
        """Whether no fault is armed: `take` would answer None to everything."""
        return not self._armed

    def clear(self) -> None:
        """Removes every fault."""
        self._armed.clear()

    def listing(self, monotonic: float) -> Sequence[ArmedFault]:
        """The faults that are armed at this monotonic second, oldest first."""
        self._expire(monotonic)
        return tuple(self._armed)

    def take(
        self,
        kind: FaultKind,
        monotonic: float,
        *,
        method: str | None = None,
        path: str | None = None,
        symbol: str | None = None,
        account: str | None = None,
    ) -> ArmedFault | None:
        """The first armed fault of this kind that applies here, or None. This counts as one of its occurrences."""
        if not self._armed:
            return None
        self._expire(monotonic)
        for armed in self._armed:
            if armed.fault.kind is not kind:
                continue
            if not armed.fault.match.allows(method=method, path=path, symbol=symbol, account=account):
                continue
            if armed.left is not None:
                armed.left -= 1
                if armed.left == 0:
                    self._armed.remove(armed)
            return armed
        return None

    def _expire(self, monotonic: float) -> None:
        if any(armed.until is not None and armed.until <= monotonic for armed in self._armed):
            self._armed = [armed for armed in self._armed if armed.until is None or armed.until > monotonic]
