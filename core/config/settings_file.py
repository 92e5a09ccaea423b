"""Changes single settings in the text of the settings file; every other line stays as its owner wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Value = str | bool | int | tuple[str, ...]
_SECTION = re.compile(r"\s*\[\s*([\w.]+)\s*\]\s*(#.*)?")


class NotChanged(Exception):
    """The text is written in a way that is not changed here. `lines` say what is to be written by hand."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def with_settings(text: str, wanted: Mapping[str, Value]) -> str:
    """The text with these settings, by their dotted names: a line that sets one is replaced, else one is added to its
    section.

    The result is read back, and differs in nothing but these settings. Raises NotChanged where it would.
    """
    lines = text.splitlines()
    for dotted, value in wanted.items():
        section, _, name = dotted.rpartition(".")
        _put(lines, section, name, f"{name} = {_written(value)}")
    changed = "\n".join(lines) + "\n"
    try:
        before, after = _read(text), _read(changed)
    except tomllib.TOMLDecodeError:
        raise NotChanged(_by_hand(wanted)) from None
    for dotted, value in wanted.items():
        section, _, name = dotted.rpartition(".")
        before.setdefault(section, {})[name] = list(value) if isinstance(value, tuple) else value
    if before != after:
        raise NotChanged(_by_hand(wanted))
    return changed


def _put(lines: list[str], section: str, name: str, line: str) -> None:
    """Replaces the line that sets the name in the section; else adds it at the section's end."""
    current, last = "", None
    for number, found in enumerate(lines):
        head = _SECTION.fullmatch(found)
        if head is not None:
            current = head[1]
        if current != section:
            continue
        if re.match(rf"\s*{re.escape(name)}\s*=", found):
            lines[number] = line
            return
        if found.strip():
            last = number
    if last is not None:
        lines.insert(last + 1, line)
        return
    lines += [*([""] if lines else []), f"[{section}]", line]


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_written(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _by_hand(wanted: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(f"{dotted} = {_written(value)}" for dotted, value in wanted.items())


def _read(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)
