"""The keys as the operator has mapped them, for sentences on the screen that name a key.

An action whose shipped key the operator gave to another one has none: it is called by its name in the palette.

The map is kept for the process, which has one console: the app sets it at its start and clears it at its end.
"""

from __future__ import annotations

from collections.abc import Mapping

_mapped: dict[str, str] = {}


def use_keys(mapped: Mapping[str, str]) -> None:
    """Sets the map from action name to key, empty for an action without one. Actions that are not in it have the keys
    they ship with."""
    _mapped.clear()
    _mapped.update(mapped)


def key_for(action: str, shipped: str) -> str:
    """The key of an action, as the screen writes it. `action` is its name in the settings, `shipped` its own key.

    An action without a key is written as what to type instead: `:` opens the palette, the name finds the action.
    """
    return _mapped.get(action, shipped) or f":{action}"


def has_key(action: str) -> bool:
    """Whether the action has a key: the one it ships with, or the operator's."""
    return _mapped.get(action) != ""


def is_mapped(action: str) -> bool:
    """Whether the operator gave the action a key."""
    return bool(_mapped.get(action))


def action_with(key: str) -> str:
    """The action to which the operator gave this key; empty without one."""
    return next((action for action, mapped in _mapped.items() if mapped == key), "")
