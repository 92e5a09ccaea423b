"""How far the proof has come that an unknown order never arrived, or that an ended one never filled (rules 9).

The proof is two complete reads at the broker, 30 s apart and both at least 120 s after the event, over one connection
of the alerts. The waits are wall seconds (rules 14); every instant here is market time, in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.domain.orders.fate import needs_operators_word
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry

SETTLE_S = 120.0
BETWEEN_READS_S = 30.0
HIDDEN_S = 2_700.0
"""Wall seconds for which the broker's listings may not show an order that it has."""
LAST_DAY_S = 300.0
"""Wall seconds after which an exit of a trident's last day counts as shown or not at the broker (rules 15.4)."""


@dataclass(frozen=True, slots=True)
class SettleTimes:
    """The waits of rules 9, in wall seconds. A proof that runs on a shorter scale gives its own."""

    settle_s: float = SETTLE_S
    """From the sending, or from the terminal status, to the first read that counts."""
    between_reads_s: float = BETWEEN_READS_S
    hidden_s: float = HIDDEN_S
    """From a refusal after which no alerts were heard to the next entry, and from the sending of an exit to the first
    read that counts."""
    last_day_s: float = LAST_DAY_S
    """From the sending of an exit on its trident's last day to the first read that counts."""

    def of_exit(self, *, last_day: bool) -> SettleTimes:
        """The waits of an exit, whose units get no other order before it is proved not to be at the broker."""
        return replace(self, settle_s=self.last_day_s if last_day else self.hidden_s)


PRODUCT_TIMES = SettleTimes()


@dataclass(frozen=True, slots=True)
class Look:
    """One recorded read of the day's orders at the broker.

    `found` says whether it shows the entry's order; `connection` is the trader's epoch and the number of the alert
    connection it was made over.
    """

    at: datetime
    complete: bool
    found: bool
    connection: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Settling:
    """Where the proof stands.

    `needs_word`: no read counts until an operator allows re-entry, and no instant is set. `first_due` is from when the
    first read counts. `first_read` is when it was made, and `second_due` from when the second counts; None before.
    `blocked` says why no read counts now, or is empty.
    """

    needs_word: bool
    first_due: datetime | None
    first_read: datetime | None
    second_due: datetime | None
    blocked: str = ""

    @property
    def next_due(self) -> datetime | None:
        """From when the next read counts; None when none is due."""
        return self.second_due or self.first_due


def settling(
    entry: Entry,
    reads: Sequence[Look],
    speed: float,
    times: SettleTimes = PRODUCT_TIMES,
    *,
    connection: tuple[int, int] | None = None,
    reentry_allowed: bool = False,
    blocked: str = "",
) -> Settling | None:
    """Where the proof about this entry stands; None when time proves nothing about it.

    `reads` are in any order. `connection` is the present one of the alerts; without it that of the newest read counts.
    `speed` is market seconds per wall second.
    """
    since = _event(entry)
    if since is None:
        return None
    if entry.state is not OrderState.UNKNOWN and needs_operators_word(entry) and not reentry_allowed:
        return Settling(True, None, None, None)
    first_due = since + timedelta(seconds=times.settle_s * speed)
    shows = entry.state is not OrderState.UNKNOWN  # of an ended order the read must show the end
    counting = [read for read in reads if read.complete and read.found is shows and read.at >= first_due]
    newest = max(counting, key=lambda read: read.at, default=None)
    if newest is None or blocked or connection not in (None, newest.connection):
        return Settling(False, first_due, None, None, blocked)
    return Settling(False, first_due, newest.at, newest.at + timedelta(seconds=times.between_reads_s * speed))


def _event(entry: Entry) -> datetime | None:
    """What the proof counts its seconds from; None when the entry is not one that time settles."""
    if entry.state is OrderState.UNKNOWN:
        # The broker had its order and knows it no longer: only an operator's word settles that.
        return entry.sent_at if entry.order_id is None else None
    ended = entry.state in (OrderState.CANCELLED, OrderState.EXPIRED)
    return entry.terminal_at if ended and entry.holds_day and not entry.fills else None
