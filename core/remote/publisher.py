"""Publishes the trader's quotes and snapshots to Redis for watchers, ten times a second at most (rules 10).

It cannot delay the engine. It runs as a task of its own, sends what is there at its turn and waits no longer than the
link's limit. It does not keep what could not be sent: it sends the present state in full once Redis answers again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

from core.domain.operation.events import Severity
from core.domain.trident.trident import Trident
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink, RedisTrouble
from core.remote.published_store import PublishedQuoteStore
from core.remote.quote_hashes import QuoteWriter
from core.runtime.clock import Clock
from core.runtime.redaction import redact
from core.snapshot import Health, PartHealth, Snapshot
from core.snapshot.codec import VERSION, encode, encode_change

EVERY_S = 0.1
AGAIN_S = 1.0
"""Wall seconds between a failure and the next attempt."""
WHOLE_EVERY_S = 5.0
"""Wall seconds between whole snapshots. A new watcher reads the last whole one and the changes since then."""
EVENTS_KEPT = 500
"""The events of 100 s at five snapshots a second. A watcher that was away longer reads the whole snapshot."""
SCREEN_LIFETIME_MS = 24 * 3600 * 1000
log = logging.getLogger(__name__)

Written = tuple[str, str, Mapping[str, Any]]
"""One write: what it is (`event` or `snapshot`), its key and its fields."""


def epoch_of(number: int, started: datetime) -> str:
    """The name of one run of a trader. It joins the epoch of its records and its start, which the records have too."""
    return f"{number}@{started.isoformat()}"


def started_of(epoch: str) -> str:
    """When the trader of this epoch started, as text in the form of its records."""
    return epoch.partition("@")[2]


@dataclass(slots=True)
class _Screen:
    """The snapshot that was published last. `after` is the id of its event, empty before the first one."""

    snapshot: Snapshot | None = None
    sequence: int = 0
    after: str = ""
    whole_at: float = field(default=float("-inf"))


class Publisher:
    """Publishes until it is cancelled. `health` is shown in the status bar."""

    def __init__(
        self,
        *,
        link: RedisLink,
        keys: RedisKeys,
        store: PublishedQuoteStore,
        snapshot: Callable[[], Snapshot | None],
        spread: Callable[[], Trident | None],
        clock: Clock,
        epoch: str,
        note: Callable[[Severity, str, str], None],
    ) -> None:
        """`epoch` is unique to this run of the trader (`epoch_of`). `spread` returns the trident being priced. `note`
        shows the operator a line."""
        self._link = link
        self._keys = keys
        self._quotes = QuoteWriter(store, keys, epoch, clock)
        self._store = store
        self._snapshot = snapshot
        self._spread = spread
        self._clock = clock
        self._epoch = epoch
        self._note = note
        # Higher than any number of an earlier publisher in this run: none publishes 10,000 times a second.
        self._screen = _Screen(sequence=int(clock.monotonic() * 10_000))
        self._anew = True
        self._trouble: str | None = None
        self._another = False
        self._version = version("senex-tui")
        self.health = PartHealth(Health.STARTING)

    async def run(self) -> None:
        """Publishes until it is cancelled. It never raises because of Redis."""
        task = asyncio.current_task()
        try:
            # Checked as well, because a driver may swallow the cancel, and the engine must still end.
            while task is None or not task.cancelling():
                begun = self._clock.monotonic()
                try:
                    await self.publish()
                except RedisTrouble as trouble:
                    self._quotes.failed()
                    self._anew = True
                    self._failed(str(trouble))
                    await self._clock.sleep(AGAIN_S)
                else:
                    self._works()
                    await self._clock.sleep(max(0.0, EVERY_S - (self._clock.monotonic() - begun)))
            raise asyncio.CancelledError
        finally:
            with suppress(RedisTrouble):
                await self._link.close()

    async def publish(self) -> None:
        """Publishes in one exchange what changed since the last one. Raises RedisTrouble."""
        anew = self._anew
        if anew:
            self._store.mark_all_changed()
            self._screen = _Screen(sequence=self._screen.sequence)
        snapshot = self._snapshot()
        screen: Sequence[Written] = ()
        if snapshot is not None and snapshot is not self._screen.snapshot:
            # In a thread: a whole day's snapshot can take longer than the engine's loop may stand still.
            screen = await asyncio.to_thread(self._written_of, snapshot)
        commands: list[str] = []

        def queue(pipeline: Any) -> None:
            pipeline.hget(self._keys.trader, "epoch")
            commands.append("epoch")
            if anew:
                pipeline.delete(self._keys.events)
                commands.append("delete")
            for name, key, fields in screen:
                if name == "event":
                    pipeline.xadd(key, fields, maxlen=EVENTS_KEPT, approximate=True)
                else:
                    pipeline.hset(key, mapping=fields)
                pipeline.pexpire(key, SCREEN_LIFETIME_MS)
                commands.extend((name, "lifetime"))
            self._quotes.queue(pipeline, self._about_trader(snapshot))

        answers = await self._link.exchange(queue)
        # The answer counts the new fields of the trader's hash. There are some only when Redis had lost it, and the
        # rest too.
        lost = int(answers[-2]) > 0 and not anew
        answered = dict(zip(commands, answers, strict=False))
        if "event" in answered:
            self._screen.after = answered["event"].decode()
        self._anew = lost
        self._look_for_another(answered["epoch"], anew=anew)

    def _written_of(self, snapshot: Snapshot) -> Sequence[Written]:
        """The writes for this snapshot: its change as an event, and every `WHOLE_EVERY_S` the last snapshot whole.

        Every text is redacted; account numbers are already masked in a snapshot.
        """
        screen, now = self._screen, self._clock.monotonic()
        written: list[Written] = []
        if screen.snapshot is None:
            screen.sequence += 1
            written.append(("event", self._keys.events, self._event(screen.sequence, b"")))
            written.append(("snapshot", self._keys.snapshot, self._whole(snapshot, "0-0")))
            screen.whole_at = now
        else:
            if now - screen.whole_at >= WHOLE_EVERY_S:
                screen.whole_at = now
                written.append(("snapshot", self._keys.snapshot, self._whole(screen.snapshot, screen.after)))
            found = encode_change(screen.snapshot, snapshot, redact)
            if found is not None:
                screen.sequence += 1
                written.append(("event", self._keys.events, self._event(screen.sequence, found)))
        screen.snapshot = snapshot
        return written

    def _event(self, sequence: int, changed: bytes) -> Mapping[str, Any]:
        return {"epoch": self._epoch, "sequence": str(sequence), "changed": changed}

    def _whole(self, snapshot: Snapshot, after: str) -> Mapping[str, Any]:
        return {
            "epoch": self._epoch,
            "sequence": str(self._screen.sequence),
            "after": after,
            "version": str(VERSION),
            "snapshot": encode(snapshot, redact),
        }

    def _about_trader(self, snapshot: Snapshot | None) -> Mapping[str, str]:
        trident = self._spread() if snapshot is not None and snapshot.spread and snapshot.spread.live else None
        return {
            "version": str(VERSION),
            "senex": self._version,
            "now": self._clock.now().isoformat(),
            "speed": repr(self._clock.speed),
            "sequence": str(self._screen.sequence),
            "legs": "" if trident is None else " ".join(leg.symbols.streamer for leg in trident.legs),
        }

    def _look_for_another(self, found: bytes | None, *, anew: bool) -> None:
        """Warns when another trader has written between two writes of ours. Before our first write it may be our
        predecessor."""
        another = not anew and found is not None and found.decode(errors="replace") != self._epoch
        if another and not self._another:
            text = f"another trader publishes as {self._keys.name} in this mode; give one of them its own redis.name"
            log.warning("%s", text)
            self._note(Severity.WARNING, "redis", f"{text}: watchers see both by turns")
        self._another = another

    def _failed(self, trouble: str) -> None:
        self.health = PartHealth(Health.DOWN, "watchers see nothing new")
        if trouble != self._trouble:
            log.warning("not published: %s", trouble)
        if self._trouble is None:
            self._note(Severity.WARNING, "redis", f"{trouble}. Trading goes on; watchers see nothing new meanwhile")
        self._trouble = trouble

    def _works(self) -> None:
        if self._trouble is not None:
            log.info("published again")
            self._note(Severity.INFO, "redis", "quotes and screen are published again")
        self._trouble = None
        self.health = PartHealth(Health.TROUBLE, "another trader") if self._another else PartHealth(Health.OK)
