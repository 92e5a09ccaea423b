"""Breakers in the records: opened, closed, and what each of them stops."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.domain.operation.breakers import Breaker, BreakerKind, Scope
from core.domain.orders.order_states import OrderState
from core.records.records import Records, RecordsRefusal
from tests.support.record_samples import ACCOUNT, AT, CLOSES, KEPT_IN_POSTGRES, after, entry, url_of

_LOGINS = {"5WT00001": "first", "5WT00002": "first", "5WT00003": "second"}
_SUBJECTS = {Scope.GLOBAL: "", Scope.LOGIN: "first", Scope.ACCOUNT: ACCOUNT}


async def _find_accounts(records: Records) -> None:
    for number, login in _LOGINS.items():
        await records.accounts.discover(login, [BrokerAccount(number, "", "Margin", False)], enable_new=True, at=AT)


def _stored(path: Path) -> list[tuple[str, str, str, str, str]]:
    """Every recorded breaker, newest first: kind, subject, why, and who closed it for what."""
    columns = "kind, subject, why, closed_by, closing_why"
    found = KEPT_IN_POSTGRES.ask(path, f"SELECT {columns} FROM breakers ORDER BY id DESC")
    if found is not None:
        return found
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM breakers ORDER BY id DESC").fetchall()


@pytest.mark.parametrize("kind", list(BreakerKind))
async def test_an_open_breaker_stops_sending_for_whom_it_says_and_for_nobody_else(
    records: Records, kind: BreakerKind
) -> None:
    await _find_accounts(records)
    subject = _SUBJECTS[kind.scope]
    breaker = Breaker(kind, subject, "why", AT)
    assert await records.breakers.open(kind, subject, "why", AT)
    assert await records.breakers.open_now() == (breaker,)
    stopped = set()
    for number, login in _LOGINS.items():
        await records.entries.prepare(entry(number, account=number))
        sent = await records.entries.mark_sent(number, AT, epoch=records.epoch, closes=CLOSES)
        assert sent is not breaker.stops(number, login)
        if not sent:
            stopped.add(number)
            assert (await records.entries.get(number)).state is OrderState.PREPARED
            assert len(await records.entries.history(number)) == 1
    assert len(stopped) == {Scope.GLOBAL: 3, Scope.LOGIN: 2, Scope.ACCOUNT: 1}[kind.scope]
    assert await records.breakers.close(kind, subject, "anna", "mended", after(1))
    for number in stopped:
        assert await records.entries.mark_sent(number, after(2), epoch=records.epoch, closes=CLOSES)


async def test_a_login_is_stopped_by_its_own_breaker_whatever_else_is_recorded(records: Records) -> None:
    """An entry is stopped by the login of its own account, not by any account's."""
    await _find_accounts(records)
    assert await records.breakers.open(BreakerKind.LOGIN, "second", "refused twice", AT)
    for number, login in reversed(_LOGINS.items()):
        await records.entries.prepare(entry(number, account=number))
        assert await records.entries.mark_sent(number, AT, epoch=records.epoch, closes=CLOSES) is (login == "first")


async def test_a_subject_is_compared_within_its_scope_only(records: Records) -> None:
    await _find_accounts(records)
    assert await records.breakers.open(BreakerKind.SENDS, "first", "an account with a login's name", AT)
    assert await records.breakers.open(BreakerKind.LOGIN, ACCOUNT, "a login with an account's name", AT)
    await records.entries.prepare(entry())
    assert await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)


@pytest.mark.sqlite
async def test_a_breaker_of_an_unknown_kind_stops_every_account(records: Records, path: Path) -> None:
    await records.entries.prepare(entry())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO breakers (kind, subject, why, opened_at, closed_by, closing_why)"
            " VALUES ('moon', '', '', ?, '', '')",
            ("2026-03-02T14:45:00.000000Z",),
        )
    assert not await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)


