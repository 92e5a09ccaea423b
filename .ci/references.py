"""Refuses references that lead nowhere, in code, settings and documentation.

Comments, docstrings and pages cite docs/rules.md and docs/broker.md by section: "rules 9", "rules 13.7", "broker 2.3",
several as "(rules 4, 7; broker 3)". A section is a numbered heading, or an item of the numbered list directly under it.
Refused:

* a mention of a document that readers do not have;
* a citation of a section, or a mention of a page, that does not exist;
* in Markdown, a relative link whose file or anchor does not exist.

    .ci/references.py [ROOT]     the repository unless another folder is named
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KINDS = frozenset({".py", ".md", ".toml", ".tcss"})
NOT_READ = frozenset({".ci/references.py", "tests/repository/test_references.py"})
"""Files that are not read, because they name what is refused here."""
PAGES = {"rules": "docs/rules.md", "broker": "docs/broker.md"}

_SPACE = r"(?:\s|#)+"  # a citation may go on in the next line of a comment
_NUMBER = r"\d+(?:\.\d+)*"
_LOST = r"(?:tastytrade|reliability|console|seed)(?:\.md)?"
_GONE = re.compile(
    # EXITS alone is also a word that an operator types and the name of a command.
    rf"\b(?:SPEC|ARCHITECTURE|HOUSE)\b|\bEXITS(?:\.md\b|\.(?!\w)|{_SPACE}\d{{1,2}}(?!\d))|\b[Rr]eferences?{_SPACE}(?:{_LOST}{_SPACE}|section{_SPACE})?\d|\breliability{_SPACE}\d"
)
_CITED = re.compile(
    r"(?<![\w./-])(?<![Tt]he )(?<!\ba )([Rr]ules|[Bb]roker)"
    rf"{_SPACE}({_NUMBER}(?:(?:,|{_SPACE}and|{_SPACE}to){_SPACE}{_NUMBER})*)"
)
_PAGE = re.compile(r"(?<![\w./:-])[\w./-]+\.md\b")
_LINK = re.compile(r"\]\(\s*<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


class Finding(NamedTuple):
    """`line` counts from 1; `text` is what stands there, `todo` what to do about it."""

    path: str
    line: int
    text: str
    todo: str


def sections_of(page: str) -> frozenset[str]:
    """The numbers of a page's sections: "9", "2.3", and "13.7" for item 7 of the list directly under section 13."""
    numbers: set[str] = set()
    under = ""
    for line in _without_code(page).splitlines():
        heading = re.match(rf"#+\s+(?:({_NUMBER})\b)?", line)
        if heading is not None:
            under = heading[1] or ""
            numbers.add(under)
        elif under and (item := re.match(r"(\d+)\.\s", line)):
            numbers.add(f"{under}.{item[1]}")
    return frozenset(numbers - {""})


def anchors_of(page: str) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    counted: Counter[str] = Counter()
    anchors: set[str] = set()
    fenced = re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", page, flags=re.MULTILINE | re.DOTALL)
    for title in re.findall(r"^#+\s+(.+?)\s*#*$", fenced, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        anchors.add(f"{slug}-{counted[slug]}" if counted[slug] else slug)
        counted[slug] += 1
    return frozenset(anchors)


def findings(root: Path) -> Iterator[Finding]:
    """Every reference under this folder that leads nowhere, file by file."""
    known = {name: sections_of(_read(root / page)) for name, page in PAGES.items()}
    for path in files_of(root):
        name, text = path.relative_to(root).as_posix(), _read(path)
        for at, what, todo in (
            *_gone(text),
            *_uncited(text, known),
            *_missing_pages(text, path, root),
            *(_broken_links(text, path) if path.suffix == ".md" else ()),
        ):
            yield Finding(name, text.count("\n", 0, at) + 1, " ".join(what.split()), todo)


def files_of(root: Path) -> list[Path]:
    """The files to read. Hidden folders, such as .venv and caches, are left out, except .ci."""
    found = []
    for path in root.rglob("*"):
        name = path.relative_to(root)
        hidden = any(part.startswith(".") and part != ".ci" for part in name.parts[:-1])
        if (path.suffix in KINDS or path.name == "Makefile") and not hidden and name.as_posix() not in NOT_READ:
            found.append(path)
    return sorted(path for path in found if path.is_file())


def _gone(text: str) -> Iterator[tuple[int, str, str]]:
    for match in _GONE.finditer(text):
        yield (
            match.start(),
            match[0],
            'readers do not have this document; cite a section, like "rules 9" or "broker 2.3"',
        )


def _uncited(text: str, known: Mapping[str, frozenset[str]]) -> Iterator[tuple[int, str, str]]:
    for match in _CITED.finditer(text):
        name = match[1].lower()
        for number in re.findall(_NUMBER, match[2]):
            if number not in known[name]:
                yield match.start(), match[0], f"{PAGES[name]} has no section {number}; cite one that exists"


def _missing_pages(text: str, path: Path, root: Path) -> Iterator[tuple[int, str, str]]:
    for match in _PAGE.finditer(text):
        if not any((folder / match[0]).exists() for folder in (root, root / "docs", path.parent)):
            yield match.start(), match[0], "this page does not exist; name one that does"


def _broken_links(text: str, path: Path) -> Iterator[tuple[int, str, str]]:
    for match in _LINK.finditer(_without_code(text)):
        target = match[1] or match[2]
        if _ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        if not linked.exists():
            yield match.start(), target, f"{name} does not exist; mend the link"
        elif anchor and linked.suffix == ".md" and anchor not in anchors_of(_read(linked)):
            yield match.start(), target, f"{name or 'this page'} has no heading for #{anchor}; mend the link"


def _without_code(page: str) -> str:
    """The page with its code blanked out; every other character stays in its place."""
    return _CODE.sub(lambda code: re.sub(r"\S", " ", code[0]), page)


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main(arguments: Sequence[str]) -> int:
    root = Path(arguments[0]).resolve() if arguments else ROOT
    found = list(findings(root))
    for finding in found:
        print(f"{finding.path}:{finding.line}: {finding.text!r}: {finding.todo}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
