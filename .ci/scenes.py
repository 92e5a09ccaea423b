"""Makes all scenes anew: the recorded days, the stored screens, the pictures of docs/images, the stories in the docs.

Read the difference, and look at the pictures, before keeping them. `python .ci/scenes.py recordings screens` makes only
those named.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pictures

from tests.support.console.explained_trident import LOST_ON, WHOLE, WON_ON, explained, write_page
from tests.support.console.recordings import forget_others, record
from tests.support.console.scene_days import DAYS

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "tests" / "senex_tui" / "console" / "screens"
WRITERS = ("test_layouts.py", "test_history.py")
"""The tests whose screens are stored."""


def recordings() -> None:
    """Records the days of the real engine that every scene is from."""
    logging.disable(logging.CRITICAL)  # the faults in these days are intended
    forget_others()
    for day in DAYS:
        print(f"{day}: {'recorded anew' if record(day) else 'as before'}", flush=True)


def screens() -> None:
    """Stores the console's screens of these days as text."""
    for path in SCREENS.glob("*.txt"):
        path.unlink()
    tests = [str(SCREENS.parent / name) for name in WRITERS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "as_reviewed", *tests]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"SENEX_WRITE_SCREENS": "1"}, check=True)


def story() -> None:
    """Tells the stories of two tridents in the docs."""
    write_page(explained(WHOLE, (WON_ON, LOST_ON)))


STEPS = {"recordings": recordings, "screens": screens, "pictures": lambda: pictures.main([]), "story": story}


def main(names: list[str]) -> None:
    for name in names or STEPS:
        STEPS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
