"""A trident with closing orders, as the console is shown it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

from core.snapshot import ExitsView, ExitView, Mode, Snapshot, TridentExits, UnitView
from tests.support.console import parts

EXITS = TridentExits(
    state="targets resting",
    units=(
        UnitView("put-1", "closed at 0.72 on Wed 3 Dec by a target"),
        UnitView("put-2", "whole, target at 0.48 (order 72)"),
        UnitView("call", "whole, target at 1.02 (order 73)"),
    ),
    next="time exit Fri 12 Dec 10:00",
    realized=D("48.00"),
    unrealized_mid=D("45.00"),
    unrealized_natural=D("28.00"),
    worst_case=D("38.00"),
    close_mid=D("2.45"),
    close_natural=D("2.62"),
    legs="Buy to Close 1 622P, Sell to Close 1 617P, Buy to Close 1 622C, Sell to Close 1 627C",
    resting=("72", "73"),
)
UNKNOWN = ExitView(
    exit_id="x9",
    trident_id=parts.position().entry_id,
    order_id="",
    account="…0001",
    underlying="QQQ",
    strikes="622P/617P/622C/627C",
    name="target of call",
    debit=D("1.02"),
    state="unknown",
    told="UNKNOWN: the broker may have it or not; its units get no order",
    claims=True,
    at=parts.order().at,
    age_s=40,
)
WORKS = replace(UNKNOWN, exit_id="x8", order_id="72", name="target of put-2", debit=D("0.48"), state="working",
                told="WORKING 0.48, 0 of 2 filled")  # fmt: skip


def held(word: str = "on", why: str = "", *, mode: Mode = Mode.DEMO) -> Snapshot:
    shown = parts.holding(parts.position(exits=EXITS))
    status = replace(shown.status, exits=ExitsView(word, why, ("72", "73")), mode=mode)
    return replace(shown, status=status, exits=(UNKNOWN, WORKS))
