"""A Redis that cannot be used, a wrong address, a user without rights, a trader of another version: one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.loader import SettingsError, load_settings
from core.config.redis import secrets_of, shown_address
from core.config.settings import RedisSettings
from core.remote.check import TO_PUBLISH, TO_WATCH
from core.remote.keys import RedisKeys
from core.snapshot import Mode, Watching
from senex_tui.doctor.doctor import Finding, Row
from senex_tui.doctor.redis import redis_row
from senex_tui.run.watch import look_at_trader, watcher
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place
from tests.core.remote.publishing_trader import KEYS, Reading, Trader
from tests.support.senex_command import Box
from tests.support.valkey import Valkey

PASSWORD = "pa55-w0rd"
WATCHER = tuple(f"+{command}" for command in TO_WATCH)
PUBLISHER = tuple(f"+{command}" for command in TO_PUBLISH)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://:secret@redis.example.com:6380/3",
        "rediss://ada:p%40ss%2Fword@redis.example.com:6379/0?ssl_ca_certs=/etc/ca.pem",
        "redis://[::1]:6379",
        "unix:///run/redis.sock?db=2",
        "unix://ada:secret@/run/redis.sock",
    ],
)
def test_an_address_redis_understands_is_taken(url: str) -> None:
    assert load_settings(None, {"SENEX_REDIS__URL": url}).settings.redis.url == url
    assert "secret" not in shown_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:6379",
        "http://127.0.0.1:6379",
        "redis://",
        "redis://host:99999",
        "redis://host:0",
        "redis://host/zero",
        "redis://host/0?ssl_cert_reqs=none",
        "rediss://host/0?ssl_cert_reqs=none",
        "redis://host/0?password=x",
        "unix://",
        "redis://ho st",
        f"redis://ada:{PASSWORD}/@host:6379",
        f"redis://ada:{PASSWORD}#@host:6379",
    ],
)
def test_another_address_is_refused_in_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {"SENEX_REDIS__URL": url})
    [sentence] = refused.value.sentences
    assert sentence.startswith("redis.url must be the address of a Redis, like rediss://")
    assert PASSWORD not in sentence


@pytest.mark.parametrize("name", ["", "two words", "-senex", "a:b", "x" * 41])
def test_a_name_that_would_not_keep_keys_apart_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        RedisSettings(name=name)


def test_the_password_is_known_as_written_and_as_meant() -> None:
    assert set(secrets_of("rediss://ada:p%40ss@host")) == {"p%40ss", "p@ss"}
    assert list(secrets_of(None)) == list(secrets_of("redis://host")) == []


async def test_a_user_with_just_the_documented_rights_publishes_and_watches(valkey: Valkey) -> None:
    trader = Trader(valkey.url_of("trader", PASSWORD, "~senex:*", *PUBLISHER), step_s=5)
    trader.quote("QQQ", "600")
    await trader.publisher.publish()
    reading = Reading.of(valkey.url_of("watcher", "other-w0rd", "~senex:*", *WATCHER))
    assert await reading.poll() == trader.shown
    await look_at_trader(valkey.url_of("watcher", "other-w0rd", "~senex:*", *WATCHER), KEYS)
    for link in (trader.link, reading.link):
        await link.close()


async def _refusal(url: str, keys: RedisKeys = KEYS) -> str:
    with pytest.raises(Refused) as refused:
        await look_at_trader(url, keys)
    sentence = str(refused.value)
    assert PASSWORD not in sentence
    assert PASSWORD not in repr(refused.value.__context__ and str(refused.value.__context__))
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


async def test_a_watcher_is_refused_at_the_shell_in_one_sentence(valkey: Valkey, tmp_path: Path) -> None:
    allowed = valkey.url_of("ada", PASSWORD, "~senex:*", *WATCHER)
    assert "refused the login; check the user and the password" in await _refusal(allowed.replace("ada:", "bob:"))
    lacking = valkey.url_of("eve", PASSWORD, "~senex:*", "+ping", "+pttl")
    assert "does not let this user run HGETALL, XREAD" in await _refusal(lacking)
    elsewhere = valkey.url_of("joe", PASSWORD, "~other:*", *WATCHER)
    assert "does not let this user run" in await _refusal(elsewhere)
    assert "cannot be reached" in await _refusal(f"redis://ada:{PASSWORD}@127.0.0.1:1")
    assert "cannot be reached" in await _refusal(f"unix://ada:{PASSWORD}@{tmp_path}/none")
    trader = Trader(valkey.url, step_s=5)
    await trader.publisher.publish()
    valkey.client.hset(KEYS.trader, "version", "99")
    assert "another version of senex" in await _refusal(allowed)
    await trader.link.close()


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


def test_watch_without_redis_or_records_says_what_it_needs(tmp_path: Path) -> None:
    settings = load_settings(None, {}).settings
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT")
    with pytest.raises(Refused, match=r"set redis\.url to the address the trader has"):
        watcher(place, settings, Watching.READ_ONLY)
    with_redis = load_settings(None, {"SENEX_REDIS__URL": "redis://127.0.0.1:1"}).settings
    with pytest.raises(Refused, match="there are no records yet"):
        watcher(place, with_redis, Watching.READ_ONLY)


def test_no_command_shows_the_password(tmp_path: Path) -> None:
    box = Box(tmp_path)
    url = f"redis://ada:{PASSWORD}@127.0.0.1:1/0"
    shown = box.run("--data-dir", str(tmp_path / "d"), "check", SENEX_REDIS__URL=url)
    told = box.run("--data-dir", str(tmp_path / "d"), "watch", SENEX_REDIS__URL=url)
    assert told.returncode == 2
    assert "redis.url" in shown.stdout
    assert PASSWORD not in shown.stdout + shown.stderr + told.stdout + told.stderr
    logs = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(PASSWORD in text for text in logs)
