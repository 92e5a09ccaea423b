"""What an operator asks of a trident: the words, and one sentence for everything that cannot be done."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.market.chain import TickTable
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import PlaceClose
from core.domain.positions.closing import Gone, units_after
from core.domain.positions.exits import ExitKind
from core.domain.positions.next_action import next_action
from core.domain.positions.trident_commands import (
    UNITS,
    CloseWords,
    ExitsWord,
    ExitsWords,
    close_asked,
    close_words,
    exits_words,
    release_refusal,
    retarget_refusal,
    trident_named,
)
from core.domain.positions.trident_view import ManualClose, Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, Phase
from core.domain.positions.units import Ended, UnitName
from tests.support.trident_views import ENTRY_DAY, FIRST, RULES, TARGETS, VIEW, at, gone, of, target, works
from tests.support.tridents import CALL, LONG_PUT, PUT_1, PUT_2, SHORT_PUT, D, exit, units

NICKELS = TickTable(((D("3"), D("0.05")),), D("0.10"))
CLOSED = exit([PUT_1], (SHORT_PUT, 1, "1.50"), (LONG_PUT, 1, "0.78"), state=OrderState.FILLED)
PUT_1_CLOSED = of(units=units_after(units(), [CLOSED], []), exits=(CLOSED,))
BY_HAND = works(UnitName, "0.80", ENTRY_DAY, kind=ExitKind.MANUAL, order_id="77")
BOTH_GONE = [Gone(PUT_1, symbol, Ended.HAND, ENTRY_DAY.now) for symbol in (SHORT_PUT, LONG_PUT)]


def sentence(found: object) -> str:
    assert isinstance(found, Refusal), found
    return found.sentence()


# --- the words ---


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("unit=all walk", CloseWords("all")),
        ("walk", CloseWords("all")),
        ("unit=puts limit=3.70", CloseWords("puts", D("3.70"))),
        ("limit=0.05 unit=put-1", CloseWords("put-1", D("0.05"))),
        ("unit=call limit=-1", CloseWords("call", D("-1"))),
    ],
)
def test_the_words_of_a_close(note: str, words: CloseWords) -> None:
    assert close_words(note) == words


@given(st.sampled_from(list(UNITS)), st.none() | st.decimals(0, 99, places=2))
def test_a_close_is_read_as_it_was_written(unit: str, limit: Decimal | None) -> None:
    words = CloseWords(unit, limit)
    assert close_words(words.note()) == words


ONE_OF = "`senex close` takes one of --limit N and --walk; "
ANY = "`senex close` takes --unit UNIT and --limit N or --walk; "
PRICE = "`senex close --limit` takes a price like 0.70; "


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("", f"{ONE_OF}'no option' was given"),
        ("unit=all", f"{ONE_OF}'--unit all' was given"),
        ("unit=both walk", "`senex close --unit` takes one of put-1, put-2, puts, call, all; 'both' was given"),
        ("unit=all walk limit=1", f"{ONE_OF}'--unit all --walk --limit 1' was given"),
        ("walk walk", "`senex close` takes --walk once; '--walk --walk' was given"),
        ("walk=yes", "`senex close --walk` takes no value; 'yes' was given"),
        (
            "unit=call unit=put-1 walk",
            "`senex close` takes --unit once; '--unit call --unit put-1' was given",
        ),
        ("limit=", f"{PRICE}'' was given"),
        ("limit=ten", f"{PRICE}'ten' was given"),
        ("limit=NaN", f"{PRICE}'NaN' was given"),
        ("limit=Infinity", f"{PRICE}'Infinity' was given"),
        ("limit=٣", f"{PRICE}'٣' was given"),
        ("limit=1e99999999", f"{PRICE}'1e99999999' was given"),
        ("limit=0.0000000000001", f"{PRICE}'0.0000000000001' was given"),
        ("market", f"{ANY}'market' was given"),
        ("unit=all market", f"{ANY}'market' was given"),
    ],
)
def test_other_words_are_refused_by_the_option_its_value_and_what_it_takes(note: str, told: str) -> None:
    assert sentence(close_words(note)) == told


@pytest.mark.parametrize("word", ExitsWord)
@pytest.mark.parametrize("why", ["", "lunch", "hold because cancel"])
def test_the_words_of_exits(word: ExitsWord, why: str) -> None:
    words = ExitsWords(word, why)
    assert exits_words(words.note()) == words
    assert words.note().split()[0] == word.value


@pytest.mark.parametrize("note", ["", "off", "on please", "hold hold", "hold cancel", "HOLD"])
def test_other_words_of_exits_are_refused(note: str) -> None:
    assert sentence(exits_words(note)) == f"`senex exits` takes on, hold, cancel; '{note}' was given"


# --- a close that can be sent ---


@pytest.mark.parametrize(
    ("words", "view", "names"),
    [
        (CloseWords("all"), VIEW, tuple(UnitName)),
        (CloseWords("puts", D("1.20")), VIEW, (PUT_1, PUT_2)),
        (CloseWords("call"), of(exits=TARGETS), (CALL,)),
        (CloseWords("all"), PUT_1_CLOSED, (PUT_2, CALL)),
        (CloseWords("puts"), PUT_1_CLOSED, (PUT_2,)),
        (CloseWords("all"), of(units=gone(PUT_2, SHORT_PUT)), (PUT_1, CALL)),
        (CloseWords("all", D("6.00")), of(units=tuple(replace(u, credit=None) for u in units())), tuple(UnitName)),
        (CloseWords("all"), of(phase=Phase.CLOSING, exits=(works(UnitName, "3.60", ENTRY_DAY),)), tuple(UnitName)),
    ],
)
def test_a_close_that_can_be_sent(words: CloseWords, view: TridentView, names: tuple[UnitName, ...]) -> None:
    assert close_asked(words, view, ENTRY_DAY) == ManualClose(names, words.limit, ENTRY_DAY.now)


def test_a_close_at_a_limit_needs_no_credit_on_record() -> None:
    """M does not depend on it."""
    unknown = of(units=tuple(replace(unit, credit=None) for unit in units()))
    asked = close_asked(CloseWords("all", D("3.70")), unknown, ENTRY_DAY)
    assert isinstance(asked, ManualClose)
    found = next_action(of(unknown, asked=asked), ENTRY_DAY)
    assert isinstance(found, PlaceClose)
    assert (found.plan.debit, found.plan.cap, found.plan.units) == (D("3.70"), D("6"), tuple(UnitName))


# --- bad input: one sentence each, nothing sent ---

BAD_CLOSES = [
    (CloseWords("put-1"), PUT_1_CLOSED, ENTRY_DAY, "put-1 of T1 was closed at 0.72 on Thu 6 Nov by a time exit"),
    (
        CloseWords("put-1"),
        of(units=units_after(units(), [], BOTH_GONE), gone=tuple(BOTH_GONE)),
        ENTRY_DAY,
        "put-1 of T1 is gone without an order of ours (closed by hand at the broker)",
    ),
    (
        CloseWords("put-2"),
        of(units=gone(PUT_2, SHORT_PUT)),
        ENTRY_DAY,
        "put-2 of T1 is broken: 619P is left; settle it at the broker",
    ),
    (
        CloseWords("all"),
        of(agrees=False),
        ENTRY_DAY,
        "the broker does not show all contracts of put-1, put-2, call; it is read again in 30 s",
    ),
    (
        CloseWords("call", D("3.01")),
        VIEW,
        ENTRY_DAY,
        "a close of call is worth at most 3.00; 3.01 was given",
    ),
    (
        CloseWords("puts", D("3.50")),
        VIEW,
        ENTRY_DAY,
        "a close of put-1, put-2 is worth at most 3.00 each; 3.5 was given",
    ),
    (
        CloseWords("all", D("6.01")),
        VIEW,
        ENTRY_DAY,
        "a close of put-1, put-2, call is worth at most 6.00; 6.01 was given",
    ),
    (
        CloseWords("call", D("2.72")),
        of(ticks=NICKELS),
        ENTRY_DAY,
        "its ticks are 0.05: 2.70 or 2.75; 2.72 was given",
    ),
    (
        CloseWords("call", D("0.02")),
        of(ticks=NICKELS),
        ENTRY_DAY,
        "its ticks are 0.05: 0.05; 0.02 was given",
    ),
    (CloseWords("call", D("0")), VIEW, ENTRY_DAY, "a limit must be above 0; 0 was given"),
    (CloseWords("call", D("-1")), VIEW, ENTRY_DAY, "a limit must be above 0; -1 was given"),
    (
        CloseWords("call", D("1")),
        of(ticks=TickTable((), None)),
        ENTRY_DAY,
        "the chain carries no tick for it",
    ),
    (
        CloseWords("put-1"),
        of(exits=(BY_HAND,)),
        ENTRY_DAY,
        "put-1, put-2, call are being closed at 0.80 (order 77); cancel it first",
    ),
    (
        CloseWords("put-1"),
        of(exits=(target(PUT_1, kind=ExitKind.MANUAL, order_id=None),)),
        ENTRY_DAY,
        "put-1 is being closed at 0.73 (its order); cancel it first",
    ),
    (
        CloseWords("call"),
        of(exits=(target(CALL, state=OrderState.UNKNOWN),)),
        ENTRY_DAY,
        "nobody knows what order 7-call of call does; `senex reconcile` looks again",
    ),
    (CloseWords(), of(phase=Phase.ENDED), ENTRY_DAY, "T1 has ended"),
    (CloseWords(), of(phase=Phase.SETTLING), ENTRY_DAY, "T1 has expired and is being settled"),
    (
        CloseWords(),
        of(hands_off=HandsOff.RELEASED),
        ENTRY_DAY,
        "T1 is left alone: it was released to the operator for good",
    ),
    (
        CloseWords(),
        of(hands_off=HandsOff.ADJUSTED),
        ENTRY_DAY,
        "T1 is left alone: it was adjusted by a split or the like; close it at the broker",
    ),
    (
        CloseWords(),
        of(hands_off=HandsOff.DESK),
        ENTRY_DAY,
        "T1 is left alone: it is left to the broker's desk today",
    ),
    (
        CloseWords(),
        of(hands_off=HandsOff.FOREIGN_CLOSE),
        ENTRY_DAY,
        "T1 is left alone: a close that is not ours works on it; it goes on when that order has ended",
    ),
    (CloseWords(), of(blocked="closing orders are held"), ENTRY_DAY, "closing orders are held"),
    (
        CloseWords(),
        VIEW,
        at("2025-12-01", "09:00"),
        "the market is closed until 09:30; a close is for the session in which it is asked",
    ),
    (
        CloseWords(),
        VIEW,
        at("2025-11-29", "12:00"),
        "the market is closed; a close is for the session in which it is asked",
    ),
]


@pytest.mark.parametrize(("words", "view", "moment", "why"), BAD_CLOSES, ids=[row[-1] for row in BAD_CLOSES])
def test_a_close_that_cannot_be_sent(words: CloseWords, view: TridentView, moment: Moment, why: str) -> None:
    found = close_asked(words, view, moment)
    assert isinstance(found, Refusal)
    assert found.reason is Reason.NOT_CLOSABLE
    assert found.sentence() == f"nothing is closed: {why}"


@pytest.mark.parametrize(
    ("view", "moment", "why"),
    [
        (of(phase=Phase.CLOSING), FIRST, "its time exit has begun, and no target returns after that"),
        (VIEW, FIRST, "it expires in 7 days, and no target is placed any more"),
        (of(rules=replace(RULES, mode=ExitMode.OFF)), ENTRY_DAY, "exits are off for its account"),
        (of(phase=Phase.ENDED), ENTRY_DAY, "T1 has ended"),
        (of(phase=Phase.SETTLING), ENTRY_DAY, "T1 has expired and is being settled"),
        (of(units=units_after(units(), [], BOTH_GONE)[:1]), ENTRY_DAY, "it has no whole unit"),
        (
            of(hands_off=HandsOff.RELEASED),
            ENTRY_DAY,
            "T1 is left alone: it was released to the operator for good",
        ),
    ],
)
def test_new_targets_that_cannot_be_given(view: TridentView, moment: Moment, why: str) -> None:
    found = retarget_refusal(view, moment)
    assert sentence(found) == f"its targets stay as they are: {why}"


def test_new_targets_and_a_release_that_can_be() -> None:
    assert retarget_refusal(of(exits=TARGETS), ENTRY_DAY) is None
    assert release_refusal(of(exits=TARGETS)) is None
    assert release_refusal(of(phase=Phase.CLOSING)) is None
    assert release_refusal(of(hands_off=HandsOff.ADJUSTED)) is None


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (of(phase=Phase.ENDED), "T1 has ended"),
        (of(hands_off=HandsOff.RELEASED), "it was released to the operator for good"),
    ],
)
def test_a_release_that_cannot_be(view: TridentView, why: str) -> None:
    assert sentence(release_refusal(view)) == f"nothing is released: {why}"


# --- which one ---

IDS = ("abcdefgh-1", "abcdefgh-2", "bcdefghi-1")


@pytest.mark.parametrize(("typed", "named"), [("abcdefgh-1", "abcdefgh-1"), ("bcdefghi", "bcdefghi-1")])
def test_a_trident_is_named_by_its_id_or_its_beginning(typed: str, named: str) -> None:
    assert trident_named(typed, IDS) == named


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("abcdefgh", "there is no single trident 'abcdefgh'; `senex tridents` lists them"),
        ("abc", "there is no trident 'abc'; `senex tridents` lists them"),
        ("", "there is no trident ''; `senex tridents` lists them"),
        ("zzzzzzzz", "there is no trident 'zzzzzzzz'; `senex tridents` lists them"),
    ],
)
def test_a_trident_that_is_not_named(typed: str, told: str) -> None:
    assert sentence(trident_named(typed, IDS)) == told
