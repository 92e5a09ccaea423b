"""The keys as the operator has mapped them, for sentences on the screen that name a key.

The map is kept for the process, which has one console: the app sets it at its start and clears it at its end.
"""

from __future__ import annotations

from collections.abc import Mapping

_mapped: dict[str, str] = {}


def use_keys(mapped: Mapping[str, str]) -> None:
    """Sets the map from action name to key. Actions that are not in it have the keys they ship with."""
    _mapped.clear()
    _mapped.update(mapped)


def key_for(action: str, shipped: str) -> str:
    """The key of an action, as the screen writes it. `action` is its name in the settings, `shipped` its own key."""
    return _mapped.get(action, shipped)
