"""How our own Python modules are started as processes: no code is taken from the folder they are started in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_PATHS = "PYTHONPATH"


def python_child(module: str, *words: str) -> list[str]:
    """The command that runs a module with this interpreter.

    `python -m` puts the current folder before all others, so that a `core` or `json.py` there would be run in place of
    ours; -P keeps it out.
    """
    return [sys.executable, "-P", "-m", module, *words]


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for such a process and its own children: without the paths that mean the current folder."""
    paths = [path for path in environ.get(_PATHS, "").split(os.pathsep) if os.path.isabs(path)]
    kept = {name: value for name, value in environ.items() if name != _PATHS}
    return kept | ({_PATHS: os.pathsep.join(paths)} if paths else {}) | {"PYTHONSAFEPATH": "1"}
