"""The way out of each fate: a command that is given whole, and none where nothing helps (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import FREES_DAY, EntryState
from core.domain.orders.orders import Entry, Fill
from core.domain.orders.way_out import way_out
from tests.support.record_samples import AT, entry

ID = "3f0a77c2b19d4e5f8a6b7c8d9e0f1a2b"
INCIDENT, EARLIER = BreakerKind.INCIDENT, BreakerKind.EARLIER_ENTRY


def given(state: EntryState, **more: object) -> Entry:
    return replace(entry(), id=ID, state=state, holds_day=state not in FREES_DAY, **more)  # type: ignore[arg-type]


def filled(each: Entry, times: int) -> Entry:
    fills = (Fill(leg.symbol, leg.symbol, Decimal(times * leg.quantity), Decimal(1), AT) for leg in each.request.legs)
    return replace(each, fills=tuple(fills))


@pytest.mark.parametrize(
    ("each", "breakers", "words"),
    [
        (given(EntryState.UNKNOWN), (), "`senex reconcile` looks again, `senex attest absent 3f0a77c2` or "
         "`senex attest ORDER 3f0a77c2` records what you saw there"),
        (given(EntryState.UNKNOWN, order_id="77"), (EARLIER,), "`senex reconcile` looks again, "
         "`senex attest absent 3f0a77c2` or `senex attest 77 3f0a77c2` records what you saw there"),
        (given(EntryState.INCIDENT, order_id="77"), (INCIDENT,), "settle it at the broker, then `senex reset "
         "incident`; `senex attest 77 3f0a77c2` corrects the record"),
        (given(EntryState.INCIDENT, order_id="77"), (), "`senex attest 77 3f0a77c2` corrects the record"),
        (filled(given(EntryState.INCIDENT, order_id="77"), 2), (INCIDENT,), "settle it at the broker, then "
         "`senex reset incident`; `senex attest 77 3f0a77c2` corrects the record if that order alone filled so much"),
        (given(EntryState.ABSENT), (), "`senex attest ORDER 3f0a77c2` corrects the record if its order is at the "
         "broker after all"),
        (given(EntryState.WORKING), (), ""),
        (given(EntryState.WORKING), (EARLIER,), "ends by itself when the broker shows how it ended; when the broker no "
         "longer knows its order, it is unknown within 3 minutes"),
        (given(EntryState.CANCELLED), (), "`senex allow-reentry 3f0a77c2`"),
        (given(EntryState.CANCELLED, engine_cancel_at=AT), (), ""),
        (given(EntryState.EXPIRED, cancel_requested_by="ana"), (), "`senex allow-reentry 3f0a77c2`"),
        (replace(given(EntryState.CANCELLED), holds_day=False), (), ""),
        (given(EntryState.FILLED), (INCIDENT,), ""),
    ],
)  # fmt: skip
def test_the_words(each: Entry, breakers: tuple[BreakerKind, ...], words: str) -> None:
    assert way_out(fate_of(each), breakers) == words


def test_once_reentry_is_allowed_only_the_reads_are_waited_for() -> None:
    assert way_out(fate_of(given(EntryState.CANCELLED)), reentry_allowed=True) == ""
