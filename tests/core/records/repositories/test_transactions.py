"""The broker's history as it was read, what its rows are about, and the days of accounts: only ever added."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.orders.transactions import Transaction
from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.matching import Lot, Match, Role, match
from core.domain.positions.pnl import OfficialClose, Unrealized
from core.records.records import Records
from core.records.repositories.transactions import TransactionRead
from tests.support.record_samples import ACCOUNT, AT, DAY, after, entry
from tests.support.tridents import LONG_PUT, PUT_1, PUT_2, SHORT_PUT, D, row, units

_OTHER = "5WT00002"
_OPENED = entry("T1")


def kept(
    id: str, sub_kind: str = "Expiration", symbol: str = SHORT_PUT, quantity: int = 1, **more: object
) -> Transaction:
    return replace(row(id, sub_kind, symbol, quantity), account=ACCOUNT, executed_at=AT, day=DAY, **more)  # type: ignore[arg-type]


def about(*rows: Transaction, lots: int = 2) -> tuple[Match, ...]:
    """What the rows are about when so many puts of the trident were held into expiration."""
    held = [Lot("T1", unit, symbol) for unit in (PUT_1, PUT_2)[:lots] for symbol in (SHORT_PUT, LONG_PUT)]
    return match(rows, {}, {"T1": units()}, held)


async def test_a_row_is_read_back_as_it_was_read(records: Records) -> None:
    plain = kept("1")
    odd = replace(plain, id="2", kind="Rebate", quantity=None, price=None, value=D("-0.10"), text="§ 12.5 %")
    assert await records.transactions.keep(ACCOUNT, [plain, odd], through=DAY, at=AT) == (plain, odd)
    assert await records.transactions.since(ACCOUNT, AT) == (plain, odd)
    assert await records.transactions.since(ACCOUNT, after(1)) == ()
    assert await records.transactions.since(_OTHER, AT) == ()


async def test_a_row_that_the_broker_wrote_again_is_a_new_revision(records: Records) -> None:
    first = kept("1", fees_estimated=True)
    again = replace(first, net_value=D("-5.00"), fees_estimated=False)
    await records.transactions.keep(ACCOUNT, [first], through=DAY, at=AT)
    assert await records.transactions.keep(ACCOUNT, [first], through=DAY, at=after(1)) == ()
    assert await records.transactions.keep(ACCOUNT, [again, first, again], through=DAY, at=after(2)) == (
        again,
        first,
        again,
    )
    assert await records.transactions.revisions(ACCOUNT, "1") == (first, again, first, again)
    assert await records.transactions.since(ACCOUNT, AT) == (again,)


async def test_an_odd_character_does_not_make_a_row_another_one(records: Records) -> None:
    odd = kept("1", text="removed \ud800\0")
    assert await records.transactions.keep(ACCOUNT, [odd], through=DAY, at=AT) == (odd,)
    assert await records.transactions.keep(ACCOUNT, [odd], through=DAY, at=after(1)) == ()
    assert [one.text for one in await records.transactions.since(ACCOUNT, AT)] == ["removed ??"]


async def test_the_same_id_of_two_accounts_is_two_rows(records: Records) -> None:
    mine, theirs = kept("1"), replace(kept("1"), account=_OTHER, value=D("7"))
    await records.transactions.keep(ACCOUNT, [mine], through=DAY, at=AT)
    await records.transactions.keep(_OTHER, [theirs], through=DAY, at=AT)
    assert await records.transactions.since(ACCOUNT, AT) == (mine,)
    assert await records.transactions.since(_OTHER, AT) == (theirs,)
    with pytest.raises(ValueError, match="not of the account"):
        await records.transactions.keep(ACCOUNT, [theirs], through=DAY, at=AT)


async def test_the_newest_complete_reading_is_known(records: Records) -> None:
    assert await records.transactions.last_read(ACCOUNT) is None
    await records.transactions.keep(ACCOUNT, [], through=DAY, at=AT)
    later = DAY + timedelta(days=1)
    await records.transactions.keep(ACCOUNT, [], through=later, at=after(9))
    assert await records.transactions.last_read(ACCOUNT) == TransactionRead(later, after(9))
    await records.transactions.keep(ACCOUNT, [], through=DAY, at=after(10))
    assert await records.transactions.last_read(ACCOUNT) == TransactionRead(later, after(9))
    assert await records.transactions.last_read(_OTHER) is None


async def test_more_rows_than_one_query_takes(records: Records) -> None:
    many = [kept(str(n)) for n in range(1, 1205)]
    assert len(await records.transactions.keep(ACCOUNT, many, through=DAY, at=AT)) == len(many)
    assert await records.transactions.keep(ACCOUNT, many, through=DAY, at=after(1)) == ()
    assert await records.transactions.since(ACCOUNT, AT) == tuple(many)


async def test_what_a_row_is_about_is_told_by_its_newest_match(records: Records) -> None:
    await records.entries.prepare(_OPENED)
    both = kept("1", quantity=2, value=D("-9.01"), net_value=D("-14.01"))
    await records.transactions.keep(ACCOUNT, [both], through=DAY, at=AT)
    first = about(both, lots=1)
    assert [one.role for one in first] == [Role.REMOVAL, Role.NOT_OURS]
    assert await records.transactions.note_matches(first, AT) == first
    assert await records.transactions.note_matches(first, after(1)) == ()
    assert await records.transactions.matches_of(["T1"]) == first[:1]
    second = about(both)
    assert await records.transactions.note_matches(second, after(2)) == second
    found = await records.transactions.matches_of(["T1", "nobody"])
    assert found == second
    assert sum(one.net_value for one in found) == both.net_value


async def test_a_match_is_read_with_its_row_as_it_is_now(records: Records) -> None:
    await records.entries.prepare(_OPENED)
    before = kept("1", fees_estimated=True)
    await records.transactions.keep(ACCOUNT, [before], through=DAY, at=AT)
    await records.transactions.note_matches(about(before), AT)
    now = replace(before, fees_estimated=False)
    await records.transactions.keep(ACCOUNT, [now], through=DAY, at=after(1))
    (found,) = await records.transactions.matches_of(["T1"])
    assert found.row == now
    assert await records.transactions.note_matches(about(now), after(2)) == (), "it is about the same"


async def test_a_row_of_an_unknown_trident_is_refused(records: Records) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await records.transactions.note_matches(about(kept("1")), AT)
    assert await records.transactions.matches_of(["T1"]) == ()


async def test_what_one_process_added_the_other_sees(records: Records, second: Records) -> None:
    await records.transactions.keep(ACCOUNT, [kept("1")], through=DAY, at=AT)
    assert await second.transactions.keep(ACCOUNT, [kept("1")], through=DAY, at=after(1)) == ()
    assert await second.transactions.last_read(ACCOUNT) == TransactionRead(DAY, after(1))


AT_CLOSE = AccountAtClose(
    ACCOUNT, DAY, D("190.00"), D("16000.00"), Unrealized(D("12.50"), D("-3.00")), D("44.10"), D("7.46"), AT
)


async def test_an_account_s_day_is_written_once(records: Records) -> None:
    assert await records.pnl_rows.add_day(AT_CLOSE)
    assert not await records.pnl_rows.add_day(replace(AT_CLOSE, realized=Decimal(0)))
    stale = replace(AT_CLOSE, day=DAY + timedelta(days=1), unrealized=None)
    other = replace(AT_CLOSE, account=_OTHER)
    assert await records.pnl_rows.add_day(stale)
    assert await records.pnl_rows.add_day(other)
    assert await records.pnl_rows.days(DAY, DAY) == (AT_CLOSE, other)
    assert await records.pnl_rows.days(DAY + timedelta(days=1), DAY + timedelta(days=9)) == (stale,)


async def test_an_official_close_is_written_once(records: Records) -> None:
    first, next_day = OfficialClose(AT, D("612.01")), OfficialClose(AT + timedelta(days=1), D("613.5"))
    assert await records.pnl_rows.add_close("QQQ", DAY, first)
    assert not await records.pnl_rows.add_close("QQQ", DAY, replace(first, price=D("1")))
    assert await records.pnl_rows.add_close("QQQ", DAY + timedelta(days=1), next_day)
    assert await records.pnl_rows.add_close("SPX", DAY, first)
    assert await records.pnl_rows.closes("QQQ", DAY) == (first, next_day)
    assert await records.pnl_rows.closes("QQQ", DAY + timedelta(days=1)) == (next_day,)
