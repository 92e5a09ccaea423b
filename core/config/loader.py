"""Reads the settings: one TOML file, then `SENEX_<SECTION>__<NAME>` from the environment, which wins.

A value in the environment is written as in the file, but text needs no quotes.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from core.config.mail_password import VARIABLE as MAIL_PASSWORD
from core.config.settings import Settings
from core.runtime.redaction import MASK

__all__ = ["FILE_VARIABLE", "Loaded", "Settings", "SettingsError", "load_settings"]

PREFIX = "SENEX_"
FILE_VARIABLE = "SENEX_CONFIG"
_NO_SETTINGS = frozenset({FILE_VARIABLE, MAIL_PASSWORD})
"""Variables that begin with our prefix but are not settings."""
BROKER_VARIABLE = "SENEX_BROKER__URL"
LONGEST_SHOWN = 60

Location = tuple[str, ...]


class SettingsError(Exception):
    """The settings cannot be used. Each of `sentences` names one wrong setting, its value and the fix."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class Loaded:
    """Valid settings, and the origin of each by its dotted name: "default", "file PATH" or "environment NAME"."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None = None


def load_settings(path: Path | None, environ: Mapping[str, str], *, own_simulator: bool = False) -> Loaded:
    """Reads the settings of this run.

    `path` is None when there is no file; `own_simulator` means that the run brings its own broker.

    Raises SettingsError for a setting that is unknown, of the wrong type, out of range or contradictory
    (rules 14: a shifted or accelerated clock is refused with the real broker).
    """
    in_file = {} if path is None else _read(path)
    in_environment = _environment(environ)
    merged = _with_environment(in_file, in_environment)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as wrong:
        problems = wrong.errors(include_url=False)
        raise SettingsError(*(_sentence(problem, path, in_environment) for problem in problems)) from None
    names = list(_leaves(Settings))
    origins = {".".join(name): _origin(name, in_file, path, in_environment) for name in names}
    if not own_simulator:
        _refuse_clock_with_real_broker(settings, origins)
    return Loaded(settings, origins, path)


def changed_names(before: Loaded, after: Loaded) -> tuple[str, ...]:
    """The dotted names of the settings whose values differ, in the order of the settings."""
    return tuple(name for name in before.origins if _value(before, name) != _value(after, name))


def _value(loaded: Loaded, dotted: str) -> object:
    return attrgetter(dotted)(loaded.settings)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise SettingsError(f"the settings file {path} does not exist; create it or unset {FILE_VARIABLE}.") from None
    except OSError as failure:
        raise SettingsError(f"the settings file {path} cannot be read: {failure.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"the settings file {path} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as malformed:
        raise SettingsError(f"the settings file {path} is not valid TOML: {malformed}.") from None


def _environment(environ: Mapping[str, str]) -> dict[Location, tuple[str, str]]:
    """The settings in the environment: location to variable name and text.

    An empty variable counts as not set. An empty broker address is refused instead: without it the real broker would be
    used.
    """
    if environ.get(BROKER_VARIABLE) == "":
        raise SettingsError(f"{BROKER_VARIABLE} is empty; give it an address, or unset it to use the real broker.")
    return {
        _location(name): (name, text)
        for name, text in sorted(environ.items())
        if name.startswith(PREFIX) and name not in _NO_SETTINGS and text
    }


def _location(variable: str) -> Location:
    """The location of the setting that a variable names, in the spelling of the settings."""
    parts = variable.removeprefix(PREFIX).lower().split("__")
    located: list[str] = []
    model: type[BaseModel] | None = Settings
    for part in parts:
        known = {name.lower(): name for name in model.model_fields} if model else {}
        located.append(known.get(part, part))
        model = _section(model, located[-1]) if model else None
    return tuple(located)


def _with_environment(in_file: dict[str, Any], in_environment: Mapping[Location, tuple[str, str]]) -> dict[str, Any]:
    merged = _copy(in_file)
    for location, (_, text) in sorted(in_environment.items()):
        table = merged
        for part in location[:-1]:
            inner = table.get(part)
            if not isinstance(inner, dict):
                inner = table[part] = {}
            table = inner
        table[location[-1]] = _typed(text, location)
    return merged


def _copy(table: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in table.items()}


def _typed(text: str, location: Location) -> Any:
    """The text as a TOML value, else as plain text. A setting that takes text alone gets it: a name may be a number."""
    try:
        parsed = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"] if len(parsed) == 1 else text
    return value if isinstance(value, str) or not _takes_text_alone(location) else text


def _takes_text_alone(location: Location) -> bool:
    if location not in _leaves(Settings):
        return False
    annotation: Any = _field(location).annotation
    taken = (
        get_args(annotation) if isinstance(annotation, UnionType) or get_origin(annotation) is Union else (annotation,)
    )
    return {get_args(one)[0] if get_origin(one) is Annotated else one for one in taken} <= {str, NoneType}


def _section(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The section of this name in the model; None when the name is a setting or unknown."""
    field = model.model_fields.get(name)
    annotation = field.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _leaves(model: type[BaseModel], above: Location = ()) -> Iterator[Location]:
    """The locations of all settings of a model."""
    for name in model.model_fields:
        section = _section(model, name)
        if section:
            yield from _leaves(section, (*above, name))
        else:
            yield (*above, name)


