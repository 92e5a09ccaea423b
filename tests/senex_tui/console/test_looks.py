"""Themes, ASCII, NO_COLOR, keys of the settings, read-only, and the settings page that changes how it looks."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color_triplet import ColorTriplet
from rich.style import Style
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from core.config.loader import SettingsError, load_settings
from core.domain.operation.commands import CommandKind
from core.snapshot import Mode
from senex_tui.console.app import SenexApp
from senex_tui.console.driver import TerminalFile
from senex_tui.console.key_map import checked_keys, mappable
from senex_tui.console.keys import KEYS
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import TypedQuestion
from senex_tui.console.screens.settings import SettingsPage
from senex_tui.console.theme import THEMES, theme_to_use
from senex_tui.console.view_settings import (
    AT_START,
    CHOICES,
    FILE,
    DisplaySettings,
    ViewSettings,
    settled_view,
    view_settings,
    with_options,
)
from senex_tui.support.terminal import prepare_colours
from tests.support.console import scenes
from tests.support.console.driver import Driven, Ticker, driven
from tests.support.console.scenes import FixedEngine
from widgets.base.line_filters import ascii_of, harmless
from widgets.base.lines import Tone
from widgets.base.panel import LinePanel
from widgets.base.tones import tone_styles

ON_EVERY_SCREEN = ("question_mark,q", "s,q", "ctrl+p,ctrl+g", "h,q", "a,q", "m,q", "H,q", "7")


@asynccontextmanager
async def looking(engine: FixedEngine, view: ViewSettings, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Driven]:
    ticker = Ticker()
    app = SenexApp(engine, monotonic=ticker, view_settings=view)
    async with app.run_test(size=size) as pilot:
        console = Driven(app, engine, pilot, ticker)
        await pilot.pause()
        await console.pull()
        yield console
    assert app._exception is None


# Themes


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
async def test_every_theme_colours_every_tone_and_paints(theme: str) -> None:
    async with looking(FixedEngine(scenes.unknown()), ViewSettings(None, DisplaySettings(theme=theme))) as console:
        assert console.app.theme == theme
        styles = tone_styles(console.app.theme_variables)
        for tone in (Tone.GOOD, Tone.WARN, Tone.BAD, Tone.ACCENT, Tone.DIM):
            assert styles[tone].color is not None, tone
        assert styles[Tone.GOOD].color != styles[Tone.BAD].color
        assert styles[Tone.STALE].strike
        assert "UNKNOWN" in console.text


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
async def test_no_text_has_the_colour_of_its_ground(theme: str) -> None:
    engine = FixedEngine(scenes.halted())
    engine.status(mode=Mode.LIVE)
    async with looking(engine, ViewSettings(None, DisplaySettings(theme=theme))) as console:
        for keys in ((), ("s",), ("question_mark", "slash"), ("escape", "escape", "q", "q")):
            await console.press(*keys)
            await console.pilot.pause()
            assert unreadable(console) == []


def unreadable(console: Driven) -> list[str]:
    """Words drawn in the very colour they stand on."""
    return [
        segment.text
        for strip in console.app.screen._compositor.render_strips()
        for segment in strip
        if segment.text.strip(" ▌▐")
        and any(map(str.isalnum, segment.text))
        and segment.style is not None
        and segment.style.color is not None
        and not segment.style.color.is_default
        and segment.style.color == segment.style.bgcolor
    ]


LEAST_CONTRAST = 4.5
"""What WCAG 2 asks of text at level AA."""
READ_ON = ("", "o", "t", "t,enter", "h", "a", "A", "A,enter", "w", "m", "H", "s")
"""The keys that open every page from the dashboard."""


async def test_every_word_of_every_page_stands_out_in_every_theme_of_known_colours() -> None:
    """The themes of the terminal's own colours have those that the terminal gives them."""
    themes = [theme.name for theme in THEMES if not theme.ansi]
    faint: dict[str, float] = {}
    async with looking(
        FixedEngine(scenes.open_tridents()), ViewSettings(None, DisplaySettings()), (100, 30)
    ) as console:
        for keys in READ_ON:
            pressed = [key for key in keys.split(",") if key]
            await console.press(*pressed)
            for theme in themes:
                console.app.theme = theme
                await console.pilot.pause()
                faint |= {f"{keys} {theme} {text!r}": ratio for text, ratio in faint_words(console)}
            await console.press(*["q"] * len(pressed))
    assert not faint


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES if not theme.ansi])
async def test_the_word_to_type_stands_out_in_every_theme(theme: str) -> None:
    engine = FixedEngine(scenes.calm())
    engine.current = scenes.SCENES["live"]()
    async with looking(engine, ViewSettings(None, DisplaySettings(theme=theme)), (100, 30)) as console:
        await console.press("f")
        assert isinstance(console.app.screen, TypedQuestion)
        assert [text for text, _ in faint_words(console) if text in "force"] == []


