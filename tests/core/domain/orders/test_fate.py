"""The fate of an entry: over every state, with and without fills, with and without an operator's cancel."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from core.domain.operation.outcomes import Outcome
from core.domain.orders.fate import FateKind, day_words, fate_of, fate_words, needs_operators_word
from core.domain.orders.order_states import FREES_DAY, TERMINAL_STATES, OrderState
from core.domain.orders.orders import ADOPTED, Entry, Fill
from core.domain.orders.settling import Look, Settling, settling
from tests.support.domain_builders import D
from tests.support.record_samples import ACCOUNT, AT, entry

FILLS = ("none", "part", "all")
READS = "the day is free when two reads show no fill"
WORD = "the day is free when an operator allows re-entry and two reads show no fill"
STANDS, NO_MORE = "no other entry while this one stands", "no other entry follows today"


def filled(base: Entry, how: str) -> tuple[Fill, ...]:
    legs = {"none": (), "part": base.request.legs[:2], "all": base.request.legs}[how]
    prices = ("3.00", "1.50", "2.00", "0.94")  # 2 x 1.50 + 1.06 = 4.06
    return tuple(Fill(f"f{n}", leg.symbol, D(leg.quantity), D(prices[n]), AT) for n, leg in enumerate(legs))


def given(state: OrderState, fills: str = "none", **more: object) -> Entry:
    base = entry()
    changed = {"holds_day": state not in FREES_DAY, "detail": f"the broker of {ACCOUNT} said so.", **more}
    return replace(base, state=state, fills=filled(base, fills), **changed)  # type: ignore[arg-type]


EVERY = [given(state, fills, cancel_requested_by=by) for state, fills, by in product(OrderState, FILLS, ("", "ana"))]


@pytest.mark.parametrize("each", EVERY, ids=lambda e: f"{e.state.value}-{len(e.fills)}-{e.cancel_requested_by}")
def test_a_fate_says_what_the_record_says_and_no_more(each: Entry) -> None:
    fate = fate_of(each)
    assert fate.traded is bool(each.fills)
    assert (fate.credit is not None) is (len(each.fills) == 4)
    assert fate.slippage == (None if fate.credit is None else fate.credit - each.mid)
    assert fate.filled == sum(f.quantity for f in each.fills)
    assert fate.is_over is (each.state in TERMINAL_STATES and not fate.fills_missing)
    assert fate.holds_day is each.holds_day
    assert ACCOUNT not in fate_words(fate) + fate.why
    assert fate_words(fate).startswith(fate.kind.value.upper())
    if fate.kind in (FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY, FateKind.FILLED):
        assert fate.why == ""
        assert fate.kind.value.upper() in fate_words(fate)
    else:
        assert fate.why == "the broker of …0001 said so"


@pytest.mark.parametrize("each", EVERY, ids=lambda e: f"{e.state.value}-{len(e.fills)}-{e.cancel_requested_by}")
def test_the_outcome_follows_from_the_fate(each: Entry) -> None:
    fate = fate_of(each)
    unfilled_end = each.state in (OrderState.CANCELLED, OrderState.EXPIRED) and not each.fills
    if each.state is OrderState.NOT_SENT:
        assert fate.outcome is None
    elif each.state in (OrderState.PREPARED, OrderState.SENT, OrderState.UNKNOWN):
        assert fate.outcome is Outcome.UNKNOWN
    elif each.state in (OrderState.REJECTED, OrderState.ABSENT, OrderState.INCIDENT):
        assert fate.outcome is Outcome.FAILED
    elif unfilled_end:
        assert fate.outcome is (Outcome.SKIPPED if each.cancel_requested_by else Outcome.FAILED)
    else:
        assert fate.outcome is Outcome.SUCCEEDED
    assert (fate.reason is None) is (fate.outcome in (None, Outcome.SUCCEEDED) or fate.kind is FateKind.SENDING)


@pytest.mark.parametrize(
    ("each", "words", "day"),
    [
        (given(OrderState.SENT), "SENDING 4.06", STANDS),
        (given(OrderState.WORKING, limit=D("6.825")), "WORKING 6.825, 0 of 6 filled", STANDS),
        (given(OrderState.WORKING, "part"), "PARTLY FILLED 4 of 6, the rest works", NO_MORE),
        (given(OrderState.FILLED, "all"), "FILLED 4.06", NO_MORE),
        (given(OrderState.FILLED, "part"), "FILLED, its fill records have not all come", NO_MORE),
        (given(OrderState.REJECTED, detail="no money"), "REJECTED: no money", "it does not hold the day"),
        (given(OrderState.REJECTED, detail=""), "REJECTED", "it does not hold the day"),
        (given(OrderState.NOT_SENT, detail="late"), "NOT SENT: late", "it does not hold the day"),
        (
            given(OrderState.CANCELLED, cancel_requested_by="ana"),
            "CANCELLED by ana",
            WORD,
        ),
        (given(OrderState.CANCELLED, detail="", engine_cancel_at=AT), "CANCELLED by this console", READS),
        (given(OrderState.CANCELLED, detail=""), "CANCELLED at the broker, not by this console", WORD),
        (given(OrderState.CANCELLED, detail="", cancelled_by="bert"), "CANCELLED at the broker by bert", WORD),
        (
            given(OrderState.CANCELLED, holds_day=False, detail="", engine_cancel_at=AT),
            "CANCELLED by this console",
            "it does not hold the day",
        ),
        (
            given(OrderState.CANCELLED, "part", detail="", cancelled_by="bert"),
            "CANCELLED at the broker by bert, 4 of 6 filled",
            NO_MORE,
        ),
        (given(OrderState.EXPIRED), "EXPIRED unfilled", "the day is free when two reads show no fill"),
        (given(OrderState.UNKNOWN), "UNKNOWN: the broker may have it or not", STANDS),
        (given(OrderState.ABSENT), "ABSENT: not at the broker", NO_MORE),
        (given(OrderState.INCIDENT, "all", detail="twice"), "INCIDENT, 6 of 6 filled: twice", NO_MORE),
        (
            given(OrderState.INCIDENT, detail="live again", cancel_requested_by="ana"),
            "INCIDENT: live again",
            NO_MORE,
        ),
        (
            given(OrderState.REJECTED, detail="no money", cancel_requested_by="ana"),
            "REJECTED: no money",
            "it does not hold the day",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_words(each: Entry, words: str, day: str) -> None:
    assert (fate_words(fate_of(each)), day_words(fate_of(each), today=each.session_day)) == (words, day)
    assert "today" not in day_words(fate_of(each)), "it may be read on any day"


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("allowed", [False, True])
def test_of_an_earlier_day_nothing_is_said_to_be_still_to_come(state: OrderState, allowed: bool) -> None:
    for each in (given(state), given(state, "all"), given(state, cancel_requested_by="ana")):
        words = day_words(fate_of(each), reentry_allowed=allowed, today=each.session_day + timedelta(days=1))
        assert not re.search("today|follows|is free", words)


@pytest.mark.parametrize(
    ("state", "how", "word"),
    [
        (OrderState.CANCELLED, {"engine_cancel_at": AT}, False),
        (OrderState.CANCELLED, {}, True),  # the engine's cancel was refused, or its answer lost, or nobody here asked
        (OrderState.CANCELLED, {"cancelled_by": "bert"}, True),
        (OrderState.CANCELLED, {"engine_cancel_at": AT, "cancelled_by": "bert"}, True),
        (OrderState.CANCELLED, {"engine_cancel_at": AT, "cancel_requested_by": "ana"}, True),
        (OrderState.EXPIRED, {}, False),
        (OrderState.EXPIRED, {"engine_cancel_at": AT}, False),
        (OrderState.EXPIRED, {"cancel_requested_by": "ana"}, True),
    ],
)
def test_only_an_expiry_and_the_engines_own_cancel_need_no_word(
    state: OrderState, how: dict[str, object], word: bool
) -> None:
    assert needs_operators_word(given(state, **how)) is word
    assert fate_of(given(state, **how)).needs_word is word


def test_an_order_taken_otherwise_is_told_with_its_own_figures() -> None:
    asked = entry().request
    taken = replace(asked, credit=D("3.50"), legs=tuple(replace(leg, quantity=1) for leg in asked.legs))
    fate = fate_of(given(OrderState.WORKING, taken=taken))
    assert (fate.limit, fate.contracts) == (D("3.50"), 4)
    assert fate_words(fate) == "WORKING 3.50, 0 of 4 filled"


def test_an_adopted_entry_has_no_slippage_because_its_mid_is_not_known() -> None:
    assert fate_of(given(OrderState.FILLED, "all")).slippage is not None
    assert fate_of(given(OrderState.FILLED, "all", origin=ADOPTED)).slippage is None


def test_after_an_operator_s_word_only_the_reads_are_waited_for() -> None:
    fate = fate_of(given(OrderState.CANCELLED, cancel_requested_by="ana"))
    assert day_words(fate, reentry_allowed=True) == "the day is free when two reads show no fill"


def test_max_risk_is_at_the_fill_else_at_the_limit() -> None:
    working, full = fate_of(given(OrderState.WORKING, limit=D("4.00"))), fate_of(given(OrderState.FILLED, "all"))
    width = entry().width
    assert working.max_risk == 100 * (2 * width - D("4.00"))
    assert full.max_risk == 100 * (2 * width - D("4.06"))


# The proof by two reads

ENDED = AT + timedelta(minutes=5)
FIRST = ENDED + timedelta(seconds=120)


def look(seconds: float, *, found: bool = True, complete: bool = True, connection: tuple[int, int] = (7, 1)) -> Look:
    return Look(ENDED + timedelta(seconds=seconds), complete, found, connection)


@pytest.mark.parametrize("each", EVERY, ids=lambda e: f"{e.state.value}-{len(e.fills)}-{e.cancel_requested_by}")
def test_time_settles_only_what_is_unknown_or_ended_unfilled_and_holds_the_day(each: Entry) -> None:
    each = replace(each, terminal_at=ENDED, sent_at=ENDED)
    proof = settling(each, (), 1.0)
    ended = each.state in (OrderState.CANCELLED, OrderState.EXPIRED) and not each.fills
    assert (proof is not None) is (each.state is OrderState.UNKNOWN or ended)
    if proof is not None:
        waits = ended and needs_operators_word(each)
        assert (proof.needs_word, proof.first_due) == ((True, None) if waits else (False, FIRST))
        assert (proof.first_read, proof.second_due) == (None, None)


def cancelled(**more: object) -> Entry:
    return given(OrderState.CANCELLED, terminal_at=ENDED, engine_cancel_at=AT, **more)


def test_a_read_counts_from_its_time_on_when_it_shows_the_end() -> None:
    read = FIRST + timedelta(seconds=5)
    counted = Settling(False, FIRST, read, read + timedelta(seconds=30))
    assert settling(cancelled(), (look(125),), 1.0) == counted
    assert counted.next_due == counted.second_due
    for useless in (look(100), look(125, found=False), look(125, complete=False)):
        assert settling(cancelled(), (useless,), 1.0) == Settling(False, FIRST, None, None)
    assert settling(cancelled(), (look(160), look(125)), 1.0) == Settling(
        False, FIRST, ENDED + timedelta(seconds=160), ENDED + timedelta(seconds=190)
    )


def test_an_unknown_order_is_proved_by_reads_that_do_not_show_it() -> None:
    unknown = given(OrderState.UNKNOWN, sent_at=ENDED)
    found, missing = (settling(unknown, (look(125, found=each),), 1.0) for each in (True, False))
    assert found is not None
    assert found.first_read is None
    assert missing is not None
    assert missing.first_read == ENDED + timedelta(seconds=125)


def test_a_read_over_an_earlier_connection_counts_no_more() -> None:
    assert settling(cancelled(), (look(125),), 1.0, connection=(7, 2)) == Settling(False, FIRST, None, None)
    present = settling(cancelled(), (look(125),), 1.0, connection=(7, 1))
    assert present is not None
    assert present.first_read is not None
    blocked = settling(cancelled(), (look(125),), 1.0, blocked="the alerts are not connected")
    assert blocked == Settling(False, FIRST, None, None, "the alerts are not connected")


def test_waits_are_wall_seconds_and_instants_market_time() -> None:
    fast = settling(cancelled(), (), 60.0)
    assert fast is not None
    assert fast.first_due == ENDED + timedelta(hours=2)


def test_an_operator_s_word_starts_the_reads() -> None:
    closed = cancelled(cancel_requested_by="ana")
    assert settling(closed, (look(125),), 1.0) == Settling(True, None, None, None)
    allowed = settling(closed, (look(125),), 1.0, reentry_allowed=True)
    assert allowed is not None
    assert allowed.second_due is not None