def _origin(
    location: Location,
    in_file: Mapping[str, Any],
    path: Path | None,
    in_environment: Mapping[Location, tuple[str, str]],
) -> str:
    """Where the value of a setting comes from, as `Loaded` says it."""
    variable = _variable(location, in_environment)
    if variable:
        return f"environment {variable}"
    value: Any = in_file
    for part in location:
        if not isinstance(value, Mapping) or part not in value:
            return "default"
        value = value[part]
    return f"file {path}"


def _variable(location: Location, in_environment: Mapping[Location, tuple[str, str]]) -> str | None:
    """The environment variable that sets this location or a part of it; None when none does."""
    for named, (variable, _) in in_environment.items():
        if named[: len(location)] == location:
            return variable
    return None


def _sentence(problem: Any, path: Path | None, in_environment: Mapping[Location, tuple[str, str]]) -> str:
    """The sentence for one problem that pydantic found."""
    location: Location = tuple(str(part) for part in problem["loc"])
    name = ".".join(location)
    variable = _variable(location, in_environment)
    source = f"environment {variable}" if variable else f"file {path}"
    if problem["type"] == "extra_forbidden":
        return f"there is no setting {name} ({source}); {_nearest(location)}"
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{name} is a section, not a setting ({source}); write [{name}] and its settings under it."
    setting = next((leaf for leaf in _leaves(Settings) if location[: len(leaf)] == leaf), None)
    if setting is None:  # a rule over several settings of a section has a sentence of its own
        return f"{problem['ctx']['error']} ({source})."
    given = _shown(problem["input"]) if _field(setting).repr else MASK
    return f"{'.'.join(setting)} must be {_field(setting).title}; {given} was given ({source})."


def _field(setting: Location) -> FieldInfo:
    """The field of a setting. Its title says what it accepts; without `repr` its value is a secret."""
    model: type[BaseModel] = Settings
    for part in setting[:-1]:
        model = _section(model, part) or model
    return model.model_fields[setting[-1]]


def _nearest(location: Location) -> str:
    """A suggestion for a name that is not a setting."""
    leaves = list(_leaves(Settings))
    siblings = {leaf[-1]: leaf for leaf in leaves if leaf[:-1] == location[:-1]}
    close = difflib.get_close_matches(location[-1], siblings, n=1, cutoff=0.5)
    if close:
        return f"did you mean {'.'.join(siblings[close[0]])}?"
    names = [".".join(leaf) for leaf in leaves]
    nearest = difflib.get_close_matches(".".join(location), names, n=1, cutoff=0.0)
    return f"the nearest is {nearest[0]}."


def _shown(value: Any) -> str:
    """The value as the user wrote it, shortened, and without the user and password of an address."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    text = re.sub(r"[:/].*@", "://****@", f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _refuse_clock_with_real_broker(settings: Settings, origins: Mapping[str, str]) -> None:
    shifted = settings.clock.start is not None
    if settings.broker.url is not None or not (shifted or settings.clock.speed != 1.0):
        return
    name = "clock.start" if shifted else "clock.speed"
    raise SettingsError(
        f"{name} ({origins[name]}) shifts market time, which the real broker does not follow; "
        "remove it, or use `senex demo`, or set broker.url to a simulator."
    )
