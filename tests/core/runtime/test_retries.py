"""Work that has to succeed once is tried again in the same rhythm, whoever tries it."""

from __future__ import annotations

import pytest

from core.runtime.clock import Clock
from core.runtime.retries import until_done
from core.runtime.virtual_time import run_virtual
from tests.support.world import MONDAY, et


@pytest.mark.parametrize(
    ("failed", "tries"), [(False, [0, 5, 15, 35, 75, 135, 195]), (True, [5, 15, 35, 75, 135, 195, 255])]
)
def test_it_waits_5_seconds_then_twice_as_long_and_60_at_most(tries: list[int], *, failed: bool) -> None:
    async def main(clock: Clock) -> None:
        began, at = clock.monotonic(), list[int]()

        async def attempt() -> bool:
            at.append(round(clock.monotonic() - began))
            return len(at) == len(tries)

        await until_done(clock, attempt, failed=failed)
        assert at == tries

    run_virtual(main, et(MONDAY, "09:30"), lambda: 0)
