"""The parts of the cost bench work together: a busy broker, a console in tmux, and the figures of both."""

from __future__ import annotations

from pathlib import Path

from bench import cost, week_console


def test_load_and_keys_are_measured() -> None:
    with cost.opened(cost.ONE_LINE, cost.BUSY) as console:
        measured = cost.Measured()
        load = console.load(0.5)
        while load.quotes == 0:
            load = console.load(0.5)
        cost.time_keys(console, measured, 1)

    assert load.cpu > 0
    assert load.rate > 0
    assert len(measured.key_ms) == len(measured.dialog_ms) == 1


def test_a_week_has_a_screen(tmp_path: Path) -> None:
    engine = week_console.WeekEngine(tmp_path, 1)

    assert week_console.screen_over(engine, tmp_path).client is engine
