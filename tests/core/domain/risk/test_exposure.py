"""The risk an account already has: open tridents and entries under way (rules 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain.market.chain import TickTable
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry, Fill, OrderReport, ReportedLeg
from core.domain.orders.packages import fill_credit
from core.domain.positions.tridents import HandsOff, ManagedTrident
from core.domain.positions.units import UnitName, UnitState, units_of
from core.domain.risk.exposure import exposure, held_entries, legs_once_filled
from core.domain.risk.risk import HeldLeg
from core.domain.trident.sides import Direction, side_of
from core.domain.trident.trident import Action
from tests.support.exit_samples import RULES
from tests.support.record_samples import AT, entry

D = Decimal
PRICES = ("5.20", "4.02", "7.30", "5.54")  # 2 * 1.18 + 1.76 = 4.12


def filled(entry_id: str = "one", days_ago: int = 0) -> Entry:
    base = entry(entry_id)
    fills = tuple(
        Fill(f"{entry_id}-{leg.symbol}", leg.symbol, D(leg.quantity), D(price), AT)
        for leg, price in zip(base.request.legs, PRICES, strict=True)
    )
    return replace(base, state=OrderState.FILLED, fills=fills, prepared_at=AT - timedelta(days=days_ago))


def holding(*entries: Entry) -> tuple[HeldLeg, ...]:
    return tuple(HeldLeg(leg.symbol, side_of(leg.action), D(leg.quantity)) for e in entries for leg in e.request.legs)


def test_the_risk_of_an_open_trident_comes_from_its_fill() -> None:
    seen = exposure([filled()], [], holding(filled()), [])
    assert (seen.open_risk, seen.open_tridents) == (D(188), 1)  # 100 * (2 * 3 - 4.12)


def test_until_a_fill_record_is_missing_the_risk_is_as_sent() -> None:
    short = replace(filled(), fills=filled().fills[:3])
    assert exposure([short], [], holding(short), []).open_risk == entry().max_risk


@pytest.mark.parametrize("state", [OrderState.FILLED, OrderState.INCIDENT])
def test_more_filled_than_was_ordered_is_never_less_risk(state: OrderState) -> None:
    once = filled()
    twice = replace(once, state=state, fills=tuple(replace(f, quantity=2 * f.quantity) for f in once.fills))
    one_more = replace(once, state=state, fills=(*once.fills, replace(once.fills[2], fill_id="more")))
    for over, risk in ((twice, 2 * entry().max_risk), (one_more, None)):  # a call more is short without a wing
        seen = exposure([over], [], holding(over), [])
        assert (seen.open_risk, seen.unknown) == (risk, (over,) if risk is None else ())
        assert fill_credit(over) is None, "it is not the credit of one package"


def test_an_incident_of_other_legs_makes_the_open_risk_unknown_while_anything_of_it_is_held() -> None:
    """A missing leg, and a strike that the order does not have: neither is a trident, so neither has a risk."""
    once = replace(filled(), state=OrderState.INCIDENT)
    missing = replace(once, fills=once.fills[:3])
    elsewhere = replace(once, fills=(replace(once.fills[0], symbol="QQQ   260417P00630000"),))
    for other in (missing, elsewhere):
        held = [HeldLeg(f.symbol, Direction.SHORT, f.quantity) for f in other.fills]
        for positions in (held, held[:1]):
            seen = exposure([other, filled("two")], [], [*positions, *holding(filled("two"))], [])
            assert (seen.open_risk, seen.unknown) == (None, (other,))
        for followed in ([], [other]):
            assert exposure([other], followed, (), []).open_risk == 0, "settled at the broker"
    unseen = replace(once, fills=())
    assert exposure([], [unseen], (), []).open_tridents == 1, "it may have filled, and nothing shows that it is over"


def test_an_order_that_works_with_other_legs_makes_the_open_risk_unknown() -> None:
    mine = replace(entry(), state=OrderState.INCIDENT, order_id="7")
    legs = tuple(ReportedLeg(leg.symbol, leg.action.value, D(leg.quantity), None, ()) for leg in mine.request.legs)
    shown = OrderReport("7", mine.account, "Live", mine.identifier, "QQQ", D("4.06"), legs, None, None, None)
    named, renamed = (
        replace(shown, legs=legs[:3]),
        replace(shown, legs=legs[:3], order_id="8", identifier=None, replaces="7"),
    )
    assert exposure([], [mine], (), [shown]).open_risk == D(214)
    for other in (named, renamed):
        assert exposure([], [mine], (), [other]).unknown == (mine,)
    foreign = replace(named, identifier="theirs", order_id="9")
    assert exposure([], [mine], (), [foreign]).unknown == ()


def test_it_is_ours_until_the_broker_no_longer_holds_its_legs() -> None:
    assert exposure([filled()], [], (), []).open_tridents == 0
    for leg in holding(filled()):
        assert exposure([filled()], [], [leg], []).open_tridents == 1, "one leg is enough where no unit is on record"


P1, P2, CALL = UnitName


def trident(states: Mapping[UnitName, UnitState], **left: tuple[str, ...]) -> ManagedTrident:
    """The trident of the sample entry with these units closed, gone or broken, and what is `left` of a broken one."""
    credits = {P1: D("1.18"), P2: D("1.18"), CALL: D("1.76")}
    units = tuple(
        replace(
            unit,
            credit=credits[unit.name],
            state=states.get(unit.name, UnitState.WHOLE),
            remainder=left.get(unit.name.name.lower(), ()),
        )
        for unit in units_of(entry().request)
    )
    return ManagedTrident("one", "QQQ", entry().expiration, D(622), D(3), units, RULES, TickTable((), None), AT)


@pytest.mark.parametrize(
    ("closed", "risk"),
    [((), 188), ((P1,), 6), ((P1, P2), 124), ((CALL,), 364), ((P1, CALL), 182)],
)
def test_of_a_trident_closed_in_part_the_units_left_are_at_risk(closed: tuple[UnitName, ...], risk: int) -> None:
    """100 * (M - E): the call's target alone raises the risk, because the puts lose their hedge."""
    for state in (UnitState.CLOSED, UnitState.GONE):
        of = {"one": trident(dict.fromkeys(closed, state))}
        for judged in (True, False):
            seen = exposure([filled()], [], holding(filled()), [], of, judged=judged)
            assert (seen.open_risk, seen.open_tridents) == (D(risk), 1)


