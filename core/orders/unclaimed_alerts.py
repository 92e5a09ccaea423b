"""Alerts without an identifier that may be about an order of ours whose id is not known yet (rules 9)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from core.domain.orders.orders import OrderReport
from core.runtime.clock import Clock

UNCLAIMED_S = 60.0
"""Wall seconds for which an alert without an identifier waits for the acknowledgement of its order."""
_MOST = 200
"""How many orders are waited for, and how many alerts of one of them are kept: the newest."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """An alert, and the monotonic second at which it came."""

    at_s: float
    report: OrderReport


@dataclass(eq=False, repr=False)
class UnclaimedAlerts:
    """Keeps them by order id until the acknowledgement of their order claims them, or nobody has for UNCLAIMED_S."""

    clock: Clock
    _kept: OrderedDict[str, list[_Heard]] = field(init=False, default_factory=OrderedDict)

    def keep(self, report: OrderReport) -> None:
        """Keeps one alert."""
        kept = self._kept.setdefault(report.order_id, [])
        kept.append(_Heard(self.clock.monotonic(), report))
        del kept[:-_MOST]
        self._kept.move_to_end(report.order_id)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def claim(self, order_id: str) -> tuple[OrderReport, ...]:
        """Hands over the alerts about this order, the oldest first, and forgets them."""
        return tuple(heard.report for heard in self._kept.pop(order_id, ()))

    def overdue(self) -> OrderReport | None:
        """The newest alert about the order that was waited for longest, once that is too long; None before."""
        oldest = next(iter(self._kept.values()), None)
        if oldest is None or self.clock.monotonic() - oldest[-1].at_s < UNCLAIMED_S:
            return None
        return oldest[-1].report
