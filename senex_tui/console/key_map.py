"""Checks the keys that the settings give to actions, and refuses with a sentence those that cannot be.

A key that the operator gave to an action is that action's, also when a release ships it for another one: the other has
none then, and help says so. One that he gave to two actions of a page is told, where that was never refused. So no file
that worked stops a start.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from textual.keys import key_to_character

from core.config.loader import SettingsError
from senex_tui.console.keys import KEYS, Key, Where, clash, in_order
from widgets.key_line import NOT_A_KEY

_SIGNS = {"slash": "/", "plus": "+", "minus": "-", "at": "@", "backslash": "\\", "underscore": "_"}
"""Textual's names of signs for which Textual itself finds no character."""
_WORDS = frozenset({"space", "enter"})
_TAKEN = {
    **dict.fromkeys(("up", "down", "j", "k", "g", "G", "pageup", "pagedown", "home", "end"), "moves in every panel"),
    **dict.fromkeys(("tab", "shift+tab"), "goes from panel to panel"),
    **dict.fromkeys(("escape", "ctrl+g"), "closes what is open"),
    "ctrl+c": "quits from anywhere",
    "ctrl+b": "is the prefix of tmux, which keeps it for itself",
    "ctrl+a": "is the prefix of screen, which keeps it for itself",
    **dict.fromkeys(("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m"), "is backspace, tab or enter to a terminal"),
    **dict.fromkeys(("ctrl+s", "ctrl+z"), "stops the terminal or the program"),
}
"""Keys no action can have, and why."""
FIXED = frozenset({"interrupt", "close"})
"""Actions whose key stays: the ways out that always work."""
TOGETHER = (
    (Where.EVERYWHERE, Where.DASHBOARD, Where.REPLAY),
    (Where.EVERYWHERE, Where.DASHBOARD, Where.OWN_DEMO),
    (Where.EVERYWHERE, Where.PAGES, Where.LISTS, Where.HISTORY),
    (Where.EVERYWHERE, Where.PAGES, Where.STORIES),
    (Where.EVERYWHERE, Where.PAGES, Where.MONEY),
    (Where.EVERYWHERE, Where.PAGES, Where.HEALTH),
)
"""Groups of places whose keys work at the same time: within a group no key may be given twice."""
TOLD = (
    (Where.EVERYWHERE, Where.PAGES, Where.LISTS, Where.ALERTS),
    (Where.EVERYWHERE, Where.PAGES, Where.LISTS, Where.ACCOUNT),
    (Where.EVERYWHERE, Where.PAGES, Where.LISTS, Where.TRIDENTS),
    (Where.EVERYWHERE, Where.PAGES, Where.PREVIEW),
)
"""Groups whose keys earlier releases did not compare: a key given twice there is told and never refused. A group may
only come to these, unless all its places come with it."""
_PAGE = {
    Where.ALERTS: "alerts",
    Where.ACCOUNT: "an account",
    Where.TRIDENTS: "the tridents",
    Where.PREVIEW: "the preview",
}


def checked_keys(mapped: Mapping[str, str]) -> dict[str, str]:
    """The map of the settings, from action name to key, with every key spelled in one way.

    It also has, with an empty key, each action that lost the key it ships with to one of these.

    Raises SettingsError with a sentence for each unknown action, unknown key, taken key and key given twice.
    """
    by_name = {key.name: key for key in KEYS}
    found: dict[str, str] = {}
    wrong: list[str] = []
    for name, text in mapped.items():
        said = _wrong_action(name, by_name) or _wrong_key(name, text, by_name[name])
        if said:
            wrong.append(said)
        else:
            found[name] = _key(text)
    yielded, twice = _yielded(found) if not wrong else ({}, [])
    if wrong or twice:
        raise SettingsError(*wrong, *twice)
    return {**found, **yielded}


def for_textual(keys: Mapping[str, str]) -> dict[str, str]:
    """What Textual is to bind: `checked_keys`, with a name that nobody can press for an action without a key."""
    return {name: key or NOT_A_KEY for name, key in keys.items()}


@cache
def shown_key(key: str) -> str:
    """A key as the screen writes it: `/` for Textual's `slash`."""
    character = _SIGNS.get(key) or key_to_character(key)
    return character if character and character.isprintable() and character != " " else key


