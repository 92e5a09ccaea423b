"""What the request and response hooks saw of one call: the evidence an outcome is judged by (SPEC 9)."""

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
    """Ends an SDK call once its readable answer is in the evidence, so we parse it instead of the SDK."""


@dataclass(slots=True)
class Evidence:
    """`order_path` names the POST to watch and `guard` is asked before it leaves; without it the last answer is kept.

    `left` is true once the order was handed to the network; `status` and `body` are the answer, when one came.
    """

    take_body: bool = False
    order_path: str | None = None
    guard: WireGuard | None = None
    left: bool = False
    status: int | None = None
    body: bytes | None = None

    def ask_guard(self) -> None:
        """Lets the order leave, or raises WireRefused: it has then not left, nor if the guard itself fails."""
        self.left = False
        refusal = self.guard() if self.guard is not None else None
        if refusal is not None:
            raise WireRefused(refusal)
        self.left = True

    async def trace(self, event: str, info: Mapping[str, object]) -> None:
        """The transport's trace: asks the guard again when a connection stands and nothing has been written yet.

        Opening a connection may take seconds, and between `sent` and the wire nothing may wait (SPEC 9).
        """
        if event == _HEADERS_STARTED:
            self.ask_guard()


_current: ContextVar[Evidence | None] = ContextVar("tastytrade_evidence", default=None)


def current_evidence() -> Evidence | None:
    """The evidence of the call this task is making, for the hooks."""
    return _current.get()


@contextmanager
def observed(evidence: Evidence) -> Iterator[Evidence]:
    """Collects evidence of every request made inside."""
    token = _current.set(evidence)
    try:
        yield evidence
    finally:
        _current.reset(token)
