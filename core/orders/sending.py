"""What the desk has to know of an order that it takes to the broker, whatever the order is for (rules 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import AnyIntent


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What the mode allows. With `preflight` the broker's dry run is asked first. Without `sends` nothing is ever
    sent."""

    preflight: bool
    sends: bool


class Sending(Protocol[AnyIntent]):
    """One order on its way to the broker: the intent to record, and the guards of its kind, in the order in which the
    desk asks for them. Whatever waits may raise RecordsError."""

    @property
    def intent_id(self) -> str:
        """The id under which `prepare` records the intent."""
        ...

    @property
    def sender(self) -> str:
        """What takes the order to the broker, in words: `the cycle`."""
        ...

    async def prepare(self) -> AnyIntent | Refusal:
        """Records the intent, in one commit with whatever it holds; or says what forbids it."""
        ...

    async def guards(self, intent: AnyIntent) -> Refusal | None:
        """The last guards, which may ask the broker. What changes fastest is asked last."""
        ...

    def barred(self) -> Refusal | None:
        """What can be checked without waiting. Asked after the guards, and again with the bytes about to leave."""
        ...

    async def mark_sent(self, intent: AnyIntent) -> bool:
        """Records that the order is sent: the last durable commit before it leaves. False means that it must not."""
        ...

    async def why_not_sent(self, intent: AnyIntent) -> Refusal:
        """Why `mark_sent` said no."""
        ...
