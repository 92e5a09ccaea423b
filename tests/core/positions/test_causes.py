"""Why contracts left: by whoever closed them, by the broker's rows, by shares that came, by a corporate action."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity
from core.domain.orders.orders import OrderReport
from core.domain.orders.transactions import Transaction
from core.domain.positions.closing import Gone
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import Ended, UnitState
from core.domain.trident.sides import Direction
from core.records.records import GoneRecord, TridentRecord
from tests.support.exit_samples import LONG_PUT, SHORT_CALL, SHORT_PUT, closing_fills, exit_of, sent
from tests.support.judged_account import CALL, P1, P2, WHOLE, Account, closed_by_hand, judged, less, working
from tests.support.record_samples import ACCOUNT, DAY, after
from tests.support.tridents import row

BROKEN, GONE = UnitState.BROKEN, UnitState.GONE


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[Account]:
    async with judged(tmp_path) as one:
        await one.first_reads()
        yield one


async def post(account: Account, *rows: Transaction) -> None:
    """The broker's rows, read a minute after the samples."""
    posted = [replace(one, account=ACCOUNT, executed_at=after(35), day=DAY) for one in rows]
    await account.records.transactions.keep(ACCOUNT, posted, through=DAY, at=after(60))


async def trident(account: Account) -> TridentRecord:
    return await account.records.tridents.get("one")


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("sub_kind", "short", "long", "how"),
    [
        ("Assignment", 1, 0, Ended.ASSIGNED),
        ("Exercise", 0, 1, Ended.EXERCISED),
        ("Expiration", 1, 0, Ended.EXPIRED),
        ("Forward Split", 1, 0, Ended.SPLIT),
    ],
)
async def test_a_row_of_the_broker_says_why_also_to_a_process_that_saw_nothing_before(
    account: Account, restarts: bool, sub_kind: str, short: int, long: int, how: Ended
) -> None:
    await post(account, row("801", sub_kind, SHORT_PUT if short else LONG_PUT))
    if restarts:
        account.restart()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=short, long=long))
    assert (await account.units())[P2] == (BROKEN, how)
    [left] = (await account.records.tridents.gone_of(["one"]))["one"]
    assert left.transaction_id == "801"


async def test_one_row_explains_one_contract_whenever_it_left(account: Account) -> None:
    await post(account, row("801", "Assignment", SHORT_PUT))
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1))
    assert (await account.units())[P2] == (BROKEN, Ended.ASSIGNED)
    account.restart()
    for at_s in (60, 90):
        await account.sees(at_s, less(short=2))
    assert await account.units() == {
        P1: (BROKEN, None),
        P2: (BROKEN, Ended.ASSIGNED),
        CALL: (UnitState.WHOLE, None),
    }
    assert [left.transaction_id for left in (await account.records.tridents.gone_of(["one"]))["one"]] == ["801", None]


async def test_a_row_that_was_undone_or_is_of_our_own_order_explains_nothing(account: Account) -> None:
    await sent(account.records, exit_of((P1,)))
    await account.records.exits.add_fills("x1", closing_fills((P1,)))
    ours = row("801", "Buy to Close", SHORT_PUT, kind="Trade", action="Buy to Close", order_id="71")
    undone = row("802", "Assignment", SHORT_PUT)
    await post(account, ours, undone, row("803", "Assignment", SHORT_PUT, reverses="802"))
    for at_s in (0, 30):
        await account.sees(at_s, less(short=2, long=1))
    assert (await account.units())[P2] == (BROKEN, None)


async def test_an_assignment_that_nobody_saw_come_stops_entries_once_the_row_tells(account: Account) -> None:
    """After a start nobody knows how many shares came since: the cause stays open until the broker's row is there."""
    account.restart()
    for at_s in (0, 30):
        await account.sees(at_s, less(short=1), shares=100)
    assert (await account.units())[P2] == (BROKEN, None)
    assert account.breakers.open_now == ()
    gone = Gone(P2, SHORT_PUT, Ended.ASSIGNED, after(60))
    await account.records.tridents.note_gone([GoneRecord("one", gone, "the broker's history", transaction_id="801")])
    account.restart()
    await account.sees(90, less(short=1), shares=100)
    assert (await account.units())[P2] == (BROKEN, Ended.ASSIGNED)
    [breaker] = account.breakers.open_now
    assert (breaker.kind, breaker.why) == (BreakerKind.ASSIGNED, "the short QQQ contract of put-2 of one was assigned")
    await account.breakers.close(BreakerKind.ASSIGNED, ACCOUNT, "anna", "sold the long put")
    await account.sees(150, less(short=1), shares=100)
    assert account.breakers.open_now == (), "the operator has settled it"


