"""What is odd about the orders at the broker on a simulated day.

The broker does other than it was asked, or forgets; other people trade or cancel there; the records are lost, or older
than the orders.

Drawn from a chance of their own, so that the other troubles of a seed stay as they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from core.domain.market.sessions import SlotTimes, slots_of
from core.simulator.exchange.faults import FaultKind
from tests.proofs.days.trouble import Trouble
from tests.support.world import calendar_around

FILLS = 0.04
"""On which share of the days a fill is odd."""
Draw = Callable[[random.Random, datetime], list[Trouble]]
_AN_ORDER = "POST /accounts"
LOGINS = ("", "somebody", "staff")
"""Who cancels at the broker: the account's own login, or another one."""


def odd_troubles(seed: int, days: Sequence[date]) -> list[Trouble]:
    """The oddities of these days, at most one or two a day, around the first slots or in the course of the day."""
    chance = random.Random(f"odd orders {seed}")
    found: list[Trouble] = []
    for day in days:
        session = calendar_around(day.year).on(day)
        if session is None:
            raise ValueError(f"{day} is no session")
        first = slots_of(session, SlotTimes())[0]
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
            at = first + timedelta(seconds=round(chance.uniform(-290.0, 1.0), 2))
            if chance.random() < 0.3:
                at = first + timedelta(seconds=round(chance.uniform(1.0, 9000.0), 2))
            (draw_one,) = chance.choices(list(DRAWN), list(DRAWN.values()))
            found += draw_one(chance, at)
    return found


def fill_troubles(seed: int, days: Sequence[date]) -> list[Trouble]:
    """Fills on a few of these days that nobody expects, drawn by a chance of their own."""
    chance = random.Random(f"odd fills {seed}")
    found: list[Trouble] = []
    for day in days:
        session = calendar_around(day.year).on(day)
        if session is None or chance.random() >= FILLS:
            continue
        at = slots_of(session, SlotTimes())[0] - timedelta(seconds=round(chance.uniform(1.0, 290.0), 2))
        found += chance.choice((_unbalanced, _after_cancel))(chance, at)
    return found


def _unbalanced(chance: random.Random, at: datetime) -> list[Trouble]:
    """One contract fills, and the exchange cancels the rest."""
    return [Trouble(at, FaultKind.ORDERS_UNBALANCED_FILL.value)]


def _after_cancel(chance: random.Random, at: datetime) -> list[Trouble]:
    """An order fills after its cancel was asked for."""
    cancelled = at + timedelta(seconds=round(chance.uniform(300.0, 900.0), 1))
    return [
        Trouble(at, "fill plan", word="never"),
        Trouble(at, FaultKind.ORDERS_FILL_AFTER_CANCEL.value),
        Trouble(cancelled, chance.choice(("cancel", "cancel at broker")), word=chance.choice(LOGINS)),
    ]


def _changed(chance: random.Random, at: datetime) -> list[Trouble]:
    kinds = (FaultKind.ORDERS_TWIN, FaultKind.ORDERS_CHANGED_PRICE, FaultKind.ORDERS_CHANGED_QUANTITY)
    kind = chance.choice((*kinds, FaultKind.ORDERS_LEG_MISSING))
    return [Trouble(at, kind.value)]


def _revived(chance: random.Random, at: datetime) -> list[Trouble]:
    """An order that works until it is cancelled, and is live again after that."""
    cancelled = at + timedelta(seconds=round(chance.uniform(20.0, 900.0), 1))
    return [
        Trouble(at, "fill plan", word="never"),
        Trouble(at, FaultKind.ORDERS_REVIVED.value, chance.choice((2.0, 20.0, 200.0))),
        Trouble(cancelled, chance.choice(("cancel", "cancel at broker")), word=chance.choice(LOGINS)),
    ]


def _forgotten(chance: random.Random, at: datetime) -> list[Trouble]:
    plan = chance.choice(("never", "never", "immediate"))
    after = chance.choice((3.0, 90.0, 1800.0))
    return [Trouble(at, "fill plan", word=plan), Trouble(at, FaultKind.ORDERS_FORGOTTEN.value, after)]


