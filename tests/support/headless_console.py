"""Runs a trader without a screen until SIGTERM; prints `ready` once it runs.

Run it as `python -m tests.support.headless_console DATA_DIR`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from core.config.folders import folders
from core.config.loader import load_settings
from core.snapshot import Mode
from senex_tui.run.wiring import BrokerAccess, build_engine


async def main() -> None:
    settings = load_settings(None, os.environ).settings
    access = BrokerAccess(settings.broker.url, "primary", os.environ["TT_SECRET"], os.environ["TT_REFRESH"])
    engine = await build_engine(settings, folders(Path(sys.argv[1])), Mode.DEMO, access)
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
