"""The doctor's row about Redis: whether it answers, allows what is needed, and keeps what it is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from senex_tui.doctor.doctor import Finding, Row

if TYPE_CHECKING:
    from core.config.redis import RedisSettings
    from core.remote.check import RedisFound
    from core.snapshot import Mode

SERVER_S = 5.0
KEEPS = "noeviction"


def redis_row(section: RedisSettings | None, mode: Mode | None) -> Row:
    """The row about Redis. It is never a FAIL, because trading goes on without Redis."""
    if section is None or section.url is None:
        return Row("redis", Finding.SKIP, "not used")
    from core.remote.link import RedisTrouble

    try:
        address, may, found = asyncio.run(
            _look(section.url, section.name, mode.value if mode is not None else "dry-run")
        )
    except RedisTrouble as trouble:
        return Row("redis", Finding.WARN, str(trouble), "mend what the sentence names; trading goes on without it")
    role = _role(may)
    if not role:
        return Row("redis", Finding.WARN, f"{address} {_lacks(may)}", "docs/security.md has the ACL rule of each role")
    text = f"{address}, {found.version or 'of unknown version'}, lets this user {role}"
    if found.is_scarce:
        todo = "raise maxmemory or remove other keys: a full Redis shows watchers nothing new"
        return Row("redis", Finding.WARN, f"{text}, but is nearly full", todo)
    if found.limit and found.policy not in ("", KEEPS):
        todo = f"set maxmemory-policy to {KEEPS}: else what watchers need is thrown out when memory is short"
        return Row("redis", Finding.WARN, f"{text}; its maxmemory-policy is {found.policy}", todo)
    return Row("redis", Finding.OK, text)


def _role(may: frozenset[str]) -> str:
    """What the user is for, by the commands that it may run; empty when it can do neither."""
    from core.remote.check import TO_PUBLISH, TO_WATCH

    publishes, watches = may.issuperset(TO_PUBLISH), may.issuperset(TO_WATCH)
    if publishes and watches:
        return "publish and watch"
    return "publish (the trader's role)" if publishes else "watch (a watcher's role)" if watches else ""


def _lacks(may: frozenset[str]) -> str:
    from core.remote.check import TO_PUBLISH, TO_WATCH

    to_publish, to_watch = (
        ", ".join(name.upper() for name in needed if name not in may) for needed in (TO_PUBLISH, TO_WATCH)
    )
    return f"lets this user neither publish (it lacks {to_publish}) nor watch (it lacks {to_watch})"


async def _look(url: str, name: str, mode: str) -> tuple[str, frozenset[str], RedisFound]:
    from core.remote.check import allowed, look_at
    from core.remote.keys import RedisKeys
    from core.remote.link import RedisLink

    link = RedisLink(url, SERVER_S)
    try:
        return link.address, await allowed(link, RedisKeys(name, mode)), await look_at(link)
    finally:
        await link.close()
