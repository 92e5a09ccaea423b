"""How the parts do, for the screen: the quote feed, the records, and the breakers that are open."""

from __future__ import annotations

from core.broker.port import StreamState
from core.domain.operation.breakers import Breaker, BreakerKind, Scope
from core.domain.operation.events import masked
from core.guards.breakers import Breakers
from core.market.feed import FeedHealth
from core.snapshot import BreakerView, Health, PartHealth


def feed_health(feed: FeedHealth) -> PartHealth:
    if feed.live:
        return PartHealth(Health.OK)
    if feed.state is StreamState.CONNECTED:
        return PartHealth(Health.TROUBLE, "silent" if feed.age_s is not None else "waiting for the first event")
    if feed.connections == 0 and feed.state is StreamState.CONNECTING:
        return PartHealth(Health.STARTING)
    return PartHealth(Health.DOWN, feed.detail or feed.state.value)


def store_health(breakers: Breakers, unread: str) -> PartHealth:
    """`unread` says why the records of today could not be read, empty when they were."""
    trouble = next((b.why for b in breakers.open_now if b.kind is BreakerKind.STORE), None)
    if trouble is not None:
        return PartHealth(Health.DOWN, trouble)
    return PartHealth(Health.TROUBLE, f"not read: {unread}") if unread else PartHealth(Health.OK)


def breaker_view(breaker: Breaker) -> BreakerView:
    whom = masked(breaker.subject) if breaker.kind.scope is Scope.ACCOUNT else breaker.subject
    return BreakerView(breaker.kind.code, whom, breaker.why, breaker.kind.reset, breaker.opened_at)
