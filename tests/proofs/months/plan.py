"""The plan of a seed of simulated months: exits are on, and the troubles of exits are drawn besides those of days."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from core.simulator.exchange.faults import FaultKind
from tests.proofs.days.plan import Plan, draw_many
from tests.proofs.days.trouble import Trouble
from tests.support.world import calendar_around

SESSIONS_A_MONTH = 21
ENTRY_TROUBLES = 0.15
"""The share that is kept of the troubles of a plan of many days: most of them are about entries."""
EXIT_TROUBLES = 0.35
"""On which share of the days something troubles exits."""
FILL_AS_ASKED = 0.4
"""On which share of the seeds a close fills at the price asked. There time exits begin late, so that their last days
come into play."""
LIMITS = (2, 4, 7)
"""How many tridents an account may hold: the fewer, the quicker a session."""
TEN = timedelta(minutes=30)
"""From the open to the hour at which a time exit begins."""
SHOWN_AGAIN = timedelta(hours=1)
"""What listings leave out for 30 s is believed to be gone, and taken back when it is shown again. The engines of these
months read an account every half hour, and each night nothing may be on record as gone that is held."""
_LONG_S = (60.0, 900.0, 7200.0)


def draw_months(seed: int, sessions: int, *, calm: bool = False) -> Plan:
    """The plan of a seed over so many sessions, always the same; `calm` leaves the troubles out."""
    chance = random.Random(f"simulated months {seed}")
    many = draw_many(seed, sessions, calm=calm)
    kept = [trouble for trouble in many.troubles if chance.random() < ENTRY_TROUBLES and trouble.kind not in _LEFT_OUT]
    own = [] if calm else exit_troubles(chance, many.days)
    of_fills = random.Random(f"fills of simulated months {seed}")
    as_asked = of_fills.random() < FILL_AS_ASKED
    return replace(
        many,
        cash=many.cash[: 1 + (chance.random() < 0.2)],
        fill_plan="normal",
        minimum_score=0,
        position_limit=chance.choice(LIMITS),
        night="suspend" if chance.random() < 0.5 else "quit",
        clock_off_s=0.0,
        troubles=tuple(sorted([*kept, *own], key=lambda t: (t.at, t.kind))),
        exits=True,
        exit_dte=of_fills.choice((1, 1, 3, 7)) if as_asked else chance.choice((7, 7, 21, 30)),
        fills_as_asked=as_asked,
        lived=True,
    )


_LEFT_OUT = frozenset(
    {
        "records older",
        "records gone",
        "wipe",
        "clock set",
        "rival",
        "rival at our order",
        "fill plan",
        FaultKind.ORDERS_FORGOTTEN.value,
    }
)
"""What takes away the records, the account or the clock on which a whole year rests; and what other people open. Of an
entry that the exchange forgets with its contracts nobody could say any more what it had opened."""


def exit_troubles(chance: random.Random, days: Sequence[date]) -> list[Trouble]:
    """What troubles exits on these days: at the hour at which time exits begin, in the last hour, or at any time."""
    found: list[Trouble] = []
    for day in days:
        if chance.random() >= EXIT_TROUBLES:
            continue
        session = calendar_around(day.year).on(day)
        if session is None:
            raise ValueError(f"{day} is no session")
        length = (session.close - session.open).total_seconds()
        at = session.open + timedelta(seconds=round(chance.uniform(-60.0, length), 1))
        if chance.random() < 0.5:
            at = session.open + TEN + timedelta(seconds=round(chance.uniform(-20.0, 400.0), 1))
        elif chance.random() < 0.3:
            at = session.close - timedelta(seconds=round(chance.uniform(0.0, 3700.0), 1))
        (kind,) = chance.choices(list(_KINDS), list(_KINDS.values()))
        if kind == FaultKind.POSITIONS_INCOMPLETE.value:
            at = min(at, session.close - SHOWN_AGAIN)
        found.append(_drawn(chance, at, kind))
    return found


_KINDS = {
    "hold exits": 10,
    "HALT-ALL file": 6,
    "restart": 10,
    "kill": 10,
    "kill at commit": 14,
    "pause": 4,
    "hand close": 10,
    "assign": 8,
    "cancel at broker": 5,
    "retarget": 4,
    "close": 6,
    "release": 3,
    "cancel exit": 5,
    "cancel exits": 2,
    "exits off": 3,
    FaultKind.ORDERS_CANCEL_IGNORED.value: 5,
    FaultKind.ORDERS_FILL_AFTER_CANCEL.value: 6,
    FaultKind.ORDERS_GTC_DROPPED.value: 4,
    FaultKind.ORDERS_UNBALANCED_FILL.value: 3,
    FaultKind.ORDERS_LISTING_LAG.value: 6,
    FaultKind.ORDERS_PARTIAL_PAGE.value: 5,
    FaultKind.POSITIONS_INCOMPLETE.value: 8,
    FaultKind.POSITIONS_LAG.value: 6,
    FaultKind.TRANSACTIONS_LATE.value: 8,
    FaultKind.TRANSACTIONS_CORRECTED.value: 4,
    FaultKind.REST_DROP_RESPONSE.value: 8,
    FaultKind.REST_DROP_REQUEST.value: 5,
    FaultKind.REST_5XX_HTML.value: 5,
    FaultKind.MARKET_FROZEN.value: 4,
    FaultKind.MARKET_HALTED.value: 3,
    "unreachable": 4,
}
_DELETES_TOO = {FaultKind.REST_DROP_RESPONSE.value, FaultKind.REST_DROP_REQUEST.value}


def exit_kinds() -> set[str]:
    """The kinds of troubles that are drawn for exits."""
    return set(_KINDS)


def _drawn(chance: random.Random, at: datetime, kind: str) -> Trouble:
    seconds, count, word = chance.choice(_LONG_S) * chance.uniform(0.5, 1.5), 1, ""
    if kind in ("restart", "kill"):
        seconds = chance.choice((0.5, 45.0, 3600.0))
    elif kind == "kill at commit":
        seconds, count, word = chance.choice((0.5, 45.0)), chance.randint(1, 30), chance.choice(("before", "after"))
    elif kind == "cancel at broker":
        word = chance.choice(("", "staff"))
    elif kind == "hand close":
        word = chance.choice(("unit", "unit", "short", "long"))
    elif kind == "close":
        word = chance.choice(("all walk", "puts walk", "call walk", "put-1 walk", "puts limit=0.05", "all limit=3.00"))
        count = chance.randint(1, 60)
    elif kind in ("retarget", "release", "cancel exit", "cancel exits"):
        count = chance.randint(1, 60)
    elif kind == "hold exits":
        count, word = chance.randint(1, 60), chance.choice(("all", "one"))
    elif kind == "exits off":
        count, word = chance.randint(1, 60), chance.choice(("off", "targets"))
    elif kind in _DELETES_TOO:
        seconds, word = 600.0, chance.choice(("POST /accounts", "DELETE /accounts", "GET /accounts"))
    elif kind in (FaultKind.MARKET_FROZEN.value, FaultKind.MARKET_HALTED.value):
        word = chance.choice(("*", "QQQ", ".QQQ*"))
    elif kind in (FaultKind.ORDERS_LISTING_LAG.value, FaultKind.POSITIONS_LAG.value):
        seconds = chance.choice((3.0, 60.0, 600.0))
    elif kind == FaultKind.TRANSACTIONS_LATE.value:
        seconds, count = chance.choice((3600.0, 40_000.0)), 4
    elif kind in (FaultKind.ORDERS_PARTIAL_PAGE.value, FaultKind.POSITIONS_INCOMPLETE.value):
        count = chance.randint(1, 6)
    return Trouble(at, kind, round(seconds, 1), count, word)
