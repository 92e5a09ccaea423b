"""The terminal's requirements, texts made safe, and the rules of keys and toasts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.domain.operation.commands import CommandKind
from core.snapshot import Automation, EngineState
from senex_tui.console.actions.permission import RULES, why_not
from senex_tui.console.app import SenexApp
from senex_tui.console.keys import KEYS, Where, bindings, help_groups
from senex_tui.console.toasts import ToastLimiter
from senex_tui.support import terminal
from tests.support.console import parts, scenes
from widgets.base import format as figures
from widgets.base.lines import fit, right, safe, wrap


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_place_a_cursor_is_refused_with_the_fix(term: str) -> None:
    sentence = terminal.refusal_for_terminal({"TERM": term} if term else {}, True)
    assert sentence is not None
    assert "TERM=xterm-256color" in sentence


def test_output_that_is_no_terminal_is_refused() -> None:
    assert "needs a terminal" in (terminal.refusal_for_terminal({"TERM": "xterm"}, False) or "")


def test_tmux_and_plain_terminals_are_fine() -> None:
    for term in ("tmux-256color", "screen", "xterm-256color", "linux"):
        assert terminal.refusal_for_terminal({"TERM": term}, True) is None


def test_frozen_sizes_are_dropped_and_escape_is_quick() -> None:
    env = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    terminal.prepare_environment(env)
    assert env == {"TERM": "xterm", "ESCDELAY": "25"}


def test_too_small_names_both_sizes() -> None:
    assert terminal.too_small(60, 20) is None
    for columns, rows in ((59, 20), (60, 19)):
        sentence = terminal.too_small(columns, rows) or ""
        assert "60 columns and 20 rows" in sentence
        assert f"has {columns} and {rows}" in sentence


def test_a_title_cannot_smuggle_sequences() -> None:
    assert terminal.set_title("a\x1b]0;b\x07 é") == "\x1b]2;a]0;b \x07"


@given(st.text(), st.integers(1, 60))
def test_text_is_fitted_to_its_cells(text: str, width: int) -> None:
    shown = safe(text)
    assert shown.isprintable()
    assert cell_len(fit(shown, width)) == width
    assert cell_len(right(shown, width)) == width
    if width > 1:
        assert all(cell_len(line) <= width for line in wrap(shown, width))


@given(st.text(alphabet=st.characters(categories=["Lu", "Ll", "Nd"])), st.integers(1, 20))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    assert "".join(wrap(text, width)) == text


def test_durations_and_ages_are_short() -> None:
    assert [figures.span(s) for s in (0, 799, 3725, -3)] == ["00:00", "13:19", "1:02:05", "00:00"]
    assert [figures.age(s) for s in (0, 99, 100, 5999, 6000, None)] == ["0s", "99s", "1m", "99m", "1h", "--"]


def test_keys_stay_clear_of_tmux_and_screen_prefixes() -> None:
    keys = [key.key for key in KEYS]
    assert not {"ctrl+b", "ctrl+a", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"} & set(keys)
    assert not any("alt+" in key for key in keys)
    assert {b.key for place in Where for b in bindings(place)} == set(keys)


def test_help_has_every_group_signs_and_states() -> None:
    groups = [name for name, _ in help_groups()]
    assert groups == [
        "Automation",
        "Exits",
        "Pages",
        "Panels",
        "Lists",
        "Stories",
        "Replay",
        "Demo",
        "Program",
        "Signs",
        "States",
    ]


def test_the_state_decides_which_commands_are_possible() -> None:
    calm = replace(scenes.calm(), cycle=None, accounts=())

    def why(action: str, *pending: CommandKind, **slices: Any) -> str | None:
        return why_not(action, replace(calm, **{"status": parts.status(), **slices}), pending)

    paused = parts.status(automation=Automation.PAUSED)
    assert why("pause") is None
    assert why("pause", CommandKind.PAUSE) == "a pause is on its way"
    assert why("resume", status=paused) is None
    assert why("resume") == "automation is not paused"
    assert why("resume", CommandKind.RESUME, status=paused) == "a resume is on its way"
    assert why("force", cycle=parts.done()) is None
    assert why("force", cycle=parts.cycle()) == "cycle 3 is running"
    assert why("force", CommandKind.FORCE) == "a forced cycle is on its way"
    for state in (Automation.PAUSED, Automation.HALTED, Automation.RECONCILING):
        assert why("force", status=parts.status(automation=state)) == f"automation is {state.value}"
    assert why("force", status=parts.status(market="before the open")) == "the market is before the open"
    off, enabled = parts.account(automation=False), parts.account()
    assert why("force", accounts=(off, enabled)) is None
    assert why("force", accounts=(off, off)) == "automation is on for no account; press A to switch one on"


@pytest.mark.parametrize("action", RULES)
def test_no_command_is_sent_to_an_engine_that_does_not_run(action: str) -> None:
    for state in (EngineState.FAILED, EngineState.STOPPED, EngineState.STARTING):
        shown = replace(scenes.calm(), status=parts.status(engine=state))
        takes = action == "pause" and state is EngineState.STARTING
        assert why_not(action, shown, ()) == (None if takes else state.not_running)


def test_a_toast_that_ended_is_not_counted() -> None:
    now = [0.0]
    toasts = ToastLimiter(lambda: now[0])
    toasts.add("a", "warning")
    now[0] = 3.0
    assert [t.shown for t in toasts.add("a", "warning")] == ["a  (x2)"]
    now[0] = 20.0
    assert [t.shown for t in toasts.add("a", "warning")] == ["a"]


@pytest.mark.parametrize("kept_by", ["TMUX", "STY", "INVOCATION_ID"])
def test_a_console_that_ends_with_its_terminal_is_known_as_one(kept_by: str) -> None:
    assert "ends when its terminal does" in terminal.not_kept_running({"TERM": "xterm", kept_by: ""})
    assert terminal.not_kept_running({"TERM": "xterm", kept_by: "something"}) == ""


async def test_the_first_words_are_said_once() -> None:
    app = SenexApp(scenes.FixedEngine(scenes.calm()), first_words="mind the terminal [/b]")
    async with app.run_test() as pilot:
        for _ in range(3):
            app.pull()
            await pilot.pause()
        assert [told.message for told in app._notifications] == ["mind the terminal [/b]"]
