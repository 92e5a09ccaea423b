"""Messages to phones: real Apprise in its own process, against a real HTTP server (rules 11, 13.7)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.notify.mailer import Mail, MailError, MailFault
from core.notify.phone import PhoneSender
from tests.support.push_receiver import KEY, Receiver, receiving
from tests.support.smtp_server import silent_server

AT = datetime(2026, 3, 2, 14, 45, tzinfo=UTC)
MAIL = Mail("senex.0123", "Senex: ALARM: the feed is down", "Zeile eins\n<b>Zeile</b> zwei … @all\n", "<p>x</p>", AT)


async def trouble(sender: PhoneSender) -> MailError:
    with pytest.raises(MailError) as failed:
        await sender.send(MAIL)
    assert KEY not in failed.value.detail
    return failed.value


async def test_a_message_arrives_whole_as_plain_text_and_an_alarm_as_one() -> None:
    async with receiving() as receiver:
        assert await PhoneSender(receiver.address).send(MAIL) == "JSON took it"
    [got] = receiver.taken
    assert (got["title"], got["message"].strip()) == (MAIL.subject, MAIL.text.strip())
    assert got["type"] == "failure"
    assert receiver.paths == [f"/{KEY}"]


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        (400, MailFault.REFUSED, "refused the message: 400"),
        (413, MailFault.REFUSED, "refused the message: 413"),
        (401, MailFault.LOGIN_REFUSED, "refused the key in the address: 401"),
        (404, MailFault.NOT_NOW, "did not take the message: 404"),
        (429, MailFault.NOT_NOW, "did not take the message: 429"),
        (503, MailFault.NOT_NOW, "did not take the message: 503"),
    ],
)
async def test_what_the_service_answers_is_told_by_its_number_alone(status: int, fault: MailFault, words: str) -> None:
    async with receiving(Receiver(status=status)) as receiver:
        error = await trouble(PhoneSender(receiver.address))
    assert (error.fault, error.detail) == (fault, f"json://**** {words}")


async def test_a_redirection_is_not_followed() -> None:
    async with receiving() as elsewhere:
        moved = Receiver(status=307, headers={"Location": f"http://127.0.0.1:{elsewhere.port}/taken"})
        async with receiving(moved) as receiver:
            error = await trouble(PhoneSender(receiver.address))
        assert error.detail == "json://**** wants the message elsewhere, which is not followed: 307"
        assert elsewhere.paths == []


async def test_a_service_that_is_down_silent_or_slow_costs_its_time_and_no_more() -> None:
    async with receiving() as receiver:
        pass
    assert (await trouble(PhoneSender(receiver.address))).detail == "json://**** cannot be reached"
    async with silent_server() as port:
        error = await trouble(PhoneSender(f"json://127.0.0.1:{port}/{KEY}"))
        assert (error.fault, error.detail) == (
            MailFault.NO_SERVER,
            "json://**** did not say in time whether it took the message",
        )
        began = time.monotonic()
        error = await trouble(PhoneSender(f"json://127.0.0.1:{port}/{KEY}", whole_s=1.0))
        assert error.detail == "json://**** did not answer in time"
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("answer", [Receiver(body_megabytes=300), Receiver(endless=True)], ids=["huge", "endless"])
async def test_an_answer_without_end_is_not_read_and_the_message_counts_as_taken(answer: Receiver) -> None:
    async with receiving(answer) as receiver:
        assert await PhoneSender(receiver.address).send(MAIL) == "JSON took it"
    assert len(receiver.taken) == 1


async def test_given_up_it_leaves_no_process_behind_and_hands_it_no_secret_openly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TT_SECRET", "SENEX_MAIL_PASSWORD", "SENEX_NOTIFY__URLS", "PGPASSWORD"):
        monkeypatch.setenv(name, KEY)
    async with silent_server() as port:
        address = f"json://127.0.0.1:{port}/{KEY}"
        sending = asyncio.create_task(PhoneSender(address).send(MAIL))
        for _ in range(200):
            if children := senders():
                break
            await asyncio.sleep(0.02)
        assert KEY not in children[0], "neither on the command line nor in the environment"
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert senders() == []


def senders() -> list[str]:
    """The command line and the environment of each sending process of this one."""
    found = []
    task = Path("/proc/self/task")
    for child in {pid for each in task.glob("*/children") for pid in each.read_text().split()}:
        words = Path(f"/proc/{child}/cmdline").read_bytes() + Path(f"/proc/{child}/environ").read_bytes()
        if b"core.notify.phone_child" in words:
            found.append(words.decode(errors="replace"))
    return found


@pytest.mark.parametrize("address", ["nonsense://abc/def", "slack://x/y", "tgram://not-a-token/"])
async def test_an_address_that_apprise_cannot_use_is_said_without_it(address: str) -> None:
    with pytest.raises(MailError) as refused:
        await PhoneSender(address).check()
    scheme = address.partition(":")[0]
    assert refused.value.detail.startswith(f"{scheme}://**** is none that Apprise can use")


async def test_a_check_sends_nothing() -> None:
    async with receiving() as receiver:
        assert await PhoneSender(receiver.address).check() == "JSON"
    assert receiver.paths == []


@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated")
async def test_a_long_message_goes_in_parts_unless_the_address_says_otherwise() -> None:
    from apprise import OverflowMode

    from core.notify.phone_child import service_at

    found = [service_at(f"ntfy://topic-of-these-tests{more}") for more in ("", "?overflow=truncate")]
    assert [one and one.overflow_mode for one in found] == [OverflowMode.SPLIT, OverflowMode.TRUNCATE]


def test_nothing_of_apprise_is_loaded_by_what_sends_through_it() -> None:
    loaded = "print(sorted({'apprise', 'requests'} & set(sys.modules)))"
    code = f"import core.notify.phone, core.config.loader, sys; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
