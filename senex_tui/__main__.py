"""`python -m senex_tui`: the command `senex`, for where it is not on the path."""

from __future__ import annotations

from senex_tui.cli.entry import main

if __name__ == "__main__":
    main()
