"""Asked and shown: any one field that differs is told with both values (rules 9, 13.2)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.orders.comparison import difference, is_partial
from core.domain.orders.orders import OrderReport, ReportedLeg
from tests.support.domain_builders import D
from tests.support.record_samples import ACCOUNT, AT, entry

ASKED = entry().request
PUT, LOW, CALL, HIGH = (leg.symbol for leg in ASKED.legs)


def shown(**changes: object) -> OrderReport:
    """The order as it was asked for, as the broker shows it."""
    legs = tuple(ReportedLeg(leg.symbol, leg.action.value, D(leg.quantity), None, ()) for leg in ASKED.legs)
    report = OrderReport(
        "77", ACCOUNT, "Live", ASKED.identifier, ASKED.underlying, ASKED.credit, legs, AT, None, AT,
        time_in_force="Day", order_type="Limit",
    )  # fmt: skip
    return replace(report, **changes)  # type: ignore[arg-type]


def with_leg(number: int, **changes: object) -> tuple[ReportedLeg, ...]:
    legs = list(shown().legs)
    legs[number] = replace(legs[number], **changes)  # type: ignore[arg-type]
    return tuple(legs)


def test_an_order_as_asked_differs_in_nothing() -> None:
    assert difference(ASKED, ACCOUNT, shown()) == ""
    assert difference(ASKED, ACCOUNT, shown(legs=shown().legs[::-1])) == "", "legs come in any order"
    assert difference(ASKED, ACCOUNT, shown(credit=D("4.060"))) == ""


@pytest.mark.parametrize("silent", ["underlying", "time_in_force", "order_type"])
def test_what_is_not_shown_is_no_difference(silent: str) -> None:
    assert difference(ASKED, ACCOUNT, shown(**{silent: ""})) == ""
    assert difference(ASKED, ACCOUNT, shown(identifier=None)) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"account": "5WT00099"}, "asked for account …0001, the broker shows …0099"),
        ({"identifier": "senex-other"}, "asked under senex-one, the broker shows senex-other"),
        ({"underlying": "SPX"}, "asked QQQ, the broker shows SPX"),
        ({"credit": D("3.50")}, "asked 4.06 credit, the broker shows 3.50 credit"),
        ({"credit": D("-4.06")}, "asked 4.06 credit, the broker shows 4.06 debit"),
        ({"credit": None}, "asked 4.06 credit, the broker shows no price"),
        ({"time_in_force": "GTC"}, "asked time in force Day, the broker shows GTC"),
        ({"order_type": "Market"}, "asked order type Limit, the broker shows Market"),
        ({"legs": with_leg(0, quantity=D(1))}, f"asked Sell to Open 2 {PUT}, the broker shows Sell to Open 1"),
        ({"legs": with_leg(1, action="Sell to Open")}, f"asked Buy to Open 2 {LOW}, the broker shows Sell to Open 2"),
        (
            {"legs": with_leg(2, symbol="QQQ   260417C00623000")},
            f"asked Sell to Open 1 {CALL}, the broker shows no such leg; "
            "asked no such leg QQQ   260417C00623000, the broker shows Sell to Open 1",
        ),
        ({"legs": shown().legs[:3]}, f"asked Buy to Open 1 {HIGH}, the broker shows no such leg"),
        (
            {"legs": (*with_leg(0, quantity=D(1)), replace(shown().legs[0], quantity=D(1)))},
            f"asked Sell to Open 2 {PUT}, the broker shows Sell to Open 1 and Sell to Open 1",
        ),
    ],
)  # fmt: skip
def test_each_difference_is_told_with_both_values(changes: dict[str, object], said: str) -> None:
    assert difference(ASKED, ACCOUNT, shown(**changes)) == said
    assert ACCOUNT not in said


def test_every_difference_is_told() -> None:
    said = difference(ASKED, ACCOUNT, shown(credit=D("3.50"), time_in_force="GTC"))
    assert said == "asked 4.06 credit, the broker shows 3.50 credit; asked time in force Day, the broker shows GTC"


def test_a_report_that_is_only_short_is_a_hint() -> None:
    assert is_partial(ASKED, shown(legs=shown().legs[:2]))
    assert is_partial(ASKED, shown(legs=()))
    assert is_partial(ASKED, shown(legs=with_leg(0, quantity=Decimal(0)))), "it does not say how many"
    assert is_partial(ASKED, shown(credit=None))
    assert not is_partial(ASKED, shown())
    assert not is_partial(ASKED, shown(legs=with_leg(0, quantity=Decimal(1))[:2])), "what it shows is another order"
    assert not is_partial(ASKED, shown(legs=with_leg(0, symbol="QQQ   260417P00600000")))
