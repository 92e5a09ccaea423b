"""Phones as the reports tell them: their addresses by kind, what waits for each, and what became of a test message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senex_tui.reports.mail import (
    NO_ANSWER,
    NOT_TAKEN,
    SENT,
    channel_values,
    counts_lines,
    message_lines,
    read_channel,
    test_message,
)
from senex_tui.support.report import Answer
from senex_tui.support.text import labelled

if TYPE_CHECKING:
    from core.config.notify import NotifySettings
    from core.records.repositories.outbox import Outbox
    from senex_tui.trader.place import Place

PHONES_ARE_OFF = "no phone is told: notify.urls is not set; set SENEX_NOTIFY__URLS, or see docs/notify.md"
_DEMO = "a demo tells only what is on this machine: json://, xml://, form:// or gotify:// on localhost"


async def send_test(addresses: tuple[str, ...]) -> Answer:
    """Sends the test message to each phone at once, without the outbox. The exit code is that of the worst."""
    from core.notify.mail_queue import phone_channel
    from core.notify.mailer import MailError, MailFault
    from core.notify.phone import phone_senders

    code, lines, message = SENT, [], test_message("This phone is reached")
    for number, sender in enumerate(phone_senders(addresses), 1):
        name = phone_channel(number)
        try:
            answer = await sender.send(message)
        except MailError as error:
            code = max(code, NO_ANSWER if error.fault is MailFault.NO_SERVER else NOT_TAKEN)
            lines.append(f"{name}: not sent: {error.detail}.")
        else:
            lines.append(f"{name}: sent through {sender.server}: {answer}")
    return Answer(code, "\n".join(lines))


async def read_phones(settings: NotifySettings, addresses: tuple[str, ...], place: Place) -> list[str]:
    """What the outbox has for the phones, as lines of text. Raises Refused before the first start, RecordsError."""
    from core.config.notify import shown_address, told_addresses
    from core.notify.mail_queue import phone_channel
    from core.snapshot import Mode
    from senex_tui.trader.place import with_records

    if not addresses:
        return [labelled("phone", PHONES_ARE_OFF)]
    lines: list[str] = []
    told = told_addresses(addresses, demo=place.mode is Mode.DEMO)
    for number, address in enumerate(told, 1):
        counts, newest = await read_channel(place, phone_channel(number))
        lines += ["", labelled(phone_channel(number), shown_address(address))]
        lines += [*counts_lines(counts), *message_lines(newest)]
    for address in addresses:
        if address not in told:
            lines += ["", labelled("not told", f"{shown_address(address)}; {_DEMO}")]
    known = {phone_channel(number) for number in range(1, len(told) + 1)}
    for channel in await with_records(place, lambda records: records.outbox.channels_waiting()):
        if channel.startswith("phone") and channel not in known:
            counts, _ = await read_channel(place, channel)
            lines += ["", labelled(channel, "has no address any more; what waits is sent when it has one again")]
            lines += counts_lines(counts)
    return lines[1:]


async def phone_values(outbox: Outbox, settings: NotifySettings | None) -> dict[str, Any]:
    """The part of `senex status` about the phones: of the first for which messages wait, else of the first."""
    waiting = [channel for channel in await outbox.channels_waiting() if channel.startswith("phone")]
    off = "not used" if settings is not None and not settings.is_on else ""
    return await channel_values(outbox, off, waiting[0] if waiting else "phone")
