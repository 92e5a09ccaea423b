"""How the app looks and answers by the view's settings, and how that is changed while it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from textual.app import App
from textual.binding import Binding
from textual.filter import LineFilter

from senex_tui.console.key_map import checked_keys
from senex_tui.console.theme import THEMES, theme_to_use
from widgets.base.ascii_only import AsciiFilter
from widgets.base.key_names import use_keys

if TYPE_CHECKING:
    from senex_tui.console.app import SenexApp
    from senex_tui.console.view_settings import ViewSettings


class Looking(App[None]):
    """Theme, signs, keys and read-only, from the view's settings; `looks` is what holds now."""

    def __init__(self, view: ViewSettings) -> None:
        """Raises SettingsError for keys that cannot be mapped."""
        super().__init__()
        self.view_settings = view
        self.looks = view.applied()
        self._ascii = AsciiFilter()
        self.is_without_colour = "NO_COLOR" in os.environ
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = theme_to_use(self.looks.theme, no_color=self.is_without_colour)
        keys = checked_keys(self.looks.keys)
        use_keys(keys)
        self.set_keymap(keys)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and in ASCII mode the one that every line of every widget passes last."""
        own = super().get_line_filters()
        return [*own, self._ascii] if self.looks.ascii else own

    def get_key_display(self, binding: Binding) -> str:
        """The footer's word for a key; Textual's signs for enter and the like are no ASCII."""
        shown = super().get_key_display(binding)
        return shown if shown.isascii() or not self.looks.ascii else binding.key

    def on_unmount(self) -> None:
        use_keys({})

    def change_look(self, name: str, value: Any) -> None:
        """Changes a setting of the view at once, and keeps it for the next start. Raises OSError when it cannot."""
        self.looks = replace(self.looks, **{name: value})
        console = cast("SenexApp", self)
        if name == "theme":
            self.theme = theme_to_use(value, no_color=self.is_without_colour)
        elif name == "refresh_hz":
            console.pull_anew()
        elif name == "read_only":
            console.pull()
        if name in ("theme", "ascii"):
            self.call_after_refresh(self._paint_all)
        if name != "read_only":
            self.view_settings.change(name, value)

    def _paint_all(self) -> None:
        """Every screen anew: what a widget has kept of its lines is of the look before."""
        for screen in self.screen_stack:
            for widget in (screen, *screen.query("*")):
                widget.notify_style_update()
                widget.refresh(layout=widget is screen)
