"""Messages to phones: real Apprise in its own process, against a real HTTP server (rules 11, 13.7)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.notify.mailer import Mail, MailError, MailFault
from core.notify.phone import AT_ONCE, CUT, IN_THE_MAIL, PhoneSender, phone_senders
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
        words = b""
        with suppress(OSError):  # it ended meanwhile
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


@pytest.mark.parametrize(
    ("address", "targets"),
    [
        ("ntfy://127.0.0.1:{port}/first/second/third", 3),
        (f"tgram://123456789:{'a' * 35}/12345/67890", 2),
        ("mailto://me:pw@127.0.0.1:{port}?from=me@box.test&to=a@box.test,b@box.test", 2),
        ("irc://me@127.0.0.1:{port}/first/second", 2),  # Apprise counts one
    ],
)
async def test_an_address_of_several_targets_is_refused_before_anything_is_sent(address: str, targets: int) -> None:
    async with receiving() as receiver:
        sender = PhoneSender(address.format(port=receiver.port))
        for asked in (sender.check(), sender.send(MAIL)):
            with pytest.raises(MailError) as refused:
                await asked
            assert refused.value.fault is MailFault.UNUSABLE
            scheme = address.partition(":")[0]
            assert refused.value.detail == (
                f"{scheme}://**** names {targets} targets; "
                "notify.urls takes one target in an address: write an address for each"
            )
    assert receiver.paths == []


@pytest.mark.parametrize("more", ["", "?overflow=split"])
@pytest.mark.parametrize(("has_mail", "ending"), [(True, IN_THE_MAIL), (False, CUT)])
async def test_a_message_that_is_too_long_is_cut_and_sent_once(more: str, has_mail: bool, ending: str) -> None:
    long = replace(MAIL, text="word " * 20_000)
    async with receiving() as receiver:
        [sender] = phone_senders([f"ntfy://127.0.0.1:{receiver.port}/topic{more}"], has_mail=has_mail)
        await sender.send(long)
    [got] = receiver.taken
    assert got["message"].endswith(f"word\n{ending}")
    assert 7000 < len(got["message"]) < 7800
    assert got["title"] == MAIL.subject


@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated")
@pytest.mark.parametrize(
    "address",
    [
        f"pover://{'u' * 30}@{'t' * 30}",
        f"tgram://123456789:{'a' * 35}/12345",
        f"discord://{'1' * 20}/{'a' * 30}",
        f"twilio://AC{'a' * 32}:{'b' * 32}@15555551234/15555551235",
        "ntfy://topic-of-these-tests",
    ],
)
@pytest.mark.parametrize("length", [10, 3000, 50_000])
def test_each_service_gets_what_fits_into_one_message(address: str, length: int) -> None:
    from apprise import NotifyFormat, OverflowMode

    from core.notify.phone_service import fitting, service_at

    service = service_at(address)
    assert service is not None
    text = fitting(service, MAIL.subject, "x" * length, CUT)
    sent: list[str] = []
    service.send = lambda body, **_: sent.append(body) or True  # type: ignore[func-returns-value, method-assign]
    service.overflow_mode = OverflowMode.SPLIT  # would make parts of what does not fit
    assert service.notify(body=text, title=MAIL.subject, body_format=NotifyFormat.TEXT)
    [body] = sent
    assert body.endswith(CUT if len(text) < length else "x")
    assert len(text) == length or len(body) > service.body_maxlen * 0.5


def test_a_sending_process_steps_back_before_it_loads_anything_heavy() -> None:
    """It waits for its order here, and loads Apprise only once it has it."""
    with subprocess.Popen(
        [sys.executable, "-m", "core.notify.phone_child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            until = time.monotonic() + 20
            while os.getpriority(os.PRIO_PROCESS, process.pid) < min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10):
                assert time.monotonic() < until, "it never stepped back"
                time.sleep(0.02)
        finally:
            process.kill()


async def test_many_phones_do_not_start_their_processes_all_at_once() -> None:
    phones = phone_senders([f"json://127.0.0.1/{KEY}{number}" for number in range(6)])
    checking = asyncio.gather(*(phone.check() for phone in phones))
    most = 0
    while not checking.done():
        most = max(most, len(senders()))
        await asyncio.sleep(0.005)
    assert await checking == ["JSON"] * 6
    assert most <= AT_ONCE + 1, "one may be ending while the next begins"


async def test_services_that_are_silent_hold_up_no_other_phone() -> None:
    async with silent_server() as port, receiving() as receiver:
        silent = [f"json://127.0.0.1:{port}/{KEY}{number}?rto=40" for number in range(AT_ONCE)]
        sending = [asyncio.create_task(phone.send(MAIL)) for phone in phone_senders([*silent, receiver.address])]
        try:
            assert await sending[-1] == "JSON took it"
            assert not any(task.done() for task in sending[:-1])
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)


def test_nothing_of_apprise_is_loaded_by_what_sends_through_it() -> None:
    loaded = "print(sorted({'apprise', 'requests'} & set(sys.modules)))"
    code = f"import core.notify.phone, core.config.loader, sys; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
