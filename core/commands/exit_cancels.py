"""Cancels the closing orders that rest at the broker, on an operator's word (rules 15.8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.domain.operation.amounts import counted
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.positions.exit_fate import exit_fate
from core.domain.positions.exits import Exit
from core.domain.positions.resting import FEW
from core.domain.positions.trident_commands import CANCEL_WAITS_S
from core.orders.cancels import Answer, Asked, Canceller
from core.records.records import Records

_LOOK_EVERY_S = 0.25


async def cancel_resting(records: Records, canceller: Canceller, numbers: Sequence[str], who: str) -> str:
    """Asks the broker to cancel every closing order of these accounts that works, on an operator's word: no target of
    them is placed again. One that is on its way is waited for, `CANCEL_WAITS_S` at most, and cancelled once it works.
    Says what was asked, what was not taken, and of which order nobody knows. Raises RecordsError."""
    clock, cancels = canceller.clock, _Cancels()
    until = clock.monotonic() + CANCEL_WAITS_S
    left: Sequence[Exit] = [one for number in numbers for one in await records.exits.open_of(number)]
    while True:
        for one in left:
            if one.state is OrderState.WORKING and one.order_id is not None:
                cancels.add(one.order_id, await canceller.for_operator(one, who))
        left = [one for one in left if one.state in OPEN_STATES and one.state is not OrderState.WORKING]
        if not left or clock.monotonic() >= until:
            return cancels.words(left)
        await clock.sleep(_LOOK_EVERY_S)
        left = await records.exits.these([one.id for one in left])


@dataclass(eq=False, slots=True)
class _Cancels:
    """The ids of the orders whose cancel was asked, and of those where the broker did not take it, with its words."""

    asked: list[str] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)

    def add(self, order_id: str, answer: Asked[Exit]) -> None:
        if answer.answer is Answer.REFUSED:
            self.not_taken.append(f"{order_id} ({answer.detail})")
        else:
            self.asked.append(order_id)

    def words(self, left: Sequence[Exit]) -> str:
        told = []
        if self.asked:
            works = "it works" if len(self.asked) == 1 else "they work"
            named = f" ({', '.join(self.asked)})" if len(self.asked) <= FEW else ""
            orders = counted(len(self.asked), "closing order")
            told.append(f"cancel of {orders} asked{named}; {works} until the broker confirms")
        if self.not_taken:
            told.append(f"not taken: {', '.join(self.not_taken)}")
        if left:
            named = ", ".join(f"{exit_fate(one).name} ({one.state.words})" for one in left)
            told.append(f"not cancelled, because nobody knows whether the broker has it: {named}")
        return "; ".join(told) or "no closing order rests at the broker"
