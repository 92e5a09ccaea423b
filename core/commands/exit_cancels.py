"""Cancels the closing orders that rest at the broker, on an operator's word (rules 15.8)."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.operation.amounts import counted
from core.domain.orders.order_states import OrderState
from core.orders.cancels import Answer, Canceller
from core.records.records import Records


async def cancel_resting(records: Records, canceller: Canceller, numbers: Sequence[str], who: str) -> str:
    """Asks the broker to cancel every closing order of these accounts that works, on an operator's word: no target of
    them is placed again. Says what was asked, and what was not taken. Raises RecordsError."""
    asked, not_taken = [], []
    for number in numbers:
        for one in await records.exits.open_of(number):
            if one.state is not OrderState.WORKING or one.order_id is None:
                continue
            answer = await canceller.for_operator(one, who)
            if answer.answer is Answer.REFUSED:
                not_taken.append(f"{one.order_id} ({answer.detail})")
            else:
                asked.append(one.order_id)
    told = [f"not taken: {', '.join(not_taken)}"] if not_taken else []
    if asked:
        works = "it works" if len(asked) == 1 else "they work"
        orders = counted(len(asked), "closing order")
        told.insert(0, f"cancel of {orders} asked ({', '.join(asked)}); {works} until the broker confirms")
    return "; ".join(told) or "no closing order rests at the broker"
