"""`senex mail` and `senex mail test`: the settings, the server's answer, and the outbox, from another shell."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.certificate import certificate
from tests.support.senex_command import Box
from tests.support.smtp_server import PASSWORD, USER, Mailbox, silent_server, smtp_server


def write_settings(box: Box, port: int, *more: str, security: str = "none") -> None:
    lines = (
        "[mail]",
        'host = "127.0.0.1"',
        f"port = {port}",
        f'security = "{security}"',
        'sender = "senex@box.test"',
        'operator = "me@example.com"',
        *more,
    )
    box.write(box.config_file, "\n".join(lines) + "\n")


async def test_the_test_message_arrives_and_the_servers_word_is_told(box: Box) -> None:
    mailbox = Mailbox()
    async with smtp_server(mailbox) as port:
        write_settings(box, port)
        done = await asyncio.to_thread(box.run, "mail", "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"sent to me@example.com through 127.0.0.1:{port} (no TLS); the server says: 2.0.0 queued as 1\n"
    )
    [got] = mailbox.taken
    assert got["Subject"] == "Senex: test message"


async def test_over_tls_with_a_login_and_with_a_wrong_password(box: Box, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    mailbox = Mailbox()
    async with smtp_server(mailbox, tls=context, starttls=True, login=True) as port:
        write_settings(box, port, f'user = "{USER}"', security="starttls")
        environ = {"SSL_CERT_FILE": str(trusted)}
        right = await asyncio.to_thread(box.run, "mail", "test", SENEX_MAIL_PASSWORD=PASSWORD, **environ)
        wrong = await asyncio.to_thread(box.run, "mail", "test", SENEX_MAIL_PASSWORD="Falsches-Wort", **environ)
        without = await asyncio.to_thread(box.run, "mail", "test", **environ)
    assert right.returncode == 0
    assert f"(STARTTLS), logged in as {USER}; the server says" in right.stdout
    assert wrong.returncode == 3
    assert f"refused the login of {USER}: 535 5.7.8 no: ****; check mail.user and SENEX_MAIL_PASSWORD" in wrong.stderr
    assert "Falsches-Wort" not in wrong.stderr + wrong.stdout
    assert without.returncode == 2
    assert without.stderr.startswith(f"senex: mail.user is '{USER}' but there is no password for it")
    logs = "".join(path.read_text() for path in box.home.rglob("*.log"))
    assert PASSWORD not in logs
    assert "Falsches-Wort" not in logs


async def test_a_refusal_no_server_and_mail_that_is_off_have_their_exit_codes(box: Box) -> None:
    mailbox = Mailbox(to_recipient="550 5.1.1 no such user")
    async with smtp_server(mailbox) as port:
        write_settings(box, port)
        refused = await asyncio.to_thread(box.run, "mail", "test")
    gone = await asyncio.to_thread(box.run, "mail", "test")
    off = await asyncio.to_thread(box.run, "mail", "test", SENEX_CONFIG=str(box.write(box.home / "empty.toml", "")))
    assert refused.returncode == 3
    assert refused.stderr == (f"not sent: 127.0.0.1:{port} (no TLS) refused me@example.com: 550 5.1.1 no such user.\n")
    assert gone.returncode == 5
    assert "cannot be reached: connection refused; check mail.host, mail.port" in gone.stderr
    assert off.returncode == 2
    assert off.stderr == (
        "senex: mail is off: mail.host is not set; set mail.host, mail.sender and mail.operator to turn it on.\n"
    )


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            'host = "smtp example"',
            'mail.host must be the name or address of a mail server, like smtp.example.com; "smtp ',
        ),
        ('host = "https://smtp.example.com"', "mail.host must be the name or address of a mail server"),
        ('host = "smtp.example.com"', "mail.sender is needed with mail.host; give it an address"),
        ('host = "h"\nsender = "a@b.c"', "mail.operator is needed with mail.host"),
        ('operator = "me at example"', 'mail.operator must be an address like me@example.com; "me at example" was'),
        ('operator = "Me <me@example.com>"', "mail.operator must be an address"),
        ('sender = "a@b.c\\nBcc: x@y.z"', "mail.sender must be an address"),
        ('security = "ssl"', 'mail.security must be "starttls", "tls" or "none"; "ssl" was given'),
        ("port = 0", "mail.port must be a whole number from 1 to 65535; 0 was given"),
        ('preference = "hourly"', 'mail.preference must be "immediate", "daily", "weekly" or "never"'),
        ('orders_url = "javascript:alert(1)"', "mail.orders_url must be the address of a page"),
        ('password = "geheim-geheim"', "mail.password has no place in the settings; set SENEX_MAIL_PASSWORD"),
        (
            'host = "smtp.example.com"\nsender = "a@b.c"\noperator = "a@b.c"\nsecurity = "none"\nuser = "u"',
            'mail.security = "none" would send the password of mail.user readable to smtp.example.com',
        ),
    ],
)
def test_a_wrong_setting_is_one_clear_sentence(tmp_path: Path, setting: str, sentence: str) -> None:
    from core.config.loader import SettingsError, load_settings

    path = tmp_path / "config.toml"
    path.write_text(f"[mail]\n{setting}\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(path, {})
    [said] = refused.value.sentences
    assert said.startswith(sentence)
    assert "geheim-geheim" not in said


def test_the_password_in_the_environment_is_no_setting() -> None:
    from core.config.loader import load_settings

    assert load_settings(None, {"SENEX_MAIL_PASSWORD": PASSWORD}).settings.mail.is_on is False


async def test_a_server_that_hangs_costs_the_cycle_nothing_and_back_again_it_gets_everything(
    box: Box, simulator_url: str
) -> None:
    broker = {"SENEX_BROKER__URL": simulator_url, "TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok"}
    async with silent_server() as port:
        write_settings(box, port)
        done = await asyncio.to_thread(box.run, "once", "--wait", "5", **broker)
        waiting = await asyncio.to_thread(box.run, "mail", **broker)
    assert done.returncode == 0, done.stderr
    assert "last sent   nothing yet\n" in waiting.stdout
    assert "waiting  Senex [demo]: QQQ entry sent at " in waiting.stdout
    mailbox = Mailbox()
    async with smtp_server(mailbox, port=port):
        again = await asyncio.to_thread(box.run, "once", **broker)
    assert again.returncode == 3, again.stderr  # the entry of today is there
    subjects = [got["Subject"] for got in mailbox.taken]
    assert subjects[0].startswith("Senex [demo]: QQQ entry sent at "), subjects
    assert len({got["Message-ID"] for got in mailbox.taken}) == len(mailbox.taken)
    read = await asyncio.to_thread(box.run, "mail", **broker)
    assert (read.returncode, read.stderr) == (0, "")
    assert f"server      127.0.0.1:{port} (no TLS)\n" in read.stdout
    assert "waiting     0\n" in read.stdout
    assert f"sent     {subjects[0]}\n" in read.stdout
    [records] = box.home.rglob("records.sqlite3")
    with closing(sqlite3.connect(records)) as store:
        numbers = [row[0] for row in store.execute("SELECT number FROM accounts")]
    assert numbers
    assert not any(number in read.stdout for number in numbers)
