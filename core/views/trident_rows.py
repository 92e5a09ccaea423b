"""The rows of open tridents and of their closing orders: what making them costs goes by what has changed, not by what
is held, because the screen asks several times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from core.domain.market.quotes import Quote
from core.domain.market.underlying import Underlying
from core.domain.orders.order_states import OrderState
from core.domain.positions.resting import Resting
from core.domain.positions.tridents import ExitRules
from core.domain.risk.positions import OpenTrident
from core.domain.trident.pricing import MAX_QUOTE_AGE_S
from core.market.underlying_price import underlying_price
from core.positions.views_of import Standing
from core.records.records import Switch
from core.snapshot import ExitsView, ExitView, PositionView, TridentExits
from core.views import exits as words
from core.views.held_legs import aged_legs, held_legs
from core.views.moment import Moment
from core.views.positions import aged, position_view

AT_ONCE = 200
"""How many tridents are looked at without a pause, where all is as it was."""
_MADE = 10
"""As many of them cost as much as one that is made anew, or gets another age."""


@dataclass(frozen=True, slots=True)
class _Stands:
    """What is shown of a trident while it stands so, which depends on no price; `orders` with their newest age."""

    standing: Standing
    exits: TridentExits
    orders: tuple[ExitView, ...]

    def shows(self, one: Standing) -> bool:
        """Whether it is what is shown of this standing: of the same, or of one in which only the time is another, where
        that tells nothing else."""
        old, next_exit_at = self.standing, self.exits.next_exit_at
        return one is old or (
            one.view is old.view
            and one.record is old.record
            and one.earned is old.earned
            and one.action is old.action
            and one.moment.days is old.moment.days
            and one.moment.today == old.moment.today
            and (next_exit_at is None or one.moment.now < next_exit_at)
            and not words.is_kept_back(one)
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, and all that it follows from but the age of its quotes. `oldest` is the oldest of these, `age_s` its age
    in whole seconds."""

    view: PositionView
    follows_from: tuple[object, ...]
    quotes: tuple[Quote | None, ...]
    oldest: Quote | None
    age_s: int | None


@dataclass(eq=False, repr=False, slots=True)
class TridentRows:
    """Makes and keeps the rows. What says the same stays the same object.

    `rules_of` has the rules of an account, by its number, as they are now. `open` are the open tridents with how each
    of ours is taken to its end, the nearest expiration first. `exits` are the closing orders that hold units, those of
    which nobody knows what they do first, then the newest.
    """

    rules_of: Callable[[str], ExitRules]
    open: tuple[PositionView, ...] = field(init=False, default=())
    exits: tuple[ExitView, ...] = field(init=False, default=())
    _rows: dict[str, _Row] = field(init=False, default_factory=dict)
    _stand: dict[str, _Stands] = field(init=False, default_factory=dict)
    _standings: Sequence[Standing] = field(init=False, default=())
    _rests: Resting | None = field(init=False, default=None)
    # How many makings have begun, and which of them was kept last.
    _begun: int = field(init=False, default=0)
    _kept: int = field(init=False, default=0)

    def make(
        self,
        held: Sequence[OpenTrident],
        standings: Sequence[Standing],
        ex_dividends: Mapping[str, date | None],
        moment: Moment,
        speed: float,
    ) -> Iterator[None]:
        """Makes what has changed, a part of it in each step, and keeps it with the last. Between two steps a caller may
        let others run: what they change is made by the next call. Where that ends first, this one keeps nothing: it
        knows less.

        `ex_dividends` are by the underlying's symbol; `speed` is market seconds in a wall second.
        """
        self._begun += 1
        number, cost = self._begun, 0
        stand: dict[str, _Stands] = {}
        for one in standings:
            last = self._stand.get(one.id)
            stand[one.id] = now = self._stands(one, last, moment, speed)
            cost += 1 if now is last else _MADE
            if cost >= AT_ONCE:
                yield
                cost = 0
        rows: dict[str, _Row] = {}
        prices: dict[str, Decimal | None] = {}
        for trident in held:
            id, symbol = trident.entry_id, trident.underlying.symbol
            if symbol not in prices:
                prices[symbol] = _price(trident.underlying, moment)
            known = self._rows.get(id)
            rows[id] = row = _row(trident, known, stand.get(id), prices[symbol], ex_dividends.get(symbol), moment)
            cost += 1 if row is known else _MADE
            if cost >= AT_ONCE:
                yield
                cost = 0
        if number < self._kept:
            return
        changed = stand.keys() != self._stand.keys() or any(one is not self._stand[id] for id, one in stand.items())
        self._kept = number
        self._rows, self._stand, self._standings = rows, stand, standings
        self.open = tuple(row.view for row in rows.values())
        if changed:
            self._rests = None
            self.exits = tuple(sorted((view for one in stand.values() for view in one.orders), key=_place))

    def switch(self, held: Sequence[Switch]) -> ExitsView | None:
        """Whether exits are on, by the standings of which the rows were made last; `held` are the switches that hold
        them."""
        if self._rests is None:
            exits = (exit for one in self._stand.values() for exit in one.standing.view.exits)
            self._rests = Resting.of(exit for exit in exits if exit.released_at is None)
        return words.exits_view(self._standings, self._rests, held)

    def _stands(self, one: Standing, last: _Stands | None, moment: Moment, speed: float) -> _Stands:
        if last is None or not last.shows(one):
            exits = words.trident_exits(one, self.rules_of(one.record.account))
            orders = tuple(words.exit_view(one.view.trident, exit) for exit in one.view.exits if exit.holds_units)
            last = _Stands(one, exits, orders)
        orders = tuple([_aged(view, moment, speed) for view in last.orders])
        return last if orders == last.orders else replace(last, orders=orders)


