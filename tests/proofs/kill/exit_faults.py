"""What the simulated broker does with the orders of an exit path: the columns of its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from tests.support.world import ACCOUNT

ExitPath = Literal["target", "target fill", "cancel and prove", "time close", "transactions"]
MethodOf: dict[str, tuple[str, str]] = {
    "target": ("POST", "/orders"),
    "time close": ("POST", "/orders"),
    "cancel and prove": ("DELETE", ""),
    "transactions": ("GET", "/transactions"),
}
"""The request of a path whose answer is lost, with the end of its path."""


@dataclass(frozen=True)
class ExitFault:
    """One column. `kind` hits the first `count` requests that the path is about; without one the broker does as it is
    asked.
    `fills`: an order of the trident fills while nobody looks. `discards`: the exchange rejects what it had accepted."""

    name: str
    kind: FaultKind | None = None
    count: int = 1
    fills: bool = False
    discards: bool = False

    def armed(self, path: ExitPath) -> Fault | None:
        """The fault of the simulator that hits this path's request."""
        if self.kind is None:
            return None
        if not self.kind.name.startswith("REST_"):
            return Fault(self.kind, count=self.count, match=FaultMatch(account=ACCOUNT))
        if path not in MethodOf:
            return Fault(FaultKind.ALERTS_LOST, count=4)
        method, end = MethodOf[path]
        return Fault(
            self.kind, count=self.count, match=FaultMatch(method=method, path=f"/accounts/{ACCOUNT}/", path_end=end)
        )


ANSWER = ExitFault("answer")
LOST = ExitFault("lost answer", FaultKind.REST_DROP_RESPONSE)
LATE_FILL = ExitFault("late fill", fills=True)
AFTER_CANCEL = ExitFault("fill after cancel request", FaultKind.ORDERS_FILL_AFTER_CANCEL)
BAD_GATEWAY = ExitFault("5xx after accept", FaultKind.REST_5XX_AFTER)
DISCARD = ExitFault("discard", discards=True)
EXIT_FAULTS = (ANSWER, LOST, LATE_FILL, AFTER_CANCEL, BAD_GATEWAY, DISCARD)
EXIT_COLUMNS: dict[ExitPath, tuple[ExitFault, ...]] = {
    "target": (ANSWER, LOST, LATE_FILL, BAD_GATEWAY, DISCARD),
    "target fill": (ANSWER, LOST, LATE_FILL),
    "cancel and prove": (ANSWER, LOST, LATE_FILL, AFTER_CANCEL, BAD_GATEWAY),
    "time close": EXIT_FAULTS,
    "transactions": (ANSWER, LOST, BAD_GATEWAY),
}
"""The faults that each path is run with: a path that cancels nothing has no fill after a cancel."""
EXIT_LAGS_MIN = (0, 40)
"""For how many minutes the broker's listings do not show a new order. Time is virtual: they are the broker's own."""
