"""What failed, in words for a person: never the name of an exception class, never a library's own text (rules 12).

Both go to the log, beside the words.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

IN_THE_LOG = "the log has the details"
"""Told of a failure that only a developer can explain."""

_OURS = ("core.", "senex_tui.", "widgets.")
"""Modules whose exceptions carry a sentence that was written for a person."""

# By the name of the class, so that one table serves every library and none is imported for it.
_OF_A_CAUSE: Mapping[str, str] = {
    "gaierror": "the name of the server is not known",
    "ConnectionRefusedError": "the server refused the connection",
    "ConnectionResetError": "the server closed the connection",
    "ConnectionAbortedError": "the connection was broken off",
    "BrokenPipeError": "the server closed the connection",
    "SSLCertVerificationError": "the certificate of the server is not trusted",
    "SSLError": "no protected connection could be made",
}
"""What lies under a failed connection and says more than that it failed."""

_WORDS: Mapping[str, str] = {
    **_OF_A_CAUSE,
    "ConnectTimeout": "no connection in time",
    "PoolTimeout": "no connection was free in time",
    "WriteTimeout": "the request could not be sent in time",
    "ReadTimeout": "no answer in time",
    "TimeoutException": "no answer in time",
    "TimeoutError": "no answer in time",
    "ConnectError": "no connection could be made",
    "RemoteProtocolError": "the connection broke before an answer",
    "ReadError": "the connection broke before an answer",
    "WriteError": "the connection broke while the request was sent",
    "CloseError": "the connection broke while it was closed",
    "NetworkError": "the connection broke",
    "WebSocketNetworkError": "the connection broke",
    "WebSocketInvalidTypeReceived": "the other side sent something that could not be read",
    "IncompleteReadError": "the connection broke before an answer",
    "EndOfStream": "the connection broke",
    "ClosedResourceError": "the connection was closed",
    "BrokenResourceError": "the connection broke",
    "ProxyError": "the proxy refused the connection",
    "UnsupportedProtocol": "the address is of no kind that can be reached",
    "InvalidURL": "the address cannot be used",
    "DecodingError": "the answer could not be decoded",
    "TooManyRedirects": "the server sent the request from place to place",
    "LocalProtocolError": "the request could not be written",
    "ProtocolError": "the answer was no proper answer",
    "TransportError": "the connection failed",
    "CancelledError": "it was ended before its time",
}
_CONNECTING = frozenset({"ConnectError", "NetworkError"})
"""Failures that are told by their cause where it is known."""


def failure_class(error: BaseException) -> dict[str, str]:
    """The field of a log line that has the class of this failure, which no sentence has."""
    return {"error_type": type(error).__name__}


def failure_words(error: BaseException) -> str:
    """What this failure is, for a person: a sentence without a full stop. An exception of our own says it itself."""
    if type(error).__module__.startswith(_OURS) and str(error):
        return str(error)
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _WORDS), "")
    if name in _CONNECTING:
        return _cause_words(error) or _WORDS[name]
    if name:
        return _WORDS[name]
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    return (_cause_words(error) if isinstance(error, OSError) else "") or IN_THE_LOG


def _cause_words(error: BaseException) -> str:
    """The words of the first cause that says more; empty when none does."""
    for cause in _causes(error):
        for kind in type(cause).__mro__:
            if kind.__name__ in _OF_A_CAUSE:
                return _OF_A_CAUSE[kind.__name__]
    return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What lies under the error, the nearest first."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield inner
            yield from _causes(inner)
    under = error.__cause__ or error.__context__
    if under is not None:
        yield under
        yield from _causes(under)
