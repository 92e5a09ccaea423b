"""Makes a decision to enter by the product's own rules, from the market of the simulated broker."""

from __future__ import annotations

from decimal import Decimal

from core.cycle.attempts import Attempts
from core.cycle.progress import CycleProgress
from core.cycle.step_log import StepLog
from core.domain.market.chain import OptionChain
from core.domain.market.judgement import Judgement
from core.domain.market.underlying import QQQ
from core.domain.operation.reasons import Refusal
from core.domain.risk.risk import RiskAssessment
from core.domain.trident.entry_price import EntryPrice, entry_price
from core.domain.trident.expiration import choose_expiration
from core.domain.trident.pricing import Pricing
from core.domain.trident.suggestion import Suggestion
from core.domain.trident.trident import Trident, body_for, build_trident
from core.engine.engine import Engine
from core.market.feed import Feed
from core.market.quote_store import MemoryQuoteStore
from core.market.study import MarketStudy
from core.orders.decision import Decision
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.simulator.in_process import values
from core.simulator.market.market import Market

WIDTH = Decimal(5)


async def decide(
    engine: Engine, market: Market, chain: OptionChain, account: str, login: str
) -> tuple[Decision, Attempts]:
    """The decision and the attempts a cycle would hand to the desk now, with current quotes."""
    clock, records, ids = engine.parts.clock, engine.parts.records, engine.parts.ids
    cycle = await records.cycles.begin(exchange_time(clock.now()).date(), None, True, clock.now())
    assert cycle is not None
    quotes = MemoryQuoteStore()
    attempts = _attempts(engine, cycle, quotes)
    _show(quotes, [QQQ.symbol], market, clock)
    price = await attempts.price(QQQ)
    expiration = choose_expiration(chain, exchange_time(clock.now()).date())
    assert not isinstance(price, Refusal)
    assert not isinstance(expiration, Refusal)
    trident = build_trident(QQQ, expiration, body_for(price, QQQ.step), WIDTH)
    assert isinstance(trident, Trident)
    _show(quotes, [leg.symbols.streamer for leg in trident.legs], market, clock)
    pricing = attempts.reprice(trident)
    assert isinstance(pricing, Pricing), pricing
    limit = entry_price(pricing.mid, pricing.natural, 0, expiration.ticks)
    assert isinstance(limit, EntryPrice)
    suggestion = Suggestion(
        id=ids.new(),
        attempt=1,
        at=clock.now(),
        decided=clock.monotonic(),
        underlying=QQQ,
        price=price,
        expiration=expiration,
        trident=trident,
        pricing=pricing,
        judgement=Judgement(QQQ.symbol, None),
    )
    risk = RiskAssessment(max_risk=pricing.max_risk_natural)
    day = exchange_time(clock.now()).date()
    return Decision(account, login, day, cycle, suggestion, risk, limit), attempts


def _attempts(engine: Engine, cycle: int, quotes: MemoryQuoteStore) -> Attempts:
    clock, parts = engine.parts.clock, engine.parts
    feed = Feed(parts.market_data, quotes, clock, (QQQ,), lambda _: True)
    return Attempts(
        study=MarketStudy(parts.broker, parts.market_data, feed, quotes, clock, parts.calendar, Decimal(40)),
        feed=feed,
        quotes=quotes,
        clock=clock,
        ids=parts.ids,
        steps=StepLog(Bus(parts.records.journal.append, clock), clock, cycle, None),
        progress=CycleProgress(cycle, None, True, clock.monotonic()),
        underlyings=(QQQ,),
        capital=Decimal(25_000),
        fixed_width=WIDTH,
        stabilization_s=0.0,
    )


def _show(quotes: MemoryQuoteStore, symbols: list[str], market: Market, clock: Clock) -> None:
    for symbol in symbols:
        shown = market.quote(symbol, clock.now())
        assert shown is not None, symbol
        quotes.put_quotes([values.quote(shown, clock)])
