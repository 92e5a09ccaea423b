"""Redis over TLS: the certificate is checked, and each thing wrong with it is one sentence without a secret."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.remote.link import RedisLink, RedisTrouble
from senex_tui.run.watch import look_at_trader
from tests.core.remote.publishing_trader import KEYS, Reading, Trader
from tests.support.certificate import certificate
from tests.support.tls_front import tls_front
from tests.support.valkey import Valkey

PASSWORD = "pa55-w0rd"


async def test_quotes_and_the_screen_pass_through_tls_as_a_user_of_the_acl(valkey: Valkey, tmp_path: Path) -> None:
    valkey.url_of("ada", PASSWORD, "~senex:*", "+@all")
    context, trusted = certificate(tmp_path)
    async with tls_front(context, valkey.socket) as port:
        url = f"rediss://ada:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={trusted}"
        trader, reading = Trader(url, step_s=5), Reading.of(url)
        trader.quote("QQQ", "600")
        await trader.publisher.publish()
        assert await reading.poll() == trader.shown
        await look_at_trader(url, KEYS)
        for link in (trader.link, reading.link):
            await link.close()


async def _trouble(url: str) -> str:
    link = RedisLink(url, 5)
    with pytest.raises(RedisTrouble) as trouble:
        await link.exchange(lambda pipeline: pipeline.ping())
    await link.close()
    sentence = str(trouble.value)
    assert PASSWORD not in sentence
    assert "\n" not in sentence
    return sentence


async def test_what_is_wrong_with_tls_is_said_with_the_fix(valkey: Valkey, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    (tmp_path / "empty.pem").touch()
    async with tls_front(context, valkey.socket) as port:
        there = f"ada:{PASSWORD}@127.0.0.1:{port}"
        said = {
            "is not trusted (self-signed certificate); for an authority": f"rediss://{there}",
            "is for another name": f"rediss://localhost:{port}?ssl_ca_certs={trusted}",
            "does not exist; correct its path": f"rediss://{there}?ssl_ca_certs={tmp_path}/none.pem",
            "holds no certificate": f"rediss://{there}?ssl_ca_certs={tmp_path}/empty.pem",
            "rediss:// where Redis expects TLS": f"redis://{there}",
        }
        for words, url in said.items():
            assert words in await _trouble(url)


async def test_tls_to_a_server_that_speaks_none_is_said(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"-ERR Protocol error\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "it speaks no TLS there" in await _trouble(f"rediss://ada:{PASSWORD}@127.0.0.1:{port}")
