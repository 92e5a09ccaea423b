"""A key that the operator mapped stays the operator's, whatever a release ships it for."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from textual.binding import BindingsMap

from core.config.loader import SettingsError
from core.domain.operation.commands import CommandKind
from senex_tui.console import screens as screens_of_ours
from senex_tui.console.app import SenexApp
from senex_tui.console.key_map import TOGETHER, TOLD, checked_keys, for_textual, mappable, shared_keys, shown_key
from senex_tui.console.keys import KEYS, Where, bindings, clash, help_groups, in_order, with_keys
from senex_tui.console.screens.base import ConsoleScreen
from senex_tui.console.view_settings import DisplaySettings, ViewSettings
from tests.support.console import scenes
from tests.support.console.scenes import FixedEngine
from widgets.base.key_names import use_keys

SHIPPED = {shown_key(key.key): key.name for key in KEYS}


def refusals(name: str, key: str) -> tuple[str, ...]:
    """Why this action can never have this key; none where a release may ship it so."""
    try:
        checked_keys({name: key})
    except SettingsError as refused:
        return tuple(refused.sentences)
    return ()


def test_any_action_may_have_any_key_that_is_shipped_for_another() -> None:
    """So no settings file that worked refuses to start when a release ships its key for something new."""
    tried = 0
    for name, _, _ in mappable():
        for key, other in SHIPPED.items():
            refused = refusals(name, key)
            assert not any("is for" in sentence for sentence in refused), refused
            if refused:
                continue
            tried += 1
            keys = checked_keys({name: key})
            assert keys[name] == key
            lost = {action for action, pressed in keys.items() if not pressed}
            assert name not in lost
            use_keys(keys)
            told = dict(row for _, rows in help_groups() for row in rows)
            for action in lost:
                assert f"no key: {key} is yours for {name}" in told[f":{action}"], (name, key, other)
    use_keys({})
    assert tried > 500


def screens(of: type[ConsoleScreen] = ConsoleScreen) -> set[type[ConsoleScreen]]:
    """Every screen of ours whose keys work at the same time."""
    found = {each for one in of.__subclasses__() for each in ({one} | screens(one))}
    return {each for each in found if each.__module__.startswith("senex_tui.") and hasattr(each, "PLACES")}


def test_on_every_screen_a_key_of_the_operator_has_one_action() -> None:
    """Whatever action of a screen gets the key of another one there, the other has none then."""
    for module in pkgutil.iter_modules(screens_of_ours.__path__):
        importlib.import_module(f"{screens_of_ours.__name__}.{module.name}")
    losers: dict[tuple[str, str], set[str]] = {}
    for places in {each.PLACES for each in screens()}:
        there = [key for key in KEYS if key.where in places]
        for mapped in {key.name for key in there}:
            for other in there:
                if other.name != mapped and {mapped, other.name} != {"open", "story"}:
                    losers.setdefault((mapped, shown_key(other.key)), set()).add(other.name)
    given = {pair: lost for pair, lost in losers.items() if not refusals(*pair)}
    assert len(given) > 500
    for (mapped, key), lost in given.items():
        keys = checked_keys({mapped: key})
        assert not [name for name in lost if keys.get(name) != ""], (mapped, key)


def mappable_there(places: tuple[Where, ...]) -> list[str]:
    """The actions of a screen that may have any letter."""
    return sorted({key.name for key in in_order(*places) if not refusals(key.name, "Z")})


async def test_one_key_for_two_actions_of_a_screen_starts_and_is_told_or_was_never_accepted() -> None:
    """Whatever two actions of a screen get one key: where an earlier release took that, the console starts, a message
    and help say which of them has no key there, and Textual runs the one that they name."""
    for module in pkgutil.iter_modules(screens_of_ours.__path__):
        importlib.import_module(f"{screens_of_ours.__name__}.{module.name}")
    told, refused = 0, 0
    for screen in {each.PLACES: each for each in screens()}.values():
        shipped = BindingsMap([*(b for bs in screen._merged_bindings.key_to_bindings.values() for b in bs)])
        for one, other in combinations(mappable_there(screen.PLACES), 2):
            mapped = {one: "Z", other: "Z"}
            if any({one, other} <= {key.name for key in in_order(*places)} for places in TOGETHER):
                with pytest.raises(SettingsError, match=r'the key "Z" is for .* and for '):
                    checked_keys(mapped)
                refused += 1
                continue
            told += 1
            keys = checked_keys(mapped)
            use_keys(keys)
            rows = dict(row for _, rows in help_groups(*screen.PLACES) for row in rows)
            (lost,) = {one, other} & {row.removeprefix(":") for row in rows}
            (first,) = {one, other} - {lost}
            assert f"no key here: Z is yours for {first}" in rows[f":{lost}"]
            assert re.search(
                f'the key "Z" is for {first} and for {lost}: on the page of .* it is {first}', shared_keys(mapped)
            ), (screen, one, other)
            pressed = shipped.copy()
            pressed.apply_keymap(for_textual(keys))
            of_app = BindingsMap(bindings(Where.EVERYWHERE))
            of_app.apply_keymap(for_textual(keys))
            chain = [*pressed.key_to_bindings.get("Z", ()), *of_app.key_to_bindings.get("Z", ())]
            assert chain[0].id == first, (screen, one, other)
    use_keys({})
    assert told > 100
    assert refused > 100


def test_every_screen_is_among_those_whose_keys_are_compared() -> None:
    """A key is refused where that was always so, and told elsewhere; no screen is left out."""
    for module in pkgutil.iter_modules(screens_of_ours.__path__):
        importlib.import_module(f"{screens_of_ours.__name__}.{module.name}")
    compared = [set(places) for places in (*TOGETHER, *TOLD)]
    assert [each for each in screens() if not any(set(each.PLACES) <= group for group in compared)] == []


def test_no_two_actions_of_a_screen_are_shipped_with_one_key() -> None:
    for places in (*TOGETHER, *TOLD):
        used: dict[str, str] = {}
        for key in in_order(*places):
            assert not clash(used.setdefault(key.key, key.name), key.name), (places, key.key)


async def test_a_console_whose_file_gives_a_key_twice_says_at_its_start_what_it_does() -> None:
    """The page's own action has it there, as ever; elsewhere the other one has it."""
    engine = FixedEngine(scenes.calm())
    keys = {"pause": "space", "again": "space"}
    app = SenexApp(engine, view_settings=ViewSettings(None, replace(DisplaySettings(), keys=keys)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        said = [note.message for note in app._notifications]
        assert said == ['the key "space" is for again and for pause: on the page of the preview it is again']
        await pilot.press("w")
        await pilot.pause()
        await pilot.press("space")
        await pilot.pause()
        assert CommandKind.PAUSE not in engine.sent
        await pilot.press("q", "space")
        await pilot.pause()
        assert engine.sent[-1] is CommandKind.PAUSE
    assert app._exception is None


def test_on_the_page_of_the_tridents_open_and_story_may_have_one_key_or_two() -> None:
    """Both are shipped as enter, and do the same there."""
    assert checked_keys({"story": "enter"}) == {"story": "enter"}
    assert checked_keys({"open": "O"}) == {"open": "O"}
    assert checked_keys({"open": "O", "story": "O"}) == {"open": "O", "story": "O"}
    assert checked_keys({"pause": "enter"}).items() >= {"open": "", "story": ""}.items()


async def test_on_the_page_of_the_preview_the_operators_key_does_not_ask_again() -> None:
    engine = FixedEngine(scenes.calm())
    app = SenexApp(engine, view_settings=ViewSettings(None, replace(DisplaySettings(), keys={"pause": "space"})))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("w")
        await pilot.pause()
        await pilot.press("space")
        await pilot.pause()
        assert engine.sent == [CommandKind.PREVIEW, CommandKind.PAUSE]
    assert app._exception is None


@pytest.mark.parametrize(
    ("mapped", "pressed", "sent"),
    [({"pause": "t"}, "t", [CommandKind.PAUSE]), ({"reconcile": "q"}, "q", [CommandKind.RECONCILE])],
)
async def test_the_operators_key_does_what_it_was_mapped_to(
    mapped: dict[str, str], pressed: str, sent: list[CommandKind]
) -> None:
    engine = FixedEngine(scenes.calm())
    app = SenexApp(engine, view_settings=ViewSettings(None, replace(DisplaySettings(), keys=mapped)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(pressed)
        await pilot.pause()
        assert engine.sent == sent
        bottom = app.screen._compositor.render_strips()[-1].text
        assert "Tridents" not in bottom if pressed == "t" else "Quit" not in bottom
    assert app._exception is None


async def test_an_action_without_a_key_is_found_by_its_name_in_the_palette() -> None:
    app = SenexApp(
        FixedEngine(scenes.calm()), view_settings=ViewSettings(None, replace(DisplaySettings(), keys={"pause": "t"}))
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"positions")
        await app.workers.wait_for_complete()
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert app.screen.name == "positions"
    assert app._exception is None


def test_what_core_says_of_an_action_names_the_operators_key() -> None:
    use_keys({"exits": "E", "pause": ""})
    assert with_keys("{exits} lets them go on; {pause} resumes") == "E lets them go on; :pause resumes"
    use_keys({})
    assert with_keys("{exits} lets them go on; {nothing} stays") == "X lets them go on; {nothing} stays"


def sentences(file: Path) -> list[str]:
    """The strings of a source file that are said, without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    ]


NAMES_A_KEY = re.compile(r"(?:^|[;:,.] |[Pp]ress )[B-Zb-z] [a-z]+|\b[B-Zb-z] key\b")
OF_DIALOGS = {"dialogs.py", "entries.py", "help.py", "cancel_instead.py", "jump.py", "keys.py", "alert.py"}
"""Whose own keys cannot be mapped, and the table itself."""


def test_no_sentence_names_a_key_that_may_be_mapped() -> None:
    """The map is the operator's: a key is asked for with `key_for`, in core by the action's name in braces."""
    root = Path(__file__).parents[3]
    found = [
        (file.name, said)
        for part in ("core", "widgets", "senex_tui")
        for file in (root / part).rglob("*.py")
        if file.name not in OF_DIALOGS
        for said in sentences(file)
        if NAMES_A_KEY.search(said)
    ]
    assert found == []
    assert NAMES_A_KEY.search("X lets them go on")
    assert NAMES_A_KEY.search("mend it; t says what would be sent")