async def test_a_breaker_opens_once_closes_once_and_both_stay_on_record(records: Records, path: Path) -> None:
    feed, sends = BreakerKind.FEED, BreakerKind.SENDS
    assert not await records.breakers.close(feed, "", "engine", "was never open", AT)
    assert await records.breakers.open(feed, "", "silent for 15 s", AT)
    assert not await records.breakers.open(feed, "", "another cause", after(1))
    assert await records.breakers.open(sends, ACCOUNT, "3 failed sends", after(2))
    assert await records.breakers.open(sends, "5WT00002", "3 failed sends", after(3))
    assert await records.breakers.close(feed, "", "engine", "live again", after(4))
    assert not await records.breakers.close(feed, "", "engine", "again", after(5))
    assert not await records.breakers.close(sends, "5WT00003", "anna", "", after(5))
    assert await records.breakers.open(feed, "", "silent again", after(6))
    open_now = (
        Breaker(sends, ACCOUNT, "3 failed sends", after(2)),
        Breaker(sends, "5WT00002", "3 failed sends", after(3)),
        Breaker(feed, "", "silent again", after(6)),
    )
    assert await records.breakers.open_now() == open_now
    reopened = await Records.open(url_of(path))
    try:
        assert await reopened.breakers.open_now() == open_now
    finally:
        await reopened.close()
    assert _stored(path) == [
        ("feed", "", "silent again", "", ""),
        ("sends", "5WT00002", "3 failed sends", "", ""),
        ("sends", ACCOUNT, "3 failed sends", "", ""),
        ("feed", "", "silent for 15 s", "engine", "live again"),
    ]


@pytest.mark.parametrize(
    ("kind", "subject"), [(BreakerKind.CLOCK, "x"), (BreakerKind.LOGIN, ""), (BreakerKind.SENDS, "")]
)
async def test_a_breaker_that_would_stop_nobody_or_somebody_else_is_refused(
    records: Records, path: Path, kind: BreakerKind, subject: str
) -> None:
    with pytest.raises(ValueError, match=f"kind {kind.code} needs"):
        await records.breakers.open(kind, subject, "", AT)
    assert _stored(path) == []


async def test_only_the_trader_opens_and_closes_breakers(records: Records, path: Path) -> None:
    await records.breakers.open(BreakerKind.FEED, "", "silent", AT)
    watcher = await Records.open(url_of(path), trader=False)
    try:
        with pytest.raises(RecordsRefusal, match="only the trader writes breakers"):
            await watcher.breakers.open(BreakerKind.CLOCK, "", "", AT)
        with pytest.raises(RecordsRefusal, match="only the trader writes breakers"):
            await watcher.breakers.close(BreakerKind.FEED, "", "anna", "", AT)
        assert await watcher.breakers.open_now() == (Breaker(BreakerKind.FEED, "", "silent", AT),)
    finally:
        await watcher.close()


async def test_of_many_openings_and_closings_at_once_one_counts(records: Records, second: Records, path: Path) -> None:
    for turn in range(4):
        openings = await asyncio.gather(
            *(
                each.breakers.open(BreakerKind.STORE, "", f"{turn} {n}", AT)
                for n, each in enumerate((records, second) * 4)
            )
        )
        assert openings.count(True) == 1
        (breaker,) = await records.breakers.open_now()
        assert breaker.why == f"{turn} {openings.index(True)}"
        closings = await asyncio.gather(
            *(
                each.breakers.close(BreakerKind.STORE, "", f"{n}", "", after(1))
                for n, each in enumerate((records, second) * 4)
            )
        )
        assert closings.count(True) == 1
        assert _stored(path)[0][3] == f"{closings.index(True)}"
    assert len(_stored(path)) == 4


async def test_opening_and_closing_at_once_leave_a_history_that_adds_up(
    records: Records, second: Records, path: Path
) -> None:
    opened, closed = 0, 0
    for turn in range(12):
        opens, closes = await asyncio.gather(
            records.breakers.open(BreakerKind.FEED, "", "", after(turn)),
            second.breakers.close(BreakerKind.FEED, "", "anna", "", after(turn)),
        )
        opened += opens
        closed += closes
        assert len(await records.breakers.open_now()) == opened - closed
    history = _stored(path)
    assert len(history) == opened > 0
    assert [row[3] for row in history].count("anna") == closed


async def test_once_a_breaker_is_known_to_be_open_nothing_becomes_sent(records: Records, second: Records) -> None:
    """Whatever the order of commits, an entry that was sent was marked sent before the breaker was recorded."""
    for number in range(16):
        account = f"5WT{number:05}"
        name = f"race{number}"
        await records.entries.prepare(entry(name, account=account))

        async def trip() -> OrderState:
            await second.breakers.open(BreakerKind.SENDS, account, "", AT)  # noqa: B023 - awaited in this round
            return (await second.entries.get(name)).state  # noqa: B023 - awaited in this round

        send = records.entries.mark_sent(name, AT, epoch=records.epoch, closes=CLOSES)
        state_when_open, sent = await asyncio.gather(trip(), send)
        found = await records.entries.get(name)
        assert found.state is state_when_open is (OrderState.SENT if sent else OrderState.PREPARED)
        assert not await records.entries.mark_sent(name, AT, epoch=records.epoch, closes=CLOSES)
