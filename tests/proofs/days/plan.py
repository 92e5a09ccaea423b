"""The plan of a seed: which days and accounts, how often the engine polls, and what goes wrong when.

Everything is drawn before the first day begins. So leaving out later faults does not change the earlier ones, and a
violation can be shrunk.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from core.domain.market.sessions import SlotTimes, slots_of
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.habits import (
    AssignmentFee,
    FeesFinal,
    Habits,
    OpeningBesideClose,
    TradesPosted,
    WithoutPosition,
    WorkingCloses,
)
from tests.proofs.days.broker_data import data_troubles
from tests.proofs.days.mail import mail_troubles
from tests.proofs.days.odd_orders import fill_troubles, odd_troubles
from tests.proofs.days.trouble import Trouble
from tests.support.world import calendar_around

YEARS = (2025, 2026, 2027)
MARKETS = 24
"""How many markets there are to draw from; each market's history is built once and shared."""
DST_WEEKS = ((2025, 3, 10), (2025, 11, 3), (2026, 3, 9), (2026, 11, 2), (2027, 3, 15), (2027, 11, 8))
"""Mondays after a change of the clocks; such a plan begins on the Friday before."""

CLOCKS_OFF = 0.15
"""On which share of the seeds the trader's clock is off at the start."""
CLOCKS_SET = 0.06
"""On which share of the days it is set by far."""
FAR_S = 600.0
FULL_DAY = timedelta(hours=6, minutes=30)
OPENS_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan drawn for a seed. Instants are in UTC."""

    seed: int
    market: int
    days: tuple[date, ...]
    start: datetime
    cash: tuple[Decimal, ...]
    fill_plan: str
    night: str
    preflight: bool
    minimum_score: int
    poll_s: int
    troubles: tuple[Trouble, ...]
    clock_off_s: float = 0.0
    """How far the trader's clock is off at the start, in seconds."""
    habits: Habits = field(default_factory=Habits)
    """The simulated broker's."""
    position_limit: int = 10
    saves: bool = False
    """Whether the simulated broker is saved and restored in every night in which the trader has quit."""
    closes_odd_legs: bool = False
    """Whether the operator closes at the broker, after the open, what an order left that is no whole trident."""
    exits: bool = False
    """Whether exits are on: then tridents are taken to their end."""
    exit_dte: int = 7
    """The setting of the accounts: so many days before it expires the close of a trident begins."""
    fills_as_asked: bool = False
    """Whether closing orders of a day fill at the price asked, some time after they are live, whatever the market says.
    Targets follow the market."""
    lived: bool = False
    """Whether the engine wakes as seldom as in days that nobody watches."""

    @property
    def real_time(self) -> bool:
        """Whether market time is real, so that the clock is checked against the broker's: where it is off by more than
        the trader of a simulated market could miss."""
        far = (abs(t.seconds) for t in self.troubles if t.kind == "clock set")
        return bool(self.clock_off_s) or max(far, default=0.0) > FAR_S

    @property
    def special(self) -> str:
        """The kind of these days, for the figures: half day, daylight saving or full day."""
        year = calendar_around(self.days[0].year)
        sessions = [year.on(day) for day in self.days]
        if any(s is not None and s.close - s.open < FULL_DAY for s in sessions):
            return "half day"
        return "daylight saving" if any((d.year, d.month, d.day) in DST_WEEKS for d in self.days) else "full day"


@lru_cache(maxsize=1)
def _sessions() -> tuple[date, ...]:
    found = []
    for year in YEARS:
        day = date(year, 1, 1)
        while day.year == year:
            if calendar_around(year).on(day) is not None:
                found.append(day)
            day += timedelta(days=1)
    return tuple(found)


@lru_cache(maxsize=1)
def _half_days() -> tuple[int, ...]:
    found = []
    for index, day in enumerate(_sessions()):
        session = calendar_around(day.year).on(day)
        if session is not None and session.close - session.open < FULL_DAY:
            found.append(index)
    return tuple(found)


