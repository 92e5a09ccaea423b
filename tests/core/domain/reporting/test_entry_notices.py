"""The mails about an entry: its fate in words, the way from the mid to the limit, what a dry run validated."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill
from core.domain.reporting.entry_notices import (
    AskedOffset,
    asked_offset,
    entry_notices,
    fills_notice,
    validated_notice,
)
from core.domain.reporting.notices import Letterhead
from tests.support.domain_builders import D
from tests.support.record_samples import ACCOUNT, AT, entry, suggestion

HEAD = Letterhead("live", "https://broker.example/")
NOT_KNOWN = AskedOffset()
PRICES = ("3.155", "1.60", "3.30", "2.35")


def fills_of(made: Entry, shares: int = 1) -> tuple[Fill, ...]:
    """A fill record of each leg, of its contracts divided by `shares`."""
    return tuple(
        Fill(f"f{n}", leg.symbol, Decimal(leg.quantity) / shares, Decimal(price), AT)
        for n, (leg, price) in enumerate(zip(made.request.legs, PRICES, strict=True))
    )


def became(state: OrderState, **more: object) -> Entry:
    return replace(entry(), state=state, order_id="41", **more)  # type: ignore[arg-type]


def told(made: Entry, asked: AskedOffset = NOT_KNOWN) -> str:
    """The last mail about this state."""
    return entry_notices(made, asked, HEAD)[-1].text


@pytest.mark.parametrize(
    ("mid", "limit", "asked", "words"),
    [
        ("6.825", "6.70", AskedOffset(D("0.25"), True), "0.125 below the mid: natural was the floor; 0.25 was asked"),
        ("6.745", "6.745", AskedOffset(D("0.25"), True), "at the mid: natural was the floor; 0.25 was asked"),
        ("4.10", "4.05", AskedOffset(D("0.05"), False), "offset 0.05 below the mid"),
        ("4.10", "4.10", AskedOffset(D(0), False), "no offset"),
        (
            "4.105",
            "4.05",
            AskedOffset(D("0.05"), False),
            "0.055 below the mid: offset 0.05 below the mid was asked, rounded to the tick",
        ),
        ("4.105", "4.10", AskedOffset(D(0), False), "0.005 below the mid: no offset was asked, rounded to the tick"),
        ("4.10", "3.975", NOT_KNOWN, "0.125 below the mid"),
    ],
)
def test_the_limit_is_told_from_the_mid_and_why_it_is_not_the_offset(
    mid: str, limit: str, asked: AskedOffset, words: str
) -> None:
    text = told(became(OrderState.WORKING, mid=D(mid), limit=D(limit)), asked)
    shown = limit if limit.endswith("5") else f"{D(limit):.2f}"
    assert f"Limit:         {shown} credit per share, {words}\n" in text


def test_the_floor_is_read_from_the_evidence_of_the_suggestion() -> None:
    evidence = {"entry_price": {"floored": True, "offset": "0.25"}}
    assert asked_offset(D("0.25"), evidence) == AskedOffset(D("0.25"), True)
    for unknown in ({}, {"entry_price": None}, {"entry_price": {"floored": "yes"}}):
        assert asked_offset(None, unknown) == AskedOffset(None, None)


def test_half_cents_are_kept_in_every_credit() -> None:
    made = became(OrderState.FILLED, mid=D("6.745"), natural=D("6.495"), limit=D("6.735"), width=D(5))
    text = told(replace(made, fills=fills_of(made)))
    assert "Natural, mid:  6.495, 6.745 credit per share" in text
    assert "6.735 credit per share, 0.01 below the mid" in text
    assert "350.50 $ at natural" in text


@pytest.mark.parametrize("state", [OrderState.WORKING, OrderState.FILLED, OrderState.CANCELLED])
def test_an_entry_that_was_found_has_no_answer_as_its_reason_in_no_mail(state: OrderState) -> None:
    made = became(state, detail="no answer: RemoteProtocolError")
    for notice in entry_notices(made, NOT_KNOWN, HEAD):
        assert "RemoteProtocolError" not in notice.subject + notice.text + notice.html


def test_a_rejection_says_why_masked_and_that_it_does_not_hold_the_day() -> None:
    made = became(OrderState.REJECTED, holds_day=False, detail=f"no money in {ACCOUNT}.")
    text = told(made)
    assert "The broker rejected the order: no money in …0001.\n" in text
    assert "Nothing is open from it; it does not hold the day." in text


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"cancel_requested_by": "ana"}, "ana asked to cancel it. "),
        ({"cancelled_by": "bert"}, "It was cancelled at the broker by bert. "),
        ({"engine_cancel_at": AT, "cancelled_by": "bert"}, "It was cancelled at the broker by bert. "),
        ({}, "It was cancelled at the broker, not by this console. "),
        ({"engine_cancel_at": AT}, "It was cancelled by this console. "),
    ],
)
def test_a_cancel_says_what_frees_the_day(how: dict[str, object], says: str) -> None:
    text = told(became(OrderState.CANCELLED, **how))
    assert "The order was cancelled and is not filled." in text
    word = "" if says == "It was cancelled by this console. " else "an operator allows re-entry and "
    assert f"{says}The day is free when {word}two reads show no fill." in text


def test_what_ended_with_a_part_filled_is_not_told_as_unfilled() -> None:
    for state, says in (
        (OrderState.CANCELLED, "The order was cancelled with 3 of 6 contracts filled."),
        (OrderState.EXPIRED, "The order expired at the close with 3 of 6 contracts filled."),
    ):
        made = became(state)
        last = entry_notices(replace(made, fills=fills_of(made, 2)), NOT_KNOWN, HEAD)[-1]
        assert says in last.text
        assert "unfilled" not in last.subject
        assert "No other entry follows today." in last.text or state is OrderState.EXPIRED


def test_a_part_is_told_only_while_the_rest_is_open() -> None:
    made = became(OrderState.WORKING)
    part = replace(made, fills=fills_of(made)[:2])
    partial = fills_notice(part, NOT_KNOWN, HEAD, rest_is_open=True)
    assert partial is not None
    assert "the rest is still open" in partial.text
    assert fills_notice(part, NOT_KNOWN, HEAD, rest_is_open=False) is None
    for ended in (OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.INCIDENT):
        assert fills_notice(replace(part, state=ended), NOT_KNOWN, HEAD, rest_is_open=True) is None


def test_the_rest_of_the_fill_records_of_a_filled_order_tells_its_credit_and_risk() -> None:
    made = became(OrderState.FILLED)
    part = told(replace(made, fills=fills_of(made)[:2]))
    assert "Its fill records have not all come yet." in part
    assert "Max risk:      194.00 $ at the limit, 214.00 $ at natural" in part
    whole = fills_notice(replace(made, fills=fills_of(made)), NOT_KNOWN, HEAD, rest_is_open=False)
    assert whole is not None
    assert whole.subject == "Senex: QQQ entry filled, its fills are known at 4.06 credit, account …0001"
    assert "Fill credit:   4.06 per share, 406.00 $; 0.04 below the mid" in whole.text
    assert "Max risk:      194.00 $ at the fill, 214.00 $ at natural" in whole.text


def test_what_a_dry_run_validated_is_told_with_its_terms() -> None:
    made = replace(
        suggestion("s1", validated=True),
        limit=D("3.975"),
        offset=D("0.25"),
        evidence={"entry_price": {"floored": True}},
    )
    notice = validated_notice(made, HEAD)
    assert notice.subject == "Senex: QQQ entry validated, not sent, at 3.975 limit, account …0001"
    assert not notice.always
    assert "nothing was sent, nothing is open" in notice.text
    assert "3.975 credit per share, 0.125 below the mid: natural was the floor; 0.25 was asked" in notice.text
    assert "202.50 $ at the limit, 214.00 $ at natural" in notice.text
    assert ACCOUNT not in notice.subject + notice.text + notice.html
    with pytest.raises(ValueError, match="without a limit"):
        validated_notice(replace(made, limit=None), HEAD)
