"""The doctor's row about Redis: what it tries, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import redis

from core.config.settings import RedisSettings
from core.snapshot import Mode
from senex_tui.doctor.doctor import Finding, Row
from senex_tui.doctor.redis import redis_row
from tests.core.remote.publishing_trader import PUBLISHER, WATCHER
from tests.support.certificate import certificate
from tests.support.tls_front import tls_front
from tests.support.valkey import Valkey

PASSWORD = "pa55-w0rd"
GUIDE = (Path(__file__).parents[3] / "docs" / "security.md").read_text()


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


def test_the_users_of_the_page_may_do_just_what_their_roles_need(valkey: Valkey) -> None:
    rules = re.findall(r"^(?:ACL SETUSER senex-.*)$", GUIDE, re.MULTILINE)
    assert len(rules) == 2
    for rule in rules:
        valkey.client.execute_command(*rule.replace("PASSWORD", PASSWORD).split())
    rights = {name: set(re.findall(r"\+\w+", rule)) for name, rule in zip(("trader", "watcher"), rules, strict=True)}
    assert rights == {"trader": set(PUBLISHER), "watcher": set(WATCHER)}
    for name, role in (("trader", "publish (the trader's role)"), ("watcher", "watch (a watcher's role)")):
        row = _row(f"unix://senex-{name}:{PASSWORD}@{valkey.socket}")
        assert (row.finding, row.found.endswith(f", lets this user {role}")) == (Finding.OK, True), row
    watcher = redis.Redis(unix_socket_path=str(valkey.socket), username="senex-watcher", password=PASSWORD)
    with pytest.raises(redis.exceptions.NoPermissionError):
        watcher.hset("senex:demo:trader", "epoch", "1")
    with pytest.raises(redis.exceptions.NoPermissionError):
        watcher.hgetall("another:key")
    assert "`ACL SETUSER default off`" in GUIDE
    anybody = redis.Redis(unix_socket_path=str(valkey.socket))
    assert anybody.ping()
    valkey.client.execute_command("ACL", "SETUSER", "default", "off")
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(unix_socket_path=str(valkey.socket)).ping()
    valkey.client.execute_command("ACL", "SETUSER", "default", "on")


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
