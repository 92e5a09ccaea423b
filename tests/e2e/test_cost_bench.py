"""The parts of the cost bench work together: a busy broker, a screen in tmux, and what is counted of both."""

from __future__ import annotations

from bench import cost


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
