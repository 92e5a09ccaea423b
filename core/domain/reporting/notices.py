"""The mails about an entry or an alarm: subject, plain text and simple HTML (rules 11).

Times are exchange time, credits per share, risks in $ per package. Account numbers are masked, also inside the broker's
words. Text from outside is escaped, so it is never taken for markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.operation.amounts import credit as credit
from core.domain.operation.amounts import dollars as dollars
from core.domain.operation.events import Event, Severity, masked
from core.domain.operation.times import moment as moment
from core.domain.operation.times import weekday as weekday
from core.domain.orders.fills import fill_credit, filled_by_symbol, is_complete
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry
from core.domain.trident.trident import SHARES_PER_CONTRACT, max_risk

_LABEL = 15
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The parts that all messages share: the name of the mode, and the address of the broker's orders page."""

    mode: str
    orders_url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. `key` names its subject, so that no message is sent twice.

    `account` is empty for a message to the operator alone. With `always` it is sent whatever the account's preference.
    """

    key: str
    kind: str
    account: str
    subject: str
    text: str
    html: str
    always: bool = False


Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: a heading, lines of text, and named figures. Each may be empty."""

    heading: str = ""
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def entry_notices(entry: Entry, offset: Decimal | None, head: Letterhead) -> tuple[Notice, ...]:
    """The messages about the present state of an entry, oldest first. `offset` is per share, None when it is not known.

    "Sent" is mailed once the broker has acknowledged the order: only then it has an order id and is sure to have been
    sent. An order that has ended by then gets both messages.
    """
    notices = [_entry_notice(entry, "sent", offset, head)] if entry.state in _ACKNOWLEDGED and entry.order_id else []
    word = _WORDS.get(entry.state)
    if word is not None:
        notices.append(_entry_notice(entry, word, offset, head))
    return tuple(notices)


def fills_notice(entry: Entry, offset: Decimal | None, head: Letterhead) -> Notice | None:
    """The message about fills just recorded: a part of the order is filled, or the price of a filled order is known.

    None for fills that complete an order: the message about its state "filled" covers them.
    """
    if is_complete(entry.request, entry.fills):
        return _entry_notice(entry, "price", offset, head) if entry.state is EntryState.FILLED else None
    if not entry.fills or entry.state is EntryState.FILLED:
        return None
    return _entry_notice(entry, "partial", offset, head)


def event_notice(event: Event, head: Letterhead) -> Notice | None:
    """The alarm for the operator; None for an event that is not critical.

    An unknown entry or an incident has messages of its own (`entry_notices`), so its events and those of its cycle are
    left out. The same alarm is mailed once an hour at most: one that comes and goes must not fill a mailbox.
    """
    if event.severity is not Severity.CRITICAL or event.kind in _TOLD_BY_ENTRY:
        return None
    what = _without_number(event.text, event.account)
    figures = dict(event.figures)
    about = [str(figures[name]) for name in ("breaker", "login", "alert") if name in figures] or [event.text]
    hour = event.at.astimezone(EXCHANGE_ZONE).strftime("%Y-%m-%d %H")
    words = "\n".join((event.kind, event.account or "", *about))
    rows = [("When", moment(event.at))]
    if event.account:
        rows.append(("Account", masked(event.account)))
    part = Part(lines=(f"{what}.",), rows=tuple(rows))
    close = Part(lines=("`senex status` says what stands now, what it stops and how it ends.",))
    return page(
        key=f"alarm:{hour}:{hashlib.sha256(words.encode()).hexdigest()[:16]}",
        kind="alarm",
        account="",
        subject=f"ALARM: {what.partition('; ')[0]}",
        parts=(part, close),
        head=head,
        always=True,
    )


def page(
    *,
    key: str,
    kind: str,
    account: str,
    subject: str,
    parts: Sequence[Part],
    head: Letterhead,
    link: str = "",
    always: bool = False,
) -> Notice:
    """A message of these parts, as text and as HTML.

    `link` is the text of the link to the broker's orders page, or empty.
    """
    mode = "" if head.mode == "live" else f" [{head.mode}]"
    line = " ".join(f"Senex{mode}: {subject}".split())
    if len(line) > _LONGEST_SUBJECT:
        line = line[: _LONGEST_SUBJECT - 1] + "…"
    footer = f"Mode {head.mode}: {_MODES[head.mode]}." if head.mode in _MODES else ""
    return Notice(key, kind, account, line, _text(parts, head, link, footer), _html(parts, head, link, footer), always)


