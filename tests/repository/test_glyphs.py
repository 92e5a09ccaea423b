"""Every character of every stored screen has a glyph in the font of the pictures, or is drawn by them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCREENS = sorted((ROOT / "tests" / "senex_tui" / "console" / "screens").glob("*.txt"))


def missing(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "glyphs.py"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2:
        pytest.skip(done.stdout)
    return done


def test_the_font_of_the_pictures_has_every_character_of_the_screens(tmp_path: Path) -> None:
    assert SCREENS
    done = missing(*SCREENS)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    other = tmp_path / "other.txt"
    other.write_text("a price ⏸ and \U0001fb00 █ ⣿", encoding="utf-8")
    done = missing(other)
    assert (done.returncode, done.stdout.split()) == (1, ["⏸", "\U0001fb00"])
