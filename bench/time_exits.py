"""Measures how long ten time exits an account take to leave, from 10:00 on: 50 accounts of one login, all on one day.

One account lives until it holds its ten tridents and the youngest of them has at most 30 days left; records and broker
are then copied. Each trident is given the exit-dte that makes the time exit of all begin on the next morning. An engine
trades that morning in virtual time: it cancels every target, proves each cancel, and sends one order a trident. Walking
goes on beside it.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from bench.exits_world import OPENS, STARTS, busiest_second, live_accounts, morning, most_in_a_second
from bench.figure import Figure
from core.domain.positions.exits import ExitKind
from core.domain.positions.timing import EXIT_DTE, STARTS_AT
from core.runtime.clock import EXCHANGE_ZONE
from core.runtime.virtual_time import VirtualClock, run_virtual
from senex_tui.run.lived.order import LivedOrder

ACCOUNTS, TRIDENTS = 50, 10
SESSIONS = 27
"""Enough for ten entries, and then until the youngest has 30 days left."""
SENT_AIM_S = 600.0
MINUTES = 15
"""Watched from 10:00 on."""
SLOT_S = 5.0
"""Seconds in which the slot of 10:00 reads every account for its entry, which no pace delays."""
BEGINS = datetime.combine(OPENS, STARTS_AT, EXCHANGE_ZONE)


def measure(accounts: int = ACCOUNTS) -> list[Figure]:
    """The figures of so many accounts; the aims are those of 50."""
    with tempfile.TemporaryDirectory() as folder:
        order = live_accounts(Path(folder), accounts=accounts, sessions=SESSIONS, position_limit=TRIDENTS)
        held = _let_begin(order.records)
        assert held >= accounts * TRIDENTS, f"only {held} time exits begin"

        async def main(clock: VirtualClock) -> _Seen:
            return await _watched(order, accounts, clock)

        seen = run_virtual(main, STARTS)
    assert seen.sent == held, f"{seen.sent} time exits of {held} were sent"
    return [
        Figure(
            f"{held:,} time exits of {accounts} accounts all sent",
            f"{seen.took_s:.0f} s",
            f"{SENT_AIM_S:.0f} s",
            seen.took_s / SENT_AIM_S,
            f"<= {SENT_AIM_S:.0f} s",
            seen.took_s <= SENT_AIM_S,
        ),
        busiest_second(seen.most, seen.mean),
        busiest_second(seen.most_later, seen.mean, "the same after the reads of the slot"),
    ]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the morning came to: `sent` tridents had a time exit sent, the last of them `took_s` seconds after 10:00.
    `most` and `mean` are requests a second from 10:00 to there, `most_later` those from `SLOT_S` on."""

    sent: int
    took_s: float
    most: int
    most_later: int
    mean: float


async def _watched(order: LivedOrder, accounts: int, clock: VirtualClock) -> _Seen:
    async with morning(order, accounts, clock) as at_work:
        await clock.sleep((BEGINS - clock.now()).total_seconds())
        began_s = clock.monotonic()
        await clock.sleep(60 * MINUTES)
        first: dict[str, datetime] = {}
        for sent_at, trident_id in _sent(order.records):
            first[trident_id] = min(sent_at, first.get(trident_id, sent_at))
        took_s = max((at - BEGINS for at in first.values()), default=timedelta(0)).total_seconds()
        asked = [at for at in at_work.broker.asked if began_s <= at < began_s + took_s]
        later = [at for at in asked if at >= began_s + SLOT_S]
        mean = len(asked) / max(took_s, 1.0)
        return _Seen(len(first), took_s, most_in_a_second(asked), most_in_a_second(later), mean)


def _sent(records: Path) -> list[tuple[datetime, str]]:
    """When each time exit left, and its trident."""
    with closing(sqlite3.connect(records)) as store:
        rows = store.execute(
            "SELECT sent_at, trident_id FROM exits WHERE kind = ? AND sent_at IS NOT NULL", (ExitKind.TIME.value,)
        )
        return [(datetime.fromisoformat(sent_at), trident_id) for sent_at, trident_id in rows]


def _let_begin(records: Path) -> int:
    """Gives each trident that is held the exit-dte by which its time exit begins on the morning; how many those are."""
    least, most = EXIT_DTE
    begins = 0
    with closing(sqlite3.connect(records)) as store, store:
        held = store.execute("SELECT id, expiration, rules FROM tridents WHERE ended_at IS NULL").fetchall()
        for trident_id, expiration, rules in held:
            dte = (date.fromisoformat(expiration) - OPENS).days
            if least <= dte <= most:
                text = json.dumps(json.loads(rules) | {"exit_dte": dte})
                store.execute("UPDATE tridents SET rules = ? WHERE id = ?", (text, trident_id))
                begins += 1
    return begins
