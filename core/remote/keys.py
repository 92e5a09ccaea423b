"""The names of what is kept in Redis: all of one trader's begin alike (docs/scaling.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RedisKeys:
    """`name` is the setting `redis.name`, `mode` the trader's mode: each mode has its own keys, as its own records."""

    name: str
    mode: str

    @property
    def trader(self) -> str:
        """A hash: who publishes, and its clock. It lives `TRADER_LIFETIME_MS` after its last renewal."""
        return f"{self.name}:{self.mode}:trader"

    @property
    def snapshot(self) -> str:
        """A hash: the whole snapshot, with its epoch, its sequence and the event it stands after."""
        return f"{self.name}:{self.mode}:snapshot"

    @property
    def events(self) -> str:
        """A stream of bounded length: what changed in the snapshot, by epoch and sequence."""
        return f"{self.name}:{self.mode}:events"

    def quote(self, symbol: str) -> str:
        """A hash for each symbol: its quote, trade, day's figures and halt."""
        return f"{self.name}:{self.mode}:quote:{symbol}"

    @property
    def rehearsal(self) -> str:
        """Where `senex doctor` tries the commands."""
        return f"{self.name}:{self.mode}:rehearsal"
