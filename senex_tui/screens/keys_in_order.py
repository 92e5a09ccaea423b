"""The footer lists the keys in the order of the key table, whoever bound them."""

from __future__ import annotations

from typing import Any

from textual.binding import ActiveBinding
from textual.screen import Screen

from senex_tui.keys import KEYS

_RANK = {key.key: number for number, key in enumerate(KEYS)}


class KeysInOrder(Screen[Any]):
    """A mixin for screens; Textual lists a screen's own keys before the app's."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        found = super().active_bindings
        return dict(sorted(found.items(), key=lambda item: _RANK.get(item[0], len(_RANK))))
