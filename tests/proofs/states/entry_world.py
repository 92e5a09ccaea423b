"""The surroundings of an entry: a broker that does only what it is told, and one process of the product. Time is
virtual."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine, initialize

from core.domain.orders.orders import OrderReport
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, VirtualTimeLoop
from core.simulator.exchange.orders import SimOrder
from tests.proofs.states.scripted_broker import ENDED, Post, ScriptedBroker
from tests.proofs.states.stored import Reader, Stored
from tests.proofs.states.trading_process import TradingProcess
from tests.support.empty_records import copy_empty_records
from tests.support.sqlite_on_the_loop import Disk, on_disk
from tests.support.world import MONDAY, StoreCalls, et

T = TypeVar("T")

ACCOUNTS = ("5WT00001", "5WT00002")
MOMENT_S = 0.5
"""Virtual seconds in which everything happens that does not wait for a rule."""


class EntryWorld(RuleBasedStateMachine):
    """The parts that the rules use; it has no rules itself."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="senex-states-"))
        self.url, reader = self.new_records()  # before on_disk: the empty records are made on another loop
        self.ending = ExitStack()
        self.ending.enter_context(on_disk(Disk))
        self.calls = StoreCalls()
        self.loop = VirtualTimeLoop(self.calls.count)
        self.clock = VirtualClock(et(MONDAY, "10:00"), self.loop)
        self.ids = SeededIds(1)
        self.broker = ScriptedBroker(self.clock, ACCOUNTS)
        self.stored = Stored(reader)
        self.process: TradingProcess | None = None
        self.died_before_proof: set[str] = set()
        self.told: list[OrderReport] = []
        self.start()

    def new_records(self) -> tuple[str, Reader]:
        """New records for this world, and a connection that reads them directly, not through the product."""
        path = self.folder / "records.sqlite3"
        copy_empty_records(path)
        return f"sqlite+aiosqlite:///{path}", sqlite3.connect(path)

    # Inside

    def run_until(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def settle(self) -> None:
        self.run_until(self.clock.sleep(MOMENT_S))

    @property
    def alive(self) -> TradingProcess:
        assert self.process is not None
        return self.process

    def waiting(self) -> list[Post]:
        """The POSTs whose sender still waits for an answer."""
        return [p for p in self.broker.posts if p.answer is not None and not p.answer.done()]

    def on_the_wire(self) -> list[Post]:
        """The POSTs that may still reach the broker, whoever sent them."""
        return [p for p in self.broker.posts if p.order_id is None and not p.stopped]

    def working(self) -> list[SimOrder]:
        return [o for o in self.broker.orders.values() if o.status not in ENDED]

    def hear(self, report: OrderReport, *, nameless: bool) -> None:
        if nameless:  # the broker may leave out the identifier
            report = OrderReport(**{**{n: getattr(report, n) for n in OrderReport.__slots__}, "identifier": None})
        self.alive.tracker.on_order(report)
        self.told.append(report)
        self.settle()

    def start(self) -> None:
        opened = TradingProcess.open(self.broker, self.url, self.clock, self.ids, self.folder, self.calls)
        self.process = self.run_until(opened)
        self.run_until(self.alive.start())
        self.connect_alerts()

    def connect_alerts(self) -> None:
        self.broker.listening = True
        self.alive.hear_status(True)
        self.settle()
