"""Choosing the expiration: 30 to 50 days away, nearest to 45, PM-settled (rules 2)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.chain import Expiration, OptionChain
from core.domain.operation.reasons import Reason, Refusal
from core.domain.trident.expiration import choose_expiration
from tests.support.domain_builders import TODAY, expiration


def chain(*expirations: Expiration, underlying: str = "QQQ") -> OptionChain:
    return OptionChain(underlying, expirations)


def at(dte: int, **over: object) -> Expiration:
    return expiration(TODAY + timedelta(days=dte), listing=(), **over)  # type: ignore[arg-type]


def chosen_dte(*dtes: int) -> int | None:
    choice = choose_expiration(chain(*(at(d) for d in dtes)), TODAY)
    return None if isinstance(choice, Refusal) else (choice.day - TODAY).days


@pytest.mark.parametrize(
    ("dtes", "chosen"),
    [
        ((45,), 45),
        ((30,), 30),
        ((50,), 50),
        ((29, 51), None),
        ((29, 30, 50, 51), 50),
        ((40, 50), 40),  # a tie goes to the earlier
        ((50, 40), 40),
        ((44, 46), 44),
        ((41, 48), 48),
        ((30, 37, 44, 51, 58), 44),
        ((0, 1, 7, 365), None),
        ((-45, 31), 31),
        ((), None),
    ],
)
def test_nearest_to_45_within_30_to_50_ties_to_the_earlier(dtes: tuple[int, ...], chosen: int | None) -> None:
    assert chosen_dte(*dtes) == chosen


def test_no_expiration_is_terminal_and_says_the_range() -> None:
    refusal = choose_expiration(chain(at(29), at(51)), TODAY)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NO_EXPIRATION
    assert not refusal.transient
    assert refusal.sentence() == "QQQ lists no expiration 30 to 50 days out"


@pytest.mark.parametrize("am_first", [True, False])
def test_of_two_roots_on_one_date_the_pm_settled_one(am_first: bool) -> None:
    am = at(44, underlying="SPX", root="SPX", pm_settled=False)
    pm = at(44, underlying="SPX", root="SPXW")
    choice = choose_expiration(chain(*((am, pm) if am_first else (pm, am)), underlying="SPX"), TODAY)
    assert choice is pm


def test_settlement_never_outweighs_the_distance() -> None:
    am = at(45, underlying="SPX", root="SPX", pm_settled=False)
    pm = at(43, underlying="SPX", root="SPXW")
    assert choose_expiration(chain(pm, am, underlying="SPX"), TODAY) is am


@pytest.mark.parametrize("over", [{"standard": False}, {"shares_per_contract": 10}, {"shares_per_contract": 150}])
def test_adjusted_chains_are_never_traded(over: dict[str, object]) -> None:
    adjusted, plain = at(45, root="QQQ1", **over), at(31)
    assert choose_expiration(chain(adjusted, plain), TODAY) is plain
    assert isinstance(choose_expiration(chain(adjusted), TODAY), Refusal)


@given(dtes=st.lists(st.integers(0, 90), max_size=12), seed=st.randoms(use_true_random=False))
def test_nothing_listed_is_nearer_and_the_order_of_the_chain_does_not_matter(dtes: list[int], seed: object) -> None:
    usable = [d for d in dtes if 30 <= d <= 50]
    best = min(usable, key=lambda d: (abs(d - 45), d), default=None)
    shuffled = list(dtes)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert chosen_dte(*dtes) == chosen_dte(*shuffled) == best
