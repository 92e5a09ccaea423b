"""How long accounts wait to be read or reconciled: a short wait is no news, one that lasts is told as a block."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.runtime.clock import Clock

SETTLES_S = 60.0
"""Wall seconds that an account may wait, as a console starts or connects again, before that is told as a block of its
exits."""
FREE_S = 2 * SETTLES_S
"""Wall seconds without a wait after which the next one begins anew: waits close together are added up."""


@dataclass(slots=True)
class _Wait:
    """Wall seconds waited, the monotonic second at which that was last seen, and whether the newest look saw it."""

    waited_s: float
    seen_s: float
    goes_on: bool


@dataclass(eq=False, repr=False)
class ShortWaits:
    """What each look at an account found."""

    clock: Clock
    _waits: dict[str, _Wait] = field(init=False, default_factory=dict)

    def looked(self, account: str, *, waits: bool) -> bool:
        """Takes note of whether the account waits now. True while it does and has not waited long."""
        now_s = self.clock.monotonic()
        known = self._waits.setdefault(account, _Wait(0.0, now_s, goes_on=False))
        if waits and known.goes_on:
            known.waited_s += now_s - known.seen_s
        elif waits and now_s - known.seen_s > FREE_S:
            known.waited_s = 0.0
        if waits:
            known.seen_s = now_s
        known.goes_on = waits
        return waits and known.waited_s < SETTLES_S
