"""Open tridents for the screen (rules 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from core.domain.market.quotes import Quote
from core.domain.operation.events import masked
from core.domain.risk.positions import OpenTrident, mark_trident, profit, warnings_of
from core.snapshot import PositionView
from core.views.moment import Moment
from core.views.quotes import freshness


def position_view(
    moment: Moment,
    trident: OpenTrident,
    quotes: Iterable[Quote | None],
    price: Decimal | None,
    ex_dividend: date | None,
) -> PositionView:
    """An open trident by the last known quotes of its legs, each in its place. Old quotes stay readable, with their
    age. `price` and `ex_dividend` are the underlying's."""
    mark = mark_trident(trident, {quote.symbol: quote for quote in quotes if quote is not None}, moment.monotonic)
    mid, natural = (None, None) if mark is None else (mark.mid, mark.natural)
    below, above = trident.break_evens
    age = None if mark is None else mark.age_s
    warned = warnings_of(trident, moment.today, price, ex_dividend)
    return PositionView(
        entry_id=trident.entry_id,
        account=masked(trident.account),
        underlying=trident.underlying.symbol,
        expiration=trident.expiration,
        dte=trident.dte(moment.today),
        strikes=trident.strikes,
        credit=trident.credit,
        max_risk=trident.max_risk,
        break_even_below=below,
        break_even_above=above,
        price=price,
        mark_mid=mid,
        mark_natural=natural,
        profit_mid=profit(trident, mid),
        profit_natural=profit(trident, natural),
        age_s=None if age is None else int(age),
        freshness=freshness(moment.live, age, in_session=moment.in_session),
        packages=trident.packages,
        differs=trident.differs,
        opened_at=None if trident.opened_at is None else trident.opened_at.replace(microsecond=0),
        payoff=trident.at_expiry,
        warnings=tuple(one.sentence() for one in warned),
    )


def aged(view: PositionView, age_s: float | None, moment: Moment) -> PositionView:
    """The same trident with the age of its oldest quote in wall seconds, the same object where that changes nothing. A
    trident without a mark has no age."""
    if view.age_s is None or age_s is None:
        return view
    now = int(age_s), freshness(moment.live, age_s, in_session=moment.in_session)
    return view if now == (view.age_s, view.freshness) else replace(view, age_s=now[0], freshness=now[1])
