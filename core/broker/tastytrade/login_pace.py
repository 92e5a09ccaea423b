"""How soon a login may be tried again that led nowhere, though the broker did not refuse it (broker 8)."""

from __future__ import annotations

from core.runtime.clock import Clock

FIRST_WAIT_S = 10.0
LONGEST_WAIT_S = 300.0


class LoginPace:
    """Spaces logins in vain: answered by a gateway's page, or with a token that is refused in turn.

    After one the next may leave at once. From the second in a row on the wait doubles, from 10 s to 5 min. A login
    without any answer does not count: it did not reach the broker, and after an outage the next one must not wait.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._vain = 0
        self._at = 0.0
        self.words = ""
        """What came of the last login in vain."""

    def wait_s(self) -> float:
        """Wall seconds until the next login may leave; 0 when it may now."""
        if self._vain < 2:
            return 0.0
        wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * (1 << min(self._vain - 2, 10)))
        return max(0.0, self._at + wait - self._clock.monotonic())

    def in_vain(self, words: str = "") -> None:
        """A login led nowhere; `words` say what came of it."""
        self._vain += 1
        self._at = self._clock.monotonic()
        self.words = words

    def worked(self) -> None:
        """A login led to what was wanted: the next one in vain is the first again."""
        self._vain = 0
