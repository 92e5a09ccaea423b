"""Searching the records: pages, filters, and unusual characters in the search text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.operation.commands import Command, CommandKind, CommandState
from core.domain.operation.events import Event, Step, StepResult
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.records.records import Records
from core.records.search import conditions, cycle_rows
from core.records.search.history import OUTCOMES, HistoryFilter, HistoryKind, HistoryRow, Mark
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, SLOT, after, entry, fill, suggestion, url_of

OTHER = "5WT00002"
NEXT_DAY = DAY + timedelta(days=1)
_CYCLE_TEXTS = ("an entry already holds the day: filled", "100 % of 7_up\\z is [odd]", "")


async def _cycle(records: Records, day: date, slot: datetime, reason: Reason | None, text: str) -> int:
    number = await records.cycles.begin(day, slot, False, slot)
    assert number is not None
    step = Event(
        slot,
        "step.judgement",
        text,
        cycle=number,
        attempt=1,
        account=ACCOUNT if number % 2 else OTHER,
        underlying="QQQ" if number % 2 else "SPX",
        step=Step.JUDGEMENT,
        result=StepResult.REFUSED if reason else StepResult.PASSED,
        reason=reason,
        figures=(("score", Decimal("31.2")),),
    )
    priced = replace(step, kind="step.pricing", step=Step.PRICING, result=StepResult.PASSED, reason=None)
    await records.journal.append(step, *(() if reason else (priced,)))
    outcome = "skipped" if reason else "succeeded"
    await records.cycles.end(number, outcome, reason.code if reason else "", text, {"processed": 1}, after(number))
    return number


async def fill_records(records: Records) -> None:
    """Records six cycles over two days, two missed slots, two suggestions, two orders, two fills, two commands."""
    for index in range(6):
        day, slot = (DAY, SLOT) if index < 3 else (NEXT_DAY, SLOT + timedelta(days=1))
        reason = Reason.LOW_SCORE if index % 3 else None
        await _cycle(records, day, slot + timedelta(minutes=15 * (index % 3)), reason, _CYCLE_TEXTS[index % 3])
    for index, reason in enumerate((Reason.PAUSED, Reason.PROCESS_DOWN)):
        slot = SLOT + timedelta(hours=2 + index)
        await records.slots.miss(DAY, slot, reason, reason.sentence, slot)
    await records.journal.record_suggestion(suggestion("s1"))
    await records.journal.record_suggestion(replace(suggestion("s2"), account=OTHER, validated=True, at=after(900)))
    await records.entries.prepare(entry("one"))
    await records.entries.prepare(replace(entry("two", account=OTHER), underlying="SPX"))
    assert await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
    await records.entries.become("one", OrderState.WORKING, at=AT, order_id="77", broker_status="Live")
    await records.entries.add_fills("one", (fill("f1", "1"), replace(fill("f2", "1"), at=after(5))))
    for index, kind in enumerate((CommandKind.PAUSE, CommandKind.HALT)):
        await records.inbox.post(Command(f"c{index}", kind, "operator", after(index), note="margin_call"))
    await records.inbox.finish("c0", CommandState.DONE, "automation paused", after(2))


async def pages(records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int) -> list[HistoryRow]:
    found: list[HistoryRow] = []
    mark: Mark | None = None
    while page := await records.history.page(kind, wanted, limit, mark):
        assert len(page) <= limit
        found += page
        mark = page[-1].mark
    return found


_COUNTS = {
    HistoryKind.CYCLES: 8,
    HistoryKind.ATTEMPTS: 6,
    HistoryKind.SUGGESTIONS: 2,
    HistoryKind.ORDERS: 2,
    HistoryKind.FILLS: 2,
    HistoryKind.COMMANDS: 2,
    HistoryKind.EXITS: 0,  # `test_trident_history.py` has both
    HistoryKind.TRIDENTS: 0,
}


Find = Callable[[HistoryKind, HistoryFilter, int], list[HistoryRow]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Records]]:
    """The records, and what runs their reads."""
    path = tmp_path_factory.mktemp("history") / "records.sqlite3"
    with asyncio.Runner() as runner:
        records = runner.run(Records.open(url_of(path)))
        runner.run(fill_records(records))
        yield runner, records
        runner.run(records.close())


@pytest.fixture(scope="module")
def find(filled: tuple[asyncio.Runner, Records]) -> Find:
    """Finds everything, in pages of this size."""
    runner, records = filled
    return lambda kind, wanted, limit: runner.run(pages(records, kind, wanted, limit))


@pytest.fixture(scope="module")
def account_words(filled: tuple[asyncio.Runner, Records]) -> dict[int, str]:
    """What the accounts of each cycle are told to have come to, by its number."""
    runner, records = filled
    told = [runner.run(records.told_cycles.of_day(day)) for day in (DAY, NEXT_DAY)]
    return {
        number: "\n".join(one.beside_outcome for one in cycle.accounts.values())
        for of_day in told
        for number, cycle in of_day.items()
    }


def test_pages_of_any_size_hold_everything_once_newest_first(find: Find) -> None:
    for kind, count in _COUNTS.items():
        whole = find(kind, HistoryFilter(), 100)
        assert len(whole) == count, kind
        assert [row.at for row in whole] == sorted((row.at for row in whole), reverse=True)
        for limit in (1, 2, 3):
            assert find(kind, HistoryFilter(), limit) == whole


async def test_a_missed_slot_at_the_instant_a_cycle_began_is_not_lost_between_pages(records: Records) -> None:
    assert await records.cycles.begin(DAY, None, True, SLOT) == 1
    await records.slots.miss(DAY, SLOT, Reason.CYCLE_RUNNING, "another cycle is running", SLOT)
    found = await pages(records, HistoryKind.CYCLES, HistoryFilter(), 1)
    assert [(row.cycle, row.outcome) for row in found] == [(1, "running"), (None, "missed")]


@pytest.mark.parametrize(
    ("kind", "wanted", "count"),
    [
        (HistoryKind.CYCLES, HistoryFilter(since=NEXT_DAY), 3),
        (HistoryKind.CYCLES, HistoryFilter(until=DAY), 5),
        (HistoryKind.CYCLES, HistoryFilter(since=DAY, until=DAY, outcome="missed"), 2),
        (HistoryKind.CYCLES, HistoryFilter(outcome="skipped"), 4),
        (HistoryKind.CYCLES, HistoryFilter(outcome="running"), 0),
        (HistoryKind.CYCLES, HistoryFilter(account=OTHER), 3),
        (HistoryKind.CYCLES, HistoryFilter(underlying="QQQ", outcome="skipped"), 2),
        (HistoryKind.CYCLES, HistoryFilter(reason="low_score"), 4),
        (HistoryKind.CYCLES, HistoryFilter(reason="paused"), 1),
        (HistoryKind.CYCLES, HistoryFilter(text="HOLDS the day"), 2),
        (HistoryKind.ATTEMPTS, HistoryFilter(outcome="refused"), 4),
        (HistoryKind.ATTEMPTS, HistoryFilter(outcome="passed", account=ACCOUNT), 1),
        (HistoryKind.ATTEMPTS, HistoryFilter(reason="low_score", underlying="SPX"), 2),
        (HistoryKind.ATTEMPTS, HistoryFilter(since=NEXT_DAY, until=NEXT_DAY), 3),
        (HistoryKind.SUGGESTIONS, HistoryFilter(outcome="validated"), 1),
        (HistoryKind.SUGGESTIONS, HistoryFilter(outcome="refused", account=ACCOUNT), 1),
        (HistoryKind.ORDERS, HistoryFilter(outcome="working", text="77"), 1),
        (HistoryKind.ORDERS, HistoryFilter(underlying="SPX"), 1),
        (HistoryKind.FILLS, HistoryFilter(account=ACCOUNT, underlying="QQQ", text="p00622000"), 2),
        (HistoryKind.FILLS, HistoryFilter(account=OTHER), 0),
        (HistoryKind.FILLS, HistoryFilter(since=NEXT_DAY), 0),
        (HistoryKind.COMMANDS, HistoryFilter(outcome="done"), 1),
        (HistoryKind.COMMANDS, HistoryFilter(text="margin_"), 2),
    ],
)
def test_a_filter_finds_the_rows_that_meet_it(find: Find, kind: HistoryKind, wanted: HistoryFilter, count: int) -> None:
    found = find(kind, wanted, 2)
    assert len(found) == count
    assert all(wanted.outcome in ("", row.outcome) for row in found)


async def test_a_filter_by_a_field_the_kind_lacks_is_refused(records: Records) -> None:
    for kind, wanted in (
        (HistoryKind.FILLS, HistoryFilter(reason="paused")),
        (HistoryKind.ORDERS, HistoryFilter(reason="paused")),
        (HistoryKind.COMMANDS, HistoryFilter(account=ACCOUNT)),
    ):
        with pytest.raises(ValueError, match=f"{kind.value} have no"):
            await records.history.page(kind, wanted, 1)
    assert set(OUTCOMES) == set(HistoryKind)


_ANY = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates too: a shell may pass them
_ODD = st.one_of(_ANY, st.text(alphabet="%_\\/[]'\"; 0day", max_size=6), st.sampled_from(_CYCLE_TEXTS))


@pytest.mark.parametrize("near", [0, 1, 2, 5])
def test_words_are_found_alike_near_the_newest_attempts_and_in_all_of_them(
    find: Find, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rows are read through the index of times first; the rest in one pass, in the same order."""
    for text in ("SCORE", "e", "_", "nowhere at all"):
        wanted = HistoryFilter(text=text)
        every = find(HistoryKind.ATTEMPTS, wanted, 100)
        monkeypatch.setattr(conditions, "NEAR", near)
        for limit in (1, 2, 100):
            assert find(HistoryKind.ATTEMPTS, wanted, limit) == every, "page by page"
        assert [row.mark for row in every] == sorted((row.mark for row in every), key=lambda m: (m.at, m.tie))[::-1]
        monkeypatch.undo()


