"""Open tridents as the operator sees them (SPEC 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.events import masked
from core.domain.risk.positions import OpenTrident, mark_trident, profit, warnings_of
from core.snapshot import PositionsSlice, PositionView
from core.views.quotes import freshness, known_quotes

if TYPE_CHECKING:
    from core.engine.engine import Engine


def positions_slice(engine: Engine) -> PositionsSlice:
    """Every open trident at the quotes of this moment; old ones stay readable, with their age."""
    return PositionsSlice(tuple(_view(engine, trident) for trident in engine.tridents.held), engine.tridents.trouble)


def _view(engine: Engine, trident: OpenTrident) -> PositionView:
    clock = engine.parts.clock
    mono, today, session = clock.monotonic(), engine.study.today(), engine.slots.session()
    mark = mark_trident(trident, known_quotes(engine.quotes, trident), mono)
    seen = engine.feed.underlying_price(trident.underlying, mono)
    price = None if seen is None else seen.price
    mid, natural = (None, None) if mark is None else (mark.mid, mark.natural)
    below, above = trident.break_evens
    age = None if mark is None else mark.age_s
    warned = warnings_of(trident, today, price, engine.tridents.ex_dividends.get(trident.underlying.symbol))
    return PositionView(
        entry_id=trident.entry_id,
        account=masked(trident.account),
        underlying=trident.underlying.symbol,
        expiration=trident.expiration,
        dte=trident.dte(today),
        strikes=trident.strikes,
        credit=trident.credit,
        max_risk=trident.max_risk,
        break_even_below=below,
        break_even_above=above,
        price=price,
        mark_mid=mid,
        mark_natural=natural,
        profit_mid=profit(trident.credit, mid),
        profit_natural=profit(trident.credit, natural),
        age_s=None if age is None else int(age),
        freshness=freshness(
            engine.feed.is_live(mono), age, in_session=session is not None and session.is_open(clock.now())
        ),
        warnings=tuple(one.sentence() for one in warned),
    )
