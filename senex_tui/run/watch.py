"""`senex watch`: checks that a trader can be watched, then opens the console on what it publishes."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from core.runtime.clock import SystemClock
from core.runtime.clock_file import noted_clock
from core.runtime.ids import RandomIds
from core.runtime.user import system_user
from core.snapshot import Watching
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place

if TYPE_CHECKING:
    from core.config.loader import Loaded
    from core.config.settings import Settings
    from core.records.records import Records
    from core.remote.keys import RedisKeys
    from core.remote.watch_client import WatchClient
    from senex_tui.console.machine_health import LookAtMachine


def run_watch(
    client: WatchClient, watching: Watching, loaded: Loaded, state_folder: Path, look_at_machine: LookAtMachine
) -> int:
    """Opens the console and returns its exit code; the trader goes on. Copies and exports go to `state_folder`.
    `look_at_machine` looks at this machine, not at the trader's.

    Raises SettingsError for keys that cannot be mapped.
    """
    from senex_tui.console.view_settings import settled_view

    view = settled_view(loaded, state_folder)
    from senex_tui.console.watch_app import WatchApp
    from senex_tui.run.parting import command_typed, watcher_line
    from senex_tui.support.crash_report import tell_crash
    from senex_tui.support.outlet import print_line

    client.start()
    app = WatchApp(
        client,
        watching,
        view_settings=view,
        tell_crash=lambda failure: tell_crash("the watching console was", failure),
        state_folder=state_folder,
        look_at_machine=look_at_machine,
    )
    try:
        app.run(mouse=app.display_settings.mouse)
    finally:
        client.stop_and_wait()
    print_line(watcher_line(command_typed()))
    return app.return_code or 0


def watcher(place: Place, settings: Settings, watching: Watching) -> WatchClient:
    """The client of the trader with these records, not yet started.

    Raises Refused when Redis cannot be used or the trader has another version, and RecordsError.
    """
    from core.records.records import Records
    from core.remote.kept_day import KeptDay
    from core.remote.keys import RedisKeys
    from core.remote.watch_client import WatchClient

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

    async def console_runs() -> bool:
        return await place.holder() is not None

    asyncio.run(first_look())
    return WatchClient(
        url=url,
        keys=keys,
        open_records=open_records,
        kept_day=KeptDay(settings.schedule.slot_times, console_runs, place.halt_file, place.mode.sends),
        watching=watching,
        who=f"{system_user()} watching on {socket.gethostname()}",
        ids=RandomIds(),
        market=noted_clock(place.records_file.parent),
        wall=SystemClock(),
    )


async def look_at_trader(url: str, keys: RedisKeys) -> None:
    """Asks Redis once, so that what cannot work is said at the shell and not on the screen. Raises Refused."""
    from core.remote.check import TO_WATCH, require
    from core.remote.follower import OtherVersion, require_same_version
    from core.remote.link import RedisLink, RedisTrouble
    from core.remote.quote_hashes import QuoteReader, QuotesUnreadable

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
