"""Mail in the simulated days: the faults of the mail server, and the checks at the end of each day.

The faults are drawn from a random sequence of their own, so that a seed's other troubles stay the same.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from core.domain.market.sessions import SlotTimes, slots_of
from core.notify.mailer import MailFault
from tests.proofs.days.trouble import Trouble
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.world import calendar_around

MAIL_KINDS = ("mail down", "mail slow", "mail hangs", "mail refuses", "mail loses answers")
_MAILED_STATES = {
    "filled": "filled",
    "rejected": "rejected",
    "cancelled": "cancelled",
    "expired": "expired",
    "unknown": "unknown",
    "absent": "absent",
    "incident": "incident",
}


def mail_troubles(seed: int, days: Sequence[date]) -> list[Trouble]:
    """The mail faults of these days, around the first slots, where mails about entries are sent."""
    chance = random.Random(f"mail of simulated days {seed}")
    found = []
    for day in days:
        session = calendar_around(day.year).on(day)
        if session is None:
            raise ValueError(f"{day} is no session")
        first = slots_of(session, SlotTimes())[0]
        for _ in range(chance.choice((0, 1, 1, 2))):
            at = first + timedelta(seconds=round(chance.uniform(-300.0, 1800.0), 2))
            seconds = round(chance.choice((5.0, 120.0, 3600.0)) * chance.uniform(0.5, 1.5), 1)
            found.append(Trouble(at, chance.choice(MAIL_KINDS), seconds))
    return found


def start_mail_trouble(
    server: MemoryMailServer, trouble: Trouble, later: Callable[[float, Callable[[], object]], None]
) -> None:
    """Makes the server fail for the trouble's seconds."""
    match trouble.kind:
        case "mail down":
            server.fault = MailFault.NO_SERVER
        case "mail slow":
            server.slow_s = 45.0
        case "mail hangs":
            server.hangs = True
        case "mail refuses":
            server.refuses = lambda mail: True
        case _:
            server.loses_answers = True
    later(trouble.seconds, server.mend)


def mail_violations(database: sqlite3.Connection, server: MemoryMailServer) -> Iterator[str]:
    """A sentence for each committed state without its message, and for messages recorded as sent but never
    delivered."""
    keys = {row[0] for row in database.execute("SELECT key FROM messages")}
    # An order is adopted as unknown and folded at once: only what it turns out to be is told.
    changes = database.execute(
        "SELECT DISTINCT e.id, c.state FROM intent_changes c JOIN entries e ON e.id = c.intent_id "
        "WHERE NOT (e.origin = 'adopted' AND c.state = 'unknown')"
    ).fetchall()
    for entry_id, state in changes:
        word = _MAILED_STATES.get(state)
        if word is not None and f"entry:{entry_id}:{word}" not in keys:
            yield f"entry {entry_id} became {state} and no message was written with it"
    (sent,) = database.execute("SELECT COUNT(*) FROM messages WHERE sent_at IS NOT NULL").fetchone()
    delivered = len(set(server.message_ids))
    if sent > delivered:
        yield f"{sent} messages are recorded as sent and {delivered} were delivered"
