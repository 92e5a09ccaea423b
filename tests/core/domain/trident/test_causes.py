"""What may lie behind a refused pricing, for the operator to check (rules 6; the seed's Issue 1)."""

from __future__ import annotations

from dataclasses import replace

from core.domain.market.quotes import Quote
from core.domain.operation.reasons import Reason
from core.domain.trident.causes import suspected_causes
from core.domain.trident.pricing import PricingRefusal, price_trident
from tests.support.domain_builders import EXAMPLE_PRICES, NOW, aged, quotes_for, trident

SEED = trident()
PUT, PUT_WING = (SEED.legs[index].symbols.streamer for index in (0, 1))
MIDDAY_S = 3 * 3600.0


def _causes(quotes: dict[str, Quote], reason: Reason, since_open_s: float | None = MIDDAY_S) -> tuple[str, ...]:
    refused = price_trident(SEED, quotes, NOW)
    assert isinstance(refused, PricingRefusal)
    assert refused.refusal.reason is reason
    return suspected_causes(refused, since_open_s)


def test_a_cached_quote() -> None:
    (cause,) = _causes(aged(quotes_for(SEED), PUT, 242_385.0), Reason.LEG_STALE)
    assert cause == f"the feed answered with cached quotes of {PUT}; nothing newer has come"


def test_inverted_bid_and_ask() -> None:
    quotes = quotes_for(SEED)
    seen = quotes[PUT]
    quotes[PUT] = replace(seen, bid=seen.ask, ask=seen.bid)
    (cause,) = _causes(quotes, Reason.LEG_CROSSED)
    assert cause == f"bid and ask may be exchanged in the quotes of {PUT}"


def test_exchanged_legs() -> None:
    prices = list(EXAMPLE_PRICES)
    prices[0], prices[1] = prices[1], prices[0]
    (cause,) = _causes(quotes_for(SEED, prices), Reason.PUT_CREDIT_NOT_POSITIVE)
    assert cause.startswith("the put legs may be exchanged: the long one is worth ")


def test_wide_quotes() -> None:
    prices = list(EXAMPLE_PRICES)
    low, high = prices[1]
    prices[1] = (low, str(float(high) + 1.4))
    (cause,) = _causes(quotes_for(SEED, prices), Reason.PUT_CREDIT_NOT_POSITIVE)
    assert cause.startswith("the quotes of the put legs are wide: at the mids the spread gives 0.")


def test_a_quote_of_another_strike() -> None:
    prices = list(EXAMPLE_PRICES)
    prices[0] = ("19.00", "19.10")
    (cause,) = _causes(quotes_for(SEED, prices), Reason.CREDIT_ABOVE_WIDTH)
    assert cause == "a quote of the put legs may belong to another strike: their credit is more than their width"


def test_stale_data_near_the_open_is_suspected_only_near_it() -> None:
    quotes = quotes_for(SEED)
    del quotes[PUT_WING]
    assert _causes(quotes, Reason.LEG_MISSING, since_open_s=900.0) == (
        "stale data near the open, 15 minutes ago: quotes are thin and late then",
    )
    assert _causes(quotes, Reason.LEG_MISSING) == ()
    assert _causes(quotes, Reason.LEG_MISSING, since_open_s=None) == ()
