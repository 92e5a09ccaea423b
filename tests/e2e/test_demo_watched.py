"""A real `senex demo` without a screen, watched and commanded through Redis and its records."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config.folders import folders
from core.config.loader import load_settings
from core.domain.operation.commands import CommandKind, CommandState
from core.records.store.errors import RecordsError
from core.remote.watch_client import WatchClient
from core.snapshot import Automation, EngineState, Snapshot, Watching
from senex_tui.run.watch import watcher
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import running_demo
from tests.core.remote.publishing_trader import until
from tests.support.senex_command import SENEX, Box
from tests.support.valkey import Valkey

PASSWORD = "tr4der-w0rd"


@pytest.fixture
def demo(tmp_path: Path, valkey: Valkey) -> Iterator[subprocess.Popen[bytes]]:
    box = Box(tmp_path)
    box.write(box.config_file, "[trading]\nstabilization_seconds = 0.5\n")
    url = valkey.url_of("trader", PASSWORD, "~senex:*", "+@all")
    words = [SENEX, "--data-dir", str(tmp_path / "data"), "demo", "--plain", "--start", "2026-03-02T10:01:00-05:00"]
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            words, env=box.environment(SENEX_REDIS__URL=url), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


async def opened(data: Path, url: str, role: Watching) -> WatchClient:
    """Opens a watcher of the demo as soon as there is one; its settings are those of another machine."""
    made: list[WatchClient] = []

    async def possible() -> bool:
        try:
            place = running_demo(folders(data))
            settings = load_settings(None, {"SENEX_REDIS__URL": url}).settings
            made.append(await asyncio.to_thread(watcher, place, settings, role))
        except (Refused, RecordsError):
            return False
        return True

    await until(possible, 30)
    made[0].start()
    return made[0]


async def shown(client: WatchClient, what: str) -> Snapshot:
    async def there() -> bool:
        snapshot = client.snapshot()
        match what:
            case "running":
                # Without a trader the records' trading state is shown, which is active before it has reconciled.
                status = snapshot.status
                return status.engine is EngineState.RUNNING and status.automation is Automation.ACTIVE
            case "paused":
                return snapshot.status.automation is Automation.PAUSED
            case "an order":
                return bool(snapshot.orders) and snapshot.orders[0].order_id != ""
        return False

    await until(there, 30)
    return client.snapshot()


async def asked(client: WatchClient, kind: CommandKind, target: str = "") -> tuple[CommandState, str]:
    identifier = client.send(kind, target=target)

    async def settled() -> bool:
        return any(c.id == identifier and c.state is not CommandState.PENDING for c in client.snapshot().commands)

    await until(settled, 20)
    view = next(c for c in client.snapshot().commands if c.id == identifier)
    return view.state, view.text


async def test_a_demo_is_watched_commanded_and_missed(
    demo: subprocess.Popen[bytes], valkey: Valkey, tmp_path: Path
) -> None:
    client = await opened(tmp_path / "data", valkey.url, Watching.OPERATOR)
    try:
        await shown(client, "running")
        state, text = await asked(client, CommandKind.FORCE)
        assert (state, re.sub(r"\d+", "N", text)) == (CommandState.DONE, "cycle N starts now")
        traded = await shown(client, "an order")
        assert traded.orders[0].account.startswith("…")
        assert traded.judgements
        state, _ = await asked(client, CommandKind.PAUSE)
        assert state is CommandState.DONE
        await shown(client, "paused")
        state, text = await asked(client, CommandKind.FORCE)
        assert (state, "paused" in text) == (CommandState.REFUSED, True)
        assert await asked(client, CommandKind.RESUME) == (CommandState.DONE, "automation resumed")
        assert (await asked(client, CommandKind.ATTEST))[0] is CommandState.REFUSED

        # The trader stands still: the watcher says so, and sees it again when it goes on.
        demo.send_signal(signal.SIGSTOP)

        async def missed() -> bool:
            return not client.state.lives

        async def back() -> bool:
            return client.state.lives

        await until(missed, 15)
        demo.send_signal(signal.SIGCONT)
        await until(back, 15)
    finally:
        await client.stop()
    demo.terminate()
    await asyncio.to_thread(demo.wait, 20)
    _left_behind(tmp_path)


def _left_behind(folder: Path) -> None:
    """No file contains the password, and the records name who sent the commands."""
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in content for content in kept)
    [records] = (folder / "data").glob("demo/worlds/*/records.sqlite3")
    with sqlite3.connect(f"file:{records}?mode=ro", uri=True) as opened_records:
        who = [name for (name,) in opened_records.execute("select distinct who from commands")]
    assert len(who) == 1
    assert " watching on " in who[0]
