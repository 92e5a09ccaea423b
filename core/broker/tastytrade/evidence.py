"""What the request and response hooks saw of one call: the evidence by which its outcome is judged (rules 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from core.broker.port import WireGuard
from core.domain.operation.reasons import Refusal

_HEADERS_STARTED = "http11.send_request_headers.started"


class WireRefused(Exception):
    """The guard refused the order before any of its bytes left."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence())
        self.refusal = refusal


class BodyTaken(Exception):
    """Ends an SDK call once its answer is in the evidence, so that we parse it and the SDK does not."""


@dataclass(slots=True)
class Evidence:
    """What the hooks saw of one call.

    `order_path` is the path of an order's POST, and `guard` is called before that leaves. Without `order_path` the last
    answer is kept. `left` is true once the order was handed to the network. `status` and `body` are the answer, if one
    came.
    """

    take_body: bool = False
    order_path: str | None = None
    guard: WireGuard | None = None
    left: bool = False
    status: int | None = None
    body: bytes | None = None

    def ask_guard(self) -> None:
        """Lets the order leave, or raises WireRefused. The order has not left then, nor when the guard itself fails."""
        self.left = False
        refusal = self.guard() if self.guard is not None else None
        if refusal is not None:
            raise WireRefused(refusal)
        self.left = True

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Receives the transport's trace events, and calls the guard again once the connection is open and nothing is
        written. Opening a connection may take seconds, and no such wait may lie between the last check and the wire
        (rules 9).
        """
        if event == _HEADERS_STARTED:
            self.ask_guard()


_current: ContextVar[Evidence | None] = ContextVar("tastytrade_evidence", default=None)


def current_evidence() -> Evidence | None:
    """The evidence of the call that this task makes, for the hooks; None outside `observed`."""
    return _current.get()


@contextmanager
def observed(evidence: Evidence) -> Iterator[Evidence]:
    """Collects evidence of every request made inside the block."""
    token = _current.set(evidence)
    try:
        yield evidence
    finally:
        _current.reset(token)
