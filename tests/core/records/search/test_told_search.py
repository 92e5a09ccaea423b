"""A search finds cycles and orders by what they are told to have come to, not by what was recorded at first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.orders.order_states import OrderState
from core.records.records import Records
from core.records.search import conditions
from core.records.search.history import HistoryFilter, HistoryKind, HistoryRow, Mark
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, SLOT, after, entry, fill

OTHER = "5WT00002"
WHY = "Rejected by the exchange"
LOST = "no answer came: the connection broke"


async def _run(records: Records, index: int, *runs: tuple[str, Outcome, str, str]) -> int:
    """A cycle that ended with these runs: account, outcome, reason code and sentence."""
    day, slot = DAY + timedelta(days=index), SLOT + timedelta(days=index)
    number = await records.cycles.begin(day, slot, False, slot)
    assert number is not None
    made = [AccountRun(number, name, day, outcome, code, text, 1, True, 0) for name, outcome, code, text in runs]
    _, outcome, code, text = runs[0]
    await records.cycles.end(number, outcome.value, code, text, {"processed": len(runs)}, slot, made)
    return number


async def _entry(records: Records, number: int, index: int, account: str, state: OrderState, detail: str = "") -> None:
    name = f"e{number}{account[-1]}"
    day = DAY + timedelta(days=index)
    await records.entries.prepare(
        replace(entry(name, account=account, day=day), cycle=number, prepared_at=after(number))
    )
    assert await records.entries.mark_sent(name, AT, epoch=records.epoch, closes=CLOSES)
    if state in (OrderState.UNKNOWN, OrderState.FILLED):
        await records.entries.become(name, OrderState.UNKNOWN, at=AT, detail=LOST)
    if state is not OrderState.UNKNOWN:
        await records.entries.become(name, OrderState.WORKING, at=AT, order_id=f"7{number}", broker_status="Live")
        await records.entries.become(name, state, at=AT, detail=detail, broker_status=state.value.title())


SUCCEEDED, SKIPPED, UNKNOWN = Outcome.SUCCEEDED, Outcome.SKIPPED, Outcome.UNKNOWN


async def _told(records: Records) -> None:
    """Cycle 1 was rejected after it was acknowledged; 2 had lost its answer and filled; 3 works for one account and was
    rejected for the other; 4 is skipped, 5 is too by the entry of its day."""
    await _run(records, 0, (ACCOUNT, SUCCEEDED, "", ""))
    await _entry(records, 1, 0, ACCOUNT, OrderState.REJECTED, WHY)
    await _run(records, 1, (ACCOUNT, UNKNOWN, Reason.OUTCOME_UNKNOWN.code, LOST))
    await _entry(records, 2, 1, ACCOUNT, OrderState.FILLED)
    await _run(records, 2, (ACCOUNT, SUCCEEDED, "", ""), (OTHER, SUCCEEDED, "", ""))
    await _entry(records, 3, 2, ACCOUNT, OrderState.WORKING)
    await records.entries.add_fills("e31", (replace(fill("f1", "1"), at=after(3)),))
    await _entry(records, 3, 2, OTHER, OrderState.REJECTED, WHY)
    await _run(records, 3, (ACCOUNT, SKIPPED, Reason.LOW_SCORE.code, "the score 31 is below 40"))
    await _run(records, 4, (ACCOUNT, SKIPPED, Reason.ENTRY_TODAY.code, "an entry already holds the day"))


async def found(records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int = 1) -> list[HistoryRow]:
    """Everything that fits, in pages that are full but for the last."""
    rows: list[HistoryRow] = []
    mark: Mark | None = None
    while page := await records.history.page(kind, wanted, limit, mark):
        assert len(page) == limit
        rows += page
        mark = page[-1].mark
    return rows


@pytest.mark.parametrize(
    ("wanted", "cycles"),
    [
        (HistoryFilter(outcome="failed"), [3, 1]),
        (HistoryFilter(outcome="succeeded"), [2]),
        (HistoryFilter(outcome="unknown"), []),
        (HistoryFilter(outcome="skipped"), [5, 4]),
        (HistoryFilter(outcome="rejected"), [3, 1]),
        (HistoryFilter(outcome="filled"), [2]),
        (HistoryFilter(outcome="partly filled"), [3]),
        (HistoryFilter(outcome="partly-filled"), [3]),
        (HistoryFilter(outcome="working"), []),
        (HistoryFilter(outcome="held"), [5]),
        (HistoryFilter(outcome="validated"), []),
        (HistoryFilter(reason=Reason.REJECTED.code), [3, 1]),
        (HistoryFilter(reason=Reason.OUTCOME_UNKNOWN.code), []),
        (HistoryFilter(text="by the EXCHANGE"), [3, 1]),
        (HistoryFilter(text="connection broke"), []),
        (HistoryFilter(text="filled"), [3, 2]),
        (HistoryFilter(text="1 rejected"), [3]),
        (HistoryFilter(text="score 31", outcome="skipped"), [4]),
    ],
)
async def test_a_cycle_is_found_by_its_fate_and_not_by_what_it_recorded(
    records: Records, wanted: HistoryFilter, cycles: list[int]
) -> None:
    await _told(records)
    assert [row.cycle for row in await found(records, HistoryKind.CYCLES, wanted)] == cycles


@pytest.mark.parametrize(
    ("wanted", "entries"),
    [
        (HistoryFilter(outcome="filled"), ["e21"]),
        (HistoryFilter(outcome="rejected"), ["e32", "e11"]),
        (HistoryFilter(outcome="working"), ["e31"]),
        (HistoryFilter(outcome="partly_filled"), ["e31"]),
        (HistoryFilter(outcome="unknown"), []),
        (HistoryFilter(outcome="not_sent"), []),
        (HistoryFilter(text="connection broke"), []),
        (HistoryFilter(text="by the exchange"), ["e32", "e11"]),
        (HistoryFilter(text="72"), ["e21"]),
    ],
)
async def test_an_order_is_found_by_its_fate_and_not_by_an_earlier_detail(
    records: Records, wanted: HistoryFilter, entries: list[str]
) -> None:
    await _told(records)
    rows = await found(records, HistoryKind.ORDERS, wanted)
    assert [dict(row.figures)["id"] for row in rows] == entries


async def test_a_page_is_filled_from_beyond_the_cycles_that_do_not_fit(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What SQL finds may not fit, whole batches of it: the page still ends only where the records do."""
    monkeypatch.setattr(conditions, "AT_A_TIME", 1)
    await _told(records)
    for kind, wanted, count in (
        (HistoryKind.CYCLES, HistoryFilter(outcome="failed"), 2),
        (HistoryKind.CYCLES, HistoryFilter(text="by the exchange"), 2),
        (HistoryKind.ORDERS, HistoryFilter(text="by the exchange"), 2),
    ):
        assert len(await found(records, kind, wanted)) == count
