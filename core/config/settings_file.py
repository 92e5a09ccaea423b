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
_VALUE = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'#\s]|[ \t]+(?![ \t\r#]|$))*""")
"""A value on one line, up to the blanks before a comment or the end."""
_MARK = "\ufeff"
"""The byte order mark, with which some editors begin a file."""


class NotChanged(Exception):
    """The text is written in a way that is not changed here. `lines` say what is to be written by hand."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def with_settings(text: str, wanted: Mapping[str, Value]) -> str:
    """The text with these settings, by their dotted names: a line that sets one gets the new value, else one is added
    to its section. Comments, line ends and a byte order mark stay.

    The result is read back, and differs in nothing but these settings. Raises NotChanged where it would.
    """
    lines = text.removeprefix(_MARK).split("\n")
    if not lines[-1]:
        lines.pop()
    end = "\r" if lines and lines[0].endswith("\r") else ""
    for dotted, value in wanted.items():
        section, _, name = dotted.rpartition(".")
        _put(lines, section, name, written(value), end)
    changed = (_MARK if text.startswith(_MARK) else "") + "".join(f"{line}\n" for line in lines)
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


def _put(lines: list[str], section: str, name: str, value: str, end: str) -> None:
    """Replaces the value in the line that sets the name in the section; else adds a line behind the section's last
    setting. A comment further down may lead the next section. `end` stands at the end of a new line."""
    current, last = "", None
    for number, found in enumerate(lines):
        head = _SECTION.fullmatch(found)  # its blanks at the end may be the first half of a line end
        if head is not None:
            current = head[1]
        if current != section:
            continue
        if (line := re.fullmatch(rf"(\s*{re.escape(name)}\s*=[ \t]*)(.*)", found, re.DOTALL)) is not None:
            comment = _VALUE.sub("", line[2], count=1)
            lines[number] = f"{line[1]}{value}{comment}"
            return
        if found.strip() and not found.lstrip().startswith("#"):
            last = number
    if last is not None:
        lines.insert(last + 1, f"{name} = {value}{end}")
        return
    lines += [*([end] if lines else []), f"[{section}]{end}", f"{name} = {value}{end}"]


def written(value: Value) -> str:
    """The value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(written(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _by_hand(wanted: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(f"{dotted} = {written(value)}" for dotted, value in wanted.items())


def _read(text: str) -> dict[str, Any]:
    return tomllib.loads(text.removeprefix(_MARK), parse_float=Decimal)
