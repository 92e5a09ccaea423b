"""A terminal that stops reading changes nothing in the engine: the screen never decides (rules 13.10)."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core.domain.operation.commands import Command, CommandKind
from core.records.records import Records
from core.runtime.clock_file import noted_clock
from core.runtime.ids import RandomIds
from tests.e2e.simulated_broker import SimulatedBroker
from tests.e2e.stalled_terminal import StallingTerminal
from tests.support.proofs import rounds
from tests.support.senex_command import SENEX, Box

STALL_S = float(rounds(8, 60))
IN_TIME_S = 20.0
SLOT_LATE_S = 5.0
ENDED_WITHIN_S = 30.0


class Watcher:
    """The records as another process reads them while the console runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as records:
            return records.execute(query).fetchall()

    def market_now(self) -> datetime:
        return noted_clock(self.path.parent).now()

    async def command(self, kind: CommandKind) -> str:
        """Posts a command as another shell would, and returns its id."""
        records = await Records.open(f"sqlite+aiosqlite:///{self.path}", trader=False)
        try:
            command = Command(RandomIds().new(), kind, "a test", noted_clock(self.path.parent).now())
            await records.inbox.post(command)
            return command.id
        finally:
            await records.close()

    def until(self, query: str, expected: list[tuple[Any, ...]]) -> None:
        deadline = time.monotonic() + IN_TIME_S
        while (found := self.ask(query)) != expected:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


@pytest.fixture
def terminal(broker: SimulatedBroker, box: Box) -> Iterator[StallingTerminal]:
    """A console with a slot every minute, in which the file HALT stops every entry."""
    data = box.home / "data"
    data.mkdir()
    (data / "HALT").touch()
    environ = broker.environment(box, SENEX_CONSOLE__REFRESH_HZ="10", SENEX_SCHEDULE__INTERVAL_MINUTES="1")
    opened = StallingTerminal([SENEX, "--data-dir", str(data)], environ, box.home)
    yield opened
    opened.close()


@pytest.mark.timeout(240)
def test_sigterm_ends_it_in_order_while_the_terminal_reads_nothing(box: Box, terminal: StallingTerminal) -> None:
    """The screen stands still with its event loop; the engine hears the signal all the same."""
    watcher = Watcher(box.home / "data" / "demo" / "records.sqlite3")
    terminal.read_until("HALTED")
    terminal.stall()
    painted = terminal.waiting
    terminal.process.send_signal(signal.SIGTERM)
    watcher.until("select kind from events order by seq desc limit 1", [("engine.stopped",)])
    assert terminal.process.wait(ENDED_WITHIN_S) == 0
    assert terminal.waiting == painted, "the terminal was read"


@pytest.mark.proof
@pytest.mark.timeout(240)
def test_a_cycle_trades_in_time_while_the_terminal_reads_nothing(
    broker: SimulatedBroker, box: Box, terminal: StallingTerminal
) -> None:
    broker.fill_plan("never")
    data = box.home / "data"
    watcher = Watcher(data / "demo" / "records.sqlite3")
    terminal.read_until("HALTED")
    terminal.read_until("remove it to go on")
    terminal.stall()
    began, painted = time.monotonic(), terminal.waiting
    market_began = watcher.market_now()
    assert watcher.ask("select count(*) from entries") == [(0,)]

    (data / "HALT").unlink()
    asked = asyncio.run(watcher.command(CommandKind.FORCE))
    watcher.until("select state from entries", [("working",)])  # by the forced cycle, or by a slot that came first
    assert watcher.ask(f"select count(*) from commands where id = '{asked}' and state <> 'pending'") == [(1,)]
    [order] = broker.orders()
    [(sent_at, order_id)] = watcher.ask("select sent_at, order_id from entries")
    assert str(order["id"]) == order_id
    assert datetime.fromisoformat(sent_at) >= market_began

    while time.monotonic() - began < STALL_S:
        assert terminal.waiting == painted, "the terminal was read"
        time.sleep(0.1)
    asked = asyncio.run(watcher.command(CommandKind.PAUSE))
    watcher.until(f"select state from commands where id = '{asked}'", [("done",)])
    assert terminal.waiting == painted
    cycles = watcher.ask("select slot, began_at from cycles where slot is not null")
    came = [(datetime.fromisoformat(slot), datetime.fromisoformat(began_at)) for slot, began_at in cycles]
    stalled = [(began_at - slot).total_seconds() for slot, began_at in came if slot >= market_began]
    assert all(late_s < SLOT_LATE_S for late_s in stalled)
    assert stalled or STALL_S < 60
    assert len(broker.orders()) == 1

    terminal.forget()
    terminal.read_until("PAUSED")
    terminal.press("q")
    terminal.read_until("Quit?")
    terminal.press("y")
    assert terminal.wait() == 0
    assert watcher.ask("select kind from events order by seq desc limit 1") == [("engine.stopped",)]