def _row(
    trident: OpenTrident,
    last: _Row | None,
    stands: _Stands | None,
    price: Decimal | None,
    ex_dividend: date | None,
    moment: Moment,
) -> _Row:
    now = moment.monotonic
    quotes = tuple([moment.quotes.last_known_quote(leg.streamer) for leg in trident.legs])
    oldest = last.oldest if last is not None and last.quotes == quotes else _oldest(quotes)
    age_s = None if oldest is None else oldest.age(now)
    is_old = () if age_s is None or age_s <= MAX_QUOTE_AGE_S else tuple(_is_old(quote, now) for quote in quotes)
    exits, units = (None, ()) if stands is None else (stands.exits, stands.standing.view.trident.units)
    follows_from = trident, exits, units, quotes, is_old, price, ex_dividend, moment.today
    whole_s = None if age_s is None else int(age_s)
    if last is not None and last.follows_from == follows_from:
        view = aged(last.view, age_s, moment)
        if view is last.view and whole_s == last.age_s:
            return last
        legs = aged_legs(view.legs, quotes, oldest, whole_s)
        return replace(last, view=replace(view, legs=legs), age_s=whole_s)
    view = position_view(moment, trident, quotes, price, ex_dividend)
    view = replace(view, legs=held_legs(trident, units, quotes, oldest, whole_s))
    if stands is not None and exits is not None:
        priced = words.priced(exits, units, words.legs_quoted(units, quotes), now)
        view = words.with_exits(view, priced, stands.standing.view.trident)
    return _Row(view, follows_from, quotes, oldest, whole_s)


def _oldest(quotes: Sequence[Quote | None]) -> Quote | None:
    """The oldest of those that have an age: it stays that at any time."""
    return min((q for q in quotes if q is not None and q.ahead_s is None), key=lambda q: q.as_of, default=None)


def _is_old(quote: Quote | None, now: float) -> bool:
    """Whether nothing is closed on a quote that is so old."""
    age_s = None if quote is None else quote.age(now)
    return age_s is not None and age_s > MAX_QUOTE_AGE_S


def _price(underlying: Underlying, moment: Moment) -> Decimal | None:
    seen = underlying_price(moment.quotes, underlying, moment.monotonic)
    return None if seen is None else seen.price


def _aged(view: ExitView, moment: Moment, speed: float) -> ExitView:
    age_s = max(0, int((moment.now - view.at).total_seconds() / speed))
    return view if age_s == view.age_s else replace(view, age_s=age_s)


def _place(view: ExitView) -> tuple[bool, float]:
    return view.state != OrderState.UNKNOWN.value, -view.at.timestamp()
