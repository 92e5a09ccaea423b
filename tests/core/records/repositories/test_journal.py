"""Events, suggestions and the broker's dry runs come back from the journal as they were recorded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.operation.reasons import Reason
from core.records.records import AlreadyValidated, DryRunRecord, Records, RecordsError
from tests.support.record_samples import ACCOUNT, AT, DAY, after, suggestion

_REFUSED = Event(
    at=AT,
    kind="attempt.refused",
    text="QQQ scores 12; 40 needed\n[b]",
    severity=Severity.WARNING,
    cycle=7,
    attempt=2,
    account=ACCOUNT,
    underlying="QQQ",
    step=Step.JUDGEMENT,
    result=StepResult.REFUSED,
    reason=Reason.LOW_SCORE,
    figures=(
        ("score", Decimal("12.50")),
        ("needed", 40),
        ("neutral", True),
        ("earnings", date(2026, 4, 1)),
        ("at", AT),
        ("rank", None),
        ("word", "12.50"),
    ),
    duration_ms=1500,
)


async def test_events_come_back_whole_with_the_types_of_their_figures(records: Records) -> None:
    plain = Event(at=after(1), kind="engine.started", text="started")
    await records.journal.append(_REFUSED, plain)
    found = await records.journal.newest(10)
    assert repr(found) == repr((plain, _REFUSED))
    assert [type(value) for _, value in found[1].figures] == [type(value) for _, value in _REFUSED.figures]


@pytest.mark.parametrize("reason", list(Reason))
async def test_every_reason_can_be_recorded(records: Records, reason: Reason) -> None:
    await records.journal.append(replace(_REFUSED, reason=reason))
    assert (await records.journal.newest(1))[0].reason is reason


async def test_the_journal_keeps_the_order_of_writing_not_of_the_clock(records: Records) -> None:
    happened = [Event(at=after(-number), kind="k", text=str(number), cycle=number % 2) for number in range(6)]
    await records.journal.append(*happened[:3])
    await records.journal.append()
    await records.journal.append(*happened[3:])
    assert await records.journal.of_cycle(1) == tuple(happened[1::2])
    assert await records.journal.newest(2) == (happened[5], happened[4])


async def test_events_of_one_append_are_written_all_or_none(records: Records) -> None:
    wrong = replace(_REFUSED, at=AT.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        await records.journal.append(_REFUSED, wrong)
    assert await records.journal.newest(10) == ()


async def test_a_suggestion_comes_back_with_its_evidence(records: Records) -> None:
    await records.journal.record_suggestion(suggestion())
    priced = replace(suggestion("s2"), limit=Decimal("4.060"), offset=Decimal("0.04"), at=after(1))
    await records.journal.record_suggestion(priced)
    assert repr(await records.journal.suggestions_of(ACCOUNT, DAY)) == repr((suggestion(), priced))
    with pytest.raises(RecordsError, match="s1 is already recorded"):
        await records.journal.record_suggestion(suggestion())


async def test_one_validated_suggestion_a_day_by_two_programs(records: Records, second: Records) -> None:
    assert not await records.journal.validated_on(ACCOUNT, DAY)
    await records.journal.record_suggestion(suggestion("plain"))
    answers = await asyncio.gather(
        *(
            each.journal.record_suggestion(suggestion(f"v{number}", validated=True))
            for number, each in enumerate((records, second) * 3)
        ),
        return_exceptions=True,
    )
    assert answers.count(None) == 1
    assert all(isinstance(answer, AlreadyValidated) for answer in answers if answer is not None)
    assert await records.journal.validated_on(ACCOUNT, DAY)
    assert not await records.journal.validated_on("5WT00002", DAY)
    await records.journal.record_suggestion(suggestion("plain too"))
    await records.journal.record_suggestion(replace(suggestion("next", validated=True), session_day=date(2026, 3, 3)))


async def test_the_brokers_dry_run_answer_comes_back_for_its_suggestion(records: Records) -> None:
    answer = DryRunRecord("s1", AT, Decimal("-214.00"), Decimal("24786.00"), Decimal("6.84"), (("w1", "look [b]"),))
    assert await records.journal.dry_run_of("s1") is None
    await records.journal.record_suggestion(suggestion())
    await records.journal.record_dry_run(answer)
    assert repr(await records.journal.dry_run_of("s1")) == repr(answer)
    newer = replace(answer, at=after(1), fees=None, warnings=())
    await records.journal.record_dry_run(newer)
    assert repr(await records.journal.dry_run_of("s1")) == repr(newer)
    assert await records.journal.dry_run_of("s2") is None


async def test_a_suggestion_and_its_dry_run_answer_are_recorded_together_or_not_at_all(records: Records) -> None:
    def answer(suggestion_id: str) -> DryRunRecord:
        return DryRunRecord(suggestion_id, AT, Decimal(-214), Decimal(24786), None, ())

    await records.journal.record_suggestion(suggestion("v1", validated=True), answer("v1"))
    assert await records.journal.dry_run_of("v1") == answer("v1")
    with pytest.raises(AlreadyValidated):
        await records.journal.record_suggestion(suggestion("v2", validated=True), answer("v2"))
    assert await records.journal.dry_run_of("v2") is None
