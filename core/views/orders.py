"""Entries for the screen, and what is known about one whose fate is unknown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from core.domain.operation import times
from core.domain.operation.events import masked
from core.domain.orders.fate import fate_of, needs_operators_word
from core.domain.orders.fills import fill_credit
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry, Fill
from core.domain.orders.settling import BETWEEN_READS_S, SETTLE_S, Settling
from core.records.repositories.entry_rows import FREED_BY_PROOF
from core.records.repositories.rows import EvidenceRecord
from core.snapshot import FateView, FillView, OrderView, Reentry

READS_NEED_ALERTS = "reads count only while the broker's alerts are connected; they are not"


async def reentry_of(entry: Entry, allowed: Callable[[str], Awaitable[bool]]) -> Reentry:
    """Whether an operator's cancel closed the day, and whether re-entry was allowed since. `allowed` tells the latter
    for an entry's id."""
    if entry.state not in FREED_BY_PROOF or entry.fills or not entry.holds_day or not needs_operators_word(entry):
        return Reentry.NONE
    return Reentry.ALLOWED if await allowed(entry.id) else Reentry.CLOSED


def order_view(
    entry: Entry,
    now: datetime,
    speed: float,
    evidence: str = "",
    reentry: Reentry | None = None,
    proof: Settling | None = None,
) -> OrderView:
    """The entry with its fills. Its age is wall seconds from its preparation to now, or to its end.

    `proof` is where the proof about it stands, None when time proves nothing about it.
    """
    until = entry.terminal_at or now
    return OrderView(
        entry_id=entry.id,
        order_id=entry.order_id or "",
        account=masked(entry.account),
        underlying=entry.underlying,
        expiration=entry.expiration,
        strikes=entry.strikes,
        limit=entry.limit,
        state=entry.state.value,
        broker_status=entry.broker_status or "",
        filled_contracts=int(sum(fill.quantity for fill in entry.fills)),
        total_contracts=sum(leg.quantity for leg in entry.request.legs),
        fill_credit=fill_credit(entry.request, entry.fills),
        fills=tuple(_fill_view(entry, fill) for fill in entry.fills),
        at=(entry.sent_at or entry.prepared_at).replace(microsecond=0),
        age_s=max(0, int((until - entry.prepared_at).total_seconds() / speed)),
        detail=entry.detail,
        evidence=evidence,
        identifier=entry.identifier,
        reentry=reentry or Reentry.NONE,
        holds_day=entry.holds_day,
        fate=FateView.of(fate_of(entry), reentry_allowed=reentry is Reentry.ALLOWED),
        day=entry.session_day,
        cycle=entry.cycle,
        settling=proof,
    )


def evidence_text(
    entry: Entry,
    seen: Sequence[EvidenceRecord],
    first_read: datetime | None,
    now: datetime,
    speed: float,
    *,
    alerts_connected: bool = True,
) -> str:
    """For an unknown entry: what was looked for so far and what comes next. Empty for any other entry.

    `seen` is its recorded evidence, oldest first. The settlement needs two complete reads; `first_read` is when the
    first of them was (rules 9). Countdowns are wall seconds, clock times exchange time.
    """
    if entry.state is not EntryState.UNKNOWN:
        return ""
    parts = [_attested(one) for one in seen if one.kind == "attestation" and "seen" in one.detail]
    reads = [one for one in seen if one.kind == "listing" and one.complete]
    if first_read is not None:
        left = BETWEEN_READS_S - _wall_s(first_read, now, speed)
        due = f"due in {_span(left)}" if left > 0 else "due now"
        parts.append(f"first complete read {times.clock(first_read)}: not there; second {due}")
        return "; ".join(parts)
    if reads:
        parts.append(f"last complete read {times.clock(reads[-1].at)}: not there, two in a row are needed")
    left = SETTLE_S - _wall_s(entry.sent_at or entry.prepared_at, now, speed)
    if not alerts_connected:
        parts.append(READS_NEED_ALERTS)
    elif left > 0:
        parts.append(f"first complete read due in {_span(left)}")
    elif not reads:
        parts.append("no complete read yet; the next one is due")
    return "; ".join(parts)


def _attested(one: EvidenceRecord) -> str:
    said = str(one.detail.get("seen", ""))
    what = said if said == "absent" else f"order {said}"
    return f"{one.who} attested {what} at {times.clock(one.at)}"


def _wall_s(since: datetime, now: datetime, speed: float) -> float:
    return (now - since).total_seconds() / speed


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _fill_view(entry: Entry, fill: Fill) -> FillView:
    """A fill with the strike of its leg. An entry keeps its strikes in the order of the order's legs (rules 2)."""
    names = dict(zip((leg.symbol for leg in entry.request.legs), entry.strikes.split("/"), strict=True))
    return FillView(names.get(fill.symbol, fill.symbol), fill.quantity, fill.price, fill.at.replace(microsecond=0))
