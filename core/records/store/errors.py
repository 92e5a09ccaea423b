"""Errors raised by the records: failures of the store, and rules that the store enforces."""

from __future__ import annotations

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import IntentKind
from core.runtime.task_groups import AnotherTrader


class RecordsError(Exception):
    """The store cannot be opened, read or written. The text is one clear sentence with the fix."""


class OtherSchema(RecordsError):
    """The store was written by another version of senex. A trader brings an older one up to date; a reader may not."""


class FencedOff(RecordsError, AnotherTrader):
    """A newer trader has the records. Nothing was changed, and this trader ends (rules 10)."""


class RecordsRefusal(Exception):
    """A rule of the records refused the change. Nothing was changed."""


class StateConflict(RecordsRefusal):
    """The recorded state does not allow the change, such as resuming while halted or ending a cycle twice."""


class IllegalTransition(RecordsRefusal):
    """The intent cannot change like this (`core.domain.orders.order_states`)."""

    def __init__(self, kind: IntentKind, intent_id: str, old: OrderState, new: OrderState) -> None:
        super().__init__(f"{kind.value} {intent_id} is {old.words}; it cannot become {new.words}")
        self.intent_id = intent_id
        self.old = old
        self.new = new


class AlreadyValidated(RecordsRefusal):
    """The account has its one validated suggestion of this session day already (rules 9, dry-run)."""
