"""The keys as the operator has mapped them, for words on the screen that name one.

A process has one console; the app says at its start which keys it has, and takes that back at its end.
"""

from __future__ import annotations

from collections.abc import Mapping

_mapped: dict[str, str] = {}


def use_keys(mapped: Mapping[str, str]) -> None:
    """From now on these actions are named by these keys; all others by the shipped ones."""
    _mapped.clear()
    _mapped.update(mapped)


def key_for(action: str, shipped: str) -> str:
    """How the screen writes an action's key. `action` is its name in the key table, `shipped` the key it ships with."""
    return _mapped.get(action, shipped)
