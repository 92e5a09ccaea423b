"""The file `environment` in the config folder: lines of NAME=value that senex-tmux.sh hands to the console.

Its bytes are kept as they are: a shell reads it, to which an encoding means nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

FILE = "environment"
_MARK = b"\xef\xbb\xbf"
_OF_A_SETTING = re.compile(r"SENEX_\w+__\w+")


def setting_variable(dotted: str) -> str:
    """The environment variable of a setting."""
    return f"SENEX_{dotted.replace('.', '__')}".upper()


def without(content: bytes, names: Iterable[str]) -> bytes:
    """The content without the lines that set one of these; the others stay byte for byte."""
    left = set(map(_alike, names))
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content)
    return b"".join(line for line in lines if _alike(_name_in(line)) not in left)


def with_value(content: bytes, name: str, value: str) -> bytes:
    """The content with this value, in the last line, and with no other line that sets the name."""
    others = without(content, (name,))
    gap = b"\n" if others and not others.endswith(b"\n") else b""
    return others + gap + f"{name}={value}\n".encode()


def values_of(content: bytes) -> dict[str, str]:
    """The values, as the script hands them on."""
    return {_name_in(line): os.fsdecode(line.partition(b"=")[2].rstrip(b"\n")) for line in _lines(content)}


def names_in(content: bytes, names: Iterable[str]) -> list[str]:
    """Those of the names that the content sets."""
    there = {_alike(_name_in(line)) for line in _lines(content)}
    return [name for name in names if _alike(name) in there]


def _lines(content: bytes) -> Iterator[bytes]:
    return (line for line in content.split(b"\n") if _name_in(line))


def _name_in(line: bytes) -> str:
    """The name that the line sets; empty for a comment, and for a line that sets none."""
    name, equals, _ = line.removeprefix(_MARK).partition(b"=")
    return os.fsdecode(name) if equals and not name.startswith(b"#") else ""


def _alike(name: str) -> str:
    """The name for comparing: settings are found in any case, as the loader finds them."""
    return name.upper() if _OF_A_SETTING.fullmatch(name) else name
