"""The footer lists the keys in the order of the key table, whoever bound them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual.binding import ActiveBinding
from textual.screen import Screen

from senex_tui.console.keys import KEYS

_RANK = {key.action: number for number, key in enumerate(KEYS)}


class KeysInOrder(Screen[Any]):
    """A mixin for screens; Textual lists a screen's own keys before the app's."""

    UNSAID: ClassVar[frozenset[str]] = frozenset()
    """Actions whose keys work here without a word in the footer."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        found = {
            key: self._unsaid(active) if active.binding.action in self.UNSAID else active
            for key, active in super().active_bindings.items()
        }
        return dict(sorted(found.items(), key=lambda item: _RANK.get(item[1].binding.action, len(_RANK))))

    @staticmethod
    def _unsaid(active: ActiveBinding) -> ActiveBinding:
        return active._replace(binding=replace(active.binding, show=False))
