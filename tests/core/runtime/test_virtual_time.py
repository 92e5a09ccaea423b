"""The loop with virtual time: time jumps ahead, it waits for threads, and it never hangs."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from core.runtime import virtual_time
from core.runtime.virtual_time import VirtualClock, VirtualTimeStalled, run_virtual

ANCHOR = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def test_an_hour_takes_no_real_time_and_ends_on_the_second() -> None:
    async def main(clock: VirtualClock) -> tuple[datetime, float]:
        await clock.sleep(3600)
        return clock.now(), clock.monotonic()

    began = time.perf_counter()
    assert run_virtual(main, ANCHOR) == (ANCHOR + timedelta(hours=1), 3600.0)
    assert time.perf_counter() - began < 5


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    async def main(clock: VirtualClock) -> list[tuple[str, float]]:
        woken: list[tuple[str, float]] = []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic()))

        await asyncio.gather(sleeper("late", 7), sleeper("early", 0.25), sleeper("middle", 3))
        return woken

    assert run_virtual(main, ANCHOR) == [("early", 0.25), ("middle", 3.0), ("late", 7.0)]


@pytest.mark.parametrize("days", [0, 97, 195, 365, 4_000])
def test_time_goes_on_after_any_number_of_days(days: int) -> None:
    """Seconds since the start lose their nanoseconds after 194 days."""

    async def main(clock: VirtualClock) -> float:
        await clock.sleep(days * 86_400 + 1 / 3)
        for seconds in (0.1, 1 / 7, 15.0, 900.3):
            async with asyncio.timeout(seconds * 2):
                await clock.sleep(seconds)
        return clock.monotonic()

    assert run_virtual(main, ANCHOR) == pytest.approx(days * 86_400 + 915.876, abs=0.01)


def test_it_is_quiet_until_the_next_timer_and_not_while_anything_can_run() -> None:
    async def main(clock: VirtualClock) -> list[float]:
        loop = asyncio.get_running_loop()
        quiet: list[float] = []
        sleeper = asyncio.create_task(clock.sleep(9))
        loop.call_later(2, lambda: quiet.append(virtual_time.quiet_s()))
        await clock.sleep(3)
        quiet.append(virtual_time.quiet_s())
        loop.call_soon(lambda: None)
        quiet.append(virtual_time.quiet_s())
        await asyncio.sleep(0)
        in_thread = loop.run_in_executor(None, lambda: None)
        quiet.append(virtual_time.quiet_s())
        await in_thread
        await sleeper
        return quiet

    assert run_virtual(main, ANCHOR) == [1.0, 6.0, 0.0, 0.0]


def test_a_loop_in_real_time_is_never_known_to_be_quiet() -> None:
    async def main() -> float:
        asyncio.get_running_loop().call_later(60, lambda: None)
        return virtual_time.quiet_s()

    assert asyncio.run(main()) == 0.0


def test_a_timeout_counts_virtual_seconds() -> None:
    async def main(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(90):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run_virtual(main, ANCHOR) == 90.0


def test_time_stands_still_while_a_store_call_is_in_flight() -> None:
    under_way = 0

    async def main(clock: VirtualClock) -> tuple[float, float]:
        nonlocal under_way
        other = asyncio.create_task(clock.sleep(5))
        await clock.sleep(1)
        done = asyncio.get_running_loop().create_future()

        def work() -> None:
            time.sleep(0.05)
            done.get_loop().call_soon_threadsafe(done.set_result, None)

        under_way += 1
        threading.Thread(target=work).start()
        await done
        under_way -= 1
        after_call = clock.monotonic()
        await other
        return after_call, clock.monotonic()

    assert run_virtual(main, ANCHOR, lambda: under_way) == (1.0, 5.0)


def test_a_job_of_the_executor_takes_no_virtual_time() -> None:
    async def main(clock: VirtualClock) -> tuple[str, float]:
        ticking = asyncio.create_task(clock.sleep(1000))

        def work() -> str:
            time.sleep(0.02)
            return "done"

        answer = await asyncio.to_thread(work)
        at = clock.monotonic()
        ticking.cancel()
        return answer, at

    assert run_virtual(main, ANCHOR) == ("done", 0.0)


def test_a_threads_result_waits_until_the_loop_is_idle() -> None:
    async def main(clock: VirtualClock) -> list[str]:
        seen: list[str] = []
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(seen.append, "thread"))
        thread.start()
        thread.join()
        for turn in range(3):
            await clock.sleep(0)
            seen.append(str(turn))
        await clock.sleep(1)
        return seen

    assert run_virtual(main, ANCHOR) == ["0", "1", "2", "thread"]


def test_a_loop_in_which_nothing_can_happen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "PATIENCE_S", 0.01)

    async def main(clock: VirtualClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(VirtualTimeStalled):
        run_virtual(main, ANCHOR)


def test_an_anchor_without_a_zone_is_refused() -> None:
    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(ValueError, match="no time zone"):
            VirtualClock(datetime(2026, 3, 2, 9, 30), loop)  # noqa: DTZ001 - that is the mistake
    finally:
        loop.close()
