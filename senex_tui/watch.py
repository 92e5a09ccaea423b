"""`senex watch`: what has to be true before the screen opens, and the console over a watcher's client."""

from __future__ import annotations

import asyncio
import getpass
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from core.clock import SystemClock
from core.clock_note import noted_clock
from core.ids import RandomIds
from core.snapshot import Watching
from senex_tui.place import Place
from senex_tui.refusals import Refused

if TYPE_CHECKING:
    from core.quotes.redis_keys import RedisKeys
    from core.records.records import Records
    from core.settings import ConsoleSettings, Settings
    from core.watching.client import WatchClient


def run_watch(client: WatchClient, watching: Watching, shown: ConsoleSettings, state_folder: Path) -> int:
    """The console until it is left; the trader goes on. Copies and exports go to `state_folder`."""
    from senex_tui.crash import tell_crash
    from senex_tui.watch_app import WatchApp

    client.start()
    app = WatchApp(
        client,
        watching,
        refresh_hz=shown.refresh_hz,
        bell=shown.bell,
        tell_crash=lambda failure: tell_crash("the watching console was", failure),
        state_folder=state_folder,
    )
    try:
        app.run(mouse=shown.mouse)
    finally:
        client.stop_and_wait()
    return app.return_code or 0


def watcher(place: Place, settings: Settings, watching: Watching) -> WatchClient:
    """The client, not yet started. Raises Refused when Redis cannot be used or the trader has another version, and
    RecordsError."""
    from core.quotes.redis_keys import RedisKeys
    from core.records.records import Records
    from core.watching.client import WatchClient

    url = settings.redis.url
    if url is None:
        raise Refused(
            "`senex watch` follows a trader through Redis; set redis.url to the address the trader has, "
            "for example redis://127.0.0.1:6379."
        )
    place.need_records()
    keys = RedisKeys(settings.redis.name, place.mode.value)

    async def open_records() -> Records:
        return await Records.open(place.url, trader=False)

    async def first_look() -> None:
        await (await open_records()).close()
        await look_at_trader(url, keys)

    asyncio.run(first_look())
    return WatchClient(
        url=url,
        keys=keys,
        open_records=open_records,
        watching=watching,
        who=f"{getpass.getuser()} watching on {socket.gethostname()}",
        ids=RandomIds(),
        market=noted_clock(place.records_file.parent),
        wall=SystemClock(),
    )


async def look_at_trader(url: str, keys: RedisKeys) -> None:
    """One look, so that what cannot work is said at the shell. Raises Refused."""
    from core.quotes.redis_store import QuoteReader, QuotesUnreadable
    from core.redis_check import TO_WATCH, require
    from core.redis_link import RedisLink, RedisTrouble
    from core.watching.follower import OtherVersion, require_same_version

    link = RedisLink(url, step_s=5.0)
    try:
        await require(link, keys, TO_WATCH)
        trader = (await QuoteReader(link, keys, SystemClock()).read(())).trader
        if trader is not None:
            require_same_version(trader)
    except (RedisTrouble, OtherVersion, QuotesUnreadable) as trouble:
        raise Refused(f"{trouble}.") from None
    finally:
        await link.close()
