"""The console's side of the terminal: Textual's driver, made to outlive what happens to a terminal.

It uses private parts of Textual 8.2: `LinuxDriver._file`, `_writer_thread` with its `_queue`, `_must_signal_resume`,
`_sigtstp_application` and `_sigcont_application`. tests/senex_tui/console/test_stopped_console.py and
test_lost_terminal.py fail when one of them goes.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

from senex_tui.support.opening_frame import ENTER_SCREEN, opening_frame

if TYPE_CHECKING:
    from textual.app import App

_LARGEST_WAITING = 65_536
_LOOK_S = 0.2
_SCREEN_AGAIN = "\x1b[?1049h\x1b[?25l\x1b[?1004h\x1b[?2004h\x1b[?7l"
"""The alternate screen, no cursor, reports of the focus, bracketed paste, no line wrap: as at the start."""


class TerminalFile:
    """What Textual's writer thread writes to. Nothing that happens to the terminal raises.

    A character that the terminal's encoding lacks becomes a question mark; what a lost terminal does not take is
    dropped. It holds no lock while it waits, so that a terminal that reads nothing cannot keep the process from ending.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._waiting = bytearray()

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        self._waiting += text.encode(self._encoding, "replace")
        if len(self._waiting) >= _LARGEST_WAITING:
            self.flush()
        return len(text)

    def flush(self) -> None:
        left = bytes(self._waiting)
        self._waiting.clear()
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # another program on this terminal made it so
                select.select([], [self._descriptor], [])
            except OSError:
                return


class ConsoleDriver(LinuxDriver):
    """Comes back whole after the process was stopped, reads keys whatever comes, and can let go of a full terminal."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        screen = sys.__stderr__  # noqa: TID251 - the screen itself
        if screen is not None:
            self._file = TerminalFile(screen.fileno(), screen.encoding)  # type: ignore[assignment]
        self._has_let_go = False
        self._takes_over = False

    def start_application_mode(self) -> None:
        """Enters the screen, or takes it over from the opening frame: a terminal asked twice would clear it."""
        self._takes_over = opening_frame.hand_over()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._takes_over = False

    def write(self, data: str) -> None:
        if not self._has_let_go and not (self._takes_over and data == ENTER_SCREEN):
            super().write(data)

    def run_input_thread(self) -> None:
        """Reads the keys until the driver stops.

        A terminal that is just going fails a read before it hangs up, and one of another encoding sends bytes that are
        no UTF-8. Textual would end the app at once for either, and the engine's orderly end with it.
        """
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except OSError:  # the watch of the terminal puts a quiet end in its place
                self.exit_event.wait(_LOOK_S)
            except UnicodeDecodeError:
                continue

    def let_go(self) -> None:
        """Writes nothing more, and drops what waits to be written. May be called from any thread.

        An event loop that waits for room goes on.
        """
        self._has_let_go = True
        writer = self._writer_thread
        if writer is not None:
            with suppress(queue.Empty):
                while True:
                    writer._queue.get_nowait()

    def close(self) -> None:
        """Ends the writer thread and leaves the signals of stopping and going on to the system again."""
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        writer = self._writer_thread
        if writer is None:
            return
        if not self._has_let_go:
            writer._queue.put(None)
        while writer.is_alive() and not self._has_let_go:  # else it waits for the terminal, and ends with the process
            writer.join(_LOOK_S)

    def suspend_application_mode(self) -> None:
        """Leaves the screen until `resume_application_mode`; the two signals stay ours."""
        self.stop_application_mode()
        super().close()

    def _sigtstp_application(self, *_: object) -> None:
        """Stops the process with its terminal in order.

        The loop does it, and not the handler of the signal: that may interrupt a line on its way into the queue of the
        terminal's writer, and would wait for that queue for ever.
        """
        self._on_loop(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        """Goes on after a stop; the loop does it too."""
        self._on_loop(self._go_on)

    def _on_loop(self, work: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and the process is about to
            self._loop.call_soon_threadsafe(work)

    def _go_on(self) -> None:
        """Goes on after a stop.

        After SIGTSTP the screen was left in order, and is entered again. After SIGSTOP nothing was left: a second start
        would leave two threads reading the keys. Then the terminal is only prepared anew, and the app paints.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
            return
        with suppress(termios.error):
            mode = termios.tcgetattr(self.fileno)
            mode[tty.LFLAG] = self._patch_lflag(mode[tty.LFLAG])
            mode[tty.IFLAG] = self._patch_iflag(mode[tty.IFLAG])
            mode[tty.CC][termios.VMIN] = 1
            termios.tcsetattr(self.fileno, termios.TCSANOW, mode)
        if self._writer_thread is not None:
            self.write(_SCREEN_AGAIN)
            self.send_message(self.SignalResume())
