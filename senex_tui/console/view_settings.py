"""The settings of the view: from the settings, from changes made on the settings page, and from a run's options."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.domain.operation.ascii import SAMPLE
from core.runtime.redaction import redact
from senex_tui.reports.check import shown, value_of
from senex_tui.support.terminal import can_show, prepare_colours

if TYPE_CHECKING:
    from core.config.loader import Loaded

log = logging.getLogger(__name__)

Bell = Literal["off", "crit", "all"]
FILE = "console.json"
"""The file in the state folder with the changes of the settings page. The settings file is never written."""


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """The values of the settings in the section `console`."""

    theme: str = "senex-dark"
    refresh_hz: int = 4
    colours: str = "auto"
    ascii: bool = False
    mouse: bool = False
    bell: Bell = "crit"
    read_only: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)


CHOICES: Mapping[str, tuple[Any, ...]] = {
    "theme": ("senex-dark", "senex-light", "senex-contrast", "ansi-dark", "ansi-light"),
    "refresh_hz": (1, 2, 4, 5, 10),
    "colours": ("auto", "16", "256", "true"),
    "ascii": (False, True),
    "mouse": (False, True),
    "bell": ("off", "crit", "all"),
}
"""The settings that can be changed on the settings page, each with its values in order."""
AT_START = frozenset({"colours", "mouse"})
"""Settings that are applied before the first paint: a change counts from the next start on."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting in words: its dotted name, its value, where the value comes from, and the default."""

    name: str
    value: str
    origin: str
    default: str


def with_options(loaded: Loaded, *, ascii_only: bool, read_only: bool) -> Loaded:
    """The settings with the options of the command line, which win over file and environment."""
    given = {name: True for name, is_on in (("ascii", ascii_only), ("read_only", read_only)) if is_on}
    console = loaded.settings.console.model_copy(update=given)
    options = {f"console.{name}": f"option --{name.replace('_', '-')}" for name in given}
    settings = loaded.settings.model_copy(update={"console": console})
    return replace(loaded, settings=settings, origins={**loaded.origins, **options})


def view_settings(loaded: Loaded, state_folder: Path) -> ViewSettings:
    """The view's part of the settings, with the changes kept in the state folder."""
    console, shipped = loaded.settings.console, type(loaded.settings)()
    asked = DisplaySettings(**{each.name: getattr(console, each.name) for each in fields(DisplaySettings)})
    rows = tuple(
        SettingRow(name, redact(shown(value_of(loaded.settings, name))), origin, shown(value_of(shipped, name)))
        for name, origin in loaded.origins.items()
    )
    return ViewSettings(state_folder, asked, rows, "the settings file" if loaded.file is None else str(loaded.file))


def settled_view(loaded: Loaded, state_folder: Path) -> ViewSettings:
    """`view_settings`, with what must be done before Textual is imported: call it before that.

    A terminal whose encoding lacks the signs gets the ASCII look, whatever the settings say.

    Raises SettingsError for keys that cannot be mapped.
    """
    view = view_settings(loaded, state_folder)
    prepare_colours(os.environ, view.applied().colours)
    if not can_show(SAMPLE):
        view.asked = replace(view.asked, ascii=True)
    if view.asked.keys:
        from senex_tui.console.key_map import checked_keys

        checked_keys(view.asked.keys)
    return view


class ViewSettings:
    """The settings of the view, with the changes of the settings page, which have a file of their own.

    A change holds until the setting that it replaced gets another value in the settings file or the environment: the
    newer of the two counts.
    """

    def __init__(
        self,
        folder: Path | None = None,
        asked: DisplaySettings | None = None,
        rows: Sequence[SettingRow] = (),
        file_words: str = "the settings file",
    ) -> None:
        """Changes are kept in `folder`; with None, only for this run.

        `asked` has the settings without any change, `rows` all settings in words, `file_words` the name of the
        settings file for sentences.
        """
        self._file = None if folder is None else folder / FILE
        self.asked = asked or DisplaySettings()
        self.rows = tuple(rows)
        self.file_words = file_words
        self._kept = _read(self._file)

    def applied(self) -> DisplaySettings:
        """The settings that hold now: as asked for, with the changes that still count."""
        return replace(self.asked, **{name: self._kept[name]["value"] for name in CHOICES if self.holds(name)})

    def holds(self, name: str) -> bool:
        """Whether there is a change of this setting, and it still counts."""
        kept = self._kept.get(name)
        return kept is not None and kept["value"] in CHOICES[name] and kept["instead_of"] == getattr(self.asked, name)

    def change(self, name: str, value: Any) -> None:
        """Keeps a change, or drops it when the value is what the settings say themselves. Raises OSError."""
        asked = getattr(self.asked, name)
        if value == asked:
            self._kept.pop(name, None)
        else:
            self._kept[name] = {"value": value, "instead_of": asked}
        if self._file is not None:
            _write(self._file, self._kept)


def _read(file: Path | None) -> dict[str, dict[str, Any]]:
    """The changes in the file. One that cannot be read counts as empty, and the log says so."""
    if file is None or not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        log.warning("the changes of the settings page in %s are left out: %s", file, failure)
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: kept
        for name, kept in found.items()
        if name in CHOICES and isinstance(kept, dict) and {"value", "instead_of"} <= kept.keys()
    }


def _write(file: Path, kept: Mapping[str, Any]) -> None:
    """Writes the file whole or not at all: a new file beside it is renamed over it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    fresh.replace(file)
