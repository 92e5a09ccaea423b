"""Replaces the prices in the trader's snapshot by those a watcher has just read, with their present ages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from core.domain.market.underlying import SHIPPED
from core.remote.quote_hashes import QuotesSeen
from core.snapshot import Freshness, Health, PartHealth, QuoteSlice, Snapshot
from core.views.quotes import quote_slice
from core.views.spread import repriced

_NO_SESSION = ("", "closed", "before the open")


def legs_of(seen: QuotesSeen | None) -> tuple[str, ...]:
    """The streamer symbols of the trident that the trader shows live, in the order of its legs; none without one."""
    trader = None if seen is None else seen.trader
    return () if trader is None else tuple(trader.fields.get("legs", "").split())


def with_quotes(snapshot: Snapshot, seen: QuotesSeen, mono: float, *, trader_lives: bool) -> Snapshot:
    """The snapshot with the prices, ages and credits that were read. `mono` is the reader's monotonic clock in seconds.

    Ages follow the trader's rules (rules 6, 14). Without a live trader every price is stale during a session.
    """
    status = snapshot.status
    live = trader_lives and status.feed.health is Health.OK
    in_session = status.market not in _NO_SESSION
    newest = seen.last_event_at
    status = replace(
        status,
        feed=status.feed if trader_lives else PartHealth(Health.DOWN, "trader not seen"),
        feed_age_s=status.feed_age_s if newest is None else max(0, int(mono - newest)),
    )
    spread = snapshot.spread
    if spread is not None and spread.live and live:
        legs = legs_of(seen)
        spread = repriced(spread, legs, seen.quotes(legs), mono)
    quotes = tuple(
        _quote(quote, seen, mono, snapshot.day, live=live, in_session=in_session) for quote in snapshot.quotes
    )
    return replace(snapshot, status=status, quotes=quotes, spread=spread)


def _quote(
    shown: QuoteSlice, seen: QuotesSeen, mono: float, today: date | None, *, live: bool, in_session: bool
) -> QuoteSlice:
    underlying = SHIPPED.get(shown.symbol)
    if underlying is None:
        return shown
    read = quote_slice(seen, live, underlying, mono, today, in_session=in_session)
    if read.price is None:  # not in Redis: as old as the trader's screen
        return (
            replace(shown, freshness=Freshness.STALE) if shown.price is not None and in_session and not live else shown
        )
    return replace(read, day_path=shown.day_path)