def of_ours() -> OrderReport:
    """Our own target as the broker lists it."""
    return replace(
        working(closed_by_hand(SHORT_PUT, LONG_PUT)), order_id="71", identifier="senexit-x1", user="anna"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "user", "how", "off"),
    [
        ("anna", "tradedesk", Ended.DESK, HandsOff.DESK),
        ("anna", "anna", Ended.HAND, HandsOff.NONE),
        ("anna", "", Ended.HAND, HandsOff.NONE),
        ("", "tradedesk", Ended.HAND, HandsOff.NONE),
    ],
)
async def test_what_another_user_closed_is_the_desks_and_the_trident_is_left_to_it_for_the_day(
    account: Account, ours: str, user: str, how: Ended, off: HandsOff
) -> None:
    await sent(account.records, exit_of((P1,)))
    target = replace(of_ours(), user=ours)
    await account.sees(0, WHOLE, target)
    order, held = closed_by_hand(SHORT_PUT, LONG_PUT, user=user), less(short=1, long=1)
    for at_s in (1, 31):
        await account.sees(at_s, held, target, order)
    assert (await account.units())[P2] == (GONE, how)
    now = await trident(account)
    assert (now.trident.hands_off, now.desk_day) == (off, DAY if off is HandsOff.DESK else None)


async def test_while_the_desk_closes_its_legs_it_is_left_to_it_and_from_the_next_day_on_anew(account: Account) -> None:
    await sent(account.records, exit_of((P1,)))
    order = working(closed_by_hand(SHORT_PUT, user="tradedesk"))
    order = replace(order, legs=tuple(replace(leg, symbol=SHORT_CALL) for leg in order.legs))
    await account.sees(0, WHOLE, of_ours(), order)
    assert (await trident(account)).trident.hands_off is HandsOff.DESK
    assert account.kinds() == [("trident.hands_off", Severity.CRITICAL)]
    assert account.told[0].text.endswith(
        "order 900 of another user, as the broker's desk is, closes its legs; no order is sent for it today"
    )
    for at_s in (40, 80):
        await account.sees(at_s, WHOLE, of_ours())
    assert (await trident(account)).trident.hands_off is HandsOff.DESK, "for the day"
    await account.records.tridents.hand_off("one", HandsOff.DESK, "yesterday", DAY.replace(day=DAY.day - 1))
    await account.sees(90, WHOLE, of_ours(), replace(order, user="anna"))
    assert (await trident(account)).trident.hands_off is HandsOff.FOREIGN_CLOSE


ADJUSTED = {(symbol.replace("QQQ  ", "QQQ1 "), side): count for (symbol, side), count in WHOLE.items()}


@pytest.mark.parametrize("restarts", [False, True])
async def test_legs_that_became_other_contracts_are_left_alone_for_good(account: Account, restarts: bool) -> None:
    await account.sees(0, ADJUSTED)
    assert (await trident(account)).trident.hands_off is HandsOff.NONE, "one read proves nothing"
    assert not await account.agrees(), "and nothing is sent meanwhile"
    if restarts:
        account.restart()
        await account.sees(30, ADJUSTED)
    await account.sees(60, ADJUSTED)
    now = await trident(account)
    assert now.trident.hands_off is HandsOff.ADJUSTED
    assert set((await account.units()).values()) == {(GONE, Ended.SPLIT)}
    assert ("trident.hands_off", Severity.CRITICAL) in account.kinds()
    await account.sees(120, ADJUSTED)
    assert (await trident(account)).trident.hands_off is HandsOff.ADJUSTED


async def test_contracts_of_another_root_right_or_day_adjust_nothing(account: Account) -> None:
    others = {
        ("QQQX  260417P00622000", Direction.SHORT): 1,
        ("QQQ1  260417C00622000", Direction.SHORT): 1,
        ("QQQ1  260424P00622000", Direction.SHORT): 1,
    }
    for at_s in (0, 30):
        await account.sees(at_s, {**less(short=1, long=1), **others})
    assert (await account.units())[P2] == (GONE, None)
    assert (await trident(account)).trident.hands_off is HandsOff.NONE


async def test_an_exit_that_no_record_knows_is_said_to_be_one_and_let_go_when_it_is_over(account: Account) -> None:
    order = replace(working(closed_by_hand(SHORT_PUT)), identifier="senexit-" + 32 * "a")
    await account.sees(0, WHOLE, order)
    assert (await trident(account)).trident.hands_off is HandsOff.FOREIGN_CLOSE
    assert account.told[0].text.endswith(
        "order 900 at the broker has an exit's identifier and no record here, as that of another console or a lost one "
        "has; it closes the legs, and no order is sent for it"
    )
    for at_s in (30, 60):
        await account.sees(at_s)
    assert (await trident(account)).trident.hands_off is HandsOff.NONE
