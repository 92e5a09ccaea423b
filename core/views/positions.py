"""Open tridents for the screen (rules 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from core.domain.operation.events import masked
from core.domain.risk.positions import OpenTrident, mark_trident, profit, warnings_of
from core.market.underlying_price import underlying_price
from core.snapshot import PositionsSlice, PositionView
from core.views.moment import Moment
from core.views.quotes import freshness, known_quotes


def positions_slice(
    moment: Moment, held: Sequence[OpenTrident], trouble: str, ex_dividends: Mapping[str, date | None]
) -> PositionsSlice:
    """Every open trident, priced by the quotes of this moment. Old quotes stay readable, with their age.

    `trouble` says which accounts could not be read. `ex_dividends` has the dates by the underlying's symbol.
    """
    views = (_view(moment, trident, ex_dividends.get(trident.underlying.symbol)) for trident in held)
    return PositionsSlice(tuple(views), trouble)


def _view(moment: Moment, trident: OpenTrident, ex_dividend: date | None) -> PositionView:
    mark = mark_trident(trident, known_quotes(moment.quotes, trident), moment.monotonic)
    seen = underlying_price(moment.quotes, trident.underlying, moment.monotonic)
    price = None if seen is None else seen.price
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
        warnings=tuple(one.sentence() for one in warned),
    )
