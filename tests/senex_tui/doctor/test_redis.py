"""The doctor's row about Redis: what it tries, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from core.config.settings import RedisSettings
from core.snapshot import Mode
from senex_tui.doctor.doctor import Finding, Row
from senex_tui.doctor.redis import redis_row
from tests.core.remote.publishing_trader import PUBLISHER, WATCHER
from tests.support.certificate import certificate
from tests.support.tls_front import tls_front
from tests.support.valkey import Valkey

PASSWORD = "pa55-w0rd"
GUIDE = (Path(__file__).parents[3] / "docs" / "scaling.md").read_text()


def _row(url: str) -> Row:
    return redis_row(RedisSettings(url=url), Mode.DEMO)


def test_the_doctor_tries_what_is_needed(valkey: Valkey) -> None:
    row = _row(valkey.url)
    assert (row.finding, row.todo) == (Finding.OK, "")
    assert row.found.startswith(f"the Redis at {valkey.socket}, Valkey ")
    assert valkey.client.keys("*") == []  # nothing is left of the trial
    assert redis_row(RedisSettings(), Mode.DEMO).finding is Finding.SKIP
    assert redis_row(None, None).finding is Finding.SKIP


@pytest.mark.parametrize(
    ("rights", "role"),
    [
        (PUBLISHER, "publish (the trader's role)"),
        (WATCHER, "watch (a watcher's role)"),
        (PUBLISHER + WATCHER, "publish and watch"),
    ],
)
def test_a_user_with_the_rights_of_one_role_is_as_it_should_be(
    valkey: Valkey, rights: tuple[str, ...], role: str
) -> None:
    row = _row(valkey.url_of("ada", PASSWORD, "~senex:*", *rights))
    assert (row.finding, row.todo) == (Finding.OK, "")
    assert row.found.endswith(f", lets this user {role}")


def test_the_roles_are_those_of_the_page() -> None:
    rules = dict(re.findall(r"ACL SETUSER senex-(trader|watcher) +on >PASSWORD  resetchannels ~senex:\* (.*)", GUIDE))
    assert {name: set(rights.split()) for name, rights in rules.items()} == {
        "trader": set(PUBLISHER),
        "watcher": set(WATCHER),
    }


def test_the_doctor_names_what_is_wrong(valkey: Valkey, tmp_path: Path) -> None:
    half = valkey.url_of("ada", PASSWORD, "~senex:*", "+ping", "+hgetall", "+hset")
    neither = "neither publish (it lacks HGET, PEXPIRE, DEL, XADD) nor watch (it lacks PTTL, XREAD)"
    said = {
        "lacking": (_row(half), f"the Redis at {valkey.socket} lets this user {neither}"),
        "other keys": (_row(valkey.url_of("cid", PASSWORD, "~other:*", "+@all")), "lets this user neither publish"),
        "login": (_row(half.replace("ada:", "bob:")), "refused the login"),
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