def draw(seed: int) -> Plan:
    """The plan of a seed, always the same."""
    chance = random.Random(f"simulated days {seed}")
    sessions = _sessions()
    length = chance.choice((1, 2, 2, 3))
    which = chance.random()
    if which < 0.12:
        first = chance.choice(_half_days()) - chance.randrange(length)
    elif which < 0.2:
        first = sessions.index(date(*chance.choice(DST_WEEKS))) - 1
        length = max(length, 2)
    else:
        first = chance.randrange(len(sessions) - 4)
    days = sessions[max(0, first) : max(0, first) + length]
    opening = _open(days[0])
    cash = tuple(Decimal(chance.choice((15_000, 25_000, 60_000))) for _ in range(1 + (chance.random() < 0.3)))
    troubles = sorted(
        [
            *(trouble for day in days for trouble in _troubles(chance, day, len(cash))),
            *mail_troubles(seed, days),
            *data_troubles(seed, days),
            *odd_troubles(seed, days),
            *fill_troubles(seed, days),
            *_clock_jumps(seed, days),
        ],
        key=lambda t: (t.at, t.kind),
    )
    return Plan(
        seed=seed,
        market=chance.randrange(MARKETS),
        days=days,
        start=opening - OPENS_BEFORE,
        cash=cash,
        fill_plan=chance.choice(("normal", "normal", "normal", "immediate", "partial", "delayed", "never")),
        night=chance.choice(("quit", "quit", "suspend")),
        preflight=chance.random() < 0.3,
        minimum_score=0 if chance.random() < 0.85 else 40,
        poll_s=chance.choice((120, 600, 600, 900)),
        troubles=tuple(troubles),
        clock_off_s=_clock_off(seed),
    )


DENSITY = 1 / 3
"""The share of the troubles of single days that plans of many days have."""


def draw_many(seed: int, sessions: int, *, calm: bool = False) -> Plan:
    """The plan of a seed over so many sessions, always the same; `calm` leaves the troubles out.

    Everything about it is drawn by a chance of its own.
    """
    chance = random.Random(f"simulated sessions {seed}")
    every = _sessions()
    first = chance.randrange(len(every) - sessions)
    days = every[first : first + sessions]
    single = draw(seed)
    drawn = [
        *(trouble for day in days for trouble in _troubles(chance, day, len(single.cash))),
        *mail_troubles(seed, days),
        *data_troubles(seed, days),
        *odd_troubles(seed, days),
        *fill_troubles(seed, days),
        *_clock_jumps(seed, days),
    ]
    kept = [trouble for trouble in drawn if chance.random() < DENSITY]
    return replace(
        single,
        days=days,
        start=_open(days[0]) - OPENS_BEFORE,
        troubles=() if calm else tuple(sorted(kept, key=lambda t: (t.at, t.kind))),
        clock_off_s=0.0 if calm else single.clock_off_s,
        habits=_habits(chance),
        position_limit=40,
        saves=chance.random() < 0.5,
        closes_odd_legs=chance.random() < 0.5,
    )


def _habits(chance: random.Random) -> Habits:
    return Habits(
        position_lag_s=chance.choice(((0.0, 3.0), (0.0, 0.0))),
        strict_without_position=chance.choice(list(WithoutPosition)),
        relabel=chance.random() < 0.5,
        working_closes=chance.choice(list(WorkingCloses)),
        opening_beside_close=chance.choice(list(OpeningBesideClose)),
        warns_no_position=chance.random() < 0.5,
        gtc_touched_daily=chance.random() < 0.5,
        trades_posted=chance.choice(list(TradesPosted)),
        fees_final=chance.choice(list(FeesFinal)),
        assignment_fee=chance.choice(list(AssignmentFee)),
        desk=chance.random() < 0.7,
        pin_assignment=chance.choice((0.0, 0.5)),
        hand_sells_shares=chance.random() < 0.5,
        early_assignment=chance.random() < 0.8,
    )


