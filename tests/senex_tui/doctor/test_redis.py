"""The doctor's row about Redis: what it tries, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.config.settings import RedisSettings
from core.snapshot import Mode
from senex_tui.doctor.doctor import Finding, Row
from senex_tui.doctor.redis import redis_row
from tests.core.remote.publishing_trader import WATCHER
from tests.support.certificate import certificate
from tests.support.tls_front import tls_front
from tests.support.valkey import Valkey

PASSWORD = "pa55-w0rd"


def _row(url: str) -> Row:
    return redis_row(RedisSettings(url=url), Mode.DEMO)


def test_the_doctor_tries_what_is_needed(valkey: Valkey) -> None:
    row = _row(valkey.url)
    assert (row.finding, row.todo) == (Finding.OK, "")
    assert row.found.startswith(f"the Redis at {valkey.socket}, Valkey ")
    assert valkey.client.keys("*") == []  # nothing is left of the trial
    assert redis_row(RedisSettings(), Mode.DEMO).finding is Finding.SKIP
    assert redis_row(None, None).finding is Finding.SKIP


def test_the_doctor_names_what_is_wrong(valkey: Valkey, tmp_path: Path) -> None:
    watcher_only = valkey.url_of("ada", PASSWORD, "~senex:*", *WATCHER)
    said = {
        "lacking": (_row(watcher_only), "does not let this user run HGET, HSET, PEXPIRE, XADD, DEL"),
        "login": (_row(watcher_only.replace("ada:", "bob:")), "refused the login"),
        "down": (_row(f"redis://ada:{PASSWORD}@127.0.0.1:1"), "cannot be reached"),
    }
    valkey.client.config_set("maxmemory", "100mb")
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    said["policy"] = (_row(valkey.url), "its maxmemory-policy is allkeys-lru")
    valkey.client.config_set("maxmemory-policy", "noeviction")
    assert _row(valkey.url).finding is Finding.OK
    used = int(valkey.client.info("memory")["used_memory"])  # type: ignore[index]
    valkey.client.config_set("maxmemory", str(used + 100_000))
    said["scarce"] = (_row(valkey.url), "is nearly full")
    valkey.client.config_set("maxmemory", "1")
    said["full"] = (_row(valkey.url), "is full")
    for row, words in said.values():
        assert row.finding is Finding.WARN
        assert words in row.found
        assert row.todo
        assert PASSWORD not in row.found + row.todo


async def test_the_doctor_looks_through_tls(valkey: Valkey, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    async with tls_front(context, valkey.socket) as port:
        there = f"rediss://127.0.0.1:{port}"
        trusting = RedisSettings(url=f"{there}?ssl_ca_certs={trusted}")
        row = await asyncio.to_thread(redis_row, trusting, Mode.DEMO)
        assert row.finding is Finding.OK
        row = await asyncio.to_thread(redis_row, RedisSettings(url=there), Mode.DEMO)
        assert row.finding is Finding.WARN
        assert "is not trusted" in row.found
