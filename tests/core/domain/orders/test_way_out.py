"""The way out of each fate: a command that is given whole, and none where nothing helps (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import FREES_DAY, OrderState
from core.domain.orders.orders import Entry, Fill
from core.domain.orders.way_out import way_out
from tests.support.record_samples import AT, entry

ID = "3f0a77c2b19d4e5f8a6b7c8d9e0f1a2b"
INCIDENT, EARLIER = BreakerKind.INCIDENT, BreakerKind.EARLIER_ENTRY


def given(state: OrderState, **more: object) -> Entry:
    return replace(entry(), id=ID, state=state, holds_day=state not in FREES_DAY, **more)  # type: ignore[arg-type]


def filled(each: Entry, times: int) -> Entry:
    fills = (Fill(leg.symbol, leg.symbol, Decimal(times * leg.quantity), Decimal(1), AT) for leg in each.request.legs)
    return replace(each, fills=tuple(fills))


@pytest.mark.parametrize(
    ("each", "breakers", "words"),
    [
        (given(OrderState.UNKNOWN), (), "`senex reconcile` looks again, `senex attest absent 3f0a77c2` or "
         "`senex attest ORDER 3f0a77c2` records what you saw there"),
        (given(OrderState.UNKNOWN, order_id="77"), (EARLIER,), "`senex reconcile` looks again, "
         "`senex attest absent 3f0a77c2` or `senex attest 77 3f0a77c2` records what you saw there"),
        (given(OrderState.INCIDENT, order_id="77"), (INCIDENT,), "settle it at the broker, then `senex reset "
         "incident`; `senex attest 77 3f0a77c2` corrects the record"),
        (given(OrderState.INCIDENT, order_id="77"), (), "`senex attest 77 3f0a77c2` corrects the record"),
        (filled(given(OrderState.INCIDENT, order_id="77"), 2), (INCIDENT,), "settle it at the broker, then "
         "`senex reset incident`; `senex attest 77 3f0a77c2` corrects the record if that order alone filled so much"),
        (given(OrderState.ABSENT), (), "`senex attest ORDER 3f0a77c2` corrects the record if its order is at the "
         "broker after all"),
        (given(OrderState.WORKING), (), ""),
        (given(OrderState.WORKING), (EARLIER,), "ends by itself when the broker shows how it ended; when the broker no "
         "longer knows its order, it is unknown within 3 minutes"),
        (given(OrderState.CANCELLED), (), "`senex allow-reentry 3f0a77c2`"),
        (given(OrderState.CANCELLED, engine_cancel_at=AT), (), ""),
        (given(OrderState.EXPIRED, cancel_requested_by="ana"), (), "`senex allow-reentry 3f0a77c2`"),
        (replace(given(OrderState.CANCELLED), holds_day=False), (), ""),
        (given(OrderState.FILLED), (INCIDENT,), ""),
    ],
)  # fmt: skip
def test_the_words(each: Entry, breakers: tuple[BreakerKind, ...], words: str) -> None:
    assert way_out(fate_of(each), breakers) == words


def test_once_reentry_is_allowed_only_the_reads_are_waited_for() -> None:
    assert way_out(fate_of(given(OrderState.CANCELLED)), reentry_allowed=True) == ""
