"""The one way in which this console asks the broker to cancel an order: on record first, then once (rules 9)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic

from core.broker.port import Broker, BrokerError, BrokerFault
from core.domain.operation.events import Severity
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import AnyIntent, Intent
from core.domain.positions.exits import Exit
from core.orders.attribution import intent_of
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.clock import Clock

log = logging.getLogger(__name__)


class Answer(Enum):
    """What the broker said to a cancel. REFUSED: most often the order had ended before the cancel arrived. LOST: nobody
    knows whether it was taken."""

    TAKEN = "taken"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Asked(Generic[AnyIntent]):
    """The broker's answer to a cancel, and the intent as it is on record after it. `detail` says why it was not
    taken."""

    answer: Answer
    intent: AnyIntent
    detail: str = ""


@dataclass(eq=False, repr=False)
class Canceller:
    """Asks the broker to cancel an intent's order. The tracker then learns how it ended.

    Both ways raise RecordsError, and ValueError for an intent without an order.
    """

    broker: Broker
    records: Records
    tracker: OrderTracker
    clock: Clock

    async def for_operator(self, intent: AnyIntent, who: str) -> Asked[AnyIntent]:
        """Cancels on an operator's word. It is recorded before the broker is asked: the machine never reopens a day
        that the operator closed (rules 9)."""
        await self.records.intents.of(intent).note_cancel_request(intent.id, who, self.clock.now())
        return await self._ask(intent, own_since=None)

    async def for_console(self, intent: AnyIntent, why: str) -> Asked[AnyIntent]:
        """Cancels because a rule of this console says so. That the broker took it is recorded, because only an order
        that ended by it may free its day by proof (rules 9). An exit has the reason on record before the broker is
        asked."""
        asked_at = self.clock.now()
        if isinstance(intent, Exit):
            await self.records.exits.ask_cancel(intent.id, "this console", why, asked_at)
        # Said before the broker is asked: if the process dies before the answer, the journal still explains the cancel.
        await self._say(intent, f"{why}; its cancel is asked", Severity.INFO)
        asked = await self._ask(intent, own_since=asked_at)
        if asked.answer is not Answer.TAKEN:
            await self._say(intent, _not_taken(asked), Severity.WARNING)
        return asked

    async def _ask(self, intent: AnyIntent, own_since: datetime | None) -> Asked[AnyIntent]:
        if intent.order_id is None:
            raise ValueError(f"intent {intent.id} has no order to cancel")
        try:
            try:
                await self.broker.cancel(intent.account, intent.order_id)
            except BrokerError as error:
                if error.fault in (BrokerFault.REFUSED, BrokerFault.NOT_FOUND):
                    return Asked(Answer.REFUSED, await self._read(intent, intent.order_id), error.detail)
                # An alert may have told meanwhile how it ended.
                return Asked(Answer.LOST, await self.records.intents.of(intent).get(intent.id), error.detail)
            if own_since is not None:
                await self.tracker.cancel_taken(intent, own_since)
            return Asked(Answer.TAKEN, intent)
        finally:
            if own_since is None or not isinstance(intent, Exit):  # the proof of an exit's end reads its order anyway
                self.tracker.poll_soon(intent.account)

    async def _read(self, intent: AnyIntent, order_id: str) -> AnyIntent:
        """The intent as the broker's answer about just its order leaves it: the alert that says how it ended may come
        later than the refusal. An answer that does not come leaves it as recorded."""
        try:
            report = await self.broker.order(intent.account, order_id)
        except BrokerError as error:
            log.warning("order %s could not be read after its cancel was refused: %s", order_id, error.detail)
        else:
            owner = await intent_of(self.records.intents, report)
            if owner is not None and owner.id == intent.id:
                return await self.tracker.apply(intent, report, by_id=True)
        return await self.records.intents.of(intent).get(intent.id)

    async def _say(self, intent: Intent, text: str, severity: Severity) -> None:
        await self.tracker.kinds.words_of(intent).cancel(intent, text, severity)


def _not_taken(asked: Asked[AnyIntent]) -> str:
    """Why the broker did not acknowledge the console's cancel, and what the intent is now."""
    now = asked.intent.state
    if asked.answer is Answer.REFUSED and now is not OrderState.WORKING:
        return f"it was {now.words} before the cancel arrived"
    stands = "it works until read again" if now is OrderState.WORKING else f"it is {now.words}"
    return f"the cancel was not acknowledged ({asked.detail}); {stands}"
