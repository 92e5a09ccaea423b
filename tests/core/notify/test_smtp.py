"""The mailer against a real SMTP server: TLS, logins, refusals, and servers that hang (rules 11, 13.7)."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.config.mail import MailSettings, Security
from core.notify.mailer import Mail, MailError, MailFault
from core.notify.smtp import SmtpMailer
from tests.support.certificate import certificate
from tests.support.smtp_server import PASSWORD, USER, Mailbox, silent_server, smtp_server

AT = datetime(2026, 3, 2, 14, 45, tzinfo=UTC)
MAIL = Mail(
    "senex.0123", "Senex: QQQ entry filled, account …0001", "Zeile eins\nZeile zwei …\n", "<p>Zeile &lt;eins</p>\n", AT
)


def mailer(
    port: int,
    security: Security = "none",
    *,
    user: str | None = None,
    password: str | None = None,
    trusts: Path | None = None,
    step_s: float = 5.0,
    whole_s: float = 10.0,
) -> SmtpMailer:
    settings = MailSettings(
        host="127.0.0.1", port=port, security=security, user=user, sender="senex@box.test", operator="me@example.com"
    )
    context = None if trusts is None else ssl.create_default_context(cafile=str(trusts))
    return SmtpMailer(settings, password, tls=context, step_s=step_s, whole_s=whole_s)


async def trouble(sending: SmtpMailer, mail: Mail = MAIL) -> MailError:
    with pytest.raises(MailError) as failed:
        await sending.send(mail)
    assert PASSWORD not in str(failed.value)
    assert failed.value.__cause__ is None
    return failed.value


async def test_a_message_arrives_whole_in_both_forms() -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        assert await mailer(port).send(MAIL) == "2.0.0 queued as 1"
    [got] = mailbox.taken
    assert got["Subject"] == MAIL.subject
    assert got["From"] == "senex@box.test"
    assert got["To"] == "me@example.com"
    assert got["Message-ID"] == "<senex.0123@box.test>"
    assert got["Date"].datetime == AT
    plain, html = got.iter_parts()
    assert (plain.get_content_type(), plain.get_content().splitlines()) == ("text/plain", MAIL.text.splitlines())
    assert (html.get_content_type(), html.get_content().splitlines()) == ("text/html", MAIL.html.splitlines())


async def test_a_line_break_from_outside_makes_no_header() -> None:
    mailbox = Mailbox()
    odd = Mail("senex.1", "Senex: rejected\r\nBcc: thief@example.com", "text\n.\nQUIT\n", "<p></p>\n", AT)
    async with smtp_server(mailbox) as port:
        await mailer(port).send(odd)
    [got] = mailbox.taken
    assert got["Bcc"] is None
    assert got["Subject"] == "Senex: rejected Bcc: thief@example.com"
    assert next(iter(got.iter_parts())).get_content().splitlines() == ["text", ".", "QUIT"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_tls_with_a_login(tmp_path: Path, security: Security) -> None:
    context, trusted = certificate(tmp_path)
    mailbox = Mailbox()
    async with smtp_server(mailbox, tls=context, starttls=security == "starttls", login=security == "starttls") as port:
        user = {"user": USER, "password": PASSWORD} if security == "starttls" else {}
        await mailer(port, security, trusts=trusted, **user).send(MAIL)
    assert mailbox.encrypted == [True]
    assert mailbox.logins == ([USER.encode()] if security == "starttls" else [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_untrusted_certificate_is_refused(tmp_path: Path, security: Security) -> None:
    context, _ = certificate(tmp_path)
    mailbox = Mailbox()
    async with smtp_server(mailbox, tls=context, starttls=security == "starttls") as port:
        error = await trouble(mailer(port, security, user=USER, password=PASSWORD))
    assert error.fault is MailFault.NO_SERVER
    assert "certificate" in error.detail
    assert mailbox.taken == []
    assert mailbox.logins == []


async def test_a_server_without_starttls_gets_neither_login_nor_mail() -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        error = await trouble(mailer(port, "starttls", user=USER, password=PASSWORD))
    assert "STARTTLS" in error.detail
    assert mailbox.taken == []
    assert mailbox.logins == []


async def test_a_refused_login_tells_no_secret_even_when_the_server_does(tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    mailbox = Mailbox()
    async with smtp_server(mailbox, tls=context, starttls=True, login=True) as port:
        error = await trouble(mailer(port, "starttls", user="somebody", password=PASSWORD, trusts=trusted))
    assert error.fault is MailFault.LOGIN_REFUSED
    assert "refused the login of somebody: 535" in error.detail
    assert "****" in error.detail
    assert mailbox.taken == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [("550 5.1.1 no such user", MailFault.REFUSED), ("451 4.7.1 greylisted, come back", MailFault.NOT_NOW)],
)
async def test_a_refused_recipient_and_a_refused_message_say_why(answer: str, fault: MailFault) -> None:
    mailbox = Mailbox(to_recipient=answer)
    async with smtp_server(mailbox) as port:
        error = await trouble(mailer(port))
        assert error.fault is fault
        assert error.detail.endswith(f"refused me@example.com: {answer}")
        mailbox.to_recipient, mailbox.to_message = "", answer
        error = await trouble(mailer(port))
        assert error.fault is fault
        assert error.detail.endswith(f"refused the message: {answer}")
        mailbox.to_message = ""
        assert "queued" in await mailer(port).send(MAIL)
    assert len(mailbox.taken) == 1


async def test_no_server_says_so_at_once_and_takes_it_when_it_is_back() -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        pass
    error = await trouble(mailer(port))
    assert error.fault is MailFault.NO_SERVER
    assert error.detail == f"127.0.0.1:{port} (no TLS) cannot be reached: connection refused"
    async with smtp_server(mailbox, port=port):
        await mailer(port).send(MAIL)
    assert len(mailbox.taken) == 1


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_a_server_that_never_speaks_is_left_in_time(security: Security) -> None:
    async with silent_server() as port:
        error = await asyncio.wait_for(trouble(mailer(port, security, step_s=0.2)), 5)
    assert error.fault is MailFault.NO_SERVER
    assert "in time" in error.detail or "timed out" in error.detail.lower()


async def test_a_server_that_hangs_at_the_message_is_left_in_time() -> None:
    mailbox = Mailbox(hangs_at_data=True)
    async with smtp_server(mailbox) as port:
        error = await asyncio.wait_for(trouble(mailer(port, step_s=0.3)), 5)
        assert error.detail.endswith("did not say whether it took the message in time")
        error = await asyncio.wait_for(trouble(mailer(port, step_s=5.0, whole_s=0.3)), 3)
        assert error.detail.endswith("did not say whether it took the message in time")
        mailbox.hangs_at_data = False
        await mailer(port).send(MAIL)
    assert len(mailbox.taken) == 1


async def test_a_slow_server_is_waited_for() -> None:
    mailbox = Mailbox(slow_s=0.3)
    async with smtp_server(mailbox) as port:
        await mailer(port).send(MAIL)
    assert len(mailbox.taken) == 1


async def test_a_connection_lost_after_the_message_gives_the_same_message_id_again() -> None:
    mailbox = Mailbox(drops_after_data=True)
    async with smtp_server(mailbox) as port:
        error = await trouble(mailer(port))
        assert error.fault is MailFault.NO_SERVER
        mailbox.drops_after_data = False
        await mailer(port).send(MAIL)
    first, second = mailbox.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


async def test_a_cancelled_caller_leaves_no_connection(tmp_path: Path) -> None:
    mailbox = Mailbox(hangs_at_data=True)
    async with smtp_server(mailbox) as port:
        sending = asyncio.create_task(mailer(port).send(MAIL))
        await asyncio.sleep(0.2)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert mailbox.taken == []