def faint_words(console: Driven) -> list[tuple[str, float]]:
    """Words with less than the least contrast to the ground they stand on."""
    return [
        (segment.text.strip(), ratio)
        for strip in console.app.screen._compositor.render_strips()
        for segment in strip
        if any(map(str.isalnum, segment.text))
        and segment.style is not None
        and (ratio := contrast(segment.style)) < LEAST_CONTRAST
    ]


def contrast(style: Style) -> float:
    """The contrast of a style's colour to its ground by WCAG 2; without limit where the terminal gives one of them."""
    if style.color is None or style.bgcolor is None or not (style.color.triplet and style.bgcolor.triplet):
        return math.inf
    light, dark = sorted((luminance(style.color.triplet), luminance(style.bgcolor.triplet)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: ColorTriplet) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_themes_are_those_of_the_setting() -> None:
    assert tuple(theme.name for theme in THEMES) == CHOICES["theme"]


def test_high_contrast_tells_good_from_bad_by_blue_and_orange() -> None:
    contrast = next(theme for theme in THEMES if theme.name == "senex-contrast")
    good, bad = contrast.success or "", contrast.error or ""
    assert int(good[5:7], 16) > int(good[1:3], 16), "good is blue"
    assert int(bad[1:3], 16) > int(bad[5:7], 16), "bad is orange"
    assert contrast.background == "#000000"


def test_an_ansi_theme_is_not_used_without_colour() -> None:
    assert theme_to_use("ansi-dark", no_color=True) == "senex-dark"
    assert theme_to_use("ansi-light", no_color=True) == "senex-light"
    assert theme_to_use("ansi-light", no_color=False) == "ansi-light"
    assert theme_to_use("senex-contrast", no_color=True) == "senex-contrast"


async def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with looking(FixedEngine(scenes.stale()), ViewSettings(None, DisplaySettings(theme="ansi-dark"))) as console:
        assert console.app.theme == "senex-dark"
        assert "STALE 41s" in console.text
        assert "feed TROUBLE" in console.text
        strips = console.app.screen._compositor.render_strips()
        colours = {
            segment.style.color.triplet
            for strip in strips
            for segment in strip
            if segment.style is not None and segment.style.color is not None and segment.style.color.triplet
        }
        assert all(max(colour) - min(colour) <= 1 for colour in colours), "grey alone"


@pytest.mark.parametrize(
    ("colours", "system"), [("16", "standard"), ("256", "256"), ("true", "truecolor"), ("auto", None)]
)
def test_how_many_colours_is_settled_before_textual(colours: str, system: str | None) -> None:
    env: dict[str, str] = {}
    prepare_colours(env, colours)
    assert env.get("TEXTUAL_COLOR_SYSTEM") == system


# ASCII


@pytest.mark.parametrize("size", [(80, 24), (200, 55)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_in_ascii_no_screen_has_another_character(size: tuple[int, int]) -> None:
    async with looking(FixedEngine(scenes.calm()), ViewSettings(None, DisplaySettings(ascii=True)), size) as console:
        for scene in ("unknown", "calm"):
            console.engine.current = scenes.SCENES[scene]()
            await console.pull()
            console.app.say("a message … with — signs 日本", "error")
            await console.pilot.pause()
            for keys in ON_EVERY_SCREEN if scene == "calm" else ("f",):
                for key in keys.split(","):
                    await console.press(key)
                    await console.pilot.pause()
                    other = {c for c in console.text if not c.isascii()}
                    assert not other, f"{sorted(other)} on {scene} after {keys} at {key}"
            assert all(len(line) <= size[0] for line in console.text.splitlines())


@pytest.mark.parametrize("text", ["plain", "✓ done · 日本 ▶", "╭─╮│⣿⡀▁█", "\u00e9\u0301"])
def test_ascii_is_as_wide_as_what_it_stands_for(text: str) -> None:
    assert ascii_of(text).isascii()
    assert cell_len(ascii_of(text)) == cell_len(text)


# Keys of the settings


@pytest.mark.parametrize(
    ("mapped", "told"),
    [
        ({"pausee": "P"}, 'there is no action "pausee"; did you mean pause?'),
        ({"pause": "f1"}, 'there is no key "f1"'),
        ({"pause": "PP"}, 'there is no key "PP"'),
        ({"pause": ","}, 'there is no key ","'),
        ({"pause": "P", "force": "P"}, 'the key "P" is for pause and for force'),
        ({"pause": "ctrl+b"}, "is the prefix of tmux"),
        ({"pause": "ctrl+a"}, "is the prefix of screen"),
        ({"pause": "ctrl+m"}, "is backspace, tab or enter to a terminal"),
        ({"pause": "j"}, "moves in every panel"),
        ({"command_palette": "x"}, "would be caught while you type"),
        ({"interrupt": "ctrl+x"}, "always a way out"),
    ],
)
def test_a_key_that_cannot_be_mapped_is_refused_with_the_fix(mapped: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        checked_keys(mapped)
    assert told in str(refused.value)
    assert str(refused.value).startswith("console.keys")


def test_every_wrong_key_is_named() -> None:
    with pytest.raises(SettingsError) as refused:
        checked_keys({"a": "b", "pause": "f12", "help": "H"})
    assert len(refused.value.sentences) == 2


def test_keys_may_change_places_and_those_shipped_are_fine() -> None:
    assert checked_keys({"pause": "f", "force": "p"}) == {"pause": "f", "force": "p"}
    assert checked_keys({name: key for name, key, _ in mappable() if key.isalpha() and len(key) == 1})
    assert checked_keys({}) == {}


def test_the_keys_said_in_words_are_those_of_the_table() -> None:
    """The shipped key that each call of `key_for` names is the key in the table."""
    shipped = {key.name: key.shipped for key in KEYS}
    root = Path(__file__).parents[3]
    sources = [*root.glob("widgets/*.py"), *root.glob("senex_tui/**/*.py")]
    found = [
        part.split(")")[0].replace('"', "'").split("'")
        for file in sources
        for part in file.read_text(encoding="utf-8").split("key_for(")[1:]
    ]
    named = [(parts[1], parts[3]) for parts in found if len(parts) >= 5]
    assert len(named) >= 8
    assert [pair for pair in named if shipped.get(pair[0]) != pair[1]] == []


async def test_a_mapped_key_works_and_is_shown_everywhere() -> None:
    keys = {"pause": "P", "force": "p", "positions": "T", "help": "K", "panel_orders": "9", "reentry": "Y"}
    async with looking(
        FixedEngine(scenes.day_closed()), ViewSettings(None, DisplaySettings(keys=keys)), (200, 55)
    ) as console:
        assert "P Pause p Force" in console.text.splitlines()[-1]
        assert "K Help" in console.text.splitlines()[-1]
        await console.press("f", "question_mark", "3")
        assert isinstance(console.app.screen, Dashboard)
        assert console.app.focused is None
        await console.press("9")
        assert console.app.focused is console.app.screen.query_one("#orders", LinePanel)
        await console.press("z")
        assert "Press Y to allow another entry" in " ".join(console.text.split())
        await console.press("z", "p", "n", "K")
        assert "P               pause automation at once" in console.text
        await console.press("q", "P")
        assert console.engine.sent == [CommandKind.PAUSE]
    async with driven(scenes.day_closed(), size=(200, 55)) as console:
        await console.press("3", "z")
        assert "Press r to allow another entry" in " ".join(console.text.split())


async def test_a_greyed_mapped_key_says_why() -> None:
    async with looking(
        FixedEngine(scenes.paused()), ViewSettings(None, DisplaySettings(keys={"force": "@"}))
    ) as console:
        await console.press("at")
        assert console.bottom == "force: not now, automation is paused"


# Read-only


@pytest.mark.parametrize("mode", [Mode.DEMO, Mode.LIVE])
async def test_a_read_only_console_sends_nothing_and_says_so(mode: Mode) -> None:
    engine = FixedEngine(scenes.unknown())
    engine.status(mode=mode)
    async with looking(engine, ViewSettings(None, DisplaySettings(read_only=True))) as console:
        assert f"{mode.upper()}  READ-ONLY" in console.text.splitlines()[0]
        assert "u Unknown" not in console.bottom, "it would be refused"
        await console.press("p", "f", "R", "u")
        assert isinstance(console.app.screen, Dashboard)
        assert console.bottom == "unknown: not now, this console is read-only: it watches"
        console.app.send(CommandKind.ACKNOWLEDGE, target="7")
        await console.pilot.pause()
        assert "acknowledge not sent" in console.toasts[-1]
        assert engine.sent == []
        await console.press("q")
        assert "Quit stops the engine" in console.text


# The settings page


async def test_the_settings_page_changes_the_view_at_once_and_keeps_it(tmp_path: Path) -> None:
    loaded = load_settings(None, {"SENEX_TRADING__POSITION_LIMIT": "4"})
    async with looking(FixedEngine(scenes.calm()), view_settings(loaded, tmp_path), (120, 40)) as console:
        await console.press("s")
        page = console.app.screen
        assert isinstance(page, SettingsPage)
        assert "trading.position_limit" in console.text
        assert "environment SENEX_TRADING__POSITION_LIMIT" in console.text
        await console.press("enter")
        assert console.app.theme == "senex-light"
        assert "changed here" in console.text
        await console.press("down", "enter", "down", "down", "enter")
        await console.pilot.pause()
        assert (console.app.display_settings.refresh_hz, console.app.display_settings.ascii) == (5, True)
        assert console.text.isascii()
        page.list.choose_key("trading.position_limit")
        await console.press("enter")
        assert "trading.position_limit is not changed here" in console.toasts[-1]
        page.list.choose_key("console.read_only")
        await console.press("enter", "enter")
        assert console.app.display_settings.read_only
        await console.press("q", "p")
        assert console.engine.sent == []
    kept = json.loads((tmp_path / FILE).read_text())
    assert {name: each["value"] for name, each in kept.items()} == {
        "theme": "senex-light",
        "refresh_hz": 5,
        "ascii": True,
    }
    again = view_settings(loaded, tmp_path).applied()
    assert (again.theme, again.refresh_hz, again.ascii, again.read_only) == ("senex-light", 5, True, False)


def test_a_change_holds_until_the_setting_itself_becomes_another(tmp_path: Path) -> None:
    view = ViewSettings(tmp_path, DisplaySettings())
    view.change("theme", "senex-light")
    assert ViewSettings(tmp_path, DisplaySettings()).applied().theme == "senex-light"
    assert ViewSettings(tmp_path, DisplaySettings(theme="ansi-dark")).applied().theme == "ansi-dark"
    assert ViewSettings(tmp_path, DisplaySettings()).applied().theme == "senex-light"
    view.change("theme", "senex-dark")
    assert json.loads((tmp_path / FILE).read_text()) == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"theme": 3}', '{"theme": {"value": "x", "instead_of": "senex-dark"}}']
)
def test_a_file_of_changes_that_makes_no_sense_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert ViewSettings(tmp_path, DisplaySettings()).applied() == DisplaySettings()


def test_an_option_wins_over_what_was_changed(tmp_path: Path) -> None:
    ViewSettings(tmp_path, DisplaySettings(ascii=True)).change("ascii", False)
    loaded = with_options(load_settings(None, {}), ascii_only=True, read_only=True)
    view = view_settings(loaded, tmp_path)
    assert view.asked.read_only
    assert view.asked.ascii
    assert {row.name: row.origin for row in view.rows}["console.read_only"] == "option --read-only"


def test_the_settings_that_apply_at_the_next_start_are_listed() -> None:
    assert set(CHOICES) >= AT_START == {"colours", "mouse"}


@pytest.mark.parametrize(
    ("encoding", "ascii"), [("utf-8", False), ("latin-1", True), ("ascii", True), ("cp1252", True)]
)
def test_a_terminal_without_the_signs_gets_the_ascii_look(
    encoding: str, ascii: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "__stderr__", io.TextIOWrapper(io.BytesIO(), encoding))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert settled_view(load_settings(None, {}), tmp_path).applied().ascii is ascii


def test_a_lost_terminal_and_a_sign_it_lacks_end_no_writer() -> None:
    reader, writer = os.pipe()
    screen = TerminalFile(writer, "latin-1")
    screen.write("a\u2713")
    screen.flush()
    assert os.read(reader, 9) == b"a?"
    os.close(reader)
    screen.write("nobody reads it")
    screen.flush()
    os.close(writer)
    screen.write("closed")
    screen.flush()


def test_a_terminal_that_another_program_made_nonblocking_gets_all() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text, got = "x" * 300_000, bytearray()

    def read() -> None:
        while len(got) < len(text):
            got.extend(os.read(reader, 10_000))

    reading = threading.Thread(target=read)
    reading.start()
    screen = TerminalFile(writer, "utf-8")
    screen.write(text)
    screen.flush()
    reading.join(10)
    assert got.decode() == text
    os.close(reader)
    os.close(writer)


class AsItCame(Screen[None]):
    """Shows text as it is given to a widget of Textual, which drops a few control characters alone."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def compose(self) -> ComposeResult:
        yield Static(Content(self.words))


async def test_no_word_on_the_screen_steers_the_terminal() -> None:
    words = "to \x1b]52;c;aGk=\x07 the \x1b[2J clip\x9b31mboard \x1b]8;;http://x\x1b\\ \u202eend"
    async with driven() as console:
        console.app.push_screen(AsItCame(words))
        await console.pilot.pause()
        assert "to ]52;c;aGk= the" in console.text
        assert all(c.isprintable() or c == "\n" for c in console.text)


@given(st.text(alphabet=st.characters(categories=["Cc", "Zl", "Zp", "Lu", "Nd"])))
def test_a_line_made_safe_keeps_its_width(text: str) -> None:
    shown = harmless(text)
    assert shown.isprintable()
    assert cell_len(shown) == cell_len(text)
