"""The page of the settings. Those of the view can be changed here; those that the console trades by are only shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.domain.operation.failures import failure_words
from senex_tui.console.keys import KEYS
from senex_tui.console.screens.list_page import ListPage
from senex_tui.console.view_settings import AT_START, CHOICES, DisplaySettings
from senex_tui.reports.check import shown
from widgets.base.key_names import key_for
from widgets.base.lines import Tone
from widgets.base.list_panel import Column, Listing, Row

if TYPE_CHECKING:
    from senex_tui.console.view_settings import SettingRow, ViewSettings

HERE = "changed here"
_COLUMNS = (
    Column("setting", 29),
    Column("value", 15),
    Column("default", 14, least=96),
    Column("from", 0),
)
_PREFIX = "console."


@dataclass(frozen=True, slots=True)
class _Shown:
    """A setting in the words of its row."""

    name: str
    value: str
    default: str
    origin: str
    tone: Tone = Tone.DIM


class SettingsPage(ListPage):
    """Enter gives the chosen setting of the view its next value, at once. The settings file is never written.

    A change counts until the setting gets another value in the file or the environment.
    """

    NAME: ClassVar[str] = "settings"

    def on_mount(self) -> None:
        super().on_mount()
        self.follow()

    def follow(self) -> None:
        """Lists the settings as they are now."""
        self.show(listing(self.console.view_settings, self.console.display_settings))

    def open(self, row: Row) -> None:
        """Gives a setting of the view its next value; for any other row says where it is set."""
        name = row.key.removeprefix(_PREFIX)
        display_settings = self.console.display_settings
        if name == "read_only" and not display_settings.read_only:
            self.console.change_look(name, True)
            self.console.say("read-only until this console is started again; nothing is sent from it", "warning")
        elif name == "read_only":
            self.console.say("read-only stays until the console is started again without it", "warning")
        elif name in CHOICES:
            self._change(name, _next(CHOICES[name], getattr(display_settings, name)))
        else:
            where = self.console.view_settings.file_words
            self.console.say(f"{row.key} is not changed here: set it in {where} and start again", "information")
        self.follow()

    def _change(self, name: str, value: Any) -> None:
        try:
            self.console.change_look(name, value)
        except OSError as failure:
            self.console.say(
                f"{name} counts until the end of this run: it cannot be kept, {failure_words(failure)}", "warning"
            )
            return
        said = f"{name} {shown(value)}"
        if name in AT_START:
            self.console.say(f"{said}: counts from the next start on", "information")
        elif name == "theme" and self.console.theme != value:
            self.console.say(f"{said}: under NO_COLOR shown as {self.console.theme}", "information")


def listing(view: ViewSettings, display_settings: DisplaySettings) -> Listing:
    """Every setting: first those of the view as they are now, then the others as `senex check` shows them."""
    known = {row.name: row for row in view.rows}
    shipped = DisplaySettings()
    rows = [_of_the_view(name, view, display_settings, shipped, known.get(f"{_PREFIX}{name}")) for name in CHOICES]
    rows.append(_read_only(display_settings, known.get(f"{_PREFIX}read_only")))
    rows.append(_keys(display_settings, known.get(f"{_PREFIX}keys")))
    rows += [
        _Shown(row.name, row.value, row.default, row.origin) for row in view.rows if not row.name.startswith(_PREFIX)
    ]
    title = f"Settings  {key_for('open', 'enter')} changes those of the console"
    return Listing(title, _COLUMNS, tuple(_row(row) for row in rows), "no setting")


def _row(row: _Shown) -> Row:
    changed = row.value != row.default
    return Row(
        row.name,
        (
            (row.name, Tone.PLAIN),
            (row.value, Tone.STRONG if changed else Tone.PLAIN),
            (row.default, Tone.DIM),
            (row.origin, row.tone),
        ),
    )


def _of_the_view(
    name: str, view: ViewSettings, display_settings: DisplaySettings, shipped: DisplaySettings, known: SettingRow | None
) -> _Shown:
    said = "default" if known is None else known.origin
    changed = getattr(display_settings, name) != getattr(view.asked, name)
    origin = f"{HERE}; {said}: {shown(getattr(view.asked, name))}" if changed else said
    if name in AT_START:
        origin = f"{origin}; restart needed"
    value, default = shown(getattr(display_settings, name)), shown(getattr(shipped, name))
    return _Shown(f"{_PREFIX}{name}", value, default, origin, Tone.ACCENT if changed else Tone.DIM)


def _read_only(display_settings: DisplaySettings, known: SettingRow | None) -> _Shown:
    said = "default" if known is None else known.origin
    origin = (
        f"{HERE}, for this run" if display_settings.read_only and (known is None or known.value == "false") else said
    )
    return _Shown(f"{_PREFIX}read_only", shown(display_settings.read_only), "false", origin)


def _keys(display_settings: DisplaySettings, known: SettingRow | None) -> _Shown:
    mapped = sorted({f"{key.display} {key.name}" for key in KEYS if key.name in display_settings.keys})
    origin = "default" if known is None else known.origin
    return _Shown(f"{_PREFIX}keys", ", ".join(mapped) or "none", "none", f"{origin}; restart needed")


def _next(values: tuple[Any, ...], value: Any) -> Any:
    return values[(values.index(value) + 1) % len(values)]