def _open(day: date) -> datetime:
    session = calendar_around(day.year).on(day)
    if session is None:
        raise ValueError(f"{day} is no session")
    return session.open


def _troubles(chance: random.Random, day: date, accounts: int) -> list[Trouble]:
    session = calendar_around(day.year).on(day)
    if session is None:
        raise ValueError(f"{day} is no session")
    slots = slots_of(session, SlotTimes())
    length = (session.close - session.open).total_seconds()
    found: list[Trouble] = []
    for _ in range(chance.randint(2, 11)):
        if chance.random() < 0.7:
            # Most of a day nothing can go wrong; the seconds around the first slots are where it matters.
            slot = slots[min(int(chance.expovariate(0.5)), len(slots) - 1)]
            at = slot + timedelta(seconds=round(chance.uniform(-6.0, 8.0), 2))
        else:
            at = session.open + timedelta(seconds=round(chance.uniform(-240.0, length + 240.0), 2))
        (draw_one,) = chance.choices([d for d, _ in _DRAWS], [w for _, w in _DRAWS])
        found.append(draw_one(chance, at))
    if chance.random() < 0.02:
        found.append(Trouble(session.open, "closure", seconds=86_000.0))
    return found


def _clock_jumps(seed: int, days: Sequence[date]) -> list[Trouble]:
    """A clock that somebody sets by hours, or by a day, and sets right after a while; drawn by a chance of its own."""
    chance = random.Random(f"clock set in simulated days {seed}")
    found = []
    for day in days:
        if chance.random() < CLOCKS_SET:
            at = _open(day) + timedelta(seconds=round(chance.uniform(-200.0, 7200.0), 1))
            by = chance.choice((-86_400.0, -3600.0, -895.0, 895.0, 3600.0, 14_400.0))
            found.append(Trouble(at, "clock set", by, chance.choice((4, 60, 1800))))
    return found


def _clock_off(seed: int) -> float:
    """How far a trader's clock is off at its start, drawn by a chance of its own: mostly it is right."""
    chance = random.Random(f"clock of simulated days {seed}")
    if chance.random() >= CLOCKS_OFF:
        return 0.0
    return chance.choice((-1, 1)) * chance.choice((1.0, 20.0, 180.0, 895.0, 3600.0, 86_400.0))


_Draw = Callable[[random.Random, datetime], Trouble]

QUOTES = (
    FaultKind.MARKET_CROSSED,
    FaultKind.MARKET_NAN,
    FaultKind.MARKET_ZERO_BID,
    FaultKind.MARKET_FROZEN,
    FaultKind.MARKET_STALE_SNAPSHOT,
    FaultKind.MARKET_HALTED,
)
READS = (
    FaultKind.REST_DROP_REQUEST,
    FaultKind.REST_5XX_HTML,
    FaultKind.REST_429,
    FaultKind.REST_GARBAGE,
    FaultKind.REST_DELAY_BEFORE,
    FaultKind.ORDERS_PARTIAL_PAGE,
    FaultKind.SESSION_UNREADABLE,
    FaultKind.SESSION_CLOSED,
)
SENDS = (
    FaultKind.REST_DROP_REQUEST,
    FaultKind.REST_5XX_HTML,
    FaultKind.REST_429,
    FaultKind.REST_DELAY_BEFORE,
    FaultKind.REST_DELAY_AFTER,
    FaultKind.REST_DROP_RESPONSE,
    FaultKind.REST_GARBAGE,
    FaultKind.REST_HTML,
    FaultKind.REST_JSON_LIST,
    FaultKind.REST_MISSING_FIELD,
)
STREAMS = (
    FaultKind.DXLINK_CLOSE,
    FaultKind.DXLINK_SILENCE,
    FaultKind.ALERTS_CLOSE,
    FaultKind.ALERTS_LOST,
    FaultKind.ALERTS_DUPLICATED,
    FaultKind.ALERTS_REORDERED,
    FaultKind.ALERTS_UNKNOWN_STATUS,
)
DONE_BY_THE_OPERATOR = (
    "pause",
    "pause",
    "halt",
    "HALT file",
    "force",
    "force",
    "cancel",
    "cancel",
    "reconcile",
    "attest absent",
    "attest order",
    "reset breakers",
    "cancel at broker",
)
SYMBOLS = ("*", "*", "QQQ", "SPX", ".QQQ*", ".SPX*")
PATHS = ("/accounts", "/accounts", "/market-time", "/market-metrics", "/option-chains", "/market-data", "/candles", "")


