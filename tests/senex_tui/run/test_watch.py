"""Starting to watch: the rights it needs, and one sentence when Redis, its user or the trader's version is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.loader import load_settings
from core.remote.keys import RedisKeys
from core.snapshot import Mode, Watching
from senex_tui.run.watch import look_at_trader, watcher
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place
from tests.core.remote.publishing_trader import KEYS, PUBLISHER, WATCHER, Reading, Trader
from tests.support.senex_command import Box
from tests.support.valkey import Valkey

PASSWORD = "pa55-w0rd"


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
