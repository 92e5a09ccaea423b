"""A page with a list: filtered, walked, copied, exported and opened; the chosen row stays while others come and go."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senex_tui.console.screens.list_page import ListPage
from tests.support.console.driver import Driven, driven
from widgets.base.lines import Tone
from widgets.base.list_panel import Column, Listing, ListPanel, Row, kept

COLUMNS = (Column("slot", 5), Column("outcome", 10), Column("score", 5, is_right=True, least=60), Column("why", 0))


def row(slot: str, outcome: str, why: str = "") -> Row:
    return Row(slot, ((slot, Tone.PLAIN), (outcome, Tone.WARN), ("41", Tone.PLAIN), (why, Tone.DIM)))


ROWS = tuple(
    row(f"{9 + n // 4:02}:{n % 4 * 15:02}", "failed" if n % 5 == 0 else "skipped", f"reason {n}") for n in range(40)
)
LISTING = Listing("Slots", COLUMNS, ROWS, "no slot yet")


class Slots(ListPage):
    NAME = "slots"

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def on_mount(self) -> None:
        self.show(LISTING)

    def open(self, chosen: Row) -> None:
        self.opened.append(chosen.key)


async def opened(console: Driven) -> Slots:
    page = Slots()
    await console.app.push_screen(page)
    await console.pilot.pause()
    return page


async def test_the_keys_walk_the_rows_and_enter_opens_the_chosen_one() -> None:
    async with driven(size=(80, 24)) as console:
        page = await opened(console)
        await console.press("enter", "j", "down", "n", "N", "enter", "G", "enter", "g", "enter")
        assert page.opened == ["09:00", "09:30", "18:45", "09:00"]
        assert console.engine.sent == []


async def test_the_filter_keeps_inverts_counts_and_is_left_step_by_step() -> None:
    async with driven(size=(80, 24)) as console:
        page = await opened(console)
        await console.press("slash", *"failed !3", "enter")
        assert "/failed !3  5 of 40" in console.text
        await console.press("n", "enter")
        assert page.opened == ["10:15"]
        await console.press("q")
        assert "/failed" not in console.text
        assert console.app.screen is page
        await console.press("q")
        assert console.app.screen is not page


async def test_letters_typed_into_the_filter_are_no_commands() -> None:
    async with driven(size=(80, 24)) as console:
        page = await opened(console)
        await console.press("slash", *"pfq")
        assert console.engine.sent == []
        assert "nothing holds pfq" in console.text
        await console.press("escape", "escape")
        assert page.list.words == ""


async def test_the_rows_are_exported_as_filtered_and_never_over_an_older_file(tmp_path: Path) -> None:
    async with driven(size=(80, 24), state_folder=tmp_path) as console:
        page = await opened(console)
        page.show(replace(LISTING, rows=(*ROWS, row("19:00", "failed", "=cmd()"))))
        await console.press("slash", *"failed", "enter", "e", "e")
        files = sorted((tmp_path / "exports").iterdir())
        assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
        lines = list(csv.reader(files[0].read_text().splitlines()))
        assert lines[0] == ["slot", "outcome", "score", "why"]
        assert len(lines) == 10
        assert lines[-1][3] == "'=cmd()"
        assert any(str(file) in " ".join(console.toasts) for file in files)


async def test_an_export_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file in the way")
    async with driven(size=(80, 24), state_folder=tmp_path) as console:
        await opened(console)
        await console.press("e")
        assert console.toasts == [f"not exported: File exists ({tmp_path / 'exports'})"]


async def test_a_row_is_copied_to_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    async with driven(size=(80, 24), state_folder=tmp_path) as console:
        await opened(console)
        await console.press("j", "y")
        assert (tmp_path / "clip.txt").read_text() == "09:15  skipped  41  reason 1\n"
        assert console.app.clipboard == "09:15  skipped  41  reason 1"
        assert console.toasts == [f"sent to the terminal's clipboard and {tmp_path / 'clip.txt'}"]


async def test_the_chosen_row_stays_chosen_when_others_come() -> None:
    async with driven(size=(80, 24)) as console:
        page = await opened(console)
        await console.press("j", "j")
        page.show(replace(LISTING, rows=(row("08:45", "new"), *ROWS)))
        assert page.list.chosen == ROWS[2]
        page.show(replace(LISTING, rows=(ROWS[0], *ROWS[3:])))
        assert page.list.chosen is not None, "one that is gone makes way for what is in its place"
        page.show(replace(LISTING, rows=()))
        await console.pilot.pause()
        assert "no slot yet" in console.text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_columns_fit_every_width(width: int) -> None:
    panel = ListPanel()
    panel.show(LISTING)
    drawing = panel.draw(LISTING, width, 20)
    assert {sum(len(text) for text, _ in line) for line in drawing.lines} <= set(range(width + 1))
    assert ("score" in "".join(text for text, _ in drawing.lines[0])) is (width >= 60)


WORDS = st.text("abc! ", max_size=8)


@given(st.lists(WORDS, max_size=6), WORDS)
def test_a_filter_and_its_inverse_part_the_rows(texts: list[str], query: str) -> None:
    rows = tuple(Row(str(n), ((text, Tone.PLAIN),)) for n, text in enumerate(texts))
    words = query.replace("!", "").split()
    if len(words) == 1:
        with_it, without = kept(rows, words[0]), kept(rows, f"!{words[0]}")
        assert sorted((*with_it, *without), key=lambda r: int(r.key)) == list(rows)
        assert all(words[0] in r.text for r in with_it)
    assert kept(rows, "") == rows