def test_a_trident_counts_until_its_last_unit_has_ended() -> None:
    over = {"one": trident(dict.fromkeys(UnitName, UnitState.CLOSED))}
    for judged in (True, False):  # the positions lag the last fill
        assert exposure([filled()], [], holding(filled()), [], over, judged=judged).open_tridents == 0
    last = {"one": trident({P1: UnitState.CLOSED, P2: UnitState.CLOSED})}
    assert exposure([filled()], [], (), [], last, judged=True).open_tridents == 1, "a read says nothing by itself"
    assert exposure([filled()], [], (), [], last).open_tridents == 0, "nobody else tells that it was closed by hand"
    of_call = [leg for leg in holding(filled()) if "C0" in leg.symbol]
    of_puts = [leg for leg in holding(filled()) if "P0" in leg.symbol]
    assert exposure([filled()], [], of_call[:1], [], last).open_tridents == 1
    assert exposure([filled()], [], of_puts, [], last).open_tridents == 0, "its puts are closed: these are others"


def test_what_nobody_can_say_of_a_trident_closed_in_part_is_no_small_risk() -> None:
    short, long = units_of(entry().request)[0].short, units_of(entry().request)[0].long
    naked = {"one": trident({P1: UnitState.BROKEN}, put_1=(short,))}
    seen = exposure([filled()], [], holding(filled()), [], naked, judged=True)
    assert (seen.open_risk, [one.id for one in seen.unknown]) == (None, ["one"])
    wing = {"one": trident({P1: UnitState.BROKEN}, put_1=(long,))}
    assert exposure([filled()], [], holding(filled()), [], wing, judged=True).open_risk == D(6)
    bare = trident({CALL: UnitState.CLOSED})
    bare = replace(bare, units=tuple(replace(unit, credit=None) for unit in bare.units))
    short_of_records = replace(filled(), fills=())
    seen = exposure([short_of_records], [], holding(filled()), [], {"one": bare}, judged=True)
    assert seen.open_risk == D(600), "M, as long as no credit is known"


def test_of_adjusted_contracts_the_whole_trident_is_at_risk() -> None:
    split = replace(trident(dict.fromkeys(UnitName, UnitState.GONE)), hands_off=HandsOff.ADJUSTED)
    for judged in (True, False):
        seen = exposure([filled()], [], (), [], {"one": split}, judged=judged)
        assert (seen.open_risk, seen.open_tridents) == (D(188), 1)


def test_the_other_side_of_our_legs_is_not_our_trident() -> None:
    turned = [
        replace(leg, direction=Direction.LONG if leg.direction is Direction.SHORT else Direction.SHORT)
        for leg in holding(filled())
    ]
    assert exposure([filled()], [], turned, []).open_tridents == 0


def test_of_two_alike_the_older_was_closed_first() -> None:
    old, new = filled("old", days_ago=1), filled("new")
    assert held_entries([old, new], holding(old, new)) == (old, new)
    assert held_entries([old, new], holding(new)) == (new,)


@pytest.mark.parametrize("state", list(OrderState))
def test_entries_that_may_hold_something_unseen_count_as_sent(state: OrderState) -> None:
    seen = exposure([], [replace(entry(), state=state)], (), [])
    under_way = state in OPEN_STATES or state is OrderState.INCIDENT
    assert (seen.open_risk, seen.open_tridents) == ((D(214), 1) if under_way else (D(0), 0))


def test_an_incident_that_is_held_counts_once() -> None:
    incident = replace(filled(), state=OrderState.INCIDENT)
    assert exposure([incident], [incident], holding(incident), []).open_tridents == 1
    assert exposure([incident], [incident], (), []).open_tridents == 1, "its order may have filled unseen"


def test_an_order_that_the_broker_has_otherwise_counts_with_what_it_risks_there() -> None:
    asked = entry()
    cheap = replace(asked.request, credit=D("1.06"))
    double = replace(asked.request, legs=tuple(replace(leg, quantity=2 * leg.quantity) for leg in asked.request.legs))
    for taken, risk in ((None, 214), (cheap, 494), (double, 428)):
        working = replace(asked, state=OrderState.WORKING, taken=taken)
        assert exposure([], [working], (), []).open_risk == D(risk)


def test_working_orders_count_by_the_side_they_lead_to() -> None:
    def leg(action: str) -> ReportedLeg:
        return ReportedLeg("QQQ   260417P00622000", action, D(1), D(1), ())

    sides = {"Sell to Open": Direction.SHORT, "Sell to Close": Direction.SHORT, "Buy to Close": Direction.LONG}
    for action, side in sides.items():
        report = OrderReport("1", "a", "Live", None, "QQQ", None, (leg(action),), None, None, None)
        assert [held.direction for held in legs_once_filled(report)] == [side]
    assert side_of(Action.BUY_TO_OPEN) is Direction.LONG
