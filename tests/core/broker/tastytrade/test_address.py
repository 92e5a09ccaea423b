"""Tokens go only to the broker over TLS, or to the local server that stands in for it."""

from __future__ import annotations

import httpx2
import pytest

from core.broker.port import BrokerError
from core.broker.tastytrade import Login
from core.broker.tastytrade.address import local_address, routed
from core.broker.tastytrade.connection import Connection
from core.broker.tastytrade.timings import Timings
from core.runtime.clock import SystemClock
from core.runtime.ids import SeededIds

LOCAL = local_address("http://127.0.0.1:8800")


@pytest.mark.parametrize(
    ("asked", "goes_to"),
    [
        ("https://api.tastyworks.com/accounts/1?a=b", "http://127.0.0.1:8800/accounts/1?a=b"),
        ("https://api.cert.tastyworks.com/x", "http://127.0.0.1:8800/x"),
        ("wss://streamer.tastyworks.com", "ws://127.0.0.1:8800"),
        ("ws://127.0.0.1:9000/dxlink", "ws://127.0.0.1:9000/dxlink"),
        ("ws://localhost:9000/dxlink", "ws://localhost:9000/dxlink"),
    ],
)
def test_a_local_server_stands_in_for_every_server_of_the_broker(asked: str, goes_to: str) -> None:
    assert routed(httpx2.URL(asked), LOCAL) == httpx2.URL(goes_to)


@pytest.mark.parametrize(
    "address", ["wss://feed.example.com", "https://tastyworks.com.example.com", "https://10.0.0.1"]
)
def test_with_a_local_server_nothing_leaves_this_machine(address: str) -> None:
    with pytest.raises(BrokerError, match="elsewhere"):
        routed(httpx2.URL(address), LOCAL)


def test_the_broker_is_spoken_to_over_tls_only() -> None:
    feed = httpx2.URL("wss://tasty-openapi-ws.dxfeed.com/realtime")
    assert routed(feed, None) == feed
    with pytest.raises(BrokerError, match="not encrypted"):
        routed(httpx2.URL("ws://tasty-openapi-ws.dxfeed.com/realtime"), None)


async def test_the_real_broker_is_verified_and_local_servers_get_no_proxy() -> None:
    def built(base_url: str | None) -> dict[str, object]:
        connection = Connection(
            Login("main", "s", "r"), SystemClock(), SeededIds(1), base_url=base_url, is_test=False, timings=Timings()
        )
        return connection.build_session().client_kwargs

    real, local = built(None), built("http://127.0.0.1:8800")
    assert real["verify"].get_ca_certs()  # type: ignore[attr-defined]
    assert real["trust_env"] is True
    assert local["trust_env"] is False
    assert real["timeout"] == httpx2.Timeout(None, connect=5.0, pool=5.0), "each call has a deadline of its own"