# Entries

_ACKNOWLEDGED = frozenset({EntryState.WORKING, EntryState.FILLED, EntryState.CANCELLED, EntryState.EXPIRED})
_WORDS = {
    EntryState.FILLED: "filled",
    EntryState.REJECTED: "rejected",
    EntryState.CANCELLED: "cancelled",
    EntryState.EXPIRED: "expired",
    EntryState.UNKNOWN: "unknown",
    EntryState.ABSENT: "absent",
    EntryState.INCIDENT: "incident",
}
_ALWAYS = frozenset({"unknown", "incident"})
_TOLD_BY_ENTRY = frozenset({"order.unknown", "order.incident", "cycle.ended"})
_SUBJECTS = {
    "sent": "entry sent",
    "partial": "entry partially filled",
    "filled": "entry filled",
    "price": "entry filled, its fills are known",
    "rejected": "entry REJECTED",
    "cancelled": "entry cancelled",
    "expired": "entry expired unfilled",
    "unknown": "entry UNKNOWN, look at the broker",
    "absent": "entry is not at the broker",
    "incident": "INCIDENT, look at the broker",
}
_MODES = {
    "demo": "a simulated broker and market, no real money",
    "dry-run": "the broker checks each order and none is sent",
    "sandbox": "the broker's certification environment, no real money",
}


def _entry_notice(entry: Entry, word: str, offset: Decimal | None, head: Letterhead) -> Notice:
    filled = fill_credit(entry.request, entry.fills) if word in ("filled", "price") else None
    price = {"sent": f" at {credit(entry.limit)} limit"}.get(word, "")
    if filled is not None:
        price = f" at {credit(filled)} credit"
    return page(
        key=f"entry:{entry.id}:{word}",
        kind=f"entry.{word}",
        account=entry.account,
        subject=f"{entry.underlying} {_SUBJECTS[word]}{price}, account {masked(entry.account)}",
        parts=(Part(lines=_lead(entry, word, filled)), Part(rows=tuple(_figures(entry, word, filled, offset)))),
        head=head,
        link="Orders at the broker",
        always=word in _ALWAYS,
    )


def _lead(entry: Entry, word: str, filled: Decimal | None) -> tuple[str, ...]:
    detail = _without_number(entry.detail, entry.account).rstrip(".")
    because = f": {detail}" if detail else ""
    match word:
        case "sent" if entry.state is not EntryState.WORKING:
            return ("The broker took the order. What became of it is told in a mail of its own.",)
        case "sent":
            return ("The broker has the order. It is not filled yet; the fill is told in a mail of its own.",)
        case "partial":
            return ("A part of the order is filled, and the rest is still open.",)
        case "price":
            return ("All fill records of the filled order have come.",)
        case "filled" if filled is None:
            return ("The broker says that the order is filled. Its fill records have not all come yet.",)
        case "filled":
            return ("The order is filled. The trident is open.",)
        case "rejected":
            return (f"The broker rejected the order{because}.", "Nothing is open from it; another entry may follow.")
        case "cancelled":
            by = entry.cancel_requested_by
            who = f"{by} asked to cancel it." if by else "Nobody asked for it at this console."
            stays = (
                "No other entry follows today." if by else "The day is free again once it is sure that nothing filled."
            )
            return ("The order was cancelled and is not filled.", f"{who} {stays}")
        case "expired":
            return ("The order was not filled and expired at the close. Nothing is open from it.",)
        case "absent":
            return (
                f"The order whose fate was unknown is not at the broker{because}.",
                "Nothing is open from it, and no other entry follows today.",
            )
        case "unknown":
            return (
                f"Whether the broker took this order is not known{because}.",
                "It holds the day and nothing is sent again. The console keeps looking for it by itself.",
                "Look at the broker's orders page. Then `senex reconcile` looks again, or `senex attest` records "
                "what you saw.",
            )
    return (
        f"The broker and the records contradict each other{because}.",
        "The account enters nothing until you have settled it at the broker and said `senex reset incident`.",
    )


