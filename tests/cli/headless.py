"""A trader without a screen: `python -m tests.cli.headless DATA_DIR` until SIGTERM; says `ready` once it runs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from core.config import load_settings
from core.folders import folders
from core.snapshot import Mode
from senex_tui.wiring import Wire, build_engine


async def main() -> None:
    settings = load_settings(None, os.environ).settings
    wire = Wire(settings.broker.url, "primary", os.environ["TT_SECRET"], os.environ["TT_REFRESH"])
    engine = await build_engine(settings, folders(Path(sys.argv[1])), Mode.DEMO, wire)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, engine.stop)
    running = asyncio.create_task(engine.run(scheduled=False))
    await engine.ready.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if len(sys.argv) > 2:
        await engine.gate.until_reconciled(10)
        await engine.force("a test")
    await running


if __name__ == "__main__":
    asyncio.run(main())
