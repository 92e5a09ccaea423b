"""A sample of the simulated days that `make soak` runs by the thousand (rules 13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.habits import Habits
from core.simulator.market.market import Market
from tests.core.simulator.exchange.placed_orders import at_mid
from tests.proofs.days import mutants, stored_plans
from tests.proofs.days.day import run_plan, run_seed
from tests.proofs.days.night_checks import check_books
from tests.proofs.days.plan import Plan, draw, draw_many
from tests.proofs.days.soak import Totals, seeds_for, shrink
from tests.proofs.days.trouble import Trouble
from tests.support.fresh_interpreter import in_fresh_interpreter
from tests.support.proofs import rounds
from tests.support.world import account, et

SAMPLE = rounds(20, 1000)
SHARES = rounds(2, 5)
"""The sample is split over so many tests, so that workers share it."""

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore:The garbage collector is trying"),  # connections of killed processes
]


@pytest.mark.proof
@pytest.mark.parametrize("share", range(SHARES))
def test_nothing_forbidden_happens_on_days_with_random_faults(share: int) -> None:
    totals, may_fill = Totals(), 0
    for seed in seeds_for(SAMPLE // SHARES, 10_000 * share):
        result = run_seed(seed)
        totals.add(result)
        may_fill += result.days if result.plan.fill_plan != "never" else 0
        assert not result.violations, "\n".join(shrink(draw(seed)).lines())
    assert totals.days >= SAMPLE // SHARES
    assert totals.entries.total() > may_fill / 5, "days on which nothing is entered prove nothing"


@pytest.mark.parametrize("seed", (18, 10, 3, 7, 8)[: rounds(1, 5)])
def test_the_same_seed_gives_the_same_journal_byte_for_byte(seed: int) -> None:
    """Also in a process that has run nothing before, where sets have another order."""
    first, second = run_seed(seed, journal=True), run_seed(seed, journal=True)
    elsewhere = in_fresh_interpreter(run_seed, seed, journal=True)
    assert first.troubles
    assert first.journal == second.journal
    assert first.journal == elsewhere.journal
    assert len(first.journal) > 10_000


def _calm(seed: int) -> Plan:
    """A day with one account, on which orders fill and only the faults that a test adds happen."""
    plan = draw(seed)
    return replace(
        plan,
        days=plan.days[:1],
        cash=plan.cash[:1],
        fill_plan="immediate",
        minimum_score=0,
        preflight=False,
        troubles=(),
    )


def _at_first_slot(plan: Plan, kind: str, *, after_s: float = -1.0, **what: object) -> Trouble:
    slot = plan.start + timedelta(minutes=20)
    return replace(Trouble(slot + timedelta(seconds=after_s), kind), **what)  # type: ignore[arg-type]


def test_without_the_rule_of_the_day_the_proof_fails() -> None:
    """Without the unique index and without the check before it, the records hold two entries of a day."""
    plan = replace(_calm(3), troubles=(_at_first_slot(_calm(3), FaultKind.ALERTS_LOST.value, count=3),))
    found = in_fresh_interpreter(mutants.violations_with, mutants.no_rule_of_the_day, plan)
    assert any("13.1" in text for text in found), found


def test_sending_while_paused_turns_it_red_and_is_shrunk_to_the_pause() -> None:
    calm = _calm(3)
    noise = _at_first_slot(calm, FaultKind.ALERTS_DUPLICATED.value, after_s=-60.0)
    pause = _at_first_slot(calm, "pause", after_s=-30.0, seconds=900.0)
    late = _at_first_slot(calm, "suspend", after_s=600.0, seconds=20.0)
    plan = replace(calm, troubles=(noise, pause, late))
    prefix = in_fresh_interpreter(mutants.shrunk_with, mutants.sends_while_paused, plan)
    assert "13.4" in prefix.violations[0]
    assert prefix.plan.troubles == (pause,)
    assert prefix.until < late.at
    assert f"SEED={calm.seed}" in next(iter(prefix.lines()))


def test_sending_an_unknown_entry_again_fails_the_proof() -> None:
    calm = _calm(3)
    lost = _at_first_slot(calm, FaultKind.REST_DROP_RESPONSE.value, word="POST /accounts")
    mute = _at_first_slot(calm, FaultKind.ALERTS_LOST.value, count=50)
    plan = replace(calm, troubles=(lost, mute))
    found = in_fresh_interpreter(mutants.violations_with, mutants.takes_unknown_for_not_sent, plan)
    assert any("13.5" in text for text in found), found


def test_a_state_whose_message_is_not_written_turns_it_red() -> None:
    calm = _calm(3)
    assert run_plan(calm).violations == []
    found = in_fresh_interpreter(mutants.violations_with, mutants.tells_nothing, calm)
    assert any("became filled and no message was written" in text for text in found), found


def test_an_order_before_the_comparison_with_the_broker_turns_it_red() -> None:
    found = in_fresh_interpreter(mutants.violations_with, mutants.trades_before_it_has_compared, _calm(3))
    assert any("before the records were compared with the broker" in text for text in found), found


_ODD = {
    "another price": (mutants.compares_nothing_with_what_was_asked, [(FaultKind.ORDERS_CHANGED_PRICE.value, "")],
                      "is not the order that was asked for"),
    "a twin": (mutants.folds_whatever_contradicts, [(FaultKind.ORDERS_TWIN.value, "")], "under its identifier are"),
    "a rival": (mutants.lets_strangers_be, [("fill plan", "never"), ("rival at our order", "senex-elsewhere")],
                "stopped nothing"),
    "a cancel there": (mutants.frees_the_day_of_any_cancel, [("fill plan", "never"), ("cancel at broker", "staff")],
                       "freed without an operator's word"),
    "forgotten": (mutants.never_takes_404_for_an_answer,
                  [("fill plan", "never"), (FaultKind.ORDERS_FORGOTTEN.value, "")], "without an order at the exchange"),
}  # fmt: skip
"""What happens at the broker, the fault in the product with which it breaks a rule, and what the proof says of it."""


@pytest.mark.parametrize("odd", list(_ODD)[: rounds(2, len(_ODD))])
def test_an_oddity_that_the_product_overlooks_turns_it_red(odd: str) -> None:
    broken, troubles, told = _ODD[odd]
    calm = _calm(3)
    late = {"cancel at broker": 60.0}
    plan = replace(
        calm,
        troubles=tuple(_at_first_slot(calm, kind, after_s=late.get(kind, -1.0), word=word) for kind, word in troubles),
    )
    found = in_fresh_interpreter(mutants.violations_with, broken, plan)
    assert any(told in text for text in found), found


def test_the_journal_does_not_tell_in_which_folder_the_days_ran() -> None:
    """Sentences about a full disk and about the HALT file name their files, and each run has another folder."""
    calm = _calm(3)
    slot = calm.start + timedelta(minutes=20)
    full = Trouble(slot - timedelta(seconds=1), "disk full", 120.0)
    halt = Trouble(slot + timedelta(minutes=10), "HALT file", 900.0)
    plan = replace(calm, troubles=(full, halt))
    first, second = run_plan(plan, journal=True), run_plan(plan, journal=True)
    assert b"the records file records.sqlite3 cannot grow because the disk is full" in first.journal
    assert b"the file HALT halts all entries" in first.journal
    assert first.journal == second.journal


def _candles_missing(plan: Plan, seconds: float) -> Plan:
    """The feed lacks the newest 10 sessions for so long (0: for good), from before the console of the day starts."""
    missing = Trouble(plan.start, FaultKind.MARKET_CANDLES_MISSING.value, seconds, word="*")
    return replace(plan, troubles=(missing, Trouble(plan.start + timedelta(seconds=10), "restart", 5.0)))


def test_no_order_is_sent_while_ten_sessions_have_no_candles() -> None:
    """Their market scored 96 instead of 83, and an order was sent."""
    calm = _calm(3)
    assert run_plan(calm).entries.total() == 1
    result = run_plan(_candles_missing(calm, 0.0), journal=True)
    assert (result.violations, result.entries.total()) == ([], 0)
    assert b"candles_missing" in result.journal
    assert b"without a gap up to" in result.journal


def test_candles_that_come_late_are_read_again_and_traded_on() -> None:
    calm = _calm(3)
    result = run_plan(_candles_missing(calm, 1800.0), journal=True)
    assert (result.violations, result.entries.total()) == ([], 1)
    assert b"candles_missing" in result.journal


def test_a_place_that_lies_turns_it_red() -> None:
    found = in_fresh_interpreter(mutants.violations_with, mutants.tells_runs_without_their_fate, _calm(3))
    assert any("13.8" in text for text in found), found


@pytest.mark.parametrize("name", stored_plans.names())
def test_plans_that_once_showed_violations_show_none(name: str) -> None:
    """An order was sent while the console was ending, and entries stayed prepared after a full disk."""
    assert run_plan(stored_plans.stored_plan(name)).violations == []


def test_a_plan_is_stored_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_plans, "FOLDER", tmp_path)
    for seed in range(20):
        stored_plans.store("plan", draw(seed))
        assert stored_plans.stored_plan("plan") == draw(seed)
    assert stored_plans.names() == ["plan"]


def test_half_of_the_plans_have_two_days_or_more() -> None:
    plans = [draw(seed) for seed in range(200)]
    assert sum(len(plan.days) > 1 for plan in plans) >= len(plans) / 2


def test_every_oddity_is_drawn() -> None:
    """What a thousand seeds draw has each kind that orders, other people and lost records can bring about."""
    drawn = {trouble.kind for seed in range(1000) for trouble in draw(seed).troubles}
    ours = {kind for kind in FaultKind if kind.name.startswith("ORDER")}
    assert drawn >= {kind.value for kind in ours - {FaultKind.ORDERS_GTC_DROPPED}}, (
        "no order of ours lasts over a night"
    )
    assert drawn >= {"rival", "rival at our order", "wipe", "records older", "records gone", "cancel at broker"}
    assert {draw(seed).clock_off_s > 0 for seed in range(200)} == {True, False}


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(rounds(1, 20)))
def test_nothing_forbidden_happens_over_many_sessions(seed: int) -> None:
    plan = draw_many(seed, rounds(8, 60))
    result = run_plan(plan)
    assert not result.violations, result.violations
    assert result.days == len(plan.days)


@pytest.mark.parametrize("closes", [True, False])
def test_an_account_trades_again_when_the_odd_legs_of_an_incident_are_closed_by_hand(closes: bool) -> None:
    plan = replace(_calm(4), days=draw_many(4, 4).days, position_limit=40, closes_odd_legs=closes)
    plan = replace(plan, start=draw_many(4, 4).start)
    result = run_plan(replace(plan, troubles=(_at_first_slot(plan, FaultKind.ORDERS_LEG_MISSING.value),)))
    assert not result.violations, result.violations
    assert result.entries["incident"] == 1
    assert result.entries["filled"] == (3 if closes else 0)


def test_many_sessions_are_drawn_with_every_habit_and_with_nights_that_are_saved() -> None:
    plans = [draw_many(seed, 20) for seed in range(60)]
    assert {(plan.saves, plan.closes_odd_legs) for plan in plans} == set(product((True, False), repeat=2))
    for name in Habits.__dataclass_fields__:
        assert len({getattr(plan.habits, name) for plan in plans}) > 1, name
    assert not draw_many(3, 20, calm=True).troubles
    assert all(len(plan.days) == 20 for plan in plans)


@pytest.mark.parametrize("harm", ["cash", "position", "expired"])
def test_wrong_books_are_told(harm: str) -> None:
    start = et("2026-11-23", "09:00")
    market = Market(7, start)
    exchange = Exchange(market, 7, [account("5WT00001")])
    exchange.fill_plan = "immediate"
    exchange.submit("5WT00001", at_mid(), et("2026-11-23", "10:00"))
    told: list[str] = []
    now = et("2026-11-24", "09:25")

    def check() -> list[str]:
        told.clear()
        check_books(exchange, market, {"5WT00001": Decimal(25_000)}, now, lambda item, text: told.append(text))
        return told

    exchange.advance(now)
    assert check() == []
    ledger = exchange.back_office.ledgers["5WT00001"]
    if harm == "cash":
        ledger.cash += Decimal("0.01")
    elif harm == "position":
        next(iter(ledger.true.holdings.values())).quantity += 1
    else:
        now = et("2027-01-11", "09:25")
        ledger.unsettled = lambda: False  # type: ignore[method-assign]  # no night settles it
        exchange.advance(now)
    assert any(
        {"cash": "$, and its", "position": "add up to", "expired": "still holds"}[harm] in text for text in check()
    )
