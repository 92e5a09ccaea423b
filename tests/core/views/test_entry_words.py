"""The words of an entry's evidence and of older details: no hash, no exception name (rules 12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.orders.order_states import OrderState
from core.records.repositories.rows import EvidenceRecord, IntentChange
from core.records.search.cycle_details import EntryDetails
from core.views.entry_story import story_of_entry
from core.views.plain_words import plain_words
from tests.support.record_samples import after, entry

HASH, OTHER = "e3b0c44298fc1c14", "9f86d081884c7d65"


def _read(at: float, positions: str, *, found: bool = False) -> EvidenceRecord:
    return EvidenceRecord(
        "listing", "engine", True, {"found": found, "positions": positions, "alerts": [1, 2]}, after(at)
    )


def test_evidence_says_what_was_seen_and_shows_no_hash() -> None:
    unknown = replace(entry(), state=OrderState.UNKNOWN, sent_at=after(1), detail="no answer: ReadTimeout")
    change = IntentChange(OrderState.UNKNOWN, True, after(2), None, None, "no answer: ReadTimeout", None)
    attested = EvidenceRecord("attestation", "ana", True, {"seen": "absent"}, after(300))
    seen = (_read(121, HASH), _read(151, HASH), _read(181, OTHER), attested)

    story = story_of_entry(EntryDetails(unknown, (change,), seen))

    assert story.verdict == "UNKNOWN: the broker may have it or not; no other entry while this one stands"
    assert [line.text for line in story.lines if line.label == "evidence"] == [
        "listing by engine: no such order is there, positions noted",
        "listing by engine: no such order is there, positions unchanged",
        "listing by engine: no such order is there, positions CHANGED since the read before",
        "attestation by ana: no such order at the broker",
    ]
    [lost] = [line.text for line in story.lines if line.label == "unknown"]
    assert lost == "no answer"
    assert not any(hashed in line.text for line in story.lines for hashed in (HASH, OTHER))


def test_a_story_says_that_reentry_is_allowed_once_it_is() -> None:
    cancelled = replace(entry(), state=OrderState.CANCELLED, holds_day=True, cancel_requested_by="ana")
    waits = story_of_entry(EntryDetails(cancelled, (), ()))
    word = EvidenceRecord("attestation", "ana", True, {"allow_reentry": True}, after(300))

    story = story_of_entry(EntryDetails(cancelled, (), (word,)))

    assert waits.verdict.endswith("the day is free when an operator allows re-entry and two reads show no fill")
    assert story.verdict == "CANCELLED by ana; the day is free when two reads show no fill"
    told = {line.label: line.text for line in story.lines}
    assert told["evidence"] == "attestation by ana: re-entry allowed"
    assert told["now"] == f"{story.verdict}; entry {cancelled.id}"


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        ("no answer: RemoteProtocolError: Server disconnected", "no answer: Server disconnected"),
        ("no answer: ReadTimeout", "no answer"),
        ("the broker refused: Timeout of the session", "the broker refused: Timeout of the session"),
        ("margin check failed", "margin check failed"),
    ],
)
def test_older_details_lose_their_exception_names(stored: str, told: str) -> None:
    assert plain_words(stored) == told
