"""The home that the system gives the user who runs the tests, for this process and all that it starts."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

_SITE = """import os, pwd

_known = pwd.getpwuid


def getpwuid(number):
    found = _known(number)
    return pwd.struct_passwd((*found[:5], {home!r}, found[6])) if number == os.geteuid() else found


pwd.getpwuid = getpwuid
"""


def getpwuid_with(home: Path, known: Callable[[int], pwd.struct_passwd]) -> Callable[[int], pwd.struct_passwd]:
    """The system's list of users, in which the user of this process has this home."""

    def getpwuid(number: int) -> pwd.struct_passwd:
        found = known(number)
        return pwd.struct_passwd((*found[:5], str(home), found[6])) if number == os.geteuid() else found

    return getpwuid


def python_path_with(home: Path, folder: Path, before: str) -> str:
    """The PYTHONPATH by which every interpreter has the same list from its start. The product asks no variable for this
    home, and reads none: it is the interpreter of the tests that is another."""
    (folder / "sitecustomize.py").write_text(_SITE.format(home=str(home)), encoding="utf-8")
    return os.pathsep.join(filter(None, (str(folder), before)))
