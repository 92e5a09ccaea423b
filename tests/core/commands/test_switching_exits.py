"""Holding exits and letting them go on, by a command that needs no console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.commands.exit_commands import switch_exits
from core.commands.inbox import Done
from core.commands.offline import carry_out_without_engine
from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.reasons import Refusal
from core.domain.orders.order_states import OrderState
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.guards.stops import Stops
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from tests.support.exit_samples import exit_of, filled, sent
from tests.support.record_samples import ACCOUNT, AT, after

OTHER = "5WT00002"
CLOCK = ShiftedClock(AT + timedelta(seconds=90))


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    opened = await Records.open(f"sqlite+aiosqlite:///{tmp_path / 'records.sqlite3'}")
    found = [BrokerAccount(number, "Main", "Margin", False) for number in (ACCOUNT, OTHER)]
    await opened.accounts.discover("main", found, enable_new=True, at=AT)
    yield opened
    await opened.close()


def command(note: str, target: str = "") -> Command:
    return Command(f"{note} {target}", CommandKind.EXITS, "anna", CLOCK.now(), target=target, note=note)


async def answer(records: Records, note: str, target: str = "", default: ExitMode = ExitMode.ALL) -> Done | Refusal:
    return await switch_exits(records, CLOCK, command(note, target), default, live=False)


async def test_a_hold_names_what_rests_at_the_broker(records: Records) -> None:
    await filled(records)
    await sent(records, exit_of([UnitName.PUT_1], "x1"), "71")
    lost = await sent(records, exit_of([UnitName.PUT_2], "x2"), "72")
    await records.exits.become(lost.id, OrderState.UNKNOWN, at=after(40))
    assert await answer(records, "hold because lunch") == Done(
        "exits are held; 2 closing orders rest at the broker (71, 72) and stay; `senex exits cancel` cancels them"
    )
    held = await records.exit_switch.held(ACCOUNT)
    assert held is not None
    assert (held.account, held.who, held.why) == ("", "anna", "lunch")
    assert await answer(records, "hold", "0002") == Done("exits of …0002 are held")


async def test_each_hold_is_ended_by_its_own_name(records: Records) -> None:
    await answer(records, "hold")
    await answer(records, "hold", "0002")
    assert await answer(records, "on", OTHER) == Done("exits of …0002 are on; still held: those of all accounts")
    await answer(records, "hold", "0002")
    assert await answer(records, "on") == Done("exits are on; still held: those of …0002")
    assert await records.exit_switch.held(ACCOUNT) is None
    assert await answer(records, "on", "0002") == Done("exits of …0002 are on")
    assert await records.exit_switch.held(OTHER) is None


async def test_an_account_whose_exits_are_off_is_named_with_the_way_to_switch_them_on(records: Records) -> None:
    await records.accounts.set(OTHER, AccountSetting(AccountField.EXITS, "off"), "anna", AT)
    way = "off for …0002: `senex accounts set 0002 exits all` switches them on"
    assert await answer(records, "on") == Done(f"exits are on; {way}")
    assert await answer(records, "on", "0001") == Done("exits of …0001 are on")
    assert await answer(records, "on", "0002") == Done(f"exits of …0002 are not held; {way}")
    told = await switch_exits(records, CLOCK, command("on", ACCOUNT), ExitMode.OFF, live=True)
    assert told == Done(
        "exits of …0001 are not held; off for …0001: "
        "`senex exits on 0001` lists what would be sent and asks for the words"
    )


async def test_first_targets_that_wait_go_on_with_the_word(records: Records) -> None:
    for number in (ACCOUNT, OTHER):
        await records.accounts.let_first_targets_wait(number, True)
    await answer(records, "on", "0002")
    assert [account.exits_first_wait for account in await records.accounts.all()] == [True, False]
    await answer(records, "on")
    assert [account.exits_first_wait for account in await records.accounts.all()] == [False, False]


@pytest.mark.parametrize(
    ("note", "target", "told"),
    [
        ("cancel", "", "there is no running console: a cancel needs the broker"),
        ("off", "", "`senex exits` takes on, hold, cancel; 'off' was given"),
        ("hold", "0003", "'0003' names no known account; give one of …0001, …0002"),
    ],
)
async def test_what_cannot_be_done_changes_nothing(records: Records, note: str, target: str, told: str) -> None:
    refused = await answer(records, note, target)
    assert isinstance(refused, Refusal)
    assert refused.sentence() == told
    assert await records.exit_switch.all() == ()


async def test_it_needs_no_console(records: Records) -> None:
    record = await carry_out_without_engine(records, command("hold because lunch"), CLOCK, Stops(), live=True)
    assert (record.state, record.text) == ("done", "exits are held")
    assert await records.exit_switch.held(OTHER) is not None
