"""Requests to the broker in process: how long each takes, and the faults that meet it on its way there and back.

The faults are those of the wire (`core.simulator.exchange.faults`), at the same places and with the same results.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from core.broker.port import BrokerError, BrokerFault, BrokerTime
from core.runtime.clock import Clock
from core.runtime.redaction import masked_accounts
from core.simulator.exchange.armed_faults import ArmedFault, ArmedFaults
from core.simulator.exchange.broker_clock import BrokerClock
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import OrderRefused
from core.simulator.in_process.answers import AFTER, BEFORE, REFUSED, Failure, fault_of, refusal_code

T = TypeVar("T")

LATENCY_S = 0.05
"""Seconds that every request takes."""
REQUEST_TIMEOUT_S = 10.0
DROPS = 50
"""Into how many drops an answer falls that drips (rest-drip)."""
DROP_S = 0.3
"""Seconds from one drop to the next, unless the fault names them."""


@dataclass(eq=False)
class Requests:
    """The requests of one login. `clock` is the true one, `theirs` the broker's. `unreachable`: no request gets a
    connection. `time` is the broker's time at its last answer that told it."""

    clock: Clock
    theirs: BrokerClock
    faults: ArmedFaults
    unreachable: bool = field(default=False, init=False)
    time: BrokerTime | None = field(default=None, init=False)

    async def call(self, path: str, process: Callable[[datetime], T], method: str = "GET") -> T:
        """What a request is answered, processed at the broker's time at which it arrives. An order is sent otherwise.

        Raises BrokerError when the broker refuses it, or when a fault makes it fail before or after that.
        """
        await self.clock.sleep(LATENCY_S)
        late = self.delay_s(FaultKind.REST_DELAY_BEFORE, path, method)
        if late > REQUEST_TIMEOUT_S and method != "GET":  # it arrives though nobody waits for its answer any more
            asyncio.get_running_loop().call_later(late, self._process_late, process)
        await self._wait(late, path)
        self.check(path, method, BEFORE)
        try:
            answer = process(self.theirs.now())
        except OrderRefused as error:
            what = "cancel" if method == "DELETE" else "order"
            raise _failed(fault_of(error), f"{what}: {error.message}", error.code) from None
        if (refused := self.armed(FaultKind.REST_REFUSED_AFTER, path, method)) is not None:
            raise _failed(BrokerFault.REFUSED, f"{path}: {REFUSED}", refusal_code(refused))
        await self._wait(self.late_answer_s(path, method), path)
        self.check(path, method, AFTER)
        self.note_time(path, method)
        return answer

    def _process_late(self, process: Callable[[datetime], object]) -> None:
        with suppress(OrderRefused):
            process(self.theirs.now())

    async def _wait(self, seconds: float, path: str) -> None:
        """Waits so long, or until the deadline of a request. Raises BrokerError at the deadline."""
        if seconds:
            await self.clock.sleep(min(seconds, REQUEST_TIMEOUT_S))
        if seconds > REQUEST_TIMEOUT_S:
            raise _failed(BrokerFault.UNREACHABLE, f"{path}: no answer within {REQUEST_TIMEOUT_S:g} s")

    def note_time(self, path: str, method: str) -> None:
        if self.armed(FaultKind.DATE_MISSING, path, method) is None:
            told = self.theirs.now().replace(microsecond=0)  # a Date header has whole seconds
            told_by = told + timedelta(seconds=1)
            self.time = BrokerTime(told, told_by, self.clock.monotonic(), self.clock.boottime())

    def check(self, path: str, method: str = "GET", kinds: Mapping[FaultKind, Failure] | None = None) -> None:
        """Raises BrokerError when a fault of these kinds is armed for this request; of all kinds when none is given."""
        if self.unreachable:
            raise _failed(BrokerFault.UNREACHABLE, f"{path}: connection refused")
        for kind, (fault, words) in (kinds or {**BEFORE, **AFTER}).items():
            if self.armed(kind, path, method) is not None:
                raise _failed(fault, f"{path}: {words}")

    def armed(self, kind: FaultKind, path: str, method: str) -> ArmedFault | None:
        return self.faults.take(kind, self.clock.monotonic(), method=method, path=path)

    def delay_s(self, kind: FaultKind, path: str, method: str) -> float:
        armed = self.armed(kind, path, method)
        return 0.0 if armed is None else armed.fault.seconds or REQUEST_TIMEOUT_S

    def late_answer_s(self, path: str, method: str) -> float:
        drip = self.armed(FaultKind.REST_DRIP, path, method)
        dripping = 0.0 if drip is None else DROPS * (drip.fault.seconds or DROP_S)
        return dripping + self.delay_s(FaultKind.REST_DELAY_AFTER, path, method)


def _failed(fault: BrokerFault, text: str, code: str = "") -> BrokerError:
    """The error with its account numbers masked, as the adapter masks those of the wire (broker 5)."""
    return BrokerError(fault, masked_accounts(text), code)
