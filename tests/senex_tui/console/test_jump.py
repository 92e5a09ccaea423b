"""The key that jumps: only in a console that runs a demo of its own, and only from where nothing is under way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from core.market.calendar import SessionCalendar
from core.snapshot import Automation, EngineState, PositionsSlice, Snapshot, TridentExits
from senex_tui.console.actions.jump import JumpQuestion, JumpTarget
from senex_tui.console.demo_app import DemoApp
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.help import help_text
from senex_tui.run.jump import LEAST, targets
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.scenes import FixedEngine

TUESDAY = datetime(2026, 3, 3, 14, 44, 45, tzinfo=UTC)


def moments(snapshot: Snapshot) -> tuple[JumpTarget, ...]:
    return (
        JumpTarget("s", "session", TUESDAY),
        JumpTarget("e", "expiry", None, "nothing that is held expires after today"),
        JumpTarget("x", "exit", None, "no exit is planned"),
    )


def chosen(console: Driven) -> datetime | None:
    assert isinstance(console.app, DemoApp)
    target = console.app.jumps_to
    return None if target is None else target.at


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)])
async def test_the_question_names_the_moments_and_the_key_chooses_one(size: tuple[int, int]) -> None:
    ended: list[str] = []

    async def stop() -> None:
        ended.append("in order")

    async with driven(scenes.calm(), size=size, targets=moments, stop_engine=stop) as console:
        await console.press("J")
        assert isinstance(console.app.screen, JumpQuestion)
        for told in (
            "s session",
            "Tue 3 Mar 2026 09:44:45 ET",
            "x exit",
            "no exit is planned",
            "The engine ends in order",
        ):
            assert await console.shows(told), console.text
        await console.press("y", "enter", "e", "x")
        assert isinstance(console.app.screen, JumpQuestion), "a moment that is not there is no answer"
        assert "no jump: no exit is planned" in console.toasts
        assert chosen(console) is None
        await console.press("s")
        await console.pilot.pause()
        assert chosen(console) == TUESDAY
    assert ended == ["in order"]


async def test_no_leaves_everything_as_it_is() -> None:
    async with driven(scenes.calm(), targets=moments) as console:
        for key in ("n", "q", "escape", "ctrl+g"):
            await console.press("J", key)
            assert isinstance(console.app.screen, Dashboard)
        assert chosen(console) is None
        assert console.engine.sent == []


async def test_a_signal_that_comes_meanwhile_ends_the_demo() -> None:
    async with driven(scenes.calm(), targets=moments) as console:
        await console.press("J", "s")
        console.app.quitting.unasked("SIGTERM")
        assert chosen(console) is None


async def test_it_is_not_offered_where_something_is_under_way() -> None:
    for scene, why in (
        (scenes.retrying(), "cycle 3 is running"),
        (scenes.unknown(), "the fate of an entry is unknown"),
    ):
        async with driven(scene, targets=moments) as console:
            await console.press("J")
            assert isinstance(console.app.screen, Dashboard)
            assert console.bottom.startswith(f"jump: not now, {why}")
    engine = FixedEngine(scenes.calm())
    async with driven(engine=engine, targets=moments) as console:
        for status, why in (
            ({"automation": Automation.RECONCILING}, "automation is reconciling"),
            ({"engine": EngineState.STOPPED, "automation": Automation.ACTIVE}, "the engine is not running"),
        ):
            engine.status(**status)  # type: ignore[arg-type]
            await console.pull()
            await console.press("J")
            assert console.bottom == f"jump: not now, {why}"
        assert isinstance(console.app.screen, Dashboard)


async def test_another_console_knows_nothing_of_it() -> None:
    async with driven(scenes.calm()) as console:
        await console.press("J")
        assert isinstance(console.app.screen, Dashboard)
        assert console.toasts == []
        await console.press("question_mark")
        assert "live on to" not in help_text("jump", *Dashboard.PLACES).plain
        await console.press("q", "ctrl+p", *"jump")
        assert not await console.shows("live on to")
    async with driven(scenes.calm(), targets=moments) as console:
        await console.press("ctrl+p", *"jump")
        assert await console.shows("live on to the next session")


CALENDAR = SessionCalendar(datetime(2026, 3, 2, tzinfo=UTC))


def seen(now: datetime, *expirations: date) -> Snapshot:
    calm = scenes.calm()
    held = tuple(replace(parts.position(), expiration=day) for day in expirations)
    return replace(calm, status=replace(calm.status, now=now), positions=PositionsSlice(held))


@pytest.mark.parametrize(
    ("now", "session"),
    [
        ("2026-03-02T09:00:00-05:00", "2026-03-02T09:44:45-05:00"),  # before the open of the same day
        ("2026-03-02T09:40:00-05:00", "2026-03-03T09:44:45-05:00"),  # too near
        ("2026-03-02T15:00:00-05:00", "2026-03-03T09:44:45-05:00"),
        ("2026-03-06T16:10:00-05:00", "2026-03-09T09:44:45-04:00"),  # over the change of the clocks
        ("2026-03-07T12:00:00-05:00", "2026-03-09T09:44:45-04:00"),
        ("2026-04-02T10:00:00-04:00", "2026-04-06T09:44:45-04:00"),  # over Good Friday
    ],
)
def test_the_next_session_is_that_of_the_exchange(now: str, session: str) -> None:
    at = datetime.fromisoformat(now)
    first = targets(seen(at), CALENDAR, 1.0)[0]
    assert first.at == datetime.fromisoformat(session)
    assert first.at - at >= LEAST


def test_at_another_speed_it_is_as_many_wall_seconds_before_the_slot() -> None:
    [session, *_] = targets(seen(datetime.fromisoformat("2026-03-02T15:00:00-05:00")), CALENDAR, 60.0)
    assert session.at == datetime.fromisoformat("2026-03-03T09:30:00-05:00")


def test_the_next_expiration_is_that_of_what_is_held() -> None:
    now = datetime.fromisoformat("2026-03-02T15:00:00-05:00")
    today, good_friday = date(2026, 3, 2), date(2026, 4, 3)
    assert targets(seen(now), CALENDAR, 1.0)[1].why_not == "nothing that is held expires after today"
    assert targets(seen(now, today), CALENDAR, 1.0)[1].at is None
    found = targets(seen(now, date(2026, 4, 17), today, good_friday), CALENDAR, 1.0)[1]
    assert found.at == datetime.fromisoformat("2026-04-02T09:44:45-04:00"), "the last session up to it"


def test_the_next_exit_is_the_first_of_what_is_held() -> None:
    monday = datetime(2026, 3, 2, 15, tzinfo=UTC)
    begins = [datetime(2026, 4, day, 14, tzinfo=UTC) for day in (10, 2)]
    exits = TridentExits("open", (), "", None, None, None, None, None, None)
    held = tuple(replace(parts.position(), exits=replace(exits, next_exit_at=at)) for at in (*begins, None))
    found = targets(replace(seen(monday), positions=PositionsSlice(held)), CALENDAR, 1.0)[2]
    assert (found.at, found.why_not) == (datetime(2026, 4, 2, 13, 44, 45, tzinfo=UTC), "no exit is planned")


def test_without_an_engine_there_is_no_moment() -> None:
    found = targets(seen(datetime(2026, 3, 2, 15, tzinfo=UTC) + timedelta()), None, 1.0)
    assert [target.at for target in found] == [None, None, None]
    assert {target.why_not for target in found} == {"the engine is still starting"}
