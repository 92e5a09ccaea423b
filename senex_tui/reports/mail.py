"""`senex mail`: what waits to be sent and what was; `senex mail test`: one message now, and what came of it."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from senex_tui.cli.commands.operator import DataDir, Demo, FindPlace, is_alone
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.config.mail import MailSettings
    from core.notify.smtp import Mailer, MailFault
    from core.records.records import Records
    from core.records.repositories.outbox import Message, Outbox, OutboxCounts
    from core.snapshot import Mode
    from senex_tui.trader.place import Place

SENT, NOT_TAKEN, NO_ANSWER = 0, 3, 5
_LABEL = 12
_SHOWN = 10
_OFF = "mail is off: mail.host is not set; set mail.host, mail.sender and mail.operator to turn it on"


@dataclass(frozen=True, slots=True)
class MailTest:
    """What became of the test message, for the shell."""

    exit_code: int
    text: str


def mailer_for(settings: MailSettings, mode: Mode) -> Mailer | None:
    """The mailer of a mode's engine; None when mail is off.

    A demo knows no real credentials (SPEC 9): it reads no keyring, and it mails only to a server on this machine.
    Raises CredentialsError for a login without a password.
    """
    from core.config.mail_password import find_mail_password
    from core.notify.smtp import SmtpMailer
    from core.snapshot import Mode

    if off_because(settings, mode):
        return None
    demo = mode is Mode.DEMO
    return SmtpMailer(settings, find_mail_password(settings, os.environ, environment_only=demo))


def off_because(settings: MailSettings, mode: Mode) -> str:
    """Why this mode's engine sends no mail; empty when it sends."""
    from core.snapshot import Mode

    if not settings.is_on:
        return _OFF
    local = mode is not Mode.DEMO or settings.is_local
    return "" if local else "a demo mails only to a server on this machine, so nothing is sent"


def add_mail_commands(
    app: typer.Typer, find_settings: Callable[[typer.Context, Path | None], MailSettings], find_place: FindPlace
) -> None:
    """Adds `senex mail` to the command line."""
    mail_app = typer.Typer(
        help="Show what mail waits to be sent; send a test.", invoke_without_command=True, rich_markup_mode=None
    )
    app.add_typer(mail_app, name="mail")

    @mail_app.callback()
    def mail(context: typer.Context, demo: Demo = False, data_dir: DataDir = None) -> None:
        """Show the mail server, what waits to be sent, what was given up, and the newest messages."""
        if is_alone(context, data_dir, demo):
            settings = find_settings(context, data_dir)
            for line in asyncio.run(read_outbox(settings, find_place(context, data_dir, demo))):
                typer.echo(line)

    @mail_app.command(epilog="Exit code: 0 the server took it, 2 mail is not set up, 3 refused, 5 no answer.")
    def test(context: typer.Context, data_dir: DataDir = None) -> None:
        """Send one message to mail.operator now, and say what the server answered."""
        from core.config.mail_password import find_mail_password

        settings = find_settings(context, data_dir)
        if not settings.is_on:
            raise Refused(f"{_OFF}.")
        password = find_mail_password(settings, os.environ, environment_only=False)
        result = asyncio.run(send_test(settings, password))
        typer.echo(result.text, err=result.exit_code != SENT)
        raise typer.Exit(result.exit_code)


async def send_test(settings: MailSettings, password: str | None) -> MailTest:
    """Sends the test message at once, past the outbox."""
    from core.notify.smtp import Mail, MailError, MailFault, SmtpMailer
    from core.runtime.clock import SystemClock
    from core.runtime.ids import RandomIds

    mailer = SmtpMailer(settings, password)
    at = SystemClock().now()
    text = (
        f"This is the test message of the Senex console on {socket.gethostname()}.\n\n"
        "Mail works: entries, alarms and digests will reach you here.\n"
    )
    html = "<!DOCTYPE html><html><body>" + "".join(f"<p>{part}</p>" for part in text.split("\n\n")) + "</body></html>\n"
    mail = Mail(f"senex.test.{RandomIds().new()}", "Senex: test message", text, html, at)
    login = "" if settings.user is None else f", logged in as {settings.user}"
    try:
        answer = await mailer.send(mail)
    except MailError as error:
        code = NO_ANSWER if error.fault is MailFault.NO_SERVER else NOT_TAKEN
        return MailTest(code, f"not sent: {error.detail}{_fix(error.fault)}.")
    return MailTest(SENT, f"sent to {settings.operator} through {settings.server}{login}; the server says: {answer}")


