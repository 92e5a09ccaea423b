"""How a console trades. A file of its own: the start of a console needs no more of the snapshot than this."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """How the console trades (rules 9). A replay shows a recorded day and trades nothing."""

    DEMO = "demo"
    DRY_RUN = "dry-run"
    SANDBOX = "sandbox"
    LIVE = "live"
    REPLAY = "replay"

    @property
    def sends(self) -> bool:
        """Whether orders are sent. A dry run has them validated alone."""
        return self in (Mode.DEMO, Mode.SANDBOX, Mode.LIVE)
