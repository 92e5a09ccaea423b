"""The steps of a start, for the screen: which are done, which one runs, and how long each takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.runtime.clock import Clock
from core.snapshot import StartState, StartStep

SETUP, BROKER, RECORDS, LOGIN = "setup", "broker", "records", "login"
ACCOUNTS, MARKET, FEED, RECONCILE = "accounts", "market", "feed", "reconcile"
_ORDER = (SETUP, BROKER, RECORDS, LOGIN, ACCOUNTS, MARKET, FEED, RECONCILE)
"""Setup: settings, passwords and locks. Broker: it is asked for its time, and is heard of for the first time."""
LONGEST_S = 60.0
"""Wall seconds after which a start that waits only for the feed is over; the feed's own health says the rest."""


@dataclass(frozen=True, slots=True)
class _Taken:
    began: float
    ended: float | None = None
    failure: str = ""


@dataclass(eq=False, repr=False, slots=True)
class StartProgress:
    """Notes the steps of one start. One thread writes it, any may read it."""

    clock: Clock
    _taken: dict[str, _Taken] = field(init=False, default_factory=dict)

    def begin(self, *names: str) -> None:
        """These steps run from now on."""
        for name in names:
            self._taken.setdefault(name, _Taken(self.clock.monotonic()))

    def done(self, name: str) -> None:
        """This step is done."""
        taken = self._taken.get(name)
        if taken is not None and taken.ended is None:
            self._taken[name] = _Taken(taken.began, self.clock.monotonic())

    def then(self, name: str, *following: str) -> None:
        """This step is done and those run."""
        self.done(name)
        self.begin(*following)

    def fail(self, why: str) -> None:
        """What runs has failed, and the start with it."""
        for name, taken in tuple(self._taken.items()):
            if taken.ended is None:
                self._taken[name] = _Taken(taken.began, self.clock.monotonic(), why)

    def steps(self, *, feeds: bool = False, reconciled: bool = False) -> tuple[StartStep, ...]:
        """Every step in order. Empty once the start is over. Feed and reconciliation end after the engine runs: when
        the feed is connected, and when every account is reconciled."""
        if feeds:
            self.done(FEED)
        if reconciled:
            self.done(RECONCILE)
        taken = dict(self._taken)
        if self._is_over(taken):
            return ()
        begun = max((_ORDER.index(name) for name in taken), default=-1)
        return tuple(self._step(name, taken.get(name), passed=place < begun) for place, name in enumerate(_ORDER))

    def _is_over(self, taken: dict[str, _Taken]) -> bool:
        reconcile, feed = taken.get(RECONCILE), taken.get(FEED)
        if reconcile is None or feed is None or reconcile.ended is None or reconcile.failure:
            return False
        return feed.ended is not None or self.clock.monotonic() - feed.began > LONGEST_S

    def _step(self, name: str, taken: _Taken | None, *, passed: bool) -> StartStep:
        if taken is None:  # a step that an engine made of ready parts did not need is passed all the same
            return StartStep(name, StartState.DONE if passed else StartState.TODO)
        until = self.clock.monotonic() if taken.ended is None else taken.ended
        state = StartState.NOW if taken.ended is None else StartState.FAILED if taken.failure else StartState.DONE
        return StartStep(name, state, max(0, int(until - taken.began)), taken.failure)
