"""Tests of the kill switch: it counts suspensions where they happen, and its kill is real."""

from __future__ import annotations

import asyncio
import multiprocessing
from pathlib import Path

from tests.proofs.kill.kill_at import KillSwitch


async def _work(turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return turns


async def _with_a_task() -> int:
    return await asyncio.create_task(_work(3)) + await _work(2)


async def test_the_suspensions_of_watched_work_and_of_its_tasks_are_counted(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "place")
    switch.install()
    aside = asyncio.create_task(_work(50))
    assert await switch.watching(_with_a_task)() == 5
    await aside
    assert switch.counted == 1 + 3 + 2


async def test_a_cancelled_wait_passes_through(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "place")

    async def patient() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "went on"
        return "never"

    assert await switch.watching(patient)() == "went on"


async def test_a_named_point_counts_only_inside_watched_work(tmp_path: Path) -> None:
    class Store:
        async def write(self) -> str:
            return "written"

    switch, store = KillSwitch(tmp_path / "place", named="after write"), Store()
    switch.around(store, "write", "write")
    assert await store.write() == "written"
    assert not switch.place.exists()


def _die(place: Path, suspension: int) -> None:
    switch = KillSwitch(place, suspension=suspension)
    asyncio.run(switch.watching(_work)(3))


def test_the_process_dies_at_the_chosen_suspension_and_not_after_the_last(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    for suspension, code in ((3, -9), (4, 0)):
        child = processes.Process(target=_die, args=(tmp_path / str(suspension), suspension))
        child.start()
        child.join()
        assert child.exitcode == code
        assert (tmp_path / str(suspension)).exists() is (code != 0)
