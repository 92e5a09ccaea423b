"""The lines of `senex`, `make` and a shell that stand in the documentation, and how they are written as arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_REMARK = re.compile(r"\s+#.*")
_REDIRECTED = re.compile(r"\s+>.*")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
PROGRAMS = ("systemctl", "systemd-analyze", "loginctl", "journalctl", "psql", "createuser", "createdb", "pg_dump")
"""What is not started here: it changes the machine or needs a server."""


class Line(NamedTuple):
    text: str
    page: str


def lines(*programs: str) -> list[Line]:
    """Each line of one of these programs once, with the page on which it stands first."""
    found: dict[str, str] = {}
    for path in PAGES:
        for text in _written(path.read_text(encoding="utf-8")):
            text = text.removeprefix(".venv/bin/")
            if text.split(" ")[0] in programs:
                found.setdefault(text, path.name)
    return [Line(*item) for item in found.items()]


def _written(page: str) -> Iterator[str]:
    for block in _FENCED.findall(page):
        for line in block.splitlines():
            yield _REDIRECTED.sub("", _REMARK.sub("", line.strip()))
    for code in _CODE.findall(_FENCED.sub("", page)):
        yield code.replace("\\|", "|").strip()


def spellings(text: str) -> list[tuple[str, ...]]:
    """The argument lists that a line stands for: without what is in brackets and with it, and of `a|b|c` each once."""
    bare, whole = (shlex.split(_OPTIONAL.sub(kept, text))[1:] for kept in ("", r"\1"))
    choices = [word.split("|") for word in whole]
    most = max((len(words) for words in choices), default=1)
    chosen = [tuple(words[number % len(words)] for words in choices) for number in range(most)]
    return list(dict.fromkeys([tuple(word.split("|")[0] for word in bare), *chosen]))
