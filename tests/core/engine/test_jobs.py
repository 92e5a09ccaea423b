"""Every job that fails is tried again or said: once when it begins to fail, and once when it works again (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from core.domain.operation.events import Severity
from core.domain.operation.mail_preference import MailPreference
from core.engine.tasks import Jobs
from core.locks.folder_lock import LockLost, LockUnconfirmed
from core.records.store.errors import FencedOff, RecordsError
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.snapshot import Level
from tests.core.notify.mail_without_engine import mail_settings
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import MONDAY, World, et, in_world

FULL = "the disk is full"


class Failing:
    """Work that raises these errors first, one a call, and succeeds afterwards. `at` has the second of each call."""

    def __init__(self, clock: VirtualClock, *errors: Exception) -> None:
        self._clock = clock
        self._errors = [*errors]
        self.at: list[float] = []

    async def __call__(self) -> None:
        self.at.append(self._clock.monotonic())
        if self._errors:
            raise self._errors.pop(0)


Script = Callable[[VirtualClock, Jobs, list[tuple[Severity, str]]], Awaitable[None]]


def with_jobs(script: Script) -> None:
    """Runs the script with jobs in a group, which ends with the script."""

    async def main(clock: VirtualClock) -> None:
        said: list[tuple[Severity, str]] = []
        jobs = Jobs(clock, lambda severity, text: said.append((severity, text)))
        async with asyncio.TaskGroup() as group:
            jobs.open(group)
            await script(clock, jobs, said)
            jobs.close()
            jobs.cancel()

    run_virtual(main, et(MONDAY, "09:00"))


def test_a_periodic_job_that_fails_again_and_again_is_said_once_and_once_when_it_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(clock: VirtualClock, jobs: Jobs, said: list[tuple[Severity, str]]) -> None:
        work = Failing(clock, *(RecordsError(FULL) for _ in range(5)))
        start = jobs.periodic("the digest", work, 30)
        for _ in range(8):
            start()
            await clock.sleep(30)
        assert len(work.at) == 8
        assert said == [
            (Severity.CRITICAL, f"the digest failed: {FULL}; it is tried again every 30 s"),
            (Severity.INFO, "the digest works again"),
        ]

    with_jobs(script)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["the digest failed"]


def test_a_job_that_must_succeed_once_is_tried_until_it_does() -> None:
    async def script(clock: VirtualClock, jobs: Jobs, said: list[tuple[Severity, str]]) -> None:
        work = Failing(clock, *(RecordsError(FULL) for _ in range(6)))
        jobs.until_done("the figures", work)
        await clock.sleep(1_000)
        assert work.at == [0, 5, 15, 35, 75, 135, 195]
        assert [text for _, text in said] == [
            f"the figures failed: {FULL}; it is tried again until it succeeds",
            "the figures works again",
        ]

    with_jobs(script)


def test_a_job_that_must_succeed_ends_with_the_engine() -> None:
    async def script(clock: VirtualClock, jobs: Jobs, said: list[tuple[Severity, str]]) -> None:
        jobs.until_done("the figures", Failing(clock, *(RecordsError(FULL) for _ in range(1_000))))
        await clock.sleep(100)

    with_jobs(script)  # it would never return


def test_a_service_that_fails_again_and_again_in_one_way_is_said_once() -> None:
    async def script(clock: VirtualClock, jobs: Jobs, said: list[tuple[Severity, str]]) -> None:
        full, locked = RecordsError(FULL), RecordsError("the database is locked")
        work = Failing(clock, *(full for _ in range(10)), *(locked for _ in range(10)))
        jobs.keep_alive("mail", work)
        await clock.sleep(200)
        assert len(work.at) > 20
        assert [text for _, text in said] == [f"mail failed and starts again: {words}" for words in (full, locked)]

    with_jobs(script)


@pytest.mark.parametrize("error", [FencedOff("taken over"), LockLost("gone")])
@pytest.mark.parametrize("kind", ["spawned", "periodic", "until done"])
def test_a_job_that_learns_of_another_trader_ends_the_engine(kind: str, error: Exception) -> None:
    async def script(clock: VirtualClock, jobs: Jobs, said: list[tuple[Severity, str]]) -> None:
        work = Failing(clock, error)
        if kind == "spawned":
            jobs.spawn(work(), "a slot")
        elif kind == "periodic":
            jobs.periodic("the digest", work, 30)()
        else:
            jobs.until_done("the figures", work)
        await clock.sleep(60)
        raise AssertionError("the group goes on")

    with pytest.raises(ExceptionGroup) as raised:
        with_jobs(script)
    assert raised.value.exceptions == (error,)


def test_a_lock_that_is_only_unconfirmed_ends_nothing() -> None:
    async def script(clock: VirtualClock, jobs: Jobs, said: list[tuple[Severity, str]]) -> None:
        work = Failing(clock, LockUnconfirmed("no answer yet"))
        jobs.until_done("the figures", work)
        await clock.sleep(60)
        assert len(work.at) == 2

    with_jobs(script)


def test_no_periodic_job_of_the_engine_fails_in_silence_or_without_a_name(tmp_path: Path) -> None:
    """On a full disk every job that writes says so once, however long it lasts, and once when it works again."""
    store = Disk()

    async def day(world: World) -> None:
        mail = mail_settings(MailPreference.DAILY)
        world.settings, world.mailer = world.settings.model_copy(update={"mail": mail}), MemoryMailServer(world.clock)
        await world.start()
        await world.until("15:50")
        store.full = True
        await world.until("16:30")
        store.full = False
        await world.until("16:40")
        snapshot = world.snapshot()
        said = [m.text for m in snapshot.messages if m.source == "engine" and m.at >= et(MONDAY, "15:50")]
        failed = [text.partition(" failed: ")[0] for text in said if "it is tried again every" in text]
        assert "the writing of digests" in failed
        assert len(failed) == len(set(failed)), failed
        again = [text.removesuffix(" works again") for text in said if text.endswith(" works again")]
        assert sorted(again) == sorted(failed)
        assert not [text for text in said if "a job" in text or "periodic job" in text]
        levels = {m.level for m in snapshot.messages if m.text in said and "is tried again" in m.text}
        assert levels == {Level.CRITICAL}
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "15:40"), disk=store)


def test_nothing_more_starts_while_the_group_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """A service that is cancelled still ends what cannot be taken back, and may ask for a job meanwhile."""
    began: list[str] = []

    async def job() -> None:
        began.append("too late")

    async def service(jobs: Jobs) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            jobs.spawn(job(), "a late job")
            began.append("the service goes on to its end")

    async def broken(clock: VirtualClock, jobs: Jobs) -> None:
        async with asyncio.TaskGroup() as group:
            jobs.open(group)
            jobs.keep_alive("a service", lambda: service(jobs))
            await clock.sleep(1)
            raise RuntimeError("the engine breaks")

    async def main(clock: VirtualClock) -> None:
        with pytest.raises(ExceptionGroup):
            await broken(clock, Jobs(clock, lambda severity, text: began.append(text)))

    run_virtual(main, et(MONDAY, "09:00"))
    assert began == ["the service goes on to its end"]
    assert not caplog.records