def _figures(entry: Entry, word: str, filled: Decimal | None, offset: Decimal | None) -> list[tuple[str, str]]:
    days = (entry.expiration - entry.session_day).days
    rows = [
        ("Account", masked(entry.account)),
        ("Underlying", entry.underlying),
        ("Expiration", f"{weekday(entry.expiration)}, {days} days"),
        ("Strikes", f"{entry.strikes} (2 put spreads, 1 call spread)"),
    ]
    if filled is not None:
        gain = dollars(filled * SHARES_PER_CONTRACT)
        rows.append(("Fill credit", f"{credit(filled)} per share, {gain}; {_slippage(filled, entry.mid)}"))
    elif entry.fills and word != "sent":
        rows.append(("Filled so far", _filled_so_far(entry)))
    below = "" if offset is None else f", offset {credit(offset)} below the mid" if offset else ", no offset"
    rows += [
        ("Limit", f"{credit(entry.limit)} credit per share{below}"),
        ("Natural, mid", f"{credit(entry.natural)}, {credit(entry.mid)} credit per share"),
        ("Max risk", _risk(entry, filled)),
        ("Order", entry.order_id or "no order id from the broker"),
    ]
    if entry.broker_status and word != "sent":
        rows.append(("Broker says", entry.broker_status))
    if entry.sent_at is not None:
        rows.append(("Sent", moment(entry.sent_at)))
    rows += [("Cycle", f"#{entry.cycle}"), ("Entry", f"{entry.id}, at the broker {entry.identifier}")]
    return rows


def _risk(entry: Entry, filled: Decimal | None) -> str:
    at_natural = dollars(max_risk(entry.width, entry.natural))
    if filled is not None:
        return f"{dollars(max_risk(entry.width, filled))} at the fill ({at_natural} at natural)"
    return f"{dollars(max_risk(entry.width, entry.limit))} at the limit, {at_natural} at natural"


def _slippage(filled: Decimal, mid: Decimal) -> str:
    off = filled - mid
    return "at the mid" if not off else f"{credit(abs(off))} {'above' if off > 0 else 'below'} the mid"


def _filled_so_far(entry: Entry) -> str:
    filled = filled_by_symbol(entry.fills)
    names = entry.strikes.split("/")
    legs = zip(names, entry.request.legs, strict=False)
    return ", ".join(f"{name} {filled.get(leg.symbol, Decimal(0)):f} of {leg.quantity}" for name, leg in legs)


def _without_number(words: str, account: str | None) -> str:
    return words.replace(account, masked(account)) if account else words


# Text and HTML


def _text(parts: Sequence[Part], head: Letterhead, link: str, footer: str) -> str:
    blocks: list[str] = []
    for part in parts:
        lines = [part.heading] if part.heading else []
        lines += part.lines
        lines += [f"{name + ':':<{_LABEL}}{_one_line(value)}" for name, value in part.rows]
        blocks.append("\n".join(lines))
    if link:
        blocks.append(f"{link}: {head.orders_url}")
    if footer:
        blocks.append(footer)
    return "\n\n".join(blocks) + "\n"


def _html(parts: Sequence[Part], head: Letterhead, link: str, footer: str) -> str:
    shown = ['<!DOCTYPE html><html><body style="font-family: sans-serif">']
    for part in parts:
        if part.heading:
            shown.append(f"<h3>{escape(part.heading)}</h3>")
        shown += [f"<p>{escape(line)}</p>" for line in part.lines]
        if part.rows:
            cells = "".join(
                f'<tr><td style="padding-right: 1.5em; color: #666; vertical-align: top">{escape(name)}</td>'
                f"<td>{escape(_one_line(value))}</td></tr>\n"
                for name, value in part.rows
            )
            shown.append(f"<table>\n{cells}</table>")
    if link:
        shown.append(f'<p><a href="{escape(head.orders_url)}">{escape(link)}</a></p>')
    if footer:
        shown.append(f'<p style="color: #666">{escape(footer)}</p>')
    shown.append("</body></html>")
    return "\n".join(shown) + "\n"


def _one_line(words: str) -> str:
    return " ".join(words.split())
