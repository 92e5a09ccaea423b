"""The line that a console prints when it has ended, from the last snapshot of real days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.snapshot import EngineState, Mode, Snapshot
from senex_tui.run.parting import parting_line, watcher_line
from tests.support.console import scenes
from tests.support.console.exit_views import held

COMMAND = "senex --live"


def ended(snapshot: Snapshot, mode: Mode = Mode.LIVE, engine: EngineState = EngineState.STOPPED) -> Snapshot:
    return replace(snapshot, status=replace(snapshot.status, mode=mode, engine=engine))


@pytest.mark.parametrize(
    ("scene", "told"),
    [
        (scenes.calm, ("1 entry works on at the broker, unwatched (QQQ ", ", order ")),
        (scenes.unknown, ("nobody knows yet whether the broker has QQQ ", "the next start finds out")),
        (scenes.closed, ("nothing of it works at the broker",)),
        (scenes.paused, ("Entries stay paused",)),
        (scenes.halted, ("Entries stay halted",)),
        (scenes.starting, ("what works at the broker is not known here; `senex --live status` reads",)),
        (held, ("2 closing orders rest at the broker (72, 73) and go on without a console",)),
        (scenes.open_tridents, ("2 tridents stay open",)),
    ],
    ids=["entry", "unknown", "nothing", "paused", "halted", "not read", "exits", "tridents"],
)
def test_it_says_what_works_what_waits_and_how_to_come_back(
    scene: Callable[[], Snapshot], told: tuple[str, ...]
) -> None:
    line = parting_line(ended(scene()), COMMAND)
    for words in told:
        assert words in line, line
    assert line.startswith("The console has ended: ")
    assert line.endswith("`senex --live` opens it again.")
    assert "\n" not in line


def test_what_nobody_knows_is_not_told_as_nothing() -> None:
    failed = parting_line(ended(scenes.closed(), engine=EngineState.FAILED), COMMAND)
    assert "nothing of it works" not in failed
    assert "is not known here" in failed


def test_the_next_time_exit_that_waits_is_named() -> None:
    shown = held()
    [view] = shown.positions.open
    assert view.exits is not None
    assert shown.status.now is not None
    exits = replace(view.exits, next_exit_at=shown.status.now)
    positions = replace(shown.positions, open=(replace(view, exits=exits),))
    line = parting_line(ended(replace(shown, positions=positions)), COMMAND)
    assert "1 trident stays open; the next time exit, 10:31, waits for a console." in line


def test_a_simulated_broker_that_stays_is_told_as_any_other() -> None:
    line = parting_line(ended(scenes.calm(), Mode.DEMO), "senex")
    assert "1 entry works on at the broker" in line
    assert "`senex` opens it again" in line


def test_a_demo_ends_with_its_broker_and_a_watcher_ends_nothing() -> None:
    line = parting_line(ended(scenes.calm(), Mode.DEMO), "senex demo --days 10", broker_ends=True)
    assert "its broker with it: nothing works on" in line
    assert "`senex demo --days 10` begins another" in line
    assert watcher_line("senex watch").endswith(
        "the trader that it watched goes on without it. `senex watch` watches it again."
    )
