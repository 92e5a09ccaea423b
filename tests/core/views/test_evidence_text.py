"""The text an operator reads about an unknown entry while the engine looks for its order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.domain.orders.order_states import EntryState
from core.records.repositories.rows import EvidenceRecord
from core.views.orders import evidence_text
from tests.support.record_samples import AT, entry

SENT = AT
UNKNOWN = replace(entry(), state=EntryState.UNKNOWN, sent_at=SENT)


def at(seconds: float):  # type: ignore[no-untyped-def]
    return SENT + timedelta(seconds=seconds)


def listing(seconds: float) -> EvidenceRecord:
    return EvidenceRecord("listing", "engine", True, {"found": False}, at(seconds))


def attested(seen: str) -> EvidenceRecord:
    return EvidenceRecord("attestation", "ada", True, {"seen": seen}, at(60))


def test_only_an_unknown_entry_has_any() -> None:
    assert evidence_text(replace(UNKNOWN, state=EntryState.WORKING), (), None, at(5), 1) == ""


def test_it_counts_down_to_the_first_read_then_to_the_second() -> None:
    assert evidence_text(UNKNOWN, (), None, at(18), 1) == "first complete read due in 1:42"
    assert evidence_text(UNKNOWN, (), None, at(130), 1) == "no complete read yet; the next one is due"
    first = evidence_text(UNKNOWN, (listing(125),), at(125), at(137), 1)
    assert first.endswith(": not there; second due in 0:18")
    assert evidence_text(UNKNOWN, (listing(125),), at(125), at(160), 1).endswith("second due now")


def test_countdowns_are_wall_seconds_when_market_time_runs_faster() -> None:
    assert evidence_text(UNKNOWN, (), None, at(600), 60) == "first complete read due in 1:50"


def test_a_read_of_an_earlier_run_is_told_but_does_not_count_as_the_first() -> None:
    told = evidence_text(UNKNOWN, (listing(125),), None, at(500), 1)
    assert "last complete read" in told
    assert "two in a row are needed" in told


def test_without_alerts_it_says_what_it_waits_for() -> None:
    told = evidence_text(UNKNOWN, (), None, at(200), 1, alerts_connected=False)
    assert told == "reads count only while the broker's alerts are connected; they are not"


def test_what_the_operator_saw_is_told_first() -> None:
    assert "ada attested order 4471 at" in evidence_text(UNKNOWN, (attested("4471"),), None, at(70), 1)
    assert evidence_text(UNKNOWN, (attested("absent"),), None, at(70), 1).startswith("ada attested absent at")
