"""The settings of Redis: which addresses and names are accepted, and which parts of an address are secret."""

from __future__ import annotations

import pytest

from core.config.loader import SettingsError, load_settings
from core.config.redis import secrets_of, shown_address
from core.config.settings import RedisSettings

PASSWORD = "pa55-w0rd"


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
