"""The settings of accounts with their history, and which logins are valid."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.broker.port import BrokerAccount
from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.positions.exit_rules import OwnExits
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.records.records import AccountChange, LoginRecord, Records, StateConflict
from tests.support.record_samples import AT, after

ONE = BrokerAccount("5WT00001", "Main", "Margin", False)
TWO = BrokerAccount("5WT00002", "Roth", "Cash", False)
CLOSED = BrokerAccount("5WT00000", "Old", "Cash", True)


async def primaries(records: Records) -> list[str]:
    return [account.number for account in await records.accounts.all() if account.is_primary]


async def test_every_change_keeps_who_when_old_and_new(records: Records) -> None:
    await records.accounts.discover("first", [ONE, TWO], enable_new=False, at=AT)
    before = await records.accounts.changes()
    old = await records.accounts.set(TWO.number, AccountSetting(AccountField.OFFSET_CENTS, 4), "anna", after(1))
    assert old == AccountSetting(AccountField.OFFSET_CENTS, None)
    await records.accounts.set(TWO.number, AccountSetting(AccountField.OFFSET_CENTS, 7), "bert", after(2))
    await records.accounts.set(TWO.number, AccountSetting(AccountField.OFFSET_CENTS, 7), "bert", after(3))
    await records.accounts.set(TWO.number, AccountSetting(AccountField.TOLERANCE, Decimal("0.30")), "anna", after(4))
    await records.accounts.set_enabled(TWO.number, True, after(5), "anna")
    await records.accounts.set(TWO.number, AccountSetting(AccountField.SKIP, date(2026, 3, 2)), "anna", after(6))
    assert (await records.accounts.changes(TWO.number)) == (
        AccountChange(TWO.number, AccountField.OFFSET_CENTS, "default", "4", "anna", after(1)),
        AccountChange(TWO.number, AccountField.OFFSET_CENTS, "4", "7", "bert", after(2)),
        AccountChange(TWO.number, AccountField.TOLERANCE, "default", "0.30", "anna", after(4)),
        AccountChange(TWO.number, AccountField.AUTOMATION, "off", "on", "anna", after(5)),
        AccountChange(TWO.number, AccountField.SKIP, "default", "2026-03-02", "anna", after(6)),
    )
    assert (await records.accounts.changes())[: len(before)] == before, "nothing recorded was lost"
    one, two = await records.accounts.all()
    assert (one.offset_cents, one.tolerance, one.enabled, one.skip_day) == (None, None, False, None)
    assert (two.offset_cents, two.tolerance, two.enabled, two.skip_day) == (
        7,
        Decimal("0.30"),
        True,
        date(2026, 3, 2),
    )


async def test_an_account_has_settings_of_exits_of_its_own(records: Records) -> None:
    await records.accounts.discover("first", [ONE], enable_new=False, at=AT)
    [one] = await records.accounts.all()
    assert (one.exits, one.exits_first_wait) == (OwnExits(), False)
    values = {
        AccountField.EXITS: "targets",
        AccountField.TARGET_PUT_1: "35",
        AccountField.TARGET_PUT_2: "off",
        AccountField.TARGET_CALL: "95",
        AccountField.EXIT_DTE: 21,
        AccountField.LET_INDEX_EXPIRE: True,
        AccountField.CALL_TARGET_LAST: False,
    }
    for field, value in values.items():
        assert await records.accounts.set(ONE.number, AccountSetting(field, value), "anna", after(1)) == AccountSetting(
            field, None
        )
    [one] = await records.accounts.reached()
    assert one.exits == OwnExits(
        ExitMode.TARGETS, {UnitName.PUT_1: "35", UnitName.PUT_2: "off", UnitName.CALL: "95"}, 21, True, False
    )
    shown = [(change.field, change.old, change.new) for change in await records.accounts.changes(ONE.number)]
    assert shown[-3:] == [
        (AccountField.EXIT_DTE, "default", "21"),
        (AccountField.LET_INDEX_EXPIRE, "default", "on"),
        (AccountField.CALL_TARGET_LAST, "default", "off"),
    ]
    for field in values:
        await records.accounts.set(ONE.number, AccountSetting(field, None), "anna", after(2))
    await records.accounts.let_first_targets_wait(ONE.number, True)
    [one] = await records.accounts.all()
    assert (one.exits, one.exits_first_wait) == (OwnExits(), True)


async def test_exactly_one_account_is_primary_and_it_stays_so_when_found_again(records: Records) -> None:
    await records.accounts.discover("first", [CLOSED, ONE, TWO], enable_new=False, at=AT)
    assert await primaries(records) == [ONE.number], "the first that is not closed"
    await records.accounts.set(TWO.number, AccountSetting(AccountField.PRIMARY, True), "anna", after(1))
    assert await primaries(records) == [TWO.number]
    await records.accounts.discover("first", [ONE, TWO], enable_new=False, at=after(2))
    assert await primaries(records) == [TWO.number]
    with pytest.raises(StateConflict, match="make another one primary"):
        await records.accounts.set(TWO.number, AccountSetting(AccountField.PRIMARY, False), "anna", after(3))
    given = [(c.account, c.old, c.new, c.who) for c in await records.accounts.changes()]
    assert given == [
        (ONE.number, "off", "on", "the console"),
        (ONE.number, "on", "off", "anna"),
        (TWO.number, "off", "on", "anna"),
    ]


async def test_an_unknown_account_changes_nothing_and_takes_primary_from_nobody(records: Records) -> None:
    await records.accounts.discover("first", [ONE], enable_new=False, at=AT)
    before = await records.accounts.changes()
    with pytest.raises(StateConflict):
        await records.accounts.set("5WT99999", AccountSetting(AccountField.PRIMARY, True), "anna", after(1))
    assert await primaries(records) == [ONE.number]
    assert await records.accounts.changes() == before


async def test_an_account_is_handed_over_to_another_login(records: Records) -> None:
    await records.accounts.discover("first", [ONE, TWO], enable_new=False, at=AT)
    await records.accounts.hand_over("second", [TWO.number])
    assert [a.login for a in await records.accounts.all()] == ["first", "second"]


async def test_a_login_says_once_that_it_turned_bad(records: Records) -> None:
    async def note(name: str, is_valid: bool, seconds: int) -> bool:
        detail = "" if is_valid else "Grant revoked"
        return await records.logins.note(name, is_valid=is_valid, detail=detail, at=after(seconds))

    assert not await note("second", True, 0), "good from the start is no news"
    assert await note("first", False, 0)
    assert [await note("second", valid, s) for s, valid in ((1, True), (2, False), (3, False), (4, True))] == [
        False,
        True,
        False,
        True,
    ]
    assert await records.logins.all() == (
        LoginRecord("first", False, AT, AT, "Grant revoked"),
        LoginRecord("second", True, after(4), after(4), ""),
    )
