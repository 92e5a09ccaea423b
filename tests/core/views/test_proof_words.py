"""The text an operator reads about an entry while time has to prove what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.records.repositories.rows import EvidenceRecord
from core.snapshot import Reentry
from core.views.orders import proof_of, proof_words
from tests.support.record_samples import AT, entry

SENT = AT
UNKNOWN = replace(entry(), state=OrderState.UNKNOWN, sent_at=SENT)
ENDED = replace(entry(), state=OrderState.CANCELLED, terminal_at=SENT, holds_day=True, cancel_requested_by="ana")
OURS, OTHER = (4, 1), (3, 9)


def at(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


def listing(seconds: float, connection: tuple[int, int] = OURS, *, found: bool = False) -> EvidenceRecord:
    return EvidenceRecord("listing", "engine", True, {"found": found, "alerts": connection}, at(seconds))


def attested(seen: str) -> EvidenceRecord:
    return EvidenceRecord("attestation", "ada", True, {"seen": seen}, at(60))


def told(
    one: Entry,
    seen: Sequence[EvidenceRecord],
    now: datetime,
    *,
    speed: float = 1,
    alerts_connected: bool = True,
    reentry: Reentry = Reentry.NONE,
) -> str:
    proof = proof_of(one, seen, speed, connection=OURS, alerts_connected=alerts_connected, reentry=reentry)
    return "" if proof is None else proof_words(proof, seen, now)


@pytest.mark.parametrize("state", [OrderState.WORKING, OrderState.FILLED, OrderState.REJECTED])
def test_only_an_entry_that_time_settles_has_any(state: OrderState) -> None:
    assert told(replace(UNKNOWN, state=state), (), at(5)) == ""


def test_it_counts_down_to_the_first_read_then_to_the_second() -> None:
    assert told(UNKNOWN, (), at(18)) == "first complete read due in 01:42"
    assert told(UNKNOWN, (), at(130)) == "first complete read due now"
    assert told(UNKNOWN, (listing(125),), at(137)).endswith("; second complete read due in 00:18")
    assert told(UNKNOWN, (listing(125),), at(160)).endswith("second complete read due now")


def test_the_two_reads_after_a_cancel_have_their_countdown_too() -> None:
    assert told(ENDED, (), at(18), reentry=Reentry.CLOSED) == "no read counts until an operator allows re-entry"
    assert told(ENDED, (), at(18), reentry=Reentry.ALLOWED) == "first complete read due in 01:42"
    seen = (listing(125, found=True),)
    assert told(ENDED, seen, at(137), reentry=Reentry.ALLOWED).endswith("; second complete read due in 00:18")


def test_a_countdown_goes_down_as_the_clock_on_the_screen_goes_on() -> None:
    """Two minutes of the wall are two hours of a market that runs 60 times as fast, and the screen shows the market's
    clock; the countdown to a slot in the bar is of that clock too."""
    assert told(UNKNOWN, (), at(600), speed=60) == "first complete read due in 1:50:00"


def test_a_read_of_an_earlier_run_does_not_count_as_the_first() -> None:
    assert told(UNKNOWN, (listing(125, OTHER),), at(500)) == "first complete read due now"


def test_without_alerts_it_says_what_it_waits_for() -> None:
    words = told(UNKNOWN, (), at(200), alerts_connected=False)
    assert words == "reads count only while the broker's alerts are connected; they are not"


def test_what_the_operator_saw_is_told_first() -> None:
    assert "ada attested order 4471 at" in told(UNKNOWN, (attested("4471"),), at(70))
    assert told(UNKNOWN, (attested("absent"),), at(70)).startswith("ada attested absent at")
