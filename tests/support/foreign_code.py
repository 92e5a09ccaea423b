"""Puts Python modules of somebody else into a folder, which leave a mark when they are run."""

from __future__ import annotations

from pathlib import Path

TAKEN = "foreign-code-was-run"
_MARK = f"open({TAKEN!r}, 'a').write(__name__)\n"


def foreign_code(folder: Path) -> None:
    """Writes modules under names of ours, of the standard library and of a package that we use."""
    for name in ("core/__init__.py", "senex_tui/__init__.py", "json.py", "typer.py"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_MARK)
