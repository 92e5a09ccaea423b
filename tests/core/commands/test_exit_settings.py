"""The settings of an account's exits by command; in live they are switched on by typed words alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.commands.account_settings import set_account
from core.commands.inbox import Done
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.reasons import Reason, Refusal
from core.domain.positions.exit_rules import OwnExits
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from tests.support.exit_samples import filled
from tests.support.record_samples import ACCOUNT, AT

WAITS = "its first targets wait for one more `senex exits on`"


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    opened = await Records.open(f"sqlite+aiosqlite:///{tmp_path / 'records.sqlite3'}")
    await opened.accounts.discover("main", [BrokerAccount(ACCOUNT, "Main", "Margin", False)], enable_new=True, at=AT)
    yield opened
    await opened.close()


async def answer(records: Records, note: str, *, live: bool) -> Done | Refusal:
    command = Command("c1", CommandKind.SET_ACCOUNT, "anna", AT, target=ACCOUNT, note=note)
    return await set_account(records, ShiftedClock(AT + timedelta(seconds=1)), command, live=live)


async def own(records: Records) -> OwnExits:
    [account] = await records.accounts.all()
    return account.exits


async def waits(records: Records) -> bool:
    [account] = await records.accounts.all()
    return account.exits_first_wait


async def test_an_account_has_exits_of_its_own(records: Records) -> None:
    for note, told in (
        ("exits targets", "…0001: exits default -> targets"),
        ("target-put-1 off", "…0001: target-put-1 default -> off"),
        ("target-call 50", "…0001: target-call default -> 50"),
        ("exit-dte 14", "…0001: exit-dte default -> 14"),
        ("let-index-expire on", "…0001: let-index-expire default -> on"),
        ("call-target-last off", "…0001: call-target-last default -> off"),
        ("call-target-last off", "…0001: call-target-last off already"),
    ):
        assert await answer(records, note, live=False) == Done(told)
    targets = {UnitName.PUT_1: "off", UnitName.CALL: "50"}
    assert await own(records) == OwnExits(ExitMode.TARGETS, targets, 14, True, False)
    assert not await waits(records), "a demo has nothing to lose"


@pytest.mark.parametrize("note", ["exits all", "exits targets", "exits all EXITS 0002", "exits all yes"])
async def test_live_exits_are_not_switched_on_without_the_words(records: Records, note: str) -> None:
    refused = await answer(records, note, live=True)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.EXITS_UNCONFIRMED
    assert refused.sentence() == (
        "live closing orders of an account are switched on by typing EXITS 0001; nothing is changed"
    )
    assert await own(records) == OwnExits()


async def test_live_exits_of_an_account_that_holds_nothing_wait_with_their_first_targets(records: Records) -> None:
    assert await answer(records, "exits all EXITS 0001", live=True) == Done(f"…0001: exits default -> all; {WAITS}")
    assert (await own(records)).mode is ExitMode.ALL
    assert await waits(records)
    assert await answer(records, "exits targets EXITS 0001", live=True) == Done("…0001: exits all -> targets")
    assert await waits(records), "only that word ends it"
    assert await answer(records, "exits off", live=True) == Done("…0001: exits targets -> off")


async def test_live_exits_of_an_account_that_holds_a_trident_do_not_wait(records: Records) -> None:
    await filled(records)
    assert await answer(records, "exits all EXITS 0001", live=True) == Done("…0001: exits default -> all")
    assert not await waits(records)
