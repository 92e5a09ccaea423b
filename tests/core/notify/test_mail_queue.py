"""The outbox: written with the change of state, sent in order and at least once, and finally given up (rules 11)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from core.domain.operation.events import Event, Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.order_states import OrderState
from core.domain.reporting.digests import AccountDay, Outlook, SessionDay, daily_digest
from core.domain.reporting.notices import Letterhead
from core.notify.channel_sender import retry_s
from core.notify.mailer import MailFault
from core.records.store.errors import RecordsError
from core.snapshot import Health
from tests.core.notify.mail_without_engine import OTHER, MailQueueSetup, with_mail_queue
from tests.support.record_samples import ACCOUNT, DAY, entry, suggestion


def in_store(setup: MailQueueSetup, statement: str) -> None:
    """Runs SQL on the records, as another program would."""
    with closing(sqlite3.connect(setup.folder / "records.sqlite3")) as store, store:
        store.execute(statement)


def test_each_news_of_an_entry_is_a_mail_of_its_own_in_its_order(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        made = await setup.works()
        await setup.fill(made, legs=1)
        await setup.clock.sleep(5)
        await setup.fill(made)
        rejected = await setup.works("two", OTHER)
        await setup.become(rejected, OrderState.REJECTED, "Rejected", "no money")
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent", "entry partially filled", "entry filled", "entry sent", "entry REJECTED"]
        partial = setup.server.taken[1].text
        assert "Filled so far: 622P 2 of 2, 619P 0 of 2, 622C 0 of 1, 625C 0 of 1" in partial

    with_mail_queue(day, tmp_path)


@pytest.mark.parametrize(
    ("state", "word", "says"),
    [
        (OrderState.CANCELLED, "entry cancelled", "It was cancelled at the broker, not by this console."),
        (OrderState.EXPIRED, "entry expired unfilled", "expired at the close"),
        (OrderState.INCIDENT, "INCIDENT", "senex reset incident"),
    ],
)
def test_how_a_working_entry_ends_is_told(tmp_path: Path, state: OrderState, word: str, says: str) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        await setup.become(await setup.works(), state, detail=f"the broker's word for {ACCOUNT} <b>")
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent", word]
        ended = setup.server.taken[-1]
        assert says in ended.text
        assert ACCOUNT not in ended.text + ended.html
        assert "<b>" not in ended.html

    with_mail_queue(day, tmp_path)


def test_the_same_state_again_or_another_word_of_the_broker_tells_nothing_twice(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        made = await setup.works()
        await setup.become(made, OrderState.WORKING, "Cancel Requested")
        await setup.records.entries.note_status(made.id, "Live", setup.clock.now())
        await setup.fill(made)
        await setup.fill(made)
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent", "entry filled"]

    with_mail_queue(day, tmp_path)


def test_a_message_is_in_the_commit_of_its_state(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(sends=False)
        made = await setup.works()
        assert [m.kind for m in await setup.records.outbox.waiting()] == ["entry.sent"]
        in_store(setup, "CREATE TRIGGER no_mail BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises((IntegrityError, RecordsError)):
            await setup.become(made, OrderState.CANCELLED)
        assert (await setup.records.entries.get(made.id)).state is OrderState.WORKING
        in_store(setup, "DROP TRIGGER no_mail")
        await setup.become(made, OrderState.CANCELLED)
        assert [m.kind for m in await setup.records.outbox.waiting()] == ["entry.sent", "entry.cancelled"]

    with_mail_queue(day, tmp_path)


def test_a_message_that_cannot_be_written_does_not_cost_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(sends=False)
        made = await setup.works()

        def broken(*_: object) -> object:
            raise ZeroDivisionError

        monkeypatch.setattr("core.records.repositories.outbox.entry_notices", broken)
        monkeypatch.setattr("core.records.repositories.outbox.event_notice", broken)
        await setup.become(made, OrderState.CANCELLED)
        await setup.records.journal.append(Event(setup.clock.now(), "x", "y", Severity.CRITICAL))
        assert (await setup.records.entries.get(made.id)).state is OrderState.CANCELLED
        assert len(await setup.records.journal.newest(5)) == 1
        assert caplog.text.count("no message could be written") == 2

    with_mail_queue(day, tmp_path)


@pytest.mark.parametrize("preference", [MailPreference.DAILY, MailPreference.WEEKLY, MailPreference.NEVER])
def test_an_account_without_immediate_mail_gets_mail_only_about_unknown_entries(
    tmp_path: Path, preference: MailPreference
) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(preference)
        await setup.fill(await setup.works())
        made = replace(entry("two", OTHER), prepared_at=setup.clock.now())
        await setup.records.entries.prepare(made)
        await setup.records.entries.mark_sent(
            "two", setup.clock.now(), epoch=setup.records.epoch, closes=setup.clock.now().replace(hour=23)
        )
        await setup.become(made, OrderState.UNKNOWN, detail="no answer")
        await setup.clock.sleep(5)
        assert setup.words == ["entry UNKNOWN"]

    with_mail_queue(day, tmp_path)


def test_each_account_is_told_of_by_its_own_preference(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.NEVER)
        in_store(setup, f"UPDATE accounts SET mail = 'immediate' WHERE number = '{OTHER}'")
        await setup.works()
        await setup.works("two", OTHER)
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent"]
        assert "…0002" in setup.server.subjects[0]

    with_mail_queue(day, tmp_path)


def test_a_preference_nobody_knows_is_the_default(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        in_store(setup, "UPDATE accounts SET mail = 'hourly'")
        await setup.works()
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent"]

    with_mail_queue(day, tmp_path)


def test_down_and_back_again_everything_comes_once_and_in_order(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        setup.server.fault = MailFault.NO_SERVER
        mail = await setup.open()
        await setup.fill(await setup.works())
        await setup.clock.sleep(600)
        assert mail.health is not None
        assert mail.health.health is Health.TROUBLE
        assert mail.health.detail == "2 waiting since 09:44, no server"
        assert 12 <= setup.server.tries <= 18, "tries of both messages do not grow rarer"
        setup.server.fault = None
        await setup.clock.sleep(900)
        assert setup.words == ["entry sent", "entry filled"]
        assert mail.health is not None
        assert (mail.health.health, mail.health.detail) == (Health.OK, "")
        told = [e.kind for e in await setup.records.journal.newest(10)]
        assert told == ["mail.sending", "mail.failing"]

    with_mail_queue(day, tmp_path)


def test_one_refused_message_holds_up_no_other(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        setup.server.refuses = lambda mail: "entry sent" in mail.subject
        await setup.fill(await setup.works())
        await setup.clock.sleep(60)
        assert setup.words == ["entry filled"]
        setup.server.refuses = lambda mail: False
        await setup.clock.sleep(120)
        assert setup.words == ["entry filled", "entry sent"]

    with_mail_queue(day, tmp_path)


@pytest.mark.parametrize("fault", [MailFault.NOT_NOW, MailFault.NO_SERVER])
def test_a_message_that_a_service_never_takes_holds_up_no_other_whatever_it_answers(
    tmp_path: Path, fault: MailFault
) -> None:
    async def day(setup: MailQueueSetup) -> None:
        mail = await setup.open()
        setup.server.refuses = lambda mail: "entry sent" in mail.subject
        setup.server.refuses_by = fault
        made = await setup.works()
        await setup.clock.sleep(3000)
        tries = setup.server.tries
        assert 8 <= tries <= 12, "alone it is tried ever more rarely"
        await setup.fill(made)
        await setup.clock.sleep(5)
        assert setup.words == ["entry filled"], "the next message came too late"
        await setup.become(await setup.works("two", OTHER), OrderState.REJECTED, "Rejected", "no money")
        await setup.clock.sleep(60)
        assert setup.words == ["entry filled", "entry REJECTED"]
        assert mail.health is not None
        assert mail.health.detail == f"2 waiting since 09:44, {fault.value}"
        await setup.clock.sleep(3 * 3600)
        assert setup.server.tries - tries < 50
        said = [e.kind for e in await setup.records.journal.newest(50) if e.kind.startswith("mail.")]
        assert said == ["mail.failing"]
        setup.server.mend()
        await setup.clock.sleep(900)
        assert sorted(setup.words) == ["entry REJECTED", "entry filled", "entry sent", "entry sent"]

    with_mail_queue(day, tmp_path)


def test_while_a_server_is_down_a_new_message_is_tried_once_and_the_others_are_not_hammered(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        setup.server.fault = MailFault.NOT_NOW
        await setup.open()
        made = await setup.works()
        await setup.fill(made)
        await setup.clock.sleep(3000)
        tries = setup.server.tries
        for number in range(5):
            await setup.bus.say(f"broker.down{number}", "the broker is down", Severity.WARNING)
        await setup.clock.sleep(20)
        assert setup.server.tries - tries == 2, "the oldest, and the one that is new"
        await setup.clock.sleep(600)
        assert setup.server.tries - tries <= 12
        setup.server.mend()
        await setup.clock.sleep(900)
        assert setup.words[:2] == ["entry sent", "entry filled"], "their order was lost"
        assert len(setup.words) == 7

    with_mail_queue(day, tmp_path)


def test_a_login_that_is_refused_is_not_tried_again_for_each_new_message(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        setup.server.fault = MailFault.LOGIN_REFUSED
        await setup.open()
        made = await setup.works()
        await setup.clock.sleep(3000)
        tries = setup.server.tries
        await setup.fill(made)
        await setup.clock.sleep(60)
        assert setup.server.tries == tries

    with_mail_queue(day, tmp_path)


def test_after_three_days_it_is_given_up_and_said_once(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        setup.server.fault = MailFault.LOGIN_REFUSED
        setup.look_every_s = 450.0
        mail = await setup.open()
        await setup.fill(await setup.works())
        await setup.until("09:30", "2026-03-05")
        assert (await setup.records.outbox.counts()).waiting == 2
        await setup.until("10:30", "2026-03-05")
        counts = await setup.records.outbox.counts()
        assert (counts.waiting, counts.given_up, counts.last_sent_at) == (0, 2, None)
        [said] = [e.text for e in await setup.records.journal.newest(50) if e.kind == "mail.given_up"]
        assert said.startswith("2 messages could not be sent for 3 days")
        assert mail.health is not None
        assert mail.health.health is Health.OK
        setup.server.fault = None
        await setup.works("two", OTHER)
        await setup.clock.sleep(1000)
        assert setup.words == ["entry sent"]

    with_mail_queue(days, tmp_path)


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    assert [retry_s(n) for n in (1, 2, 3, 4, 9, 400)] == [5, 10, 20, 40, 900, 900]


def test_a_crash_after_the_servers_word_sends_the_same_message_again_under_its_id(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        setup.server.loses_answers = True
        await setup.open()
        await setup.works()
        await setup.clock.sleep(3)
        assert setup.words == ["entry sent"]
        await setup.crash()
        setup.server.loses_answers = False
        await setup.open()
        await setup.clock.sleep(3)
        first, second = setup.server.taken
        assert first == second
        assert (await setup.records.outbox.counts()).waiting == 0

    with_mail_queue(day, tmp_path)


def test_a_store_that_fails_after_the_sending_sends_nothing_twice(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        mail = await setup.open(sends=False)
        await setup.works()
        in_store(setup, "CREATE TRIGGER full BEFORE UPDATE ON messages BEGIN SELECT RAISE(ABORT, 'full'); END")
        for _ in range(3):
            with pytest.raises((RecordsError, IntegrityError)):
                await mail.send_due()
        in_store(setup, "DROP TRIGGER full")
        await mail.send_due()
        assert setup.server.tries == 1
        assert (await setup.records.outbox.counts()).waiting == 0

    with_mail_queue(day, tmp_path)


def test_at_the_end_of_a_process_what_waits_is_sent_and_a_hanging_server_is_not_waited_for(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        mail = await setup.open(sends=False)
        await setup.works()
        await mail.flush()
        assert setup.words == ["entry sent"]
        await setup.works("two", OTHER)
        setup.server.hangs = True
        before = setup.clock.monotonic()
        await mail.flush()
        assert setup.clock.monotonic() - before == pytest.approx(3.0)
        assert (await setup.records.outbox.counts()).waiting == 1

    with_mail_queue(day, tmp_path)


def test_two_databases_give_one_key_two_message_ids(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> str:
        await setup.open()
        await setup.clock.sleep(len(setup.folder.name))
        await setup.works()
        await setup.clock.sleep(3)
        return setup.server.message_ids[0]

    (tmp_path / "a").mkdir()
    (tmp_path / "bb").mkdir()
    assert with_mail_queue(day, tmp_path / "a") != with_mail_queue(day, tmp_path / "bb")


def test_fills_of_an_order_that_is_filled_are_no_part_of_one_that_is_open(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        made = await setup.works()
        await setup.fill(made, legs=2, rest_is_open=False)
        await setup.become(made, OrderState.FILLED, "Filled")
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent", "entry filled"]
        assert "Its fill records have not all come yet" in setup.server.taken[-1].text
        await setup.fill(made)
        await setup.clock.sleep(5)
        assert setup.words == ["entry sent", "entry filled", "entry filled"]
        assert "QQQ entry filled, its fills are known at 4.06 credit" in setup.server.subjects[-1]

    with_mail_queue(day, tmp_path)


def test_the_floor_that_bit_is_read_from_the_recorded_suggestion(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        evidence = {"entry_price": {"floored": True}}
        asked = replace(suggestion("suggestion-one"), offset=Decimal("0.25"), limit=Decimal("4.06"), evidence=evidence)
        await setup.records.journal.record_suggestion(asked)
        await setup.works()
        await setup.clock.sleep(5)
        [sent] = setup.server.taken
        assert "4.06 credit per share, 0.04 below the mid: natural was the floor; 0.25 was asked" in sent.text

    with_mail_queue(day, tmp_path)


def test_evidence_that_cannot_be_read_costs_the_mail_and_not_the_state(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(sends=False)
        await setup.records.journal.record_suggestion(suggestion("suggestion-one"))
        in_store(setup, "UPDATE suggestions SET evidence = '{'")
        made = await setup.works()
        assert made.state is OrderState.WORKING
        assert caplog.text.count("no message could be written for the entry one") == 1

    with_mail_queue(day, tmp_path)


def test_an_entry_found_after_a_lost_answer_is_told_filled_without_the_lost_answer(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open()
        now = setup.clock.now()
        made = replace(entry(), prepared_at=now)
        await setup.records.entries.prepare(made)
        assert await setup.records.entries.mark_sent(
            made.id, now, epoch=setup.records.epoch, closes=now.replace(hour=23)
        )
        await setup.become(made, OrderState.UNKNOWN, detail="no answer: RemoteProtocolError")
        await setup.records.entries.become(made.id, OrderState.WORKING, at=now, order_id="41", broker_status="Live")
        await setup.fill(made)
        await setup.clock.sleep(5)
        assert setup.words == ["entry UNKNOWN", "entry sent", "entry filled"]
        unknown, *found = [sent.text for sent in setup.server.taken]
        assert "is not known: no answer: RemoteProtocolError." in unknown
        assert "no answer" not in "".join(found)
        found_now = await setup.records.entries.get(made.id)
        told = daily_digest(
            SessionDay(DAY, (AccountDay(ACCOUNT, True, (found_now,)),), {}, {}, {}),
            Outlook({}, ()),
            Letterhead("live", "https://broker.example/"),
        )
        assert "FILLED 4.06" in told.text
        assert "no answer" not in told.text

    with_mail_queue(day, tmp_path)


def test_a_validated_suggestion_is_mailed_in_its_own_commit_by_the_accounts_preference(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(sends=False)
        terms = {"limit": Decimal("4.06"), "offset": Decimal(0), "validated": True}
        validated = replace(suggestion("s1"), **terms)  # type: ignore[arg-type]
        in_store(setup, "CREATE TRIGGER no_mail BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises((IntegrityError, RecordsError)):
            await setup.records.journal.record_suggestion(validated)
        assert not await setup.records.journal.validated_on(ACCOUNT, DAY)
        in_store(setup, "DROP TRIGGER no_mail")
        await setup.records.journal.record_suggestion(validated)
        await setup.records.journal.record_suggestion(suggestion("s2"))
        in_store(setup, f"UPDATE accounts SET mail = 'daily' WHERE number = '{OTHER}'")
        await setup.records.journal.record_suggestion(replace(validated, id="s3", account=OTHER))
        assert [(m.kind, m.account) for m in await setup.records.outbox.waiting()] == [
            ("suggestion.validated", ACCOUNT)
        ]

    with_mail_queue(day, tmp_path)


def test_a_mail_about_a_validated_suggestion_that_cannot_be_written_does_not_cost_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(sends=False)
        await setup.records.journal.record_suggestion(suggestion("s1", validated=True))  # it has no limit
        assert await setup.records.journal.validated_on(ACCOUNT, DAY)
        assert caplog.text.count("no message could be written for the suggestion s1") == 1

    with_mail_queue(day, tmp_path)


def test_a_warning_is_told_whatever_the_preference_once_an_hour_a_cause(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.NEVER)

        async def warn(kind: str, text: str) -> None:
            await setup.bus.publish(Event(setup.clock.now(), kind, text, Severity.WARNING))
            await setup.clock.sleep(3)

        await warn("broker.down", "broker: no answer after 21.5 s")
        await warn("broker.down", "broker: no answer after 34 s")
        for told_otherwise in ("step.quotes", "command.force.refused", "order.cancelled"):
            await warn(told_otherwise, "told otherwise")
        await warn("reconcile.waiting", "not reconciled, no entries: HTTP 502")
        told = ["WARNING: broker: no answer after 21.5 s", "WARNING: not reconciled, no entries: HTTP 502"]
        assert [s.removeprefix("Senex: ") for s in setup.server.subjects] == told
        await setup.until("10:00:01")
        await warn("broker.down", "broker: no answer after 21.5 s")
        assert [s.removeprefix("Senex: ") for s in setup.server.subjects] == [*told, told[0]]

    with_mail_queue(day, tmp_path)


def test_an_alarm_is_told_whatever_the_preference_once_an_hour(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.NEVER)

        async def alarm(seconds: int) -> None:
            text = f"…0001: entries stopped: the quote feed has not been live for {seconds} s; resets by itself"
            await setup.bus.publish(
                Event(setup.clock.now(), "breaker.opened", text, Severity.CRITICAL, figures=(("breaker", "feed"),))
            )
            await setup.clock.sleep(3)

        await alarm(21)
        await alarm(22)
        await setup.bus.publish(Event(setup.clock.now(), "order.unknown", "told by the entry", Severity.CRITICAL))
        await setup.bus.publish(Event(setup.clock.now(), "order.rejected", "no alarm", Severity.WARNING))
        assert [s.partition(": ")[2] for s in setup.server.subjects] == [
            "ALARM: …0001: entries stopped: the quote feed has not been live for 21 s"
        ]
        await setup.until("10:00:01")
        await alarm(23)
        assert len(setup.server.subjects) == 2

    with_mail_queue(day, tmp_path)
