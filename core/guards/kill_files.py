"""The files that stop a trader without any screen: `HALT` stops entries, `HALT-ALL` beside it all that is sent (rules
9)."""

from __future__ import annotations

from pathlib import Path

HALT_ALL = "HALT-ALL"


def is_there(file: Path) -> bool:
    """Whether this file is there, and so stops: also a link to nothing, and where nobody can tell."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def halt_all_file(halt_file: Path) -> Path:
    """The file that stops exits too, in the same folder."""
    return halt_file.with_name(HALT_ALL)


def halting_all(halt_file: Path) -> str:
    """The path of the file that stops entries and exits, empty while it is not there."""
    file = halt_all_file(halt_file)
    return str(file) if is_there(file) else ""


def halting_entries(halt_file: Path) -> str:
    """The path of the file that stops entries, `HALT-ALL` before `HALT`; empty while neither is there."""
    return halting_all(halt_file) or (str(halt_file) if is_there(halt_file) else "")


def halted_by(halting_file: str) -> str:
    """What this file does, as a clause."""
    what = "all entries and exits" if Path(halting_file).name == HALT_ALL else "all entries"
    return f"the file {halting_file} halts {what}"
