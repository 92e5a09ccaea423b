"""Checks that a Redis allows what is needed. It tries every command, because only that shows what a user may do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from core.remote.keys import RedisKeys
from core.remote.link import RedisLink, RedisTrouble, explained
from core.runtime.redaction import redact

TO_WATCH = ("ping", "hgetall", "pttl", "xread")
TO_PUBLISH = ("ping", "hget", "hset", "pexpire", "del", "xadd")
SCARCE = 0.9
"""The share of its memory limit at which a Redis counts as nearly full."""


@dataclass(frozen=True, slots=True)
class RedisFound:
    """What a Redis reports about itself: empty or None where this user may not ask. Sizes are in bytes; `limit` 0 means
    that there is none."""

    version: str = ""
    policy: str = ""
    used: int | None = None
    limit: int | None = None

    @property
    def is_scarce(self) -> bool:
        return bool(self.limit) and (self.used or 0) >= SCARCE * (self.limit or 0)


async def require(link: RedisLink, keys: RedisKeys, commands: tuple[str, ...]) -> None:
    """Tries each of these commands on a key made for that. Raises RedisTrouble with all those the user may not run."""
    lacking = [name.upper() for name, may in (await _tried(link, keys, commands)).items() if not may]
    if lacking:
        raise RedisTrouble(
            f"{link.address} does not let this user run {', '.join(lacking)}, which is needed; "
            "docs/security.md has the ACL rule"
        )


async def allowed(link: RedisLink, keys: RedisKeys) -> frozenset[str]:
    """The commands of publishing and of watching that the user may run. Raises RedisTrouble."""
    tried = await _tried(link, keys, (*TO_PUBLISH, *TO_WATCH))
    return frozenset(name for name, may in tried.items() if may)


async def _tried(link: RedisLink, keys: RedisKeys, commands: Collection[str]) -> dict[str, bool]:
    """Whether the user may run each of the commands. Raises RedisTrouble for a refusal of another kind."""
    trials: dict[str, Any] = {
        "ping": lambda pipeline: pipeline.ping(),
        "hgetall": lambda pipeline: pipeline.hgetall(keys.rehearsal),
        "hget": lambda pipeline: pipeline.hget(keys.rehearsal, "tried"),
        "pttl": lambda pipeline: pipeline.pttl(keys.rehearsal),
        "xread": lambda pipeline: pipeline.xread({f"{keys.rehearsal}:events": "0-0"}, count=1),
        "hset": lambda pipeline: pipeline.hset(keys.rehearsal, mapping={"tried": "yes"}),
        "pexpire": lambda pipeline: pipeline.pexpire(keys.rehearsal, 1000),
        "xadd": lambda pipeline: pipeline.xadd(f"{keys.rehearsal}:events", {"tried": "yes"}, maxlen=1),
        "del": lambda pipeline: pipeline.delete(keys.rehearsal, f"{keys.rehearsal}:events"),
    }
    tried = [name for name in trials if name in commands]

    def queue(pipeline: Any) -> None:
        for name in tried:
            trials[name](pipeline)

    answers = await link.try_each(queue)
    other = next((a for a in answers if isinstance(a, Exception) and not _not_there(a)), None)
    if other is not None:
        raise RedisTrouble(redact(explained(other, link.address)))
    return {name: not _not_there(answer) for name, answer in zip(tried, answers, strict=True)}


def _not_there(answer: object) -> bool:
    words = str(answer).lower() if isinstance(answer, RedisError) else ""
    return "noperm" in words or "no permissions" in words or "unknown command" in words


async def look_at(link: RedisLink) -> RedisFound:
    """Reads version and memory. Raises RedisTrouble when Redis does not answer."""
    server, memory = await link.try_each(lambda pipeline: pipeline.info("server").info("memory"))
    about = {**(server if isinstance(server, dict) else {}), **(memory if isinstance(memory, dict) else {})}
    valkey = about.get("valkey_version")
    return RedisFound(
        version=f"Valkey {valkey}" if valkey else f"Redis {about['redis_version']}" if "redis_version" in about else "",
        policy=str(about.get("maxmemory_policy", "")),
        used=about.get("used_memory"),
        limit=about.get("maxmemory"),
    )
