"""`senex preview` while no console runs: an engine of its own, without a schedule (rules 5)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from senex_tui.reports.preview import made
from senex_tui.run.alone import alone

if TYPE_CHECKING:
    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.snapshot import Mode
    from senex_tui.support.report import Answer, Report


def run_preview(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], account: str
) -> Report | Answer:
    """Builds the engine of the configured broker, makes the preview and ends it.

    Raises what keeps the engine from starting, and Refused for an account that no login reaches.
    """
    from senex_tui.run.wiring import build_configured_engine

    async def main() -> Report | Answer:
        engine = await build_configured_engine(loaded, folders, mode, logins)
        return await alone(engine, lambda: made(engine, account), account=account or None)

    return asyncio.run(main())
