"""`senex exits on`, `senex exits hold --cancel` and `senex close` at a shell, in live with words typed at a terminal
(rules 15.9)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import pytest

from core.broker.port import BrokerAccount
from core.config.exits import ExitSettings
from core.domain.market.chain import TickTable
from core.domain.positions.tridents import ExitMode
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import note_clock
from tests.support.exit_samples import ALL, exit_of, filled, sent
from tests.support.record_samples import ACCOUNT, AT, after
from tests.support.senex_command import Box

Found = TypeVar("Found")
LIVE = {"SENEX_TRADING__LIVE": "true"}
OTHER = "5WT00002"
RULES = ExitSettings().rules(live=True)
TARGET = "    target of put-1 at 0.73 debit, GTC: Buy to Close 1 622P, Sell to Close 1 619P"
NOT_TYPED = "EXITS 0001 was not typed. Nothing was sent."


def in_records(box: Box, ask: Callable[[Records], Awaitable[Found]], mode: str = "live") -> Found:
    """Asks the records of this mode in the box's data folder, which no console has open."""
    folder = box.home / "data" / mode
    folder.mkdir(parents=True, exist_ok=True)

    async def asked() -> Found:
        records = await Records.open(f"sqlite+aiosqlite:///{folder / 'records.sqlite3'}")
        try:
            return await ask(records)
        finally:
            await records.close()

    return asyncio.run(asked())


async def _holding(records: Records) -> None:
    """An account with a trident that nobody manages: its exits were off when it was filled."""
    records.tridents.default_rules = RULES
    await records.accounts.discover(
        "main", [BrokerAccount(number, "Main", "Margin", False) for number in (ACCOUNT, OTHER)], enable_new=True, at=AT
    )
    await filled(records)
    await records.tridents.set_ticks("one", TickTable((), Decimal("0.01")))


async def _modes(records: Records) -> dict[str, ExitMode | None]:
    return {one.number[-4:]: one.exits.mode for one in await records.accounts.all()}


@pytest.fixture
def live(box: Box) -> Box:
    in_records(box, _holding)
    note_clock(box.home / "data" / "live", ShiftedClock(after(3600)))
    return replace(box, environ={**box.environ, **LIVE})


def senex(box: Box, *words: str, typed: str = "") -> tuple[int, list[str]]:
    code, shown = box.run_in_terminal("--live", *words, "--data-dir", str(box.home / "data"), typed=typed)
    return code, shown.splitlines()


def test_live_exits_are_listed_then_switched_on_by_the_typed_words(live: Box) -> None:
    code, shown = senex(live, "exits", "on", "0001", typed="exits 0001\n")
    assert code == 2
    assert TARGET in shown
    assert NOT_TYPED in shown[-1]
    assert in_records(live, _modes) == {"0001": None, "0002": None}
    code, shown = senex(live, "exits", "on", "0001", typed="EXITS 0001\n")
    assert (code, shown[-1]) == (0, "set account: …0001: exits default -> all")
    assert shown[1] == "…0001: sent at once, without being asked again"
    assert in_records(live, _modes) == {"0001": ExitMode.ALL, "0002": None}


def test_the_same_by_the_setting_and_without_a_trident_the_first_set_waits(live: Box) -> None:
    code, shown = senex(live, "accounts", "set", "0002", "exits", "targets", typed="EXITS 0002\n")
    assert (code, shown[1]) == (0, "…0002: no trident is held, so nothing is sent now")
    assert "exits default -> targets; its first targets wait for one more `senex exits on" in shown[-1]
    code, shown = senex(live, "exits", "on", "0002")
    assert (code, shown[-1]) == (0, "exits: exits of …0002 are on")


def test_all_accounts_go_on_without_those_that_are_off(live: Box) -> None:
    code, shown = senex(live, "exits", "on")
    assert code == 0
    assert "exits are not held" in shown[-1]
    assert "off for …0001: `senex exits on 0001" in shown[-1]
    assert in_records(live, _modes) == {"0001": None, "0002": None}


def test_without_a_terminal_nothing_is_switched_on_and_nothing_closed(live: Box) -> None:
    data = ("--data-dir", str(live.home / "data"))
    asked = live.run("--live", "exits", "on", "0001", *data)
    assert (asked.returncode, TARGET in asked.stdout) == (2, True)
    assert "EXITS 0001 has to be typed at a terminal. Nothing was sent." in asked.stderr
    given = live.run("--live", "accounts", "set", "0001", "exits", "all EXITS 0001", *data)
    assert (given.returncode, TARGET in given.stdout) == (2, True), "words in the command were typed without the orders"
    closed = live.run("--live", "close", "one", "--walk", *data)
    assert closed.returncode == 2
    assert "CLOSE has to be typed at a terminal. Nothing was sent." in closed.stderr
    assert in_records(live, _modes) == {"0001": None, "0002": None}


def test_a_live_close_takes_its_typed_word_with_what_is_closed_in_sight(live: Box) -> None:
    code, shown = senex(live, "close", "one", "--unit", "puts", "--limit", "0.70", typed="close\n")
    assert (code, "CLOSE was not typed. Nothing was sent." in shown[-1]) == (2, True)
    assert "  put-1  whole, no order works on it" in shown
    assert any("Type CLOSE and press Enter to close puts at 0.70 debit at most" in line for line in shown)
    code, shown = senex(live, "close", "one", "--unit", "puts", "--limit", "0.70", typed="CLOSE\n")
    assert (code, shown[-1]) == (6, "no console is running in live mode; close needs one.")


def test_a_close_ends_with_its_code_and_one_object(box: Box) -> None:
    demo = {"SENEX_BROKER__URL": "http://127.0.0.1:1"}
    in_records(box, _holding, "demo")
    note_clock(box.home / "data" / "demo", ShiftedClock(after(3600)))
    data = ("--data-dir", str(box.home / "data"))
    alone = box.run("close", "one", "--unit", "call", "--walk", "--json", *data, **demo)
    assert (alone.returncode, alone.stderr) == (6, "")
    assert json.loads(alone.stdout) == {
        "exit": 6,
        "state": "no console",
        "command": None,
        "trident": None,
        "units": None,
        "limit": None,
        "cancelled": [],
        "orders": [],
        "why": "no console is running in demo mode; close needs one.",
    }
    for words in (["--walk", "--limit", "1"], [], ["--unit", "put-3", "--walk"], ["--limit", "much"]):
        assert box.run("close", "one", *words, *data, **demo).returncode == 2, words


def test_a_hold_may_cancel_what_rests_and_says_where_that_needs_a_console(box: Box) -> None:
    async def resting(records: Records) -> None:
        await _holding(records)
        await sent(records, exit_of(ALL[:1], "x1"), "71")

    in_records(box, resting, "demo")
    note_clock(box.home / "data" / "demo", ShiftedClock(after(3600)))
    data = ("--data-dir", str(box.home / "data"))
    held = box.run("exits", "hold", "0001", "--cancel", *data, SENEX_BROKER__URL="http://127.0.0.1:1")
    assert held.returncode == 6
    assert held.stderr.splitlines() == [
        "exits: exits of …0001 are held; 1 closing order rests at the broker (71) and stays; "
        f"`senex exits cancel 0001 --data-dir {data[1]}` cancels it",
        "no console is running in demo mode; exits cancel needs one.",
    ]
