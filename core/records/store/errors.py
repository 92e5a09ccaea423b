"""What the records say no with: trouble with the store, and rules the store enforces."""

from __future__ import annotations

from core.domain.orders.order_states import EntryState


class RecordsError(Exception):
    """The store cannot be opened, read or written. The message is one clear sentence with the fix."""


class FencedOff(RecordsError):
    """A newer trader has the records: nothing was changed, and this one ends (reference reliability 2.5.1)."""


class RecordsRefusal(Exception):
    """A rule kept by the records says no; nothing was changed."""


class StateConflict(RecordsRefusal):
    """The recorded state does not allow what was asked: resuming a halt, ending a cycle twice."""


class IllegalTransition(RecordsRefusal):
    """The table of transitions (core.domain.orders.order_states) does not allow this one."""

    def __init__(self, entry_id: str, old: EntryState, new: EntryState) -> None:
        super().__init__(f"entry {entry_id} is {old.value}; it cannot become {new.value}")
        self.entry_id = entry_id
        self.old = old
        self.new = new


class AlreadyValidated(RecordsRefusal):
    """The account has its one validated suggestion of this session day (SPEC 9, dry-run)."""
