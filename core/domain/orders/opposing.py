"""Orders that the broker refuses because one of the other direction works on their strikes (rules 7, 15.4)."""

from __future__ import annotations

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Intent

OPPOSING_ORDER = Reason.OPPOSING_ORDER.code
"""The broker's code for it, which is our reason's too."""


def is_opposing(words: str) -> bool:
    """Whether these words of the broker, which begin with its codes, say so."""
    return OPPOSING_ORDER in words


def was_opposed(intent: Intent) -> bool:
    """Whether the intent's order was refused so: by the answer to it, by the broker's dry run before it left, or after
    it had been taken."""
    return intent.state in (OrderState.REJECTED, OrderState.NOT_SENT) and is_opposing(intent.detail)


def opposed(underlying: str, words: str) -> Refusal:
    """The refusal of an order on this underlying, with the broker's words from its code on."""
    return refuse(Reason.OPPOSING_ORDER, symbol=underlying, detail=words[words.find(OPPOSING_ORDER) :])
