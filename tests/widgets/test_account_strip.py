"""A row for each account: what its day came to, what comes next, what it holds and is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from core.domain.operation.amounts import dollars, signed_dollars
from core.snapshot import AccountNow
from tests.support.console import scenes
from widgets.account_strip import AccountStrip, account_line, strip_view
from widgets.base.lines import Tone, plain, width_of


def now_of(scene: str) -> AccountNow:
    return scenes.SCENES[scene]().accounts_now[0]


def line(now: AccountNow, width: int = 196) -> str:
    return plain((account_line(now, width),))


def test_a_filled_account_says_its_fill_its_profit_and_that_it_is_done() -> None:
    now = now_of("targets")
    assert now.fate is not None
    assert line(now).startswith(f"…0001  {now.fate.words}, {signed_dollars(now.profit)}, done today   2 open ")


def test_an_account_that_is_free_says_its_next_slot() -> None:
    assert line(now_of("next_morning")).startswith("…0001  next 09:45, free to enter")
    rejected = line(now_of("rejected"), 196)
    assert "REJECTED: " in rejected
    assert ", next 10:45, free to enter" in rejected


@pytest.mark.parametrize(
    ("scene", "told"),
    [("calm", "WORKING "), ("unknown", "UNKNOWN: "), ("paused", "PAUSED by ada"), ("retrying", "a cycle is running")],
)
def test_what_stands_is_told_first(scene: str, told: str) -> None:
    assert line(now_of(scene)).startswith(f"…0001  {told}")


def test_it_tells_of_targets_of_what_closed_today_and_of_its_worth() -> None:
    now = now_of("part")
    assert (now.ended, now.targets) == (1, 5)
    assert now.realized is not None
    text = line(now)
    for told in (
        f"today ~{signed_dollars(now.realized)}, 1 closed",
        "5 targets rest",
        f"net liq {dollars(now.net_liquidation)}  buying power {dollars(now.buying_power)}",
    ):
        assert told in text, told


def test_exits_that_are_held_are_told_before_all_else_that_it_holds() -> None:
    held = replace(now_of("targets"), exits_stopped="exits HELD by ada: lunch")
    parts = account_line(held, 118)
    assert "done today   exits HELD by ada: lunch   2 open" in plain((parts,))
    assert ("exits HELD by ada: lunch", Tone.WARN) in parts


@pytest.mark.parametrize("width", [58, 78, 118, 168, 198])
def test_no_row_is_wider_than_the_terminal_and_none_cuts_a_word_of_a_shipped_scene(width: int) -> None:
    for name, scene in scenes.SCENES.items():
        view = strip_view(scene())
        for now, as_of in zip(view.accounts, view.as_of, strict=True):
            row = account_line(now, width, as_of)
            assert width_of(row) <= width, name
            assert "…" not in plain((row,)).replace(now.account, ""), (name, plain((row,)))


def test_a_figure_that_grows_pushes_nothing_out() -> None:
    now = now_of("targets")
    assert now.held_profit is not None
    for width in range(60, 200, 4):
        small, big = (line(replace(now, profit=D(p), held_profit=D(p)), width) for p in ("-9.00", "-99.00"))
        kinds = [[word for word in ("open", "rest", "net liq") if word in text] for text in (small, big)]
        assert len(kinds[0]) - len(kinds[1]) <= 1


def test_several_accounts_have_a_row_each_and_those_out_of_sight_are_counted() -> None:
    view = strip_view(scenes.SCENES["reached"]())
    accounts = view.accounts
    assert len(accounts) == 4
    whole = AccountStrip().draw(view, 118, 4)
    assert [row.split()[0] for row in plain(whole.lines).splitlines()] == [now.account for now in accounts]
    part = AccountStrip().draw(view, 118, 2)
    assert plain(part.lines).splitlines()[0].startswith(f"1/4 {accounts[0].account}")


READ_AT = datetime(2026, 11, 19, 15, 29, tzinfo=UTC)


def drawn(account: AccountNow, age: timedelta, *, speed: float = 1, width: int = 196) -> str:
    """The row of an account whose balances are so old."""
    shown = scenes.SCENES["targets"]()
    read = replace(account, balances_at=READ_AT)
    status = replace(shown.status, now=READ_AT + age, speed=speed)
    view = strip_view(replace(shown, status=status, accounts_now=(read,)))
    return plain(AccountStrip().draw(view, width, 1).lines)


def test_old_balances_say_of_when_they_are() -> None:
    now = now_of("targets")
    worth = f"net liq {dollars(now.net_liquidation)}  buying power {dollars(now.buying_power)}"
    assert drawn(now, timedelta(minutes=10)).endswith(f"   {worth}")
    assert drawn(now, timedelta(minutes=10, seconds=1)).endswith(f"   {worth}  as of 10:29")
    assert drawn(now, timedelta(days=1)).endswith("  as of Nov 19")
    assert drawn(now, timedelta(minutes=600), speed=60).endswith(f"   {worth}"), "minutes of the operator's clock"
    assert "as of" not in drawn(replace(now, net_liquidation=None, buying_power=None), timedelta(days=1))


def test_no_old_balance_stands_without_its_time_however_narrow_the_row_is() -> None:
    for width in range(58, 200):
        row = drawn(now_of("targets"), timedelta(hours=1), width=width)
        assert ("net liq" in row) == ("as of 10:29" in row), width
