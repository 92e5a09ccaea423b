"""Tridents and their closing orders in the history, and the story of one from its entry to the broker's rows (rules
15)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.domain.operation.times import minute, weekday
from core.domain.orders.order_states import OrderState
from core.domain.positions.closing import Gone
from core.domain.positions.pnl import Realized
from core.domain.positions.units import Ended, UnitName
from core.records.records import GoneRecord, Records
from core.records.repositories.pnl_rows import Earned
from core.records.search.history import HistoryFilter, HistoryKind, HistoryRow
from core.runtime.clock import exchange_time
from core.snapshot.story import StoryKind
from core.views.trident_story import story_of_trident, trident_details
from senex_tui.reports.history_text import HistoryText
from tests.support.exit_samples import RULES, closing_fills, exit_of, filled, opened, proof, sent
from tests.support.record_samples import ACCOUNT, DAY, SLOT, after, url_of

PUT_1, PUT_2, CALL = UnitName


async def lived(records: Records) -> None:
    """A trident of which one target filled, one was cancelled and proved over, and the call left by hand."""
    records.tridents.default_rules = RULES
    await filled(records)
    await sent(records, exit_of([PUT_1], "x1"), "71")
    await records.exits.add_fills("x1", closing_fills([PUT_1], "71"))
    await records.exits.become("x1", OrderState.FILLED, at=after(30), order_id="71", broker_status="Filled")
    await sent(records, exit_of([PUT_2], "x2", debit="0.48"), "72")
    await records.exits.ask_cancel("x2", "this console", "new targets", after(40))
    await records.exits.become("x2", OrderState.CANCELLED, at=after(41), order_id="72", broker_status="Cancelled")
    await records.exits.release("x2", proof(60))
    call = opened()[2]
    left = [
        GoneRecord("one", Gone(CALL, symbol, Ended.HAND, after(70)), "engine") for symbol in (call.short, call.long)
    ]
    await records.tridents.note_gone(left)


async def found(records: Records, kind: HistoryKind, **wanted: str) -> tuple[HistoryRow, ...]:
    return await records.history.page(kind, HistoryFilter(**wanted), 10)  # type: ignore[arg-type]


def test_history_finds_closing_orders_and_tridents(tmp_path: Path) -> None:
    async def run() -> None:
        records = await Records.open(url_of(tmp_path / "records.sqlite3"))
        await lived(records)
        rows = await found(records, HistoryKind.EXITS)
        assert {row.mark.tie for row in rows} == {"x1", "x2"}
        [cancelled] = await found(records, HistoryKind.EXITS, outcome="cancelled")
        told = HistoryText(HistoryKind.EXITS, [ACCOUNT])
        assert told.cells(cancelled)[2:] == [
            "cancelled",
            "target of put-2 of one: CANCELLED by this console (new targets), order 72",
        ]
        assert [row.mark.tie for row in await found(records, HistoryKind.EXITS, text="71")] == ["x1"]
        assert await found(records, HistoryKind.EXITS, account="5WT00002") == ()
        [trident] = await found(records, HistoryKind.TRIDENTS, outcome="open", underlying="QQQ")
        values = HistoryText(HistoryKind.TRIDENTS, [ACCOUNT]).values(trident)
        assert (values["id"], values["strikes"], values["credit"]) == ("one", "622P/619P/622C/625C", "4.06")
        assert "622P/619P/622C/625C" in HistoryText(HistoryKind.TRIDENTS, [ACCOUNT]).cells(trident)[3]
        assert await found(records, HistoryKind.TRIDENTS, outcome="ended") == ()
        await records.close()

    asyncio.run(run())


def earned(*names: UnitName, estimated: bool = False) -> dict[UnitName, Earned]:
    """What these units have realized: 50.00 $ each before fees of 2.48 $; the others have not ended."""
    none, fees = Decimal(0), Decimal("2.48")
    done = Earned(Realized(Decimal(50), none, fees, estimated, received=Decimal(122)), DAY)
    still = Earned(Realized(none, none, Decimal("2.24"), True), None)
    return {name: done if name in names else still for name in UnitName}


async def told_with(records: Records) -> tuple[dict[str, Any], str, str]:
    """The row of the entry as CSV has it, and what the lists of orders and of cycles say of it."""
    orders, cycles = HistoryText(HistoryKind.ORDERS, [ACCOUNT]), HistoryText(HistoryKind.CYCLES, [ACCOUNT])
    [order] = await found(records, HistoryKind.ORDERS)
    [cycle] = await found(records, HistoryKind.CYCLES)
    return orders.values(order), orders.cells(order)[-1], cycles.cells(cycle)[-1]


async def test_an_entry_tells_what_it_was_filled_at_and_what_it_has_earned(records: Records) -> None:
    assert await records.cycles.begin(DAY, SLOT, False, SLOT) == 1
    await filled(records)
    values, order, cycle = await told_with(records)
    assert (values["fill_credit"], values["realized"], values["open_units"]) == ("4.06", None, 3)
    assert order.startswith("FILLED 4.06, open: QQQ ")
    assert cycle == "open"
    await records.pnl_rows.note_earned("one", earned(PUT_1))
    values, order, cycle = await told_with(records)
    assert (values["realized"], values["realized_estimated"], values["open_units"]) == ("43.04", True, 2)
    assert order.startswith("FILLED 4.06, ~+43.04 $ so far: QQQ "), "the fees of its opening are charged, and estimates"
    await records.pnl_rows.note_earned("one", earned(*UnitName, estimated=True))
    values, order, cycle = await told_with(records)
    assert (values["realized"], values["realized_estimated"], values["open_units"]) == ("142.56", True, 0)
    assert order.startswith("FILLED 4.06, ~+142.56 $: QQQ ")
    assert cycle == "~+142.56 $"


async def test_a_forced_cycle_tells_its_time_and_one_without_an_entry_no_money(records: Records) -> None:
    at = SLOT + timedelta(minutes=22)
    assert await records.cycles.begin(DAY, None, True, at) == 1
    [row] = await found(records, HistoryKind.CYCLES)
    text = HistoryText(HistoryKind.CYCLES, [ACCOUNT])
    assert text.cells(row)[2] == f"{minute(at)} forced"
    values = text.values(row)
    assert values["at"].startswith(f"{DAY}T{minute(at)}")
    assert [values[name] for name in ("realized", "realized_estimated", "open_units")] == [None] * 3


def test_the_story_of_a_trident_has_all_of_it_in_the_order_of_time(tmp_path: Path) -> None:
    async def run() -> None:
        records = await Records.open(url_of(tmp_path / "records.sqlite3"))
        await lived(records)
        assert await trident_details(records, "none") is None
        file = await trident_details(records, "one")
        assert file is not None
        story = story_of_trident(file)
        assert story.title.startswith("Trident one of …0001: QQQ 622P/619P/622C/625C")
        lines = [f"{line.label}: {line.text}" for line in story.lines]
        way = lines[lines.index("its way to its end: ") :]
        text = "\n".join(way)
        for told in (
            "working: target of put-1 at 0.73; order 71",
            "fill: 1 x ",
            "this console asked to cancel it: new targets",
            "cancelled: target of put-2 at 0.48; order 72; the broker says Cancelled",
            "evidence: ",
            "gone: 622C of call left without an order of ours (closed by hand at the broker), by engine",
        ):
            assert told in text, (told, text)
        first = "\n".join(lines[: lines.index("price and risk: ")])
        assert first.startswith("units: "), "first how it stands"
        for told in ("put-1: closed at 0.73", "call: gone: closed by hand at the broker", "left: short 1 622P"):
            assert told in first, (told, first)
        asked = [line.at for line in story.lines[lines.index("its way to its end: ") :] if line.kind is StoryKind.EVENT]
        assert asked == sorted(asked, key=lambda at: at or after(0)), "in the order of time"
        assert any("price and risk" in line for line in lines), "its entry comes first"
        days = [line.label for line in story.lines if line.kind is StoryKind.SECTION]
        assert days[days.index("its way to its end") + 1 :] == [weekday(exchange_time(after(0)).date())]
        await records.close()

    asyncio.run(run())
