"""Each way to the operator has its own rows: what fails on one is not sent again on another (rules 11)."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.events import Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.order_states import OrderState
from core.notify.mailer import MailFault
from core.snapshot import Health
from tests.core.notify.mail_without_engine import OTHER, MailQueueSetup, with_mail_queue
from tests.support.memory_mail_server import MemoryMailServer


def with_phones(setup: MailQueueSetup, count: int = 2) -> list[MemoryMailServer]:
    setup.phones = [MemoryMailServer(setup.clock) for _ in range(count)]
    return setup.phones


def test_each_channel_gets_each_message_once_whatever_the_others_do(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        first, second = with_phones(setup)
        setup.server.fault = MailFault.NO_SERVER
        first.hangs = True
        await setup.open()
        await setup.fill(await setup.works())
        await setup.clock.sleep(120)
        assert len(second.taken) == 2
        assert second.tries == 2
        assert (setup.server.taken, first.taken) == ([], [])
        setup.server.mend()
        await setup.clock.sleep(900)
        assert setup.words == ["entry sent", "entry filled"]
        first.mend()
        await setup.clock.sleep(900)
        assert first.subjects == second.subjects == setup.server.subjects
        assert second.tries == 2, "sent again because another channel failed"

    with_mail_queue(day, tmp_path)


def test_a_start_that_finds_what_waits_sends_it_only_where_it_waits(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        (phone,) = with_phones(setup, 1)
        phone.fault = MailFault.NOT_NOW
        await setup.open()
        await setup.works()
        await setup.clock.sleep(5)
        await setup.crash()
        phone.mend()
        await setup.open()
        await setup.clock.sleep(60)
        assert (len(phone.taken), len(setup.server.taken), setup.server.tries) == (1, 1, 1)

    with_mail_queue(days, tmp_path)


def test_a_phone_that_is_added_later_is_told_nothing_of_before_also_of_what_is_told_again(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open()
        made = await setup.works()
        await setup.clock.sleep(5)
        await setup.crash()
        (phone,) = with_phones(setup, 1)
        await setup.open()
        await setup.become(made, OrderState.WORKING, "Live")
        await setup.clock.sleep(5)
        assert phone.taken == []
        await setup.fill(made)
        await setup.clock.sleep(5)
        assert [subject.partition("QQQ ")[2].partition(" at ")[0] for subject in phone.subjects] == ["entry filled"]

    with_mail_queue(days, tmp_path)


def test_phones_follow_the_preferences_of_the_accounts_and_get_the_digests(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        (phone,) = with_phones(setup, 1)
        mail = await setup.open(MailPreference.DAILY)
        await setup.fill(await setup.works())
        await setup.become(await setup.works("two", OTHER), OrderState.UNKNOWN, detail="no answer")
        await setup.until("16:20")
        await mail.digest()
        await setup.clock.sleep(5)
        assert [m.kind for m in await setup.records.outbox.newest(9, "phone")] == ["daily", "entry.unknown"]
        assert phone.subjects == setup.server.subjects

    with_mail_queue(day, tmp_path)


def test_a_burst_of_one_cause_is_one_message_to_the_phone_too(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        (phone,) = with_phones(setup, 1)
        await setup.open()
        for second in range(50):
            await setup.bus.say("feed.lost", f"the feed was lost {second} s ago", Severity.WARNING)
        await setup.clock.sleep(60)
        assert len(phone.taken) == 1

    with_mail_queue(day, tmp_path)


def test_a_phone_that_fails_is_told_by_itself_and_mail_stays_well(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        first, second = with_phones(setup)
        second.fault = MailFault.LOGIN_REFUSED
        mail = await setup.open()
        await setup.works()
        await setup.clock.sleep(60)
        assert mail.health is not None
        assert mail.health.health is Health.OK
        assert mail.phone_health is not None
        assert (mail.phone_health.health, mail.phone_health.detail) == (
            Health.TROUBLE,
            "phone 2: 1 waiting since 09:44, login refused",
        )
        told = [event for event in await setup.records.journal.newest(10) if event.kind == "phone.failing"]
        assert [event.text.partition(":")[0] for event in told] == ["messages for phone 2 wait, trading goes on"]
        assert (len(first.taken), len(setup.server.taken)) == (1, 1), "the failing of a phone is no message"

    with_mail_queue(day, tmp_path)


def test_a_phone_that_cannot_be_used_is_told_at_the_start_before_any_message(tmp_path: Path) -> None:
    async def day(setup: MailQueueSetup) -> None:
        first, second = with_phones(setup)
        second.fault = MailFault.UNUSABLE
        mail = await setup.open()
        await setup.clock.sleep(5)
        assert mail.phone_health is not None
        assert (mail.phone_health.health, mail.phone_health.detail) == (
            Health.TROUBLE,
            f"phone 2: {second.server} cannot be used",
        )
        await setup.works()
        await setup.clock.sleep(60)
        assert mail.phone_health.detail == f"phone 2: 1 waiting: {second.server} did not answer in time"
        said = [event.kind for event in await setup.records.journal.newest(10) if event.kind.startswith("phone.")]
        assert said == ["phone.failing"]
        assert len(first.taken) == 1

    with_mail_queue(day, tmp_path)


def test_what_is_given_up_on_one_way_is_told_by_the_others_alone(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        first, second = with_phones(setup)
        second.fault = MailFault.LOGIN_REFUSED
        setup.look_every_s = 450.0
        await setup.open()
        await setup.works()
        await setup.until("10:30", "2026-03-05")
        told = "Senex: WARNING: 1 message for phone 2 could not be sent for 3 days, given up: "
        for way in (setup.server, first):
            assert [subject.startswith(told) for subject in way.subjects if "WARNING" in subject] == [True]
        counts = await setup.records.outbox.counts("phone 2")
        assert (counts.waiting, counts.given_up) == (0, 1)

    with_mail_queue(days, tmp_path)
