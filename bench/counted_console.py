"""The console, or an app of one line over the same engine.

`python -m bench.counted_console console|one-line COUNTS PID` ends with the process PID. It counts the quotes that the
SDK hands to the adapter, in the file COUNTS: one integer of eight bytes, little-endian.
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from typing import Any, ClassVar

from tastytrade import DXLinkStreamer, dxfeed
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

import senex_tui.console.app
from bench import end_with
from bench.screen_app import OneQuoteApp, SnapshotSource
from senex_tui.cli import main as cli
from senex_tui.console.view_settings import DisplaySettings

ZOOM_TEXT, QUESTION_TEXT = "Messages", "now? y/n"
"""Texts that appear on the screen after the key `z` (while the newest messages have the focus) and the key `f`."""


class QuoteCounter:
    """A count in a file that one process writes and another reads."""

    SIZE = 8

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(self.SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), self.SIZE)

    @property
    def value(self) -> int:
        return int.from_bytes(self._memory[: self.SIZE], "little")

    def add_one(self) -> None:
        self._memory[: self.SIZE] = (self.value + 1).to_bytes(self.SIZE, "little")


def count_quotes(counts: QuoteCounter) -> None:
    """Makes the SDK count the quotes it hands over. The store gets fewer: the adapter keeps each symbol's newest."""
    get, get_nowait = DXLinkStreamer.get_event, DXLinkStreamer.get_event_nowait

    async def counted(streamer: DXLinkStreamer, kind: type[Any]) -> Any:
        event = await get(streamer, kind)
        if kind is dxfeed.Quote:
            counts.add_one()
        return event

    def counted_nowait(streamer: DXLinkStreamer, kind: type[Any]) -> Any:
        event = get_nowait(streamer, kind)
        if event is not None and kind is dxfeed.Quote:
            counts.add_one()
        return event

    setattr(DXLinkStreamer, "get_event", counted)  # noqa: B010
    setattr(DXLinkStreamer, "get_event_nowait", counted_nowait)  # noqa: B010


class OneQuestion(ModalScreen[None]):
    """A dialog with only its question."""

    BINDINGS: ClassVar[list[BindingType]] = [("n", "dismiss")]

    def compose(self) -> ComposeResult:
        yield Static(QUESTION_TEXT)


class OneLineApp(OneQuoteApp):
    """An app in place of the console. It shows the newest price, and answers the keys that are timed."""

    BINDINGS: ClassVar[list[BindingType]] = [("z", "zoom"), ("f", "ask")]
    display_settings = DisplaySettings()

    def __init__(self, client: SnapshotSource, **_: Any) -> None:
        super().__init__(client)

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Static(ZOOM_TEXT, id="zoomed")

    def _pull(self) -> None:
        if self._engine.snapshot().quotes:
            super()._pull()

    def action_zoom(self) -> None:
        self.query_one("#zoomed", Static).update(ZOOM_TEXT, layout=False)

    def action_ask(self) -> None:
        self.push_screen(OneQuestion())


def main(kind: str, counts: Path, bench: int) -> None:
    end_with.process(bench)
    count_quotes(QuoteCounter(counts))
    if kind == "one-line":
        setattr(senex_tui.console.app, "SenexApp", OneLineApp)  # noqa: B010
    sys.argv = ["senex"]
    cli.main()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
