"""The opening frame: painted at once, handed to Textual, and gone when the screen does not open."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import termios
import time
from subprocess import Popen

import pytest

from senex_tui.console.theme import THEMES
from senex_tui.support.opening_frame import COLOURS, ENTER_SCREEN, LEAVE_SCREEN, OpeningFrame, frame

SHOWN = """
from senex_tui.support.opening_frame import opening_frame
with opening_frame:
    opening_frame.show("demo", "senex-dark", "auto", {"TERM": "xterm-256color"})
"""
TAKEN_OVER = """from textual.app import App
    from textual.widgets import Static
    from senex_tui.console.driver import ConsoleDriver
    class OneLine(App):
        def compose(self):
            yield Static("one line")
        def on_mount(self):
            self.set_timer(0.2, self.exit)
    OneLine(driver_class=ConsoleDriver).run()
"""


class Child:
    """Python code on a terminal of its own; what it wrote, and the terminal's settings."""

    def __init__(self, code: str) -> None:
        self.terminal, slave = pty.openpty()
        self.before = termios.tcgetattr(self.terminal)
        self.process = Popen([sys.executable, "-c", code], stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.output = b""

    def until(self, text: str, within_s: float = 20.0) -> None:
        deadline = time.monotonic() + within_s
        while text.encode() not in self.output:
            assert time.monotonic() < deadline, self.output
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.output += os.read(self.terminal, 65_536)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)


def child(*then: str) -> Child:
    opened = Child(SHOWN + "".join(f"    {line}\n" for line in then))
    opened.until("STARTING")
    return opened


def test_it_names_the_mode_in_the_colours_of_the_theme() -> None:
    environ = {"TERM": "xterm-256color"}
    assert frame("dry-run", "senex-dark", "auto", environ) == (
        "\x1b[38;5;188m\x1b[48;5;16m\x1b[2J\x1b[H SENEX  DRY-RUN  STARTING\x1b[0m"
    )
    assert "\x1b[48;2;247;248;249m" in frame("live", "senex-light", "auto", environ | {"COLORTERM": "truecolor"})
    assert "\x1b[48;2;0;0;0m" in frame("live", "senex-contrast", "true", environ)
    for look in (
        frame("demo", "ansi-dark", "true", environ),
        frame("demo", "senex-dark", "16", environ),
        frame("demo", "senex-dark", "auto", {"TERM": "linux"}),
        frame("demo", "senex-dark", "true", environ | {"NO_COLOR": ""}),
    ):
        assert look == "\x1b[2J\x1b[H SENEX  DEMO  STARTING\x1b[0m"


def test_its_colours_are_those_of_the_themes() -> None:
    assert {
        theme.name: (theme.foreground, theme.background) for theme in THEMES if theme.background != "ansi_default"
    } == dict(COLOURS)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_screen_that_does_not_open_is_left(wrong: bool) -> None:
    opened = child("input()", "raise SystemExit('refused')" if wrong else "pass")
    assert not opened.echoes()
    os.write(opened.terminal, b"\n")
    opened.until("refused" if wrong else LEAVE_SCREEN)
    assert opened.output.decode().count(LEAVE_SCREEN) == 1
    assert "refused" not in opened.output.decode().partition(LEAVE_SCREEN)[0]
    assert opened.process.wait(10) == wrong
    assert opened.echoes()
    assert termios.tcgetattr(opened.terminal) == opened.before


def test_a_signal_leaves_the_terminal_as_it_was() -> None:
    opened = child("input()")
    opened.process.send_signal(signal.SIGTERM)
    opened.until(LEAVE_SCREEN)
    assert opened.process.wait(10) == -signal.SIGTERM
    assert termios.tcgetattr(opened.terminal) == opened.before


def test_a_screen_handed_over_is_not_left() -> None:
    opened = child("input()", "print(opening_frame.hand_over(), opening_frame.hand_over())")
    os.write(opened.terminal, b"\n")
    opened.until("True False")
    assert opened.process.wait(10) == 0
    assert LEAVE_SCREEN not in opened.output.decode()
    assert termios.tcgetattr(opened.terminal) == opened.before


def test_without_a_terminal_nothing_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    with OpeningFrame() as unseen:
        unseen.show("demo", "senex-dark", "auto", {})
        assert not unseen.hand_over()
    assert capfd.readouterr() == ("", "")


def test_the_console_takes_it_over_and_enters_the_screen_once() -> None:
    opened = child(TAKEN_OVER)
    opened.until(LEAVE_SCREEN)
    assert opened.process.wait(10) == 0
    assert "one line" in opened.output.decode()
    assert opened.output.decode().count(ENTER_SCREEN) == 1
    assert termios.tcgetattr(opened.terminal) == opened.before
