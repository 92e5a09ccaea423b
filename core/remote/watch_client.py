"""The engine client of a watcher: it reads from Redis, on a thread of its own, what the trader shows."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.domain.operation.commands import Command, CommandKind, CommandState, may_watcher_send
from core.market.calendar import CalendarError
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.remote.follower import Follower, OtherVersion
from core.remote.kept_day import KeptDay
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink, RedisTrouble
from core.remote.overlay import legs_of, with_quotes
from core.remote.quote_hashes import QuoteReader, QuotesSeen, QuotesUnreadable, TraderSeen
from core.remote.watched_records import OpenRecords, WatchedRecords
from core.runtime.clock import Clock
from core.runtime.ids import Ids
from core.snapshot import (
    CommandView,
    EngineNotRunning,
    Health,
    Mode,
    PartHealth,
    ReadingState,
    Snapshot,
    Watching,
    without_engine_yet,
)
from core.snapshot.client import Found
from core.snapshot.codec import SnapshotUnreadable

EVERY_S = 0.1
AGAIN_S = 1.0
UNSEEN_S = 3.0
"""After this many wall seconds without a sign of the trader, the screen says so."""
KEPT_EVERY_S = 5.0
ENDS_WITHIN_S = 10.0
"""Wall seconds that the end of the thread is waited for at most; nothing is lost if it takes longer."""
COMMANDS_SHOWN = 20
READS_ONLY = "this console only watches; with `senex watch --operator` it can pause, resume, force and cancel"
FOREIGN = "the records here are not those of the trader that publishes; check redis.name, --data-dir and database.url"
NOT_FROM_HERE = "a watcher can pause, resume, force and cancel; the rest is done at the trader's own machine"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchState:
    """What a watcher knows of its trader. `unseen_s` is the wall seconds since a sign of it, None before the first.
    `waited_s` is the wall seconds since the watcher began. `trouble` says what is wrong, or is empty."""

    unseen_s: float | None
    waited_s: float
    trouble: str = ""
    foreign: bool = False
    """Whether the records here are those of another trader."""

    @property
    def lives(self) -> bool:
        return self.unseen_s is not None and self.unseen_s < UNSEEN_S


class WatchClient:
    """Follows one trader, as a `core.snapshot.EngineClient`. In the operator's role it may send some commands.

    While nothing is published, `kept_day` reads from the records what is shown. `market` gives the market time while no
    trader was seen yet; `wall` gives ages and waits. `who` is recorded with each command.
    """

    def __init__(
        self,
        *,
        url: str,
        keys: RedisKeys,
        open_records: OpenRecords,
        kept_day: KeptDay,
        watching: Watching,
        who: str,
        ids: Ids,
        market: Clock,
        wall: Clock,
    ) -> None:
        self._url = url
        self._keys = keys
        self._open_records = open_records
        self._kept_day = kept_day
        self._watching = watching
        self._who = who
        self._ids = ids
        self._market = market
        self._wall = wall
        self._follower = Follower(keys)
        self._seen: QuotesSeen | None = None
        self._trader: TraderSeen | None = None
        self._seen_at: float | None = None
        self._began = wall.monotonic()
        self._trouble = ""
        self._foreign = False
        self._compared = ""
        self._commands: OrderedDict[str, CommandView] = OrderedDict()
        self._lock = threading.Lock()
        empty = without_engine_yet(Mode(keys.mode), "no trader seen yet")
        self._empty = replace(empty, status=replace(empty.status, watching=watching))
        self._shown = self._empty
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stop_wanted = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._records: WatchedRecords | None = None
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)

    # The client

    def start(self) -> None:
        self._thread.start()

    def snapshot(self) -> Snapshot:
        """The trader's snapshot with the prices, ages and commands of this watcher."""
        with self._lock:
            commands = tuple(self._commands.values())
        return replace(self._shown, commands=commands)

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Sends the command to the trader through the records. Without the operator's role it is refused at once."""
        identifier = self._ids.new()
        if self._watching is not Watching.OPERATOR or not may_watcher_send(kind, note):
            why = NOT_FROM_HERE if self._watching is Watching.OPERATOR else READS_ONLY
            self._tell(CommandView(identifier, kind, CommandState.REFUSED, why))
            return identifier
        refusal = self._why_not_asked()
        loop = self._loop
        if refusal or loop is None:
            self._tell(CommandView(identifier, kind, CommandState.REFUSED, refusal or "the watcher is not running"))
            return identifier
        cycle = self._shown.cycle
        command = Command(
            identifier,
            kind,
            self._who,
            self._market_now(),
            saw_cycle=0 if cycle is None else cycle.newest,
            target=target,
            note=note,
        )
        self._tell(CommandView(identifier, kind, CommandState.PENDING, ""))
        loop.call_soon_threadsafe(self._ask, command)
        return identifier

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """Asks the records, which this watcher has opened itself; the trader takes no part in it."""
        loop, records = self._loop, self._records
        if loop is None or records is None or not self._thread.is_alive():
            nobody: Future[Found] = Future()
            nobody.set_exception(EngineNotRunning("the records are not open"))
            return nobody
        return asyncio.run_coroutine_threadsafe(records.look_up(question), loop)

    @property
    def state(self) -> WatchState:
        now, at = self._wall.monotonic(), self._seen_at
        unseen_s = None if at is None else max(0.0, now - at)
        return WatchState(unseen_s, now - self._began, self._trouble, self._foreign)

    async def stop(self) -> None:
        """Stops watching; the trader goes on."""
        self._ask_to_stop()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, ENDS_WITHIN_S)

    def stop_and_wait(self) -> None:
        """Does the same for a caller without an event loop."""
        self._ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(ENDS_WITHIN_S)

    def _ask_to_stop(self) -> None:
        self._stop_wanted.set()
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and self._thread.is_alive():
            with suppress(RuntimeError):  # the loop has just closed by itself
                loop.call_soon_threadsafe(stop.set)

    def _why_not_asked(self) -> str:
        if self._foreign:
            return FOREIGN
        return "" if self._records is not None else "the records are not open yet; try again in a moment"

    def _market_now(self) -> datetime:
        """Market time on the trader's clock now; on `market` while no trader was seen yet."""
        trader = self._trader
        if trader is None:
            return self._market.now()
        since_s = self._wall.monotonic() - (float(trader.fields["mono"]) + trader.shift)
        speed = float(trader.fields.get("speed", "1"))
        return datetime.fromisoformat(trader.fields["now"]) + timedelta(seconds=since_s * speed)

    def _tell(self, view: CommandView) -> None:
        with self._lock:
            self._commands[view.id] = view
            while len(self._commands) > COMMANDS_SHOWN:
                self._commands.popitem(last=False)

    # The thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except RecordsError as error:
            self._trouble = str(error)
        except Exception:  # the screen stays, and says what it sees is old
            log.exception("watching ended")
            self._trouble = "watching ended by an error of its own, the log has it; start `senex watch` again"

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        link = RedisLink(self._url)
        self._records = WatchedRecords(await self._open_records(), self._wall)
        following = asyncio.create_task(self._follow(link), name="following")
        stopping = asyncio.create_task(self._stop.wait(), name="stopping")
        try:
            await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = {following, stopping, *self._tasks}
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(RedisTrouble):
                await link.close()
            await self._records.close()
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    def _ask(self, command: Command) -> None:
        if self._records is not None:
            self._own(self._records.ask(command, self._tell))

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, link: RedisLink) -> None:
        reader = QuoteReader(link, self._keys, self._wall)
        kept_at = float("-inf")
        while not self._stop_wanted.is_set():  # a cancel alone is not enough: a driver could swallow it
            try:
                await self._read(link, reader)
            except (RedisTrouble, OtherVersion, SnapshotUnreadable, QuotesUnreadable) as trouble:
                if str(trouble) != self._trouble:
                    log.warning("watching: %s", trouble)
                self._trouble = str(trouble)
                await self._wall.sleep(AGAIN_S)
            else:
                self._trouble = ""
                await self._wall.sleep(EVERY_S)
            if self._follower.snapshot is None and self._wall.monotonic() - kept_at >= KEPT_EVERY_S:
                kept_at = self._wall.monotonic()
                await self._read_kept()
            await self._compare()
            self._show()

    async def _read(self, link: RedisLink, reader: QuoteReader) -> None:
        """Reads in one round trip what changed in the snapshot, the trader's sign of life and the prices on screen."""
        symbols = self._symbols()
        asked_at = self._wall.monotonic()

        def queue(pipeline: Any) -> None:
            self._follower.queue(pipeline)
            reader.queue(pipeline, symbols)

        screen, *quotes = await link.exchange(queue)
        seen = reader.seen(quotes, symbols, asked_at)
        if seen.trader is not None:
            self._seen, self._trader = seen, seen.trader
            self._seen_at = asked_at - seen.trader.unseen_s
        self._follower.take(screen, seen.trader)

    def _symbols(self) -> tuple[str, ...]:
        shown = self._follower.snapshot
        underlyings = () if shown is None else tuple(quote.symbol for quote in shown.quotes)
        return tuple(dict.fromkeys((*underlyings, *legs_of(self._seen))))

    async def _compare(self) -> None:
        """Finds out, once for each run of a trader, whether the records here are its own."""
        epoch = "" if self._trader is None else self._trader.fields.get("epoch", "")
        if self._records is None or not epoch or epoch == self._compared:
            return
        try:
            self._foreign = not await self._records.are_of(epoch)
            self._compared = epoch
        except RecordsError as error:
            log.warning("the records could not be compared: %s", error)

    async def _read_kept(self) -> None:
        """Shows what the records have while nothing has been published."""
        if self._records is None:
            return
        now, speed = self._market.now(), self._market.speed
        try:
            self._empty = await self._records.look_up(lambda r: self._kept_day.shown(r, self._empty, now, speed))
        except (RecordsError, CalendarError) as error:
            log.warning("the records could not be read: %s", error)
            was = self._empty.reading
            state = ReadingState.READING if was.at is None else ReadingState.OLD
            self._empty = replace(self._empty, reading=replace(was, state=state, why=str(error)))

    def _show(self) -> None:
        state = self.state
        shown = self._follower.snapshot or self._empty
        if self._seen is not None:
            shown = with_quotes(shown, self._seen, self._wall.monotonic(), trader_lives=state.lives)
        link = PartHealth(Health.OK)
        if state.trouble:
            link = PartHealth(Health.DOWN, "see the banner")
        elif not state.lives:
            link = PartHealth(Health.TROUBLE, "no trader")
        self._shown = replace(shown, status=replace(shown.status, redis=link, watching=self._watching))
