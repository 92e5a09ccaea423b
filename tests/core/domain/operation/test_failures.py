"""What failed, in words for a person (rules 12)."""

from __future__ import annotations

import asyncio
import errno
import ssl
from socket import gaierror

import httpx2
import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.failures import IN_THE_LOG, failure_words

WIRE = [
    kind
    for name in dir(httpx2)
    if isinstance(kind := getattr(httpx2, name), type) and issubclass(kind, httpx2.TransportError)
]


@pytest.mark.parametrize("kind", WIRE)
def test_every_failure_of_the_wire_has_a_sentence_of_its_own(kind: type[httpx2.TransportError]) -> None:
    words = failure_words(kind("Server disconnected without sending a response."))
    assert "disconnected" not in words
    assert kind.__name__ not in words
    assert words != IN_THE_LOG


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.RemoteProtocolError("gone"), "the connection broke before an answer"),
        (httpx2.ReadTimeout(""), "no answer in time"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "the server closed the connection"),
        (OSError(errno.ENOSPC, "x"), "no space left on device"),
        (asyncio.CancelledError(), "it was ended before its time"),
        (KeyError("bid"), IN_THE_LOG),
        (ssl.SSLCertVerificationError(1, "[SSL] x"), "the certificate of the server is not trusted"),
        (BrokerError(BrokerFault.UNREACHABLE, "orders: HTTP 502"), "unreachable: orders: HTTP 502"),
    ],
)
def test_a_failure_is_told_without_its_class_and_without_a_librarys_text(error: BaseException, words: str) -> None:
    assert failure_words(error) == words


def test_a_connection_that_failed_is_told_by_its_cause() -> None:
    def connecting(cause: OSError) -> str:
        failed = httpx2.ConnectError("All connection attempts failed")
        failed.__cause__ = OSError("All connection attempts failed")
        failed.__cause__.__cause__ = ExceptionGroup("several", [cause])
        return failure_words(failed)

    assert connecting(gaierror(-2, "Name or service not known")) == "the name of the server is not known"
    assert connecting(ConnectionRefusedError(111, "x")) == "the server refused the connection"
    assert connecting(OSError(5, "x")) == "no connection could be made"