def _wiped(chance: random.Random, at: datetime) -> list[Trouble]:
    """The broker sets the accounts back to their start, in the course of the day or in its last minute."""
    return [Trouble(at + timedelta(hours=chance.choice((0, 1, 6))), "wipe")]


def _ids_again(chance: random.Random, at: datetime) -> list[Trouble]:
    return [
        Trouble(at, FaultKind.ORDER_IDS_BEGIN_AGAIN.value),
        Trouble(at, FaultKind.FILL_IDS_BEGIN_AGAIN.value),
    ][chance.choice((0, 0, 1)) :]


def _pages(chance: random.Random, at: datetime) -> list[Trouble]:
    seconds = round(chance.uniform(20.0, 3600.0), 1)
    return [Trouble(at, FaultKind.ORDERS_OVERLAPPING_PAGES.value, seconds)]


def _session(chance: random.Random, at: datetime) -> list[Trouble]:
    kind = chance.choice((FaultKind.SESSION_PAST_CLOSE, FaultKind.SESSION_OPEN_WITHOUT_CLOSE))
    return [Trouble(at, kind.value, round(chance.uniform(5.0, 3600.0), 1), word="GET /market-time")]


def _refused_after(chance: random.Random, at: datetime) -> list[Trouble]:
    told = chance.choice((0, 0, 3))
    lost = [Trouble(at, FaultKind.ALERTS_LOST.value, count=told)] if told else []
    return [*lost, Trouble(at, FaultKind.REST_REFUSED_AFTER.value, word=_AN_ORDER)]


def _drip(chance: random.Random, at: datetime) -> list[Trouble]:
    word = chance.choice((_AN_ORDER, "GET /accounts", "GET /market-time"))
    return [Trouble(at, FaultKind.REST_DRIP.value, chance.choice((0.02, 0.15, 5.0)), chance.randint(1, 3), word)]


def _cancelled(chance: random.Random, at: datetime) -> list[Trouble]:
    """Somebody cancels the order on the broker's own screen; the account has time to enter again."""
    cancelled = at + timedelta(seconds=round(chance.uniform(10.0, 900.0), 1))
    return [
        Trouble(at, "fill plan", word="never"),
        Trouble(cancelled, "cancel at broker", word=chance.choice(LOGINS)),
    ]


def _cancel_ignored(chance: random.Random, at: datetime) -> list[Trouble]:
    """The broker takes our cancel and does not carry it out; later somebody cancels on the broker's own screen."""
    ours = at + timedelta(seconds=round(chance.uniform(10.0, 600.0), 1))
    theirs = ours + timedelta(seconds=round(chance.uniform(20.0, 900.0), 1))
    return [
        Trouble(at, "fill plan", word="never"),
        Trouble(at, FaultKind.ORDERS_CANCEL_IGNORED.value),
        Trouble(ours, "cancel"),
        Trouble(theirs, "cancel at broker", word=chance.choice(LOGINS)),
    ]


def _rival(chance: random.Random, at: datetime) -> list[Trouble]:
    """Another trader of the account, around our order."""
    name = chance.choice(("senex-elsewhere", "by hand", ""))
    return [Trouble(at, "rival", word=name)]


def _rival_unseen(chance: random.Random, at: datetime) -> list[Trouble]:
    """Another trader whose order is placed in the moment in which ours leaves."""
    return [Trouble(at, "rival at our order", word=chance.choice(("senex-elsewhere", "by hand", "")))]


def _records(chance: random.Random, at: datetime) -> list[Trouble]:
    back = chance.choice((0.5, 30.0, 600.0))
    return [Trouble(at + timedelta(minutes=10), chance.choice(("records older", "records gone")), back)]


DRAWN: dict[Draw, int] = {
    _changed: 4,
    _revived: 2,
    _forgotten: 2,
    _wiped: 1,
    _ids_again: 2,
    _pages: 2,
    _session: 2,
    _refused_after: 3,
    _drip: 2,
    _cancelled: 3,
    _cancel_ignored: 2,
    _rival: 2,
    _rival_unseen: 2,
    _records: 2,
}
"""What is drawn, and how often."""
