"""The fate of an exit: over every state, with and without fills, by whoever ended it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from core.domain.orders.order_states import TERMINAL_STATES, OrderState
from core.domain.positions.exit_fate import exit_fate, exit_words
from core.domain.positions.exits import Exit, ExitKind
from tests.support.tridents import AT, CALL, LONG_CALL, LONG_PUT, PUT_1, PUT_2, SHORT_CALL, SHORT_PUT, D, exit

ACCOUNT = exit([PUT_1]).account
PUTS = ((SHORT_PUT, 2, "2.10"), (LONG_PUT, 2, "0.90"))
FILLS = {"none": (), "part": ((SHORT_PUT, 1, "2.10"), (LONG_PUT, 1, "0.90")), "all": PUTS}
WHO = {
    "nobody": {},
    "operator": {"cancel_requested_by": "anna", "cancel_asked_at": AT},
    "another": {"cancelled_by": "bert"},
    "console": {"cancel_asked_at": AT, "cancel_why": "the next step of the walk"},
}


def given(state: OrderState, filled: str = "none", who: str = "nobody", **changes: object) -> Exit:
    one = exit([PUT_1, PUT_2], *FILLS[filled], state=state, debit="1.20")
    said = {"detail": f"the broker of {ACCOUNT} said so."}
    return replace(one, **{**said, **WHO[who], **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "filled", "who", "is_released"), list(product(OrderState, FILLS, WHO, (False, True)))
)
def test_a_fate_says_what_the_record_says_and_no_more(
    state: OrderState, filled: str, who: str, is_released: bool
) -> None:
    one = given(state, filled, who, released_at=AT if is_released else None)
    fate = exit_fate(one)
    told = exit_words(fate)
    assert ACCOUNT not in told + fate.why
    assert told.startswith(fate.kind.value.upper())
    assert (fate.filled, fate.contracts) == ({"none": 0, "part": 2, "all": 4}[filled], 4)
    assert fate.traded is (filled != "none")
    assert fate.paid == (D("1.20") if filled == "all" else None)
    assert fate.needs_proof is ("its end is not proved yet" in told)
    assert fate.needs_proof is (not is_released and state.value in ("cancelled", "expired", "rejected"))
    assert not (fate.is_over and (fate.needs_proof or fate.fills_missing))
    assert fate.is_over or fate.fills_missing or fate.needs_proof or state not in TERMINAL_STATES
    assert fate.holds_units is (one.released_at is None and (one.may_fill or one.needs_proof))
    assert bool(fate.cancel) is (state is OrderState.CANCELLED)
    assert (
        ("of 4 filled" in told or "FILLED" in told)
        or filled == "none"
        or state.value in ("absent", "sent")
        or (state in (OrderState.PREPARED, OrderState.UNKNOWN))
    )


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (given(OrderState.PREPARED), "SENDING 1.20"),
        (given(OrderState.SENT), "SENDING 1.20"),
        (given(OrderState.WORKING), "WORKING 1.20, 0 of 4 filled"),
        (given(OrderState.WORKING, who="console"), "WORKING 1.20, 0 of 4 filled, its cancel is asked"),
        (given(OrderState.WORKING, "part"), "PARTLY FILLED 2 of 4, the rest works"),
        (given(OrderState.FILLED, "all"), "FILLED 1.20"),
        (given(OrderState.FILLED, "part"), "FILLED, its fill records have not all come"),
        (given(OrderState.UNKNOWN), "UNKNOWN: the broker may have it or not; its units get no order"),
        (given(OrderState.ABSENT), "ABSENT: not at the broker"),
        (given(OrderState.ABSENT, "part"), "ABSENT: not at the broker, 2 of 4 filled before"),
        (given(OrderState.NOT_SENT), "NOT SENT: the broker of …0001 said so"),
        (given(OrderState.REJECTED), "REJECTED: the broker of …0001 said so; its end is not proved yet"),
        (given(OrderState.REJECTED, released_at=AT), "REJECTED: the broker of …0001 said so"),
        (given(OrderState.EXPIRED, detail=""), "EXPIRED unfilled; its end is not proved yet"),
        (given(OrderState.EXPIRED, "part", detail="", released_at=AT), "EXPIRED, 2 of 4 filled"),
        (given(OrderState.CANCELLED, who="operator", released_at=AT), "CANCELLED by anna"),
        (given(OrderState.CANCELLED, who="another", released_at=AT), "CANCELLED at the broker by bert"),
        (given(OrderState.CANCELLED, released_at=AT), "CANCELLED at the broker, not by this console"),
        (
            given(OrderState.CANCELLED, "part", who="console"),
            "CANCELLED by this console (the next step of the walk), 2 of 4 filled; its end is not proved yet",
        ),
        (given(OrderState.INCIDENT), "INCIDENT: the broker of …0001 said so"),
    ],
)
def test_the_words(one: Exit, told: str) -> None:
    assert exit_words(exit_fate(one)) == told


@pytest.mark.parametrize(
    ("kind", "units", "name"),
    [
        (ExitKind.TARGET, (PUT_1,), "target of put-1"),
        (ExitKind.TIME, (CALL, PUT_2, PUT_1), "time exit of put-1, put-2, call"),
        (ExitKind.MANUAL, (PUT_1, CALL), "manual close of put-1, call"),
    ],
)
def test_an_exit_has_one_name(kind: ExitKind, units: tuple, name: str) -> None:  # type: ignore[type-arg]
    assert exit_fate(exit(units, kind=kind)).name == name


def test_what_it_cost_is_per_share_of_its_price() -> None:
    package = ((SHORT_PUT, 2, "2.10"), (LONG_PUT, 2, "0.90"), (SHORT_CALL, 1, "2.00"), (LONG_CALL, 1, "0.74"))
    assert exit_fate(exit([PUT_1, PUT_2, CALL], *package, state=OrderState.FILLED)).paid == D("3.66")
    assert exit_fate(exit([PUT_1, PUT_2], *PUTS, state=OrderState.FILLED)).paid == D("1.20")


def test_a_fill_that_came_twice_counts_once_and_one_too_many_has_no_price() -> None:
    one = given(OrderState.FILLED, "all")
    assert exit_fate(replace(one, fills=one.fills * 2)).paid == D("1.20")
    more = replace(one, fills=(*one.fills, replace(one.fills[0], fill_id="more")))
    assert exit_words(exit_fate(more)) == "FILLED beyond its order"
