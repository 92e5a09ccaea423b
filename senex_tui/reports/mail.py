"""Mail as the reports tell it: the outbox, why mail is off, and what became of a test message."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from core.domain.operation.times import stamp
from senex_tui.support.report import Answer, instant_shown, instant_text
from senex_tui.support.text import labelled

if TYPE_CHECKING:
    from core.config.mail import MailSettings
    from core.notify.mailer import Mail, MailFault
    from core.records.records import Records
    from core.records.repositories.outbox import Message, Outbox, OutboxCounts
    from core.snapshot import Mode
    from senex_tui.trader.place import Place

SENT, NOT_TAKEN, NO_ANSWER = 0, 3, 5
_SHOWN = 10
MAIL_IS_OFF = "mail is off: mail.host is not set; set mail.host, mail.sender and mail.operator to turn it on"


def off_because(settings: MailSettings, mode: Mode) -> str:
    """Why the engine of this mode sends no mail; empty when it sends."""
    from core.snapshot import Mode

    if not settings.is_on:
        return MAIL_IS_OFF
    local = mode is not Mode.DEMO or settings.is_local
    return "" if local else "a demo mails only to a server on this machine, so nothing is sent"


async def send_test(settings: MailSettings, password: str | None) -> Answer:
    """Sends the test message at once, without the outbox."""
    from core.notify.mailer import MailError, MailFault
    from core.notify.smtp import SmtpMailer

    mailer = SmtpMailer(settings, password)
    mail = test_message("Mail works")
    login = "" if settings.user is None else f", logged in as {settings.user}"
    try:
        answer = await mailer.send(mail)
    except MailError as error:
        code = NO_ANSWER if error.fault is MailFault.NO_SERVER else NOT_TAKEN
        return Answer(code, f"not sent: {error.detail}{_fix(error.fault)}.")
    return Answer(SENT, f"sent to {settings.operator} through {settings.server}{login}; the server says: {answer}")


def test_message(works: str) -> Mail:
    """The test message: it says that what it came by works."""
    from core.notify.mailer import Mail
    from core.runtime.clock import SystemClock
    from core.runtime.ids import RandomIds

    text = (
        f"This is the test message of the Senex console on {socket.gethostname()}.\n\n"
        f"{works}: entries, alarms and digests will reach you here.\n"
    )
    html = "<!DOCTYPE html><html><body>" + "".join(f"<p>{part}</p>" for part in text.split("\n\n")) + "</body></html>\n"
    return Mail(f"senex.test.{RandomIds().new()}", "Senex: test message", text, html, SystemClock().now())


def _fix(fault: MailFault) -> str:
    from core.notify.mailer import MailFault

    if fault is MailFault.LOGIN_REFUSED:
        return '; check mail.user and SENEX_MAIL_PASSWORD (or the keyring\'s "mail password")'
    if fault is MailFault.NO_SERVER:
        return "; check mail.host, mail.port and mail.security"
    return "" if fault is MailFault.REFUSED else "; try again later"


async def read_outbox(settings: MailSettings, place: Place) -> list[str]:
    """What the outbox has for the mail, as lines of text. Raises Refused before the first start, RecordsError."""
    counts, newest = await read_channel(place, "mail")
    return [*_summary(settings, place.mode, counts), *message_lines(newest)]


async def read_channel(place: Place, channel: str) -> tuple[OutboxCounts, tuple[Message, ...]]:
    """What the outbox has for a channel: its counts, and its newest messages. Raises as `read_outbox`."""
    from senex_tui.trader.place import with_records

    place.need_records()

    async def read(records: Records) -> tuple[OutboxCounts, tuple[Message, ...]]:
        return await records.outbox.counts(channel), await records.outbox.newest(_SHOWN, channel)

    return await with_records(place, read)


async def channel_values(outbox: Outbox, off: str, channel: str = "mail") -> dict[str, Any]:
    """The part of `senex status` about a channel, as a report's values. `failing` is the server's last answer to what
    waits."""
    counts, waiting = await outbox.counts(channel), await outbox.waiting(channel)
    failing = next((message.last_error for message in reversed(waiting) if message.last_error), "")
    return {
        "off": off or None,
        "waiting": counts.waiting,
        "waiting_since": instant_text(counts.waiting_since),
        "failing": failing or None,
        "given_up": counts.given_up,
        "last_sent": instant_text(counts.last_sent_at),
    }


def channel_words(values: dict[str, Any], command: str = "senex mail") -> str:
    """The values of `channel_values` as one line; `command` tells more."""
    given_up = f"; {values['given_up']} given up" if values["given_up"] else ""
    if not values["waiting"]:
        return f"{values['off'] or 'nothing waits'}{given_up}"
    failing = f", failing: {values['failing']}" if values["failing"] else ""
    off = f"; {values['off']}" if values["off"] else ""
    since = instant_shown(values["waiting_since"])
    return f"{values['waiting']} waiting since {since}{failing}{off}{given_up}; see `{command}`"


def _summary(settings: MailSettings, mode: Mode, counts: OutboxCounts) -> list[str]:
    off = off_because(settings, mode)
    lines = [labelled("server", settings.server if settings.is_on else off)]
    if settings.is_on:
        if off:
            lines.append(labelled("", off))
        lines.append(
            labelled("to", f"{settings.operator}, from {settings.sender}; {settings.preference.value} by default")
        )
    return [*lines, *counts_lines(counts)]


def counts_lines(counts: OutboxCounts) -> list[str]:
    """How many messages of a channel wait, were given up, and when the last was sent."""
    since = f", the oldest since {stamp(counts.waiting_since)}" if counts.waiting_since else ""
    return [
        labelled("waiting", f"{counts.waiting}{since}"),
        labelled("given up", str(counts.given_up)),
        labelled("last sent", stamp(counts.last_sent_at) if counts.last_sent_at else "nothing yet"),
    ]


def message_lines(newest: tuple[Message, ...]) -> list[str]:
    """The messages, one a line, and why one was not sent."""
    lines = [""] if newest else []
    for message in newest:
        lines.append(f"{stamp(message.created_at)}  {_state(message):<9}{message.subject}")
        if message.last_error and message.sent_at is None:
            lines.append(f"{'':<26}tried {message.attempts} times, last: {message.last_error}")
    return lines


def _state(message: Message) -> str:
    if message.sent_at is not None:
        return "sent"
    return "given up" if message.given_up_at is not None else "waiting"