def _key(text: str) -> str:
    """One spelling for every way to name a key in the settings: `space` for a blank, `/` for `slash`."""
    return "space" if text == " " else shown_key(text)


def _wrong_action(name: str, by_name: Mapping[str, Key]) -> str:
    possible = [each for each in by_name if each not in FIXED]
    if name in possible:
        return ""
    if name in FIXED:
        return (
            f"console.keys.{name}: the key {by_name[name].display} stays as it is, so that there is always a way out."
        )
    close = difflib.get_close_matches(name, possible, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"the actions are {', '.join(possible)}."
    return f'console.keys.{name}: there is no action "{name}"; {hint}'


def _wrong_key(name: str, text: str, action: Key) -> str:
    key = _key(text)
    where = f"console.keys.{name}"
    if key in _TAKEN:
        return f'{where}: the key "{text}" {_TAKEN[key]}; choose another.'
    control = key.startswith("ctrl+") and len(key) == 6 and "a" <= key[5] <= "z"
    plain = key in _WORDS or (len(key) == 1 and "!" <= key <= "~" and key != ",")
    if not (control or plain):
        return (
            f'{where}: there is no key "{text}"; name a letter, a digit, a sign but the comma, space, enter, '
            "or ctrl+ and a letter."
        )
    if action.priority and not control:
        return f'{where}: "{text}" would be caught while you type; this action needs ctrl+ and a letter.'
    return ""


def shared_keys(mapped: Mapping[str, str]) -> str:
    """Which keys the settings give to two actions of one page, and what each does there; empty without one."""
    found = {name: _key(text) for name, text in mapped.items()}
    told: dict[tuple[str, str, str], list[str]] = {}
    for places in TOLD:
        for pressed, names in _given_twice(found, places):
            for name in names[1:]:
                told.setdefault((pressed, names[0], name), []).append(_PAGE[places[-1]])
    said = (
        f'the key "{pressed}" is for {first} and for {other}: on the page of {" and of ".join(pages)} it is {first}'
        for (pressed, first, other), pages in told.items()
        if not any({first, other} <= set(names) for together in TOGETHER for _, names in _given_twice(found, together))
    )
    return "; ".join(said)


def _yielded(found: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The actions that lose their shipped key to one of `found`, each with an empty key, and a sentence for each key
    that was given twice where it may not be."""
    yielded: dict[str, str] = {}
    said: list[str] = []
    for places in (*TOGETHER, *TOLD):
        used: dict[str, list[str]] = {}
        for name, shipped in _shipped(places):
            names = used.setdefault(found.get(name) or shipped, [])
            if name not in names:
                names.append(name)
        for names in used.values():
            given = [name for name in names if name in found]
            if given:
                lost = (name for name in names if name not in found and any(clash(name, other) for other in given))
                yielded |= dict.fromkeys(lost, "")
    for places in TOGETHER:
        said += [
            f'console.keys: the key "{pressed}" is for {names[0]} and for {names[1]}; give one of them another key.'
            for pressed, names in _given_twice(found, places)
        ]
    return yielded, list(dict.fromkeys(said))


@cache
def _shipped(places: tuple[Where, ...]) -> tuple[tuple[str, str], ...]:
    """The actions of these places in the order of the table, each with a key that it ships with."""
    return tuple((key.name, shown_key(key.key)) for key in KEYS if key.where in places)


def _given_twice(found: Mapping[str, str], places: tuple[Where, ...]) -> Iterator[tuple[str, list[str]]]:
    """Each key that was given to actions of these places that cannot share it, with their names: the first one has
    it."""
    used: dict[str, list[str]] = {}
    for key in in_order(*places):
        pressed = found.get(key.name)
        if not pressed:
            continue
        names = used.setdefault(pressed, [])
        if key.name not in names and (not names or any(clash(key.name, name) for name in names)):
            names.append(key.name)
    yield from ((pressed, names) for pressed, names in used.items() if len(names) > 1)


def mappable() -> Iterable[tuple[str, str, str]]:
    """Every action that can have another key, for the documentation: (name, shipped key, what it does)."""
    listed: set[str] = set()
    for key in KEYS:
        if key.name not in FIXED and key.name not in listed:
            listed.add(key.name)
            yield key.name, key.shipped, key.help
