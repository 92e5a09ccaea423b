"""The page of the preview: what would be sent now, with its figures and its payoff; it sends no order (rules 5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation import amounts
from core.domain.operation.commands import COMMAND, PREVIEW_DONE, PREVIEWS, CommandKind, CommandState
from core.domain.operation.events import Event
from core.recording.playback import ReplayClient
from core.records.records import Records
from core.snapshot import EngineState, Watching
from core.snapshot.previews import PreviewView
from core.views.previews import preview_views
from senex_tui.console.replay_app import ReplayApp
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.preview import PreviewPage
from tests.core.recording.days import recorded as recorded_day
from tests.support.console import scenes
from tests.support.console.driver import Driven, Ticker, driven
from tests.support.console.parts import NOW
from tests.support.console.recorded import recorded
from tests.support.console.scenes import FixedEngine
from tests.support.world import MONDAY, World, account, et, in_world
from widgets.preview import PreviewPanel, age_words

TWO = (account(), account("5WT00002"))
SIZES = [(60, 20), (80, 24), (120, 40), (200, 55)]


async def _asked(world: World) -> str:
    """The previews of the real engine, as its records keep them."""
    await world.start()
    await world.clock.sleep(5)
    command = await world.engine.preview("ada")
    event = await world.records.journal.newest_with(PREVIEW_DONE, (COMMAND, command.id))
    assert event is not None
    await world.stop()
    return str(dict(event.figures)[PREVIEWS])


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> str:
    return in_world(_asked, tmp_path_factory.mktemp("passing"), start=et(MONDAY, "09:50"))


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return in_world(_asked, tmp_path_factory.mktemp("closed"), start=et(MONDAY, "20:00"))


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> str:
    return in_world(_asked, tmp_path_factory.mktemp("two"), start=et(MONDAY, "09:50"), accounts=TWO)


def views(kept: str) -> tuple[PreviewView, ...]:
    return preview_views(json.loads(kept))


async def keep(records: Records, command: str, kept: str) -> None:
    """Records the answer of a command, as the engine does before it answers."""
    figures = ((COMMAND, command), (PREVIEWS, kept))
    await records.journal.append(Event(NOW, PREVIEW_DONE, "would send", figures=figures))


@asynccontextmanager
async def opened(folder: Path, kept: str, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Driven]:
    """The page, answered with these previews."""
    async with recorded(folder) as records:
        await keep(records, "c1", kept)
        engine = FixedEngine(scenes.calm(), records=records, answers=CommandState.DONE)
        async with driven(engine=engine, size=size) as console:
            await console.press("w")
            await console.pull()
            await console.answered()
            yield console


def whole(console: Driven) -> str:
    return " ".join(console.app.screen.query_one(PreviewPanel).whole.split())


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_it_shows_what_would_be_sent_with_every_figure(
    tmp_path: Path, passing: str, size: tuple[int, int]
) -> None:
    [preview] = views(passing)
    one = preview.chosen
    assert preview.would_send
    assert one is not None
    async with opened(tmp_path, passing, size) as console:
        assert "nothing was sent" in console.text
        text = whole(console)
        for told in (
            f"…0001 would send {one.underlying} {one.strikes} at {amounts.credit(one.limit)} credit",
            f"natural {amounts.credit(one.natural)}",
            f"mid {amounts.credit(one.mid)}",
            f"limit {amounts.credit(one.limit)}",
            amounts.risk(one.max_risk),
            f"✓ budget {amounts.dollars(one.budget)}",
            f"✓ buying power {amounts.dollars(preview.buying_power)}",
            f"max risk {amounts.dollars(one.max_risk_at_limit)}",
            f"{one.underlying} at {amounts.price(one.price)}",
            "40.0 needed",
            "payoff at expiry",
            "(limit)",
        ):
            assert told in text, told
        for leg in one.legs:
            assert amounts.credit(leg.bid) in text
            assert amounts.credit(leg.ask) in text
        panel = console.app.screen.query_one(PreviewPanel)
        rows = panel.whole.splitlines()
        assert all(len(row) <= panel.content_size.width for row in rows), "no figure is cut"
        assert console.engine.sent == [CommandKind.PREVIEW]
        assert console.toasts == [], "what stands on the page is no toast too"


async def test_on_a_wide_screen_the_payoff_stands_beside_the_words_and_fills_the_height(
    tmp_path: Path, passing: str
) -> None:
    async with opened(tmp_path, passing, (200, 55)) as console:
        rows = console.text.splitlines()
        axis = [row for row in rows if "│" in row or "┤" in row]
        assert len(axis) > 45
        first = next(row for row in rows if "would send" in row)
        assert "payoff at expiry" in first


async def test_a_closed_market_says_what_is_missing(tmp_path: Path, closed: str) -> None:
    [preview] = views(closed)
    assert not preview.would_send
    async with opened(tmp_path, closed) as console:
        text = whole(console)
        assert "…0001 would send nothing now" in text
        for reason in (*preview.account_reasons, *(one for each in preview.underlyings for one in each.reasons)):
            assert f"! {reason.step}" in text
            assert reason.sentence in text
        assert "the market is closed" in text


async def test_every_account_has_its_own_preview_and_picture(tmp_path: Path, of_two: str) -> None:
    async with opened(tmp_path, of_two, (200, 55)) as console:
        text = whole(console)
        for number in ("…0001", "…0002"):
            assert f"{number} would send" in text
        assert text.count("payoff at expiry") == 2


async def test_enter_does_nothing_space_asks_again_and_q_goes_back(tmp_path: Path, passing: str) -> None:
    async with opened(tmp_path, passing) as console:
        before = console.text
        await console.press("enter")
        await console.pull()
        assert console.text == before
        assert console.engine.sent == [CommandKind.PREVIEW]
        console.engine.answers = None
        rows = console.text.splitlines()[2:]
        await console.press("space")
        await console.pull()
        assert console.engine.sent == [CommandKind.PREVIEW] * 2
        assert "as of 09:50:08 ET, asking again" in console.text.splitlines()[1]
        assert console.text.splitlines()[2:] == rows, "no figure moves while it is asked"
        await console.press("q")
        assert isinstance(console.app.screen, Dashboard)
        snapshots = len(console.engine.sent)
        for _ in range(5):
            await console.pull()
        assert len(console.engine.sent) == snapshots, "a closed page asks for nothing"


async def test_while_the_answer_is_waited_for_it_says_so_and_is_asked_once(tmp_path: Path, passing: str) -> None:
    async with recorded(tmp_path) as records:
        await keep(records, "c1", passing)
        engine = FixedEngine(scenes.calm(), records=records)
        async with driven(engine=engine, size=(80, 24)) as console:
            await console.press("w", "space")
            assert "asking: every step of a cycle but the sending" in " ".join(console.text.split())
            assert engine.sent == [CommandKind.PREVIEW]
            assert "not answered yet" in console.toasts[-1]
            engine.settle(CommandState.DONE, "…0001 would send")
            await console.pull()
            await console.answered()
            assert "would send QQQ" in whole(console)
            assert "asking" not in whole(console)


async def test_a_refused_one_says_why_and_is_asked_again_when_that_is_over(tmp_path: Path, passing: str) -> None:
    async with recorded(tmp_path) as records:
        await keep(records, "c2", passing)
        engine = FixedEngine(
            scenes.retrying(), records=records, answers=CommandState.REFUSED, answer="a cycle is running"
        )
        async with driven(engine=engine, size=(80, 24)) as console:
            await console.press("w")
            await console.pull()
            assert "no preview: a cycle is running. space asks again" in " ".join(console.text.split())
            assert engine.sent == [CommandKind.PREVIEW]
            engine.answers = CommandState.DONE
            engine.current = scenes.calm()
            await console.pull()
            await console.answered()
            assert "would send QQQ" in whole(console)
            engine.status(engine=EngineState.STOPPED)
            await console.pull()
            assert len(engine.sent) == 2, "a preview that is there is not asked for again"


@pytest.mark.parametrize("is_watcher", [False, True], ids=["read-only", "watcher"])
async def test_one_that_may_not_ask_says_so_once_and_never_asks_again(*, is_watcher: bool) -> None:
    """Whatever the trader does meanwhile: its cycles begin and end, and it starts anew."""
    engine = FixedEngine(scenes.calm(), answers=CommandState.REFUSED, answer="this console only watches")
    if is_watcher:
        engine.status(watching=Watching.READ_ONLY)
    async with driven(engine=engine, size=(80, 24)) as console:
        console.app.change_look("read_only", not is_watcher)
        await console.press("w")
        await console.pull()
        told, said = list(engine.sent), list(console.toasts)
        assert "no preview: " in whole(console)
        assert "asks again" not in whole(console)
        for state in (EngineState.STOPPED, EngineState.STARTING, EngineState.RUNNING):
            for current in (scenes.retrying(), scenes.calm()):
                engine.current = replace(current, status=replace(engine.current.status, engine=state))
                await console.pull()
        assert (list(engine.sent), console.toasts) == (told, said)
        assert len(told) == is_watcher


async def test_a_replay_has_none_and_says_so(tmp_path: Path) -> None:
    ticker = Ticker()
    app = ReplayApp(ReplayClient(recorded_day(tmp_path), ticker, 1), monotonic=ticker)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("w")
        app.pull()
        await pilot.pause()
        assert isinstance(app.screen, PreviewPage)
        assert "no preview: this is a replay" in " ".join(app.screen.query_one(PreviewPanel).whole.split())


def test_it_tells_its_age_in_steps_that_do_not_flicker() -> None:
    ages = [age_words(NOW, NOW + timedelta(seconds=seconds)) for seconds in (0, 4, 5, 9, 59, 61, 119, 120, 3700)]
    assert ages == ["", "", "5s ago", "5s ago", "55s ago", "60s ago", "60s ago", "2m ago", "61m ago"]
    assert age_words(NOW, None) == ""
