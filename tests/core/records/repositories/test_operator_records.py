"""Commands, the trading state and accounts in the records."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core.broker.port import BrokerAccount
from core.domain.operation.commands import Command, CommandKind, CommandState
from core.records.records import Records, StateConflict, TradingState
from tests.support.record_samples import AT, after, url_of

_PAUSE = Command("c1", CommandKind.PAUSE, "anna", AT)
_ONE = BrokerAccount("5WT00001", "Main", "Margin", False)
_TWO = BrokerAccount("5WT00002", "Roth", "Cash", False)


async def test_the_trading_state_survives_the_process_with_who_when_and_why(records: Records, path: Path) -> None:
    assert await records.trading.read() == TradingState("active", "", None, "")
    paused = await records.trading.pause("anna", "lunch", AT)
    assert paused == TradingState("paused", "anna", AT, "lunch")
    assert await records.trading.pause("bert", "again", after(1)) == paused, "the first pause stands"
    reopened = await Records.open(url_of(path))
    try:
        assert await reopened.trading.read() == paused
        assert (await reopened.trading.resume("bert", "back", after(2))).state == "active"
    finally:
        await reopened.close()


async def test_a_halt_is_weakened_neither_by_a_pause_nor_by_a_resume(records: Records) -> None:
    halted = await records.trading.halt("reconcile", "an order of ours is not recorded", AT)
    assert await records.trading.pause("anna", "", after(1)) == halted
    with pytest.raises(StateConflict, match="an order of ours is not recorded"):
        await records.trading.resume("anna", "", after(2))
    assert await records.trading.read() == halted
    assert (await records.trading.resolve_halt("anna", "adopted", after(3))).state == "paused"
    assert (await records.trading.resume("anna", "", after(4))).state == "active"
    assert (await records.trading.resolve_halt("anna", "nothing to resolve", after(5))).state == "active"


async def test_a_command_posted_twice_is_there_once_and_finished_once(records: Records, second: Records) -> None:
    await asyncio.gather(*(each.inbox.post(_PAUSE) for each in (records, second) * 3))
    assert await records.inbox.pending() == (_PAUSE,)
    answers = await asyncio.gather(
        *(each.inbox.finish("c1", CommandState.DONE, f"by {n}", AT) for n, each in enumerate((records, second) * 3))
    )
    assert answers.count(True) == 1
    winner = answers.index(True)
    await records.inbox.post(_PAUSE)
    assert await records.inbox.pending() == (), "posting a finished command again does not revive it"
    record = await second.inbox.get("c1")
    assert record is not None
    assert (record.command, record.state, record.text, record.finished_at) == (
        _PAUSE,
        CommandState.DONE,
        f"by {winner}",
        AT,
    )


async def test_commands_are_taken_in_the_order_they_were_posted(records: Records) -> None:
    posted = [replace(_PAUSE, id=f"c{9 - n}", at=after(-n), saw_cycle=n) for n in range(4)]
    for command in posted:
        await records.inbox.post(command)
    assert await records.inbox.pending() == tuple(posted)
    assert [record.command for record in await records.inbox.newest(2)] == [posted[3], posted[2]]
    assert not await records.inbox.finish("nobody", CommandState.DONE, "", AT)
    assert await records.inbox.get("nobody") is None
    with pytest.raises(ValueError, match="pending"):
        await records.inbox.finish("c9", CommandState.PENDING, "", AT)


async def test_a_command_keeps_what_it_is_about_and_what_its_sender_says(records: Records, second: Records) -> None:
    attest = Command("c1", CommandKind.ATTEST, "anna", AT, target="entry-1", note="no such order there \ud800")
    await second.inbox.post(attest)
    kept = replace(attest, note="no such order there ?")
    assert await records.inbox.pending() == (kept,)
    record = await records.inbox.get("c1")
    assert record is not None
    assert record.command == kept


@pytest.mark.sqlite
async def test_finding_an_account_again_keeps_the_operators_settings(records: Records, path: Path) -> None:
    await records.accounts.discover("first", [_ONE, _TWO], enable_new=False, at=AT)
    await records.accounts.set_enabled(_ONE.number, True, after(1))
    _set_by_operator(path, "offset_cents = 4, width = '5.0', tolerance = '0.30', position_limit = 3")
    renamed = replace(_ONE, nickname="Renamed", is_closed=True)
    await records.accounts.discover("first", [renamed], enable_new=False, at=after(2))
    one, two = await records.accounts.all()
    assert (one.nickname, one.is_closed, one.enabled) == ("Renamed", True, True)
    assert (one.offset_cents, str(one.width), str(one.tolerance), one.position_limit) == (4, "5.0", "0.30", 3)
    assert (two.nickname, two.enabled, two.offset_cents, two.width) == ("Roth", False, None, None)


async def test_an_account_reached_by_two_logins_is_one_account(records: Records, path: Path) -> None:
    await records.accounts.discover("first", [_ONE], enable_new=True, at=AT)
    await records.accounts.discover("second", [_ONE, _TWO], enable_new=True, at=after(1))
    assert [(found.number, found.login, found.enabled) for found in await records.accounts.all()] == [
        (_ONE.number, "first", True),
        (_TWO.number, "second", True),
    ]
    newer = await Records.open(url_of(path))
    try:
        await newer.accounts.discover("renamed", [_ONE], enable_new=True, at=after(2))
        assert (await newer.accounts.all())[0].login == "renamed", "a login taken out keeps no account"
    finally:
        await newer.close()


async def test_an_account_nobody_found_is_not_switched_on(records: Records) -> None:
    with pytest.raises(StateConflict):
        await records.accounts.set_enabled("5WT99999", True, AT)


def _set_by_operator(path: Path, columns: str) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE accounts SET {columns} WHERE number = '{_ONE.number}'"))
    engine.dispose()
