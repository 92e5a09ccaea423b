"""The one way out of this process for text: nothing printed raises, steers a terminal, or tells a secret.

It imports nothing heavy: `main` installs it before anything else.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

from core.domain.operation.ascii import ascii_look
from core.runtime.redaction import redact

_KEPT = "\n\t"
_LINE_BEGIN, _CLEAR_REST = "\r", "\x1b[K"
"""The only controls that go out, around a line that is drawn again and again."""


def harmless(text: str) -> str:
    """The text without any character that a terminal obeys: a middle dot stands in its place, newline and tab stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _KEPT else " " if c == "\u00a0" else "·" for c in text)


class Outlet(io.TextIOBase):
    """A stream of text, as standard output and standard error.

    It has no `buffer` and takes no bytes, so that typer writes text to it in whatever encoding. `lost` is the first
    error of the stream; later text is still tried, because a full disk may get room again.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_utf8 = _is_utf8(stream.encoding)
        self.lost: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def is_closed(self) -> bool:
        """Whether nobody reads any more, as after `| head`."""
        return self.lost is not None and self.lost.errno == errno.EPIPE

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError("an outlet takes text alone")
        shown = self._shown(text)
        self._try(lambda: self._stream.write(shown))
        return len(text)

    def redraw(self, line: str) -> None:
        """Puts the text in the place of the line that the cursor is in. For a terminal alone."""
        shown = f"{_LINE_BEGIN}{self._shown(line)}{_CLEAR_REST}"
        self._try(lambda: self._stream.write(shown))

    def _shown(self, text: str) -> str:
        shown = harmless(redact.by_value(text))
        if self._is_utf8:
            return shown
        encoding = self._stream.encoding
        return ascii_look(shown).encode(encoding, "replace").decode(encoding)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    def _try(self, output: Callable[[], object]) -> None:
        if self.is_closed:
            return
        try:
            output()
        except OSError as error:
            self.lost = self.lost or error
            if self.is_closed:
                self.drop_rest()

    def drop_rest(self) -> None:
        """Leads the stream nowhere: what waits in its own buffer must not fail again when the process ends."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


def install_outlets() -> None:
    """Puts an outlet in the place of standard output and error, and /dev/null in the place of a closed stream.

    A closed descriptor is taken too: the next file opened would get its number, and with it what is printed.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = _outlet(sys.stdout, 1)
    sys.stderr = _outlet(sys.stderr, 2)


def _outlet(stream: Any, descriptor: int) -> Outlet:
    if isinstance(stream, Outlet):
        return stream
    if stream is None:
        stream = open(descriptor, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    return Outlet(stream)


def standard_output() -> Outlet:
    """Standard output as it is now."""
    return _outlet(sys.stdout, 1)


def print_line(text: str, *, error: bool = False) -> None:
    """Prints the text and a newline at once, on standard error with `error`. Never raises for the output."""
    out = _outlet(sys.stderr, 2) if error else standard_output()
    out.write(f"{text}\n")
    out.flush()


def redraw_line(text: str) -> None:
    """Puts the text in the place of standard error's last line, which must be a terminal's. Never raises for the
    output."""
    out = _outlet(sys.stderr, 2)
    out.redraw(text)
    out.flush()


def end_output() -> str:
    """Drops what standard output did not take. Returns the sentence that says so; empty when it took all, or when its
    reader has gone."""
    out = standard_output()
    if out.lost is None or out.is_closed:
        return ""
    out.drop_rest()
    return f"the output could not be written ({out.lost.strerror})"
