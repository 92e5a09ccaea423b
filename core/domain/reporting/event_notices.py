"""The mails about alarms and warnings of the engine, to the operator whatever an account's preference (rules 11)."""

from __future__ import annotations

import hashlib
import re

from core.domain.operation.events import Event, Severity, masked
from core.domain.operation.reasons import Reason
from core.domain.operation.times import EXCHANGE_ZONE, moment
from core.domain.reporting.alerts import AlertKind
from core.domain.reporting.notices import Letterhead, Notice, Part, page, without_number

_NAMES = {Severity.CRITICAL: "alarm", Severity.WARNING: "warning"}
"""What a mail about an event of this severity is called. Other events are not mailed."""

_TOLD_BY_ENTRY = frozenset({"order.unknown", "order.incident", "order.rejected", "order.cancelled", "order.expired"})
"""An entry's own mail tells of these states, by the account's preference or always (`entry_notices`)."""

_TOLD_BY_EXIT = frozenset({"exit.unknown", "exit.incident", "exit.rejected", "exit.absent"})
"""An exit's own mail tells of these (`exit_notices`)."""

_ALERTS_TOLD_BY_EXIT = frozenset(
    {
        AlertKind.EXIT_UNKNOWN.code,
        AlertKind.UNIT_BROKEN.code,
        AlertKind.ASSIGNED.code,
        AlertKind.MUST_CLOSE.code,
        AlertKind.PNL_MISMATCH.code,
    }
)
"""Alerts of whose cause a mail about the trident or the exit tells, with more in it."""

_TOLD_ELSEWHERE = ("step.", "command.", "mail.failing", "phone.failing", "login.refused")
"""How kinds of warnings begin that are told elsewhere.

A step's refusal is one try of several; the cycle's end tells what they came to. A refused command is answered to who
gave it. A mail about failing mail would come only after the trouble; the status bar, `senex mail` and `senex notify`
tell of it then. What is given up is mailed, by the ways that are left: nobody would look for it any more.
A refused login is told by the alarm `login.invalid`, and the second refusal by its breaker.
"""

_OF_THE_ENTRY = frozenset(
    {
        Reason.REJECTED,
        Reason.OPPOSING_ORDER,
        Reason.OUTCOME_UNKNOWN,
        Reason.ENTRY_ABSENT,
        Reason.ENTRY_CANCELLED,
        Reason.ENTRY_EXPIRED,
        Reason.ENTRY_INCIDENT,
    }
)
"""A cycle that ended for one of these reasons made an entry, whose own mail tells more."""

_FIGURE = re.compile(r"(?<![…\w])\d[\d.,:]*")
"""A number that stands alone, not the masked number of an account."""


def event_notice(event: Event, head: Letterhead) -> Notice | None:
    """The mail about an alarm or a warning; None for other events, and for those that are told otherwise.

    The same cause is mailed once an hour at most: what comes and goes must not fill a mailbox. Two warnings of one
    kind have one cause when they have the same reason or the same sentence with other figures.
    """
    name = _NAMES.get(event.severity)
    if name is None or _is_told_otherwise(event):
        return None
    what = without_number(event.text, event.account)
    hour = event.at.astimezone(EXCHANGE_ZONE).strftime("%Y-%m-%d %H")
    rows = [("When", moment(event.at))]
    if event.account:
        rows.append(("Account", masked(event.account)))
    part = Part(lines=(f"{what}.",), rows=tuple(rows))
    close = Part(lines=("`senex status` says what stands now, what it stops and how it ends.",))
    return page(
        key=f"{name}:{hour}:{hashlib.sha256(_cause(event).encode()).hexdigest()[:16]}",
        kind=name,
        account="",
        subject=f"{name.upper()}: {what.partition('; ')[0]}",
        parts=(part, close),
        head=head,
        always=True,
    )


def _is_told_otherwise(event: Event) -> bool:
    if event.kind in _TOLD_BY_ENTRY | _TOLD_BY_EXIT:
        return True
    if event.kind == "alert.opened" and dict(event.figures).get("alert") in _ALERTS_TOLD_BY_EXIT:
        return True
    if event.kind == "cycle.ended":
        # It is critical only for an entry whose fate is unknown.
        return event.severity is Severity.CRITICAL or event.reason in _OF_THE_ENTRY
    return event.severity is Severity.WARNING and event.kind.startswith(_TOLD_ELSEWHERE)


def _cause(event: Event) -> str:
    figures = dict(event.figures)
    about = [str(figures[name]) for name in ("breaker", "login", "alert") if name in figures]
    if event.severity is Severity.WARNING:
        about.append(event.reason.code if event.reason is not None else _FIGURE.sub("#", event.text))
    return "\n".join((event.kind, event.account or "", *(about or [event.text])))
