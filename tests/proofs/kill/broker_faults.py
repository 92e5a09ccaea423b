"""The faults of the simulated broker: the columns of the table."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch

ANSWER_S = 0.6
"""How long the adapter waits for an order's answer here; the product's 10 s would be longer than a whole case."""
LATE_S = 0.9
DROP_S = 0.05
"""Between two drops of an answer of 20 bytes each: the whole of it takes several times the deadline."""

PLENTY = Decimal("25000.00")
TOO_LITTLE = Decimal("60.00")


@dataclass(frozen=True)
class BrokerFault:
    """One fault; `kind` None is a broker without one. `preflight` is off where the preflight would refuse the order
    before it is sent."""

    name: str
    kind: FaultKind | None = None
    seconds: float | None = None
    cash: Decimal = PLENTY
    preflight: bool = True
    contradicts: bool = False
    """Whether the broker has another order than the one asked for, or refuses one that it has: once that is seen the
    entry is an incident, and the account is barred."""

    def armed(self, account: str) -> Fault | None:
        """The fault of the simulator that hits this account's next order."""
        if self.kind is None:
            return None
        if self.kind.name.startswith("ORDERS_"):
            return Fault(self.kind, count=1, seconds=self.seconds, match=FaultMatch(account=account))
        match = FaultMatch(method="POST", path=f"/accounts/{account}/", path_end="/orders")
        return Fault(self.kind, count=1, seconds=self.seconds, match=match)


FAULTS = (
    BrokerFault("accepted"),
    BrokerFault("refused 422", cash=TOO_LITTLE, preflight=False),
    BrokerFault("request lost", FaultKind.REST_DROP_REQUEST),
    BrokerFault("response lost", FaultKind.REST_DROP_RESPONSE),
    BrokerFault("unreadable 2xx", FaultKind.REST_GARBAGE),
    BrokerFault("5xx after accept", FaultKind.REST_5XX_AFTER),
    BrokerFault("accepted too late", FaultKind.REST_DELAY_BEFORE, seconds=LATE_S),
    BrokerFault("answered too late", FaultKind.REST_DELAY_AFTER, seconds=LATE_S),
    BrokerFault("drip", FaultKind.REST_DRIP, seconds=DROP_S),
    BrokerFault("422 after accept", FaultKind.REST_REFUSED_AFTER, contradicts=True),
    BrokerFault("twin", FaultKind.ORDERS_TWIN, contradicts=True),
    BrokerFault("changed price", FaultKind.ORDERS_CHANGED_PRICE, contradicts=True),
)

LAGS_MIN = (0, 2, 10, 40)
"""For how many minutes the broker's listings do not show a new order."""
MINUTE_S = 0.1
"""Real seconds per minute of the proof; listing lags and the two settlement times are scaled by it."""
