"""What keeps exits from being sent: each block alone, and the widest first."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.operation.breakers import BreakerKind, Scope
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState
from core.domain.positions.blocks import Barred, Block, BlockFacts, BlockScope, barred_by, blocks
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import UnitName
from tests.support.trident_views import ENTRY_DAY, TARGETS, VIEW, at, gone, of, target
from tests.support.tridents import CALL, PUT_1, PUT_2, SHORT_PUT

ALL_LEFT = tuple(UnitName)


def facts(*refusals: Refusal, **changes: Any) -> BlockFacts:
    return BlockFacts(**{"moment": ENTRY_DAY, "refusals": refusals, **changes})


def test_nothing_blocks_an_open_session_with_a_live_feed() -> None:
    assert blocks(VIEW, facts()) == ()
    assert barred_by(()) == ""


@pytest.mark.parametrize(
    ("refusal", "scope"),
    [
        (refuse(Reason.LOCK_LOST, detail="another has it"), BlockScope.ALL),
        (refuse(Reason.HALT_ALL_FILE, path="/d/HALT-ALL"), BlockScope.ALL),
        (refuse(Reason.CLOCK_OFF, off="3 s"), BlockScope.ALL),
        (refuse(Reason.RECORD_FAILED, detail="disk full"), BlockScope.ALL),
        (refuse(Reason.TOKEN_INVALID), BlockScope.ACCOUNT),
        (refuse(Reason.ACCOUNT_RESTRICTED, restriction="frozen"), BlockScope.ACCOUNT),
        (refuse(Reason.RECONCILING), BlockScope.ACCOUNT),
    ],
    ids=lambda one: one.code if isinstance(one, Refusal) else "",
)
def test_what_the_gate_refuses_blocks_all_units(refusal: Refusal, scope: BlockScope) -> None:
    found = blocks(VIEW, facts(refusal))
    assert found == (Block(scope, refusal.sentence(), ALL_LEFT),)
    assert barred_by([refusal]) == refusal.sentence()


@pytest.mark.parametrize(
    ("refusal", "settles", "is_passing"),
    [
        (refuse(Reason.RECONCILING), True, True),
        (refuse(Reason.ACCOUNT_UNREAD, limit_s="300"), True, True),
        (refuse(Reason.RECONCILING), False, False),
        (refuse(Reason.ACCOUNT_UNREAD, limit_s="300"), False, False),
        (refuse(Reason.EXITS_HELD), True, False),
    ],
)
def test_only_a_short_wait_to_be_read_passes_by_itself(refusal: Refusal, settles: bool, is_passing: bool) -> None:
    assert [one.is_passing for one in blocks(VIEW, facts(refusal, settles=settles))] == [is_passing]


@pytest.mark.parametrize("kind", BreakerKind)
def test_a_breaker_blocks_as_wide_as_it_is(kind: BreakerKind) -> None:
    refusal = refuse(Reason.BREAKER_OPEN, breaker=kind.code, why="w", reset="r")
    [found] = blocks(VIEW, facts(refusal))
    assert found.scope is (BlockScope.ALL if kind.scope is Scope.GLOBAL else BlockScope.ACCOUNT)


@pytest.mark.parametrize(
    ("view", "changes", "block"),
    [
        (
            of(hands_off=HandsOff.FOREIGN_CLOSE),
            {},
            Block(
                BlockScope.TRIDENT,
                "a close that is not ours works on it; it goes on when that order has ended",
                ALL_LEFT,
            ),
        ),
        (
            of(units=gone(PUT_2, SHORT_PUT)),
            {},
            Block(BlockScope.UNIT, "put-2 is broken, left: 619P", (PUT_2,)),
        ),
        (
            of(exits=(*TARGETS[:2], target(CALL, state=OrderState.UNKNOWN))),
            {},
            Block(BlockScope.UNIT, "nobody knows what an order of call does", (CALL,)),
        ),
        (
            of(agrees=False),
            {},
            Block(BlockScope.UNIT, "the broker's positions do not agree with the records", ALL_LEFT),
        ),
        (VIEW, {"moment": at("2025-12-01", "09:00")}, Block(BlockScope.MOMENT, "the market is closed", ALL_LEFT)),
        (VIEW, {"moment": at("2025-11-29", "12:00")}, Block(BlockScope.MOMENT, "the market is closed", ALL_LEFT)),
        (
            VIEW,
            {"feed_down": "silent for 16 s"},
            Block(BlockScope.MOMENT, "the quote feed is not live: silent for 16 s", ALL_LEFT, Barred.WALKS),
        ),
        (
            VIEW,
            {"first_set_waits": True},
            Block(BlockScope.ACCOUNT, "its first targets wait for one more `senex exits on`", ALL_LEFT, Barred.TARGETS),
        ),
    ],
)
def test_what_blocks_a_part(view: TridentView, changes: dict[str, Any], block: Block) -> None:
    found = blocks(view, facts(**changes))
    assert found == (block,)


@pytest.mark.parametrize("hands_off", set(HandsOff) - {HandsOff.NONE})
def test_every_hands_off_has_a_sentence(hands_off: HandsOff) -> None:
    [found] = blocks(of(hands_off=hands_off), facts())
    assert found.scope is BlockScope.TRIDENT
    assert " " in found.why


def test_the_widest_block_comes_first_and_is_the_one_told() -> None:
    view = of(units=gone(PUT_1, SHORT_PUT), hands_off=HandsOff.RELEASED)
    refused = (refuse(Reason.TOKEN_INVALID), refuse(Reason.LOCK_LOST, detail="another has it"))
    found = blocks(view, facts(*refused, moment=at("2025-11-29", "12:00"), first_set_waits=True))
    assert [one.scope for one in found] == [
        BlockScope.ALL,
        BlockScope.ACCOUNT,
        BlockScope.ACCOUNT,
        BlockScope.TRIDENT,
        BlockScope.UNIT,
        BlockScope.MOMENT,
    ]
    assert barred_by(refused).startswith("this console no longer holds the trader's lock")
    assert found[0].units == (PUT_2, CALL)


def test_a_trident_that_has_ended_is_blocked_by_nothing() -> None:
    assert blocks(of(phase=Phase.ENDED), facts(refuse(Reason.TOKEN_INVALID))) == ()
