"""Applies the view's settings to the app: theme, ASCII, keys. Changes them while it runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.filter import LineFilter

from senex_tui.console.base import ConsoleApp
from senex_tui.console.driver import ConsoleDriver
from senex_tui.console.key_map import checked_keys, for_textual
from senex_tui.console.theme import THEMES, theme_to_use
from widgets.base.key_names import use_keys
from widgets.base.line_filters import AsciiFilter, SafeFilter
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from senex_tui.console.view_settings import ViewSettings


class Appearance(ConsoleApp):
    """Keeps `display_settings`, those that hold now, and does what each of them says."""

    def __init__(self, view: ViewSettings) -> None:
        """Raises SettingsError for keys that cannot be mapped."""
        super().__init__(driver_class=ConsoleDriver)
        self.view_settings = view
        self.display_settings = view.applied()
        self._safe, self._ascii = SafeFilter(), AsciiFilter()
        self.is_without_colour = "NO_COLOR" in os.environ
        self.animation_level = "none"
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = theme_to_use(self.display_settings.theme, no_color=self.is_without_colour)
        keys = checked_keys(self.display_settings.keys)
        use_keys(keys)
        self.set_keymap(for_textual(keys))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, then ours: no line steers the terminal, and in ASCII mode each is ASCII."""
        ours = (self._safe, self._ascii) if self.display_settings.ascii else (self._safe,)
        return [*super().get_line_filters(), *ours]

    def get_key_display(self, binding: Binding) -> str:
        """The footer's word for a key. In ASCII mode a key without an ASCII sign, like enter, goes by its name."""
        shown = super().get_key_display(binding)
        return shown if shown.isascii() or not self.display_settings.ascii else binding.key

    def on_unmount(self) -> None:
        use_keys({})

    def change_look(self, name: str, value: Any) -> None:
        self.display_settings = replace(self.display_settings, **{name: value})
        if name == "theme":
            self.theme = theme_to_use(value, no_color=self.is_without_colour)
        elif name == "refresh_hz":
            self.pull_anew()
        elif name == "read_only":
            self.pull()
        if name in ("theme", "ascii"):
            self.call_after_refresh(self.paint_all)
        if name != "read_only":
            self.view_settings.change(name, value)

    def paint_all(self) -> None:
        """Draws and paints every screen again, also what has not changed: a new look, or a terminal that lost what it
        showed. ASCII draws some panels in another way."""
        for screen in self.screen_stack:
            for widget in (screen, *screen.query("*")):
                if isinstance(widget, LinePanel):
                    widget.redraw()
                widget.notify_style_update()
                widget.refresh(layout=widget is screen)
