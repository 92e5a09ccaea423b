"""Entries for the screen, and where the proof about one stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from core.domain.operation import times
from core.domain.operation.events import masked
from core.domain.orders.fate import fate_of, needs_operators_word
from core.domain.orders.orders import Entry, Fill
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes, Settling, settling
from core.records.repositories.entry_rows import FREED_BY_PROOF
from core.records.repositories.rows import EvidenceRecord
from core.records.search.standings import looks_of
from core.snapshot import FateView, FillView, OrderView, Reentry
from core.views.plain_words import plain_words

READS_NEED_ALERTS = "reads count only while the broker's alerts are connected; they are not"


async def reentry_of(entry: Entry, allowed: Callable[[str], Awaitable[bool]]) -> Reentry:
    """Whether a person's cancel closed the day, and whether re-entry was allowed since. `allowed` tells the latter
    for an entry's id."""
    if entry.state not in FREED_BY_PROOF or entry.fills or not entry.holds_day or not needs_operators_word(entry):
        return Reentry.NONE
    return Reentry.ALLOWED if await allowed(entry.id) else Reentry.CLOSED


def order_view(
    entry: Entry,
    fate: FateView,
    now: datetime,
    speed: float,
    seen: Sequence[EvidenceRecord] = (),
    reentry: Reentry = Reentry.NONE,
    proof: Settling | None = None,
) -> OrderView:
    """The entry with its fate and its fills. Its age is wall seconds from its preparation to now, or to its end.

    `seen` is the newest that was seen of it, `proof` where the proof about it stands, None when time proves nothing.
    """
    until = entry.terminal_at or now
    return OrderView(
        entry_id=entry.id,
        order_id=entry.order_id or "",
        account=masked(entry.account),
        underlying=entry.underlying,
        expiration=entry.expiration,
        strikes=entry.strikes,
        limit=fate.limit,
        state=entry.state.value,
        broker_status=entry.broker_status or "",
        filled_contracts=fate.filled,
        total_contracts=fate.contracts,
        fill_credit=fate.credit,
        fills=tuple(_fill_view(entry, fill) for fill in entry.fills),
        at=(entry.sent_at or entry.prepared_at).replace(microsecond=0),
        age_s=max(0, int((until - entry.prepared_at).total_seconds() / speed)),
        detail=fate.why,
        evidence="" if proof is None else proof_words(proof, seen, now),
        identifier=entry.identifier,
        reentry=reentry,
        holds_day=entry.holds_day,
        fate=fate,
        day=entry.session_day,
        cycle=entry.cycle,
        settling=proof,
    )


def fate_view(entry: Entry, reentry: Reentry = Reentry.NONE, today: date | None = None) -> FateView:
    """The entry's fate for the screen. `reentry` is whether a person's cancel closed the day, `today` the exchange's
    date, None where it may be read on any day."""
    fate = fate_of(entry)
    allowed = reentry is Reentry.ALLOWED
    return FateView.of(replace(fate, why=plain_words(fate.why)), reentry_allowed=allowed, today=today)


def proof_of(
    entry: Entry,
    seen: Sequence[EvidenceRecord],
    speed: float,
    waits: SettleTimes = PRODUCT_TIMES,
    *,
    connection: tuple[int, int] | None = None,
    reentry: Reentry = Reentry.NONE,
    alerts_connected: bool = True,
) -> Settling | None:
    """Where the proof about the entry stands by what was `seen` of it; None when time proves nothing about it."""
    return settling(
        entry,
        looks_of(seen),
        speed,
        waits,
        connection=connection,
        reentry_allowed=reentry is Reentry.ALLOWED,
        blocked="" if alerts_connected else READS_NEED_ALERTS,
    )


def proof_words(proof: Settling, seen: Sequence[EvidenceRecord], now: datetime) -> str:
    """What was looked for so far, and what comes next. Clock times are exchange time."""
    parts = [_attested(one) for one in seen if one.kind == "attestation" and "seen" in one.detail]
    if proof.needs_word:
        return "; ".join((*parts, "no read counts until an operator allows re-entry"))
    if proof.blocked:
        return "; ".join((*parts, proof.blocked))
    if proof.first_read is not None:
        parts.append(f"first complete read at {times.clock(proof.first_read)}")
    due, which = proof.next_due, "first" if proof.first_read is None else "second"
    if due is not None:
        parts.append(f"{which} complete read due {times.countdown(due, now)}")
    return "; ".join(parts)


def _attested(one: EvidenceRecord) -> str:
    said = str(one.detail.get("seen", ""))
    what = said if said == "absent" else f"order {said}"
    return f"{one.who} attested {what} at {times.clock(one.at)}"


def _fill_view(entry: Entry, fill: Fill) -> FillView:
    """A fill with the strike of its leg. An entry keeps its strikes in the order of the order's legs (rules 2)."""
    names = dict(zip((leg.symbol for leg in entry.terms.legs), entry.strikes.split("/"), strict=False))
    return FillView(names.get(fill.symbol, fill.symbol), fill.quantity, fill.price, fill.at.replace(microsecond=0))
