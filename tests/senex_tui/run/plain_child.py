"""Runs `print_until_ended` in a process; its engine ends when asked or, with `deaf`, never does. With `resting` closing
orders rest at the broker, and no command is carried out. With `cancelling` its records have orders in every state that
may become one at work, and a cancel is carried out; seconds pass there a hundred times as fast."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.events import Event
from core.domain.orders.order_states import OrderState
from core.domain.positions.units import UnitName
from core.records.records import DayHeld, Records
from core.runtime.clock import SystemClock
from core.snapshot import CommandView, Snapshot
from senex_tui.run.plain import PlainPrinter, print_until_ended
from tests.support.console.exit_views import held
from tests.support.console.parts import NOW
from tests.support.console.scenes import calm
from tests.support.exit_samples import exit_of, filled, sent
from tests.support.record_samples import CLOSES, after, entry

Found = TypeVar("Found")
OTHER = "5WT00002"


class Host:
    def __init__(self, how: str) -> None:
        self._deaf = how == "deaf"
        self._asked = threading.Event()
        self._shown = held() if how in ("resting", "cancelling") else calm()

    @property
    def running(self) -> bool:
        return self._deaf or not self._asked.is_set()

    def ask_to_stop(self) -> None:
        self._asked.set()

    def snapshot(self) -> Snapshot:
        return self._shown

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        return self.answered(kind, CommandState.REFUSED, f"{note} was refused")

    def answered(self, kind: CommandKind, state: CommandState, text: str) -> str:
        number = str(len(self._shown.commands) + 1)
        self._shown = replace(self._shown, commands=(*self._shown.commands, CommandView(number, kind, state, text)))
        return number


class CancellingHost(Host):
    """Carries commands out in records of its own. An exit that was being sent works once the first cancel is done."""

    def __init__(self, printer: PlainPrinter) -> None:
        super().__init__("cancelling")
        self._printer = printer
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._records: Records = asyncio.run_coroutine_threadsafe(self._opened(), self._loop).result()

    async def _opened(self) -> Records:
        records = await Records.open(f"sqlite+aiosqlite:///{tempfile.mkdtemp()}/records.sqlite3")
        await filled(records)
        await sent(records, exit_of([UnitName.PUT_1], "x1"), "72")
        await sent(records, exit_of([UnitName.PUT_2], "x2"), None)
        await sent(records, exit_of([UnitName.CALL], "x3"), None)
        await records.exits.become("x3", OrderState.UNKNOWN, at=after(40))
        new = entry("two", OTHER)
        assert not isinstance(await records.entries.prepare(new), DayHeld)
        assert await records.entries.mark_sent(new.id, after(1), epoch=records.epoch, closes=CLOSES)
        await records.entries.become(new.id, OrderState.WORKING, at=after(2), order_id="80", broker_status="Live")
        return records

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        async def asked() -> Found:
            return await question(self._records)

        return asyncio.run_coroutine_threadsafe(asked(), self._loop)

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        self._printer.say(NOW, f"told: {' '.join(filter(None, (kind.value, target, note)))}")
        asyncio.run_coroutine_threadsafe(self._carried_out(kind, note), self._loop).result()
        return self.answered(kind, CommandState.DONE, "done")

    async def _carried_out(self, kind: CommandKind, note: str) -> None:
        exits, entries = self._records.exits, self._records.entries
        if kind is CommandKind.CANCEL:
            await entries.note_cancel_request("two", "operator", after(50))
            await entries.become("two", OrderState.CANCELLED, at=after(51))
        elif note == "cancel":
            for one in await exits.open():
                if one.state is OrderState.WORKING:
                    await exits.note_cancel_request(one.id, "operator", after(50))
                    await exits.become(one.id, OrderState.CANCELLED, at=after(51))
                elif one.state is OrderState.SENT:
                    await exits.become(one.id, OrderState.WORKING, at=after(52), order_id="73", broker_status="Live")


class FastClock(SystemClock):
    def monotonic(self) -> float:
        return 100 * super().monotonic()


printer = PlainPrinter()
printer.heard(Event(NOW, "engine.started", "engine started"))
if sys.argv[1] == "talking":
    for number in range(50_000):
        printer.heard(Event(NOW, "order.working", f"line {number}"))
host = CancellingHost(printer) if sys.argv[1] == "cancelling" else Host(sys.argv[1])
sys.exit(print_until_ended(host, printer, clock=FastClock()))  # type: ignore[arg-type]
