"""OCC symbols are read, and tridents found among legs that carry nothing else (rules 2)."""

from __future__ import annotations

from datetime import date

import pytest

from core.domain.market.chain import Right
from core.domain.trident.found import LegKey, found_tridents
from core.domain.trident.occ import OccOption, read_occ
from core.domain.trident.trident import Action
from tests.support.domain_builders import D

SELL, BUY = Action.SELL_TO_OPEN, Action.BUY_TO_OPEN


def occ(strike: str, *, root: str = "QQQ", day: str = "260417") -> str:
    """The symbol of a strike like 622P."""
    return f"{root:<6}{day}{strike[-1]}{int(D(strike[:-1]) * 1000):08}"


def held(*legs: tuple[Action, int, str]) -> dict[LegKey, D]:  # type: ignore[valid-type]
    return {(occ(strike), action): D(quantity) for action, quantity, strike in legs}


ONE = ((SELL, 2, "622P"), (BUY, 2, "619P"), (SELL, 1, "622C"), (BUY, 1, "625C"))


@pytest.mark.parametrize(
    ("symbol", "option"),
    [
        ("QQQ   260417P00622000", OccOption("QQQ", date(2026, 4, 17), Right.PUT, D(622))),
        ("SPXW  260417C06220500", OccOption("SPXW", date(2026, 4, 17), Right.CALL, D("6220.5"))),
        ("QQQ", None),
        ("QQQ   261317P00622000", None),  # no such month
        ("QQQ   260417X00622000", None),
        ("QQQ 260417P00622000", None),  # not in six places
        ("QQQ   260417P0062200", None),
        ("qqq   260417P00622000", None),
        ("QQQ   260417P0062200٣", None),  # digits of another script
    ],
)
def test_symbols_are_read_as_they_are_written(symbol: str, option: OccOption | None) -> None:
    assert read_occ(symbol) == option


def test_a_trident_is_found_among_other_legs() -> None:
    (found,) = found_tridents(held(*ONE, (SELL, 3, "600P"), (BUY, 1, "590P")))
    assert (found.root, found.expiration, found.body, found.width) == ("QQQ", date(2026, 4, 17), D(622), D(3))
    assert found.strikes() == "622P/619P/622C/625C"
    assert [(key[0], quantity) for key, quantity in found.legs] == [
        (occ("622P"), 2), (occ("619P"), 2), (occ("622C"), 1), (occ("625C"), 1),
    ]  # fmt: skip


def test_two_of_one_kind_are_two() -> None:
    assert len(found_tridents(held(*((action, 2 * quantity, strike) for action, quantity, strike in ONE)))) == 2


@pytest.mark.parametrize("without", range(4))
def test_a_trident_without_a_leg_or_a_contract_is_none(without: int) -> None:
    legs = list(ONE)
    action, quantity, strike = legs.pop(without)
    assert found_tridents(held(*legs)) == ()
    assert found_tridents(held(*legs, (action, quantity - 1, strike))) == ()
    assert found_tridents(held(*legs, (BUY if action is SELL else SELL, quantity, strike))) == ()


def test_legs_of_two_roots_or_days_are_no_trident() -> None:
    for other in (occ("625C", root="NDX"), occ("625C", day="260424")):
        legs = {key: quantity for key, quantity in held(*ONE).items() if key[0] != occ("625C")}
        assert found_tridents({**legs, (other, BUY): D(1)}) == ()