def _quotes(chance: random.Random, at: datetime) -> Trouble:
    return Trouble(at, chance.choice(QUOTES).value, round(chance.uniform(2, 90), 1), 1, chance.choice(SYMBOLS))


def _reads(chance: random.Random, at: datetime) -> Trouble:
    return Trouble(at, chance.choice(READS).value, round(chance.uniform(1, 60), 1), chance.randint(1, 5),
                   "GET " + chance.choice(PATHS))  # fmt: skip


def _sends(chance: random.Random, at: datetime) -> Trouble:
    which = chance.random()
    if which < 0.6:
        return Trouble(at, chance.choice(SENDS).value, round(chance.uniform(1, 60), 1), 1, "POST /accounts")
    kind = chance.choice(("refuse orders", "fail after accept", "no connection", "fill plan", "fill plan"))
    plan = chance.choice(("normal", "never", "partial", "reject", "delayed", "immediate"))
    return Trouble(at, kind, 0.0, chance.randint(1, 3), plan)


def _listing(chance: random.Random, at: datetime) -> Trouble:
    return Trouble(at, FaultKind.ORDERS_LISTING_LAG.value, chance.choice((3.0, 60.0, 600.0, 2400.0)))


def _streams(chance: random.Random, at: datetime) -> Trouble:
    return Trouble(at, chance.choice(STREAMS).value, round(chance.uniform(2, 150), 1), chance.randint(1, 4))


def _store(chance: random.Random, at: datetime) -> Trouble:
    if chance.random() < 0.6:
        return Trouble(at, "disk full", round(chance.uniform(0.2, 120), 1))
    return Trouble(at, "slow store", round(chance.uniform(5, 90), 1), chance.choice((1, 3, 8, 20)))


def _clock(chance: random.Random, at: datetime) -> Trouble:
    if chance.random() < 0.6:
        return Trouble(at, "suspend", chance.choice((5.0, 20.0, 90.0, 1200.0, 5400.0)))
    jump = round(chance.uniform(3, 120), 1) * chance.choice((1, -1))
    return Trouble(at, "clock set", jump, chance.randint(10, 900))


def _life(chance: random.Random, at: datetime) -> Trouble:
    down = chance.choice((0.5, 5.0, 45.0, 600.0))
    which = chance.random()
    if which < 0.2:
        return Trouble(at, "restart", down)
    if which < 0.5:
        return Trouble(at, "kill", down)
    return Trouble(at, "kill at commit", down, chance.randint(1, 45), chance.choice(("before", "after")))


def _unreachable(chance: random.Random, at: datetime) -> Trouble:
    return Trouble(at, "unreachable", round(chance.uniform(1, 400), 1))


def _operator(chance: random.Random, at: datetime) -> Trouble:
    kind = chance.choice(DONE_BY_THE_OPERATOR)
    return Trouble(at, kind, round(chance.choice((0.3, 2.0, 30.0, 900.0)) * chance.uniform(0.5, 1.5), 2))


_DRAWS: tuple[tuple[_Draw, int], ...] = (
    (_quotes, 12),
    (_reads, 14),
    (_sends, 22),
    (_listing, 5),
    (_streams, 14),
    (_store, 8),
    (_clock, 6),
    (_life, 16),
    (_unreachable, 3),
    (_operator, 18),
)