@pytest.mark.parametrize("near", [0, 1, 3])
def test_words_are_found_alike_near_the_newest_cycles_and_in_all_of_them(
    find: Find, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("SCORE", "e", "day", "filled", "nowhere at all"):
        every = find(HistoryKind.CYCLES, HistoryFilter(text=text), 100)
        monkeypatch.setattr(cycle_rows, "NEAR", near)
        monkeypatch.setattr(cycle_rows, "FAR_AT_A_TIME", 1)
        for limit in (1, 2, 100):
            assert find(HistoryKind.CYCLES, HistoryFilter(text=text), limit) == every, "page by page"
        assert [row.mark for row in every] == sorted((row.mark for row in every), key=lambda m: (m.at, m.tie))[::-1]
        monkeypatch.undo()


@given(text=_ODD, kind=st.sampled_from(HistoryKind))
@example(text="0", kind=HistoryKind.CYCLES)
def test_words_looked_for_are_taken_literally(
    find: Find, account_words: dict[int, str], text: str, kind: HistoryKind
) -> None:
    found = find(kind, HistoryFilter(text=text), 100)
    assert text or len(found) == _COUNTS[kind]
    if kind is HistoryKind.CYCLES and text.isascii():
        wanted = text.replace("\0", "?").lower()
        # A cycle is found by what is told of it and of its accounts, and by what it recorded.
        expected = [
            row.mark
            for row in find(kind, HistoryFilter(), 100)
            if wanted in row.text.lower()
            or wanted in str(dict(row.figures)["recorded_text"]).lower()
            or wanted in account_words.get(row.mark.tie, "").lower()
        ]
        assert [row.mark for row in found] == expected
