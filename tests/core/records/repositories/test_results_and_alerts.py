"""The results of accounts and the alerts in the records."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.domain.operation.events import Event, Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.domain.reporting.notices import Letterhead
from core.records.records import Records, RecordsError, StateConflict
from tests.support.record_samples import ACCOUNT, AT, DAY, KEPT_IN_POSTGRES, SLOT, after, entry, url_of

_RUN = AccountRun(1, ACCOUNT, DAY, Outcome.SUCCEEDED, "", "", 2, True, 3, 8125)
_OFF = AccountRun(1, "5WT00002", DAY, Outcome.SKIPPED, "account_disabled", "automation is off", 0, False, 0)
_DUE = DueAlert(AlertKind.NO_TRADE, ACCOUNT, "no trade in 5 sessions")


async def test_the_results_of_a_cycle_are_recorded_with_its_end_or_not_at_all(records: Records) -> None:
    assert await records.cycles.begin(DAY, SLOT, False, AT) == 1
    await records.cycles.end(1, "succeeded", "", "", {}, after(8), (_RUN, _OFF))
    assert (await records.results.recorded(DAY, DAY)).runs == (_RUN, _OFF)
    with pytest.raises(StateConflict):
        await records.cycles.end(1, "failed", "", "", {}, after(9), (replace(_RUN, account="5WT00003"),))
    assert (await records.results.recorded(DAY, DAY)).runs == (_RUN, _OFF)
    assert (await records.results.recorded(DAY + timedelta(days=1), date.max)).runs == ()


async def test_sessions_are_those_with_a_slot_or_a_cycle_newest_last(records: Records) -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    for day in (days[3], days[0], days[2]):
        await records.slots.miss(day, SLOT + (day - DAY), Reason.PROCESS_DOWN, "down", AT)
    await records.cycles.begin(days[1], None, True, AT)
    await records.cycles.begin(days[2], None, True, AT)
    assert await records.results.sessions() == tuple(days[:4])
    assert await records.results.sessions(count=2) == tuple(days[2:4])
    assert await records.results.sessions(days[1], days[2]) == tuple(days[1:3])
    assert await records.results.sessions(days[4]) == ()


async def test_entries_of_a_range(records: Records) -> None:
    other = DAY + timedelta(days=3)
    await records.entries.prepare(entry("one"))
    await records.entries.prepare(entry("two", day=other))
    assert [e.id for e in (await records.results.recorded(DAY, other)).entries] == ["one", "two"]
    assert [e.id for e in (await records.results.recorded(other, other)).entries] == ["two"]


async def test_slots_that_did_not_run_are_counted_by_day_and_reason(records: Records, path: Path) -> None:
    other = DAY + timedelta(days=1)
    for hours, reason in ((0, Reason.PAUSED), (1, Reason.PROCESS_DOWN), (2, Reason.PAUSED)):
        await records.slots.miss(DAY, SLOT + timedelta(hours=hours), reason, "why", AT)
    await records.slots.miss(other, SLOT + timedelta(days=1), Reason.HALTED, "why", AT)
    assert await records.cycles.begin(DAY, SLOT + timedelta(hours=3), False, AT) == 1
    await records.cycles.end(1, "succeeded", "", "", {}, after(8), (_RUN,))
    assert await records.cycles.begin(DAY, SLOT + timedelta(hours=4), False, AT) == 2
    before = records.results.version()
    assert (await records.results.recorded(DAY, DAY)).missed == {DAY: {"paused": 2, "process_down": 1}}
    assert (await records.results.recorded(DAY, other)).missed.keys() == {DAY, other}
    assert records.results.version() == before
    await records.slots.miss(DAY, SLOT + timedelta(hours=5), Reason.PAUSED, "why", AT)
    assert records.results.version() != before
    following = await Records.open(url_of(path))
    assert await following.cycles.interrupt_unfinished(after(20)) == (2,)
    missed = (await following.results.recorded(DAY, DAY)).missed
    await following.close()
    assert missed == {DAY: {"paused": 3, "process_down": 1, "interrupted": 1}}


async def test_an_account_is_expected_since_it_was_switched_on(records: Records) -> None:
    found = [BrokerAccount(number, "", "Margin", number == "closed") for number in ("on", "off", "closed", "later")]
    await records.accounts.discover("main", found, enable_new=True, at=AT)
    await records.accounts.set_enabled("off", False, after(1))
    await records.accounts.set_enabled("later", False, after(1))
    await records.accounts.set_enabled("later", True, AT + timedelta(days=2))
    assert (await records.results.recorded(DAY, DAY)).traded == {"on": DAY, "later": DAY + timedelta(days=2)}


async def test_an_alert_is_open_once_for_its_subject_and_stays_on_record(records: Records, second: Records) -> None:
    opened = [await each.alerts.open(_DUE, AT) for each in (records, second)]
    assert opened == [True, False]
    assert await records.alerts.open(replace(_DUE, subject="5WT00002"), after(1))
    first, other = await records.alerts.open_now()
    assert (first.kind, first.subject, first.text, first.opened_at) == (AlertKind.NO_TRADE, ACCOUNT, _DUE.text, AT)
    assert other.subject == "5WT00002"

    assert await records.alerts.acknowledge(first.id, "anna", after(2))
    assert not await records.alerts.acknowledge(first.id, "bob", after(3)), "who saw it first stays on record"
    assert await records.alerts.close(first.id, after(4))
    assert not await records.alerts.close(first.id, after(5))
    assert not await records.alerts.acknowledge(first.id, "bob", after(6))
    assert await records.alerts.open_now() == (other,)

    assert await records.alerts.open(_DUE, after(7)), "it may open again"
    newest = await records.alerts.newest(10)
    assert [alert.closed_at for alert in newest] == [None, None, after(4)]
    assert (newest[-1].acknowledged_by, newest[-1].acknowledged_at) == ("anna", after(2))


async def test_an_alert_that_rings_again_is_seen_by_nobody_yet_and_the_one_before_is_kept(records: Records) -> None:
    told = Event(after(3), "alert.opened", "still", Severity.CRITICAL, account=ACCOUNT)
    await records.alerts.open(_DUE, AT)
    (first,) = await records.alerts.open_now()
    await records.alerts.acknowledge(first.id, "anna", after(2))
    assert await records.alerts.ring(first.id, replace(_DUE, text="still"), after(3), told)
    (second,) = await records.alerts.open_now()
    assert (second.opened_at, second.text, second.acknowledged_by) == (after(3), "still", "")
    assert (await records.alerts.newest(9))[1] == replace(
        first, acknowledged_at=after(2), acknowledged_by="anna", closed_at=after(3)
    )
    assert not await records.alerts.ring(first.id, _DUE, after(4), told), "it is not open any more"
    assert await records.alerts.open_now() == (second,)
    assert await records.journal.newest(9) == (told,)


@pytest.mark.parametrize("broken", ["events", "messages"])
async def test_an_alert_and_its_mail_are_there_together_or_not_at_all(
    records: Records, path: Path, broken: str
) -> None:
    """Whenever the process dies, an alert and its event are recorded together or not at all."""
    records.outbox.open(Letterhead("live", "https://broker.example/"), MailPreference.IMMEDIATE)
    said = Event(AT, "alert.opened", _DUE.text, Severity.CRITICAL, account=ACCOUNT)
    over = Event(after(5), "alert.closed", "it is over", account=ACCOUNT)
    _rename(path, broken, "away")
    with pytest.raises(RecordsError):
        await records.alerts.open(_DUE, AT, said)
    _rename(path, "away", broken)
    assert await records.alerts.open_now() == ()
    assert await records.journal.newest(9) == ()

    assert await records.alerts.open(_DUE, AT, said)
    assert not await records.alerts.open(_DUE, after(1), said), "told once"
    assert await records.journal.newest(9) == (said,)
    assert [message.kind for message in await records.outbox.waiting()] == ["alarm"]
    (alert,) = await records.alerts.open_now()
    assert await records.alerts.close(alert.id, over.at, over)
    assert not await records.alerts.close(alert.id, after(6), over)
    assert await records.journal.newest(9) == (over, said)


def _rename(path: Path, old: str, new: str) -> None:
    sql = f"ALTER TABLE {old} RENAME TO {new}"
    if KEPT_IN_POSTGRES.ask(path, sql) is not None:
        return
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
