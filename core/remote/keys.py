"""The names of the keys in Redis. All keys of one trader begin alike (docs/scaling.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedisKeys:
    """The keys of one trader. `name` is the setting `redis.name`. `mode` is the trader's mode: each has keys of its
    own, as it has records of its own."""

    name: str
    mode: str

    @property
    def trader(self) -> str:
        """A hash: who publishes, and the time on its clock. It expires `TRADER_LIFETIME_MS` after its last renewal."""
        return f"{self.name}:{self.mode}:trader"

    @property
    def snapshot(self) -> str:
        """A hash: a whole snapshot with its epoch, its sequence number and the id of the last event that is in it."""
        return f"{self.name}:{self.mode}:snapshot"

    @property
    def events(self) -> str:
        """A stream of limited length: the changes of the snapshot, each with its epoch and sequence number."""
        return f"{self.name}:{self.mode}:events"

    def quote(self, symbol: str) -> str:
        """A hash for each symbol: its quote, its trade, its figures of the day and whether it is halted."""
        return f"{self.name}:{self.mode}:quote:{symbol}"

    @property
    def rehearsal(self) -> str:
        """The key on which `senex doctor` tries the commands."""
        return f"{self.name}:{self.mode}:rehearsal"
