"""The entry point. It makes sure that `core` and `widgets` are the console's own before anything of them is loaded."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

REFUSED = 2
_OURS = Path(__file__).parents[2]
"""The folder that has all three packages of the console, in its repository as where it is installed."""


def main() -> None:
    """Runs `senex`. Refuses with a sentence where another package has the name of one of the console's."""
    for name in ("core", "widgets"):
        foreign = _foreign(name)
        if foreign is not None:
            sys.stderr.write(
                f"senex: the package {name} in {foreign} is in the way of the console's own; install Senex into an "
                "environment of its own, as `pipx install` or `uv tool install` does.\n"
            )
            raise SystemExit(REFUSED)
    from senex_tui.cli.main import main as run

    run()


def _foreign(name: str) -> str | None:
    """The folder that another package of this name would be loaded from; None when it is the console's own."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        return "no file"
    origin = Path(found.origin)
    return None if origin == _OURS / name / "__init__.py" else str(origin.parent)
