"""A terminal that goes, or takes nothing more, keeps neither the console nor the engine from ending in order."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual import events
from textual.app import App
from textual.message import Message

from senex_tui.console.driver import ConsoleDriver
from tests.support.console.pty_console import PtyConsole

GONE_WITHIN_S = 25.0


@pytest.mark.parametrize("kind", ["console", "watch"])
@pytest.mark.parametrize("how", ["SIGHUP", "SIGHUP ignored", "no controlling terminal"])
def test_without_a_terminal_there_is_no_process(tmp_path: Path, kind: str, how: str) -> None:
    """It ends in order, whatever was done with SIGHUP, while it paints ten times a second."""
    words = ("busy", "watch") if kind == "watch" else ("busy",)
    console = PtyConsole(
        tmp_path, *words, controlling=how != "no controlling terminal", ignoring_hangup=how == "SIGHUP ignored"
    )
    with console:
        console.until_painted("Spread", "Quit")
        console.hang_up()
        assert console.until_gone(GONE_WITHIN_S) == 0
    assert console.recorded() == ([] if kind == "watch" else ["stopped"])


def test_a_lost_terminal_costs_nothing_while_the_engine_ends(tmp_path: Path) -> None:
    """A lost terminal reads as ended at once: the thread of the keys would spin."""
    with PtyConsole(tmp_path, "busy", "slow", ignoring_hangup=True) as console:
        console.until_painted("Spread", "Quit")
        console.hang_up()
        time.sleep(1.0)
        before = console.cpu_s()
        time.sleep(2.0)
        assert console.cpu_s() - before < 0.4
        assert console.until_gone(GONE_WITHIN_S) == 0
    assert console.recorded() == ["stopped"]


class KeysOf(ConsoleDriver):
    """The thread of the keys over any descriptor, with what it heard."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(App[None]())
        self.fileno = descriptor
        self.heard: list[str] = []
        self.failed: BaseException | None = None

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key):
            self.heard.append(message.key)

    def run(self) -> None:
        try:
            self.run_input_thread()
        except BaseException as error:
            self.failed = error
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run, name="keys of a test")
        thread.start()
        try:
            yield
        finally:
            self.exit_event.set()
            thread.join()
            assert self.failed is None

    async def until_heard(self, *keys: str) -> None:
        await self.until(lambda: tuple(self.heard) == keys)

    async def until_taken(self) -> None:
        """Until it has read all that waits: else one read takes it together with what comes next."""
        await self.until(lambda: not select.select([self.fileno], [], [], 0)[0])

    async def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + GONE_WITHIN_S
        while not true():
            assert self.failed is None, self.failed
            assert time.monotonic() < deadline, self.heard
            await asyncio.sleep(0.02)


@pytest.fixture
def stops_as_before() -> Iterator[None]:
    """The driver takes the signals of stopping and going on."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("stops_as_before")
async def test_a_terminal_whose_reads_fail_does_not_end_the_thread_of_the_keys() -> None:
    """Between the close of its other end and its hang-up a terminal fails every read: the app was gone at once."""
    going, other = pty.openpty()
    os.close(other)  # from now on each read of it fails
    with pytest.raises(OSError, match="Input/output"):
        os.read(going, 1)
    quiet, keys = os.pipe()
    driver = KeysOf(going)
    with driver.reading():
        await asyncio.sleep(0.3)  # so that it has met the failing read; without it the test would only see less
        os.dup2(quiet, going)
        os.write(keys, b"x")
        await driver.until_heard("x")
    for descriptor in (going, quiet, keys):
        os.close(descriptor)


@pytest.mark.usefixtures("stops_as_before")
async def test_bytes_that_are_no_utf8_do_not_end_the_thread_of_the_keys() -> None:
    quiet, keys = os.pipe()
    driver = KeysOf(quiet)
    with driver.reading():
        os.write(keys, b"a")
        await driver.until_heard("a")
        os.write(keys, b"\xe9\xff")
        await driver.until_taken()
        os.write(keys, b"b")
        await driver.until_heard("a", "b")
    os.close(quiet)
    os.close(keys)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_terminal_that_takes_nothing_keeps_no_console_from_ending(tmp_path: Path, name: str) -> None:
    """The event loop waits for room in the terminal; the signal is heard all the same."""
    with PtyConsole(tmp_path, "busy") as console:
        console.until_painted("Spread", "Quit")
        console.stall()
        console.process.send_signal(getattr(signal, name))
        deadline = time.monotonic() + GONE_WITHIN_S
        while console.process.poll() is None:
            assert time.monotonic() < deadline, "the console did not end"
            time.sleep(0.05)
        assert console.process.returncode == 0
    assert console.recorded() == ["stopped"]
