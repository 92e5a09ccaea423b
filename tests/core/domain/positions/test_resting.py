"""What rests at the broker is told in one way wherever exits stop."""

from __future__ import annotations

import pytest

from core.domain.positions.resting import Resting, leaving_words, resting_words, staying_words

NINE = Resting(tuple(str(number) for number in range(101, 128)), targets=27, tridents=9)


def test_what_rests_is_named_wherever_exits_stop() -> None:
    assert resting_words(Resting()) == leaving_words(Resting()) == staying_words(Resting()) == ""
    assert leaving_words(Resting(("71", "72", "73"), 3, 1)) == (
        "3 closing orders rest at the broker (71, 72, 73) and go on without a console; "
        "`senex exits cancel` beside a running one ends them"
    )
    assert leaving_words(Resting(("71",), 1, 1)) == (
        "1 closing order rests at the broker (71) and goes on without a console; "
        "`senex exits cancel` beside a running one ends it"
    )
    assert staying_words(Resting(("71", "72"), 2, 1)) == (
        "2 closing orders rest at the broker (71, 72) and stay; `senex exits cancel` cancels them"
    )


@pytest.mark.parametrize("words", [resting_words, leaving_words, staying_words])
def test_many_orders_are_counted_by_their_tridents_and_not_spelled_out(words: object) -> None:
    assert callable(words)
    told = words(NINE)
    assert told.startswith("27 targets of 9 tridents rest at the broker")
    assert "101" not in told
    assert len(told) < 140


def test_other_closing_orders_among_them_are_not_called_targets() -> None:
    assert resting_words(Resting(NINE.orders, 26, 9)) == "27 closing orders of 9 tridents rest at the broker"


def test_orders_of_tridents_that_nobody_counted_are_named() -> None:
    """On the terminal, beside the account that they are of."""
    assert "(101, 102, " in resting_words(Resting(NINE.orders))
