"""Every picture of the docs is shown on a page, and made by the script that makes them all."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = {path.stem for path in (ROOT / "docs" / "images").glob("*.png")}


def test_every_picture_is_shown_on_a_page() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    assert set(re.findall(r"images/([\w-]+)\.png\)", pages)) == KEPT


def test_every_picture_is_made_by_the_script() -> None:
    script = (ROOT / ".ci" / "pictures.py").read_text()
    made = set(re.findall(r'"([\w-]+)"', script)) | {f"picture-{name}" for name in ("day", "credit", "payoff", "score")}
    assert made >= KEPT