def _fix(fault: MailFault) -> str:
    from core.notify.smtp import MailFault

    if fault is MailFault.LOGIN_REFUSED:
        return '; check mail.user and SENEX_MAIL_PASSWORD (or the keyring\'s "mail password")'
    if fault is MailFault.NO_SERVER:
        return "; check mail.host, mail.port and mail.security"
    return "" if fault is MailFault.REFUSED else "; try again later"


async def read_outbox(settings: MailSettings, place: Place) -> list[str]:
    """The outbox as lines of text. Raises Refused before the first start, RecordsError."""
    from senex_tui.trader.place import watching

    place.need_records()

    async def read(records: Records) -> tuple[OutboxCounts, tuple[Message, ...]]:
        return await records.outbox.counts(), await records.outbox.newest(_SHOWN)

    counts, newest = await watching(place, read)
    return [*_summary(settings, place.mode, counts), *_messages(newest)]


async def mail_values(outbox: Outbox, off: str) -> dict[str, Any]:
    """What `senex status` tells of mail, as plain values; `failing` is what the server said last of what waits."""
    counts, waiting = await outbox.counts(), await outbox.waiting()
    failing = next((message.last_error for message in reversed(waiting) if message.last_error), "")
    return {
        "off": off or None,
        "waiting": counts.waiting,
        "waiting_since": _instant(counts.waiting_since),
        "failing": failing or None,
        "given_up": counts.given_up,
        "last_sent": _instant(counts.last_sent_at),
    }


def mail_words(values: dict[str, Any]) -> str:
    """The same in one line."""
    given_up = f"; {values['given_up']} given up" if values["given_up"] else ""
    if not values["waiting"]:
        return f"{values['off'] or 'nothing waits'}{given_up}"
    failing = f", failing: {values['failing']}" if values["failing"] else ""
    off = f"; {values['off']}" if values["off"] else ""
    since = f"{datetime.fromisoformat(values['waiting_since']):%m-%d %H:%M:%S} ET"
    return f"{values['waiting']} waiting since {since}{failing}{off}{given_up}; see `senex mail`"


def _instant(at: datetime | None) -> str | None:
    from core.runtime.clock import exchange_time

    return None if at is None else exchange_time(at).isoformat(timespec="seconds")


def _summary(settings: MailSettings, mode: Mode, counts: OutboxCounts) -> list[str]:
    off = off_because(settings, mode)
    lines = [_line("server", settings.server if settings.is_on else off)]
    if settings.is_on:
        if off:
            lines.append(_line("", off))
        lines.append(
            _line("to", f"{settings.operator}, from {settings.sender}; {settings.preference.value} by default")
        )
    since = f", the oldest since {_time(counts.waiting_since)}" if counts.waiting_since else ""
    lines.append(_line("waiting", f"{counts.waiting}{since}"))
    lines.append(_line("given up", str(counts.given_up)))
    lines.append(_line("last sent", _time(counts.last_sent_at) if counts.last_sent_at else "nothing yet"))
    return lines


def _messages(newest: tuple[Message, ...]) -> list[str]:
    lines = [""] if newest else []
    for message in newest:
        lines.append(f"{_time(message.created_at)}  {_state(message):<9}{message.subject}")
        if message.last_error and message.sent_at is None:
            lines.append(f"{'':<21}tried {message.attempts} times, last: {message.last_error}")
    return lines


def _state(message: Message) -> str:
    if message.sent_at is not None:
        return "sent"
    return "given up" if message.given_up_at is not None else "waiting"


def _time(at: datetime) -> str:
    from core.runtime.clock import exchange_time

    return f"{exchange_time(at):%m-%d %H:%M:%S} ET"


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}".rstrip()
