"""`make check` finds references that lead nowhere: each kind is written into a small tree of files and found there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = """# The rules

## 1. Words

## 2. What never happens

1. Two entries.
2. A lost record.

### 2.3 Said at length

4. An item of a list under a subsection.

```
5. Not an item: code.
```
"""
BROKER = "# The wire\n\n## 4. Alerts, and `orders`\n"
REFUSED = {
    "a document readers do not have": ("core/a.py", '"""Kept (SPEC 9)."""\n', ":1: 'SPEC'"),
    "another one": ("core/a.py", "# See ARCHITECTURE.\n", ":1: 'ARCHITECTURE'"),
    "the page of exits": ("docs/a.md", "By EXITS.\n", ":1: 'EXITS.'"),
    "a section of it": ("core/a.py", '"""Kept (EXITS 4, 5)."""\n', ":1: 'EXITS 4'"),
    "the plan": ("Makefile", "# HOUSE\n", ":1: 'HOUSE'"),
    "a numbered reference": ("core/a.py", "\n# Nothing is replayed (reference 4, 6).\n", ":2: 'reference 4'"),
    "a named reference": ("core/a.py", "# As reference reliability 9 says.\n", ":1: 'reference reliability 9'"),
    "a reference over two lines": ("core/a.py", "# Late (reference\n# reliability 2.2).\n", ":1: 'reference # reli"),
    "a reference without its word": ("core/a.py", "# Late (reliability 2.2).\n", ":1: 'reliability 2'"),
    "a section that does not exist": ("core/a.py", '"""Kept (rules 3)."""\n', "has no section 3"),
    "one of several": ("core/a.py", '"""Kept (rules 1, 2,\n7; broker 4)."""\n', "docs/rules.md has no section 7"),
    "the end of a range": ("core/a.py", "# Rules 2.1 to 2.9 hold.\n", "has no section 2.9"),
    "an item that does not exist": ("core/a.py", "# Never (rules 2.5).\n", "has no section 2.5"),
    "a section of the other page": ("senex.tcss", "/* As broker 1 says. */\n", "docs/broker.md has no section 1"),
    "a page that does not exist": ("a.toml", "# See docs/nowhere.md.\n", "'docs/nowhere.md': this page"),
    "a link to no file": ("README.md", "[Here](docs/images/none.png)\n", "'docs/images/none.png'"),
    "a link to no anchor": (
        "README.md",
        "[Here](docs/rules.md#2-what-happens)\n",
        "has no heading for #2-what-happens",
    ),
    "a link to no anchor here": ("docs/a.md", "# Words\n\n[Here](#word)\n", ":3: '#word': this page has no heading"),
    "a link defined below": ("docs/a.md", "[Here][1]\n\n[1]: none/\n", ":3: 'none/'"),
}
ALLOWED = {
    "sections": ("core/a.py", '"""Kept (rules 1, 2.2; broker 4), and rules 2.1 to 2.3."""\n'),
    "an item under a subsection": ("core/a.py", "# Rules 2.3.4.\n"),
    "a citation over two lines": ("core/a.py", "# Kept as by rules\n# 2.1 and 2.2.\n"),
    "ordinary words": (
        "core/a.py",
        "# The house is the broker 30 s later; preference 4; by reference.\nSPECIFIC = 1\n",
    ),
    "a word that is typed": ("docs/a.md", "Type EXITS 4321, or `EXITS` and the number: Field.EXITS.value = 1\n"),
    "links that lead somewhere": (
        "README.md",
        "[A](docs/rules.md#23-said-at-length) ![B](docs) [C](docs/broker.md#4-alerts-and-orders) "
        "[D](https://example.com/none.html) [E](#readme)\n\n# Readme\n\n`[F](none)`\n\n```\n[G](none)\n```\n",
    ),
    "another's folder": (".venv/lib/a.py", "# SPEC 9\n"),
}


def check(*arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "references.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def planted(tree: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """The findings in a tree that holds the two pages and this file."""
    for path, content in (("docs/rules.md", RULES), ("docs/broker.md", BROKER), (name, text)):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(content, encoding="utf-8")
    return check(tree)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_reference_that_leads_nowhere_is_refused(kind: str, tmp_path: Path) -> None:
    name, text, said = REFUSED[kind]
    found = planted(tmp_path, name, text)
    assert found.returncode == 1, found.stdout
    assert found.stdout.startswith(f"{name}:"), found.stdout
    assert said in found.stdout
    assert len(found.stdout.splitlines()) == 1, found.stdout


@pytest.mark.parametrize("kind", ALLOWED)
def test_valid_references_pass(kind: str, tmp_path: Path) -> None:
    found = planted(tmp_path, *ALLOWED[kind])
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_without_the_pages_no_citation_passes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("# Kept (rules 1).\n", encoding="utf-8")
    assert check(tmp_path).stdout.startswith("a.py:1: 'rules 1': docs/rules.md has no section 1")


def test_every_reference_of_the_repository_leads_somewhere() -> None:
    found = check()
    assert found.returncode == 0, found.stdout
