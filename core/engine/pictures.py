"""The data of the two pictures that no other part keeps: how a trident's credit moved since its entry, and its payoff
at expiration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.cycle.progress import SpreadProgress
from core.domain.orders.orders import Entry
from core.domain.risk.positions import OpenTrident, mark_trident
from core.domain.trident.book_payoff import book_of
from core.domain.trident.payoff import Payoff
from core.domain.trident.pricing import MAX_QUOTE_AGE_S
from core.snapshot import (
    CreditPoint,
    CreditTrail,
    Freshness,
    PayoffView,
    PicturesSlice,
    PositionsSlice,
    PositionView,
    QuoteSlice,
    SpreadSlice,
)
from core.views.moment import Moment
from core.views.quotes import known_quotes

EVERY = timedelta(seconds=30)
"""Market time between two points of a trail."""
_EVERY_S = 5.0
"""Wall seconds between two points; this one decides when the clock runs fast."""
_POINTS = 800
"""Enough for a whole session with a point every 30 s."""
_UNDER_WAY = ("pricing", "passed", "validated", "prepared", "sent", "working", "unknown", "filled")
_Package = tuple[str, date, str]


class Pictures:
    """Keeps a trail of credits for each trident entered today. It is in memory only: after a restart it begins anew."""

    def __init__(self) -> None:
        self._trails: dict[_Package, tuple[CreditPoint, ...]] = {}
        self._shown: tuple[CreditTrail, ...] = ()
        self._sampled_at: tuple[datetime, float] | None = None
        self._day: date | None = None

    def slice(
        self,
        moment: Moment,
        spread: SpreadSlice | None,
        progress: SpreadProgress | None,
        entries: Sequence[Entry],
        positions: PositionsSlice,
        held: Sequence[OpenTrident],
        quotes: Sequence[QuoteSlice],
    ) -> PicturesSlice:
        """The data of both pictures at this moment. The trails stay the same objects until a point is added."""
        self._sample(moment, spread, progress, entries, held)
        return PicturesSlice(self._shown, payoff_view(spread, positions, held, quotes))

    def _sample(
        self,
        moment: Moment,
        spread: SpreadSlice | None,
        progress: SpreadProgress | None,
        entries: Sequence[Entry],
        held: Sequence[OpenTrident],
    ) -> None:
        now, mono, today = moment.now, moment.monotonic, moment.today
        if today != self._day:
            self._day, self._sampled_at = today, None
            self._trails.clear()
            self._shown = ()
        if self._sampled_at is not None and (
            now - self._sampled_at[0] < EVERY or mono - self._sampled_at[1] < _EVERY_S
        ):
            return
        ours = {entry.id for entry in entries if entry.session_day == today}
        points = dict(_of_held(moment, held, ours))
        if spread is not None and progress is not None and progress.entry_id in ours:
            points = {**_of_spread(spread, now), **points}
        if not points:
            return
        self._sampled_at = now, mono
        for package, point in points.items():
            self._trails[package] = (*self._trails.get(package, ()), point)[-_POINTS:]
        self._shown = tuple(CreditTrail(*package, trail) for package, trail in self._trails.items())


def _of_held(
    moment: Moment, held: Sequence[OpenTrident], ours: Collection[str]
) -> Iterable[tuple[_Package, CreditPoint]]:
    """A point for each open trident that was entered today and whose legs are all quoted now."""
    for trident in held:
        if trident.entry_id not in ours:
            continue
        mark = mark_trident(trident, known_quotes(moment.quotes, trident), moment.monotonic)
        if mark is not None and mark.age_s <= MAX_QUOTE_AGE_S:
            package = (trident.underlying.symbol, trident.expiration, trident.strikes)
            yield package, CreditPoint(moment.now.replace(microsecond=0), mark.natural_credit, mark.mid)


def _of_spread(spread: SpreadSlice, now: datetime) -> Mapping[_Package, CreditPoint]:
    """A point for the trident that is being worked, while its legs are live."""
    if not spread.live or spread.natural is None or spread.mid is None:
        return {}
    package = (spread.underlying, spread.expiration, spread.strikes)
    return {package: CreditPoint(now.replace(microsecond=0), spread.natural, spread.mid)}


def payoff_view(
    spread: SpreadSlice | None,
    positions: PositionsSlice,
    held: Sequence[OpenTrident],
    quotes: Sequence[QuoteSlice],
) -> PayoffView | None:
    """The payoff of one trident: today's while it is under way or open, else the open one that expires first, else the
    last one priced. None while there is no credit to start from."""
    views = {view.entry_id: view for view in positions.open}
    ours = None if spread is None else next((t for t in held if _same(t, spread)), None)
    under_way = spread is not None and spread.verdict in _UNDER_WAY
    opened = ours if ours is not None or under_way else next(iter(held), None)
    if opened is not None and opened.credit is not None:
        return _of_open(opened, views.get(opened.entry_id), len(held) - 1, quotes)
    if spread is None:
        return None
    named = (("fill", spread.fill_credit), ("limit", spread.limit), ("natural", spread.natural))
    basis, credit = next(((word, value) for word, value in named if value is not None), ("", None))
    if credit is None:
        return None
    price, stale = _price_of(spread.underlying, quotes)
    return PayoffView(
        underlying=spread.underlying,
        expiration=spread.expiration,
        strikes=spread.strikes,
        account="",
        basis=basis,
        payoff=Payoff(spread.body, spread.width, credit),
        price=price,
        price_stale=stale,
        profit_mid=None,
        profit_natural=None,
        marks_stale=False,
        others=len(held),
    )


def _of_open(trident: OpenTrident, view: PositionView | None, others: int, quotes: Sequence[QuoteSlice]) -> PayoffView:
    price, stale = _price_of(trident.underlying.symbol, quotes)
    return PayoffView(
        underlying=trident.underlying.symbol,
        expiration=trident.expiration,
        strikes=trident.strikes,
        account="" if view is None else view.account,
        basis="fill",
        payoff=Payoff(trident.body, trident.width, trident.credit or Decimal(0), trident.packages or 1),
        price=price,
        price_stale=stale,
        profit_mid=None if view is None else view.profit_mid,
        profit_natural=None if view is None else view.profit_natural,
        marks_stale=view is not None and view.freshness is Freshness.STALE,
        others=others,
        left=None if view is None or view.part is None else book_of((view.left,)),
    )


def _same(trident: OpenTrident, spread: SpreadSlice) -> bool:
    mine = (trident.underlying.symbol, trident.expiration, trident.strikes)
    return mine == (spread.underlying, spread.expiration, spread.strikes)


def _price_of(symbol: str, quotes: Sequence[QuoteSlice]) -> tuple[Decimal | None, bool]:
    quote = next((q for q in quotes if q.symbol == symbol), None)
    return (None, False) if quote is None else (quote.price, quote.freshness is Freshness.STALE)
