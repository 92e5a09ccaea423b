"""The panel of figures: each beside its target, whole in both forms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.orders.order_states import OrderState
from core.domain.reporting.figures import SessionFigures, figures_of
from tests.support.record_samples import ACCOUNT, entry
from widgets.base.lines import Line, Tone, plain
from widgets.figures_panel import TWO_COLUMNS_FROM, FiguresPanel

MONDAY = date(2026, 3, 2)
RATES = 9
"""Lines of the figures, the line that names the column of targets included."""


def figures(*reasons: Reason | None) -> SessionFigures:
    """A session for each: a validated order, or this reason."""
    runs = [
        AccountRun(
            n, ACCOUNT, MONDAY + timedelta(days=n), Outcome.SUCCEEDED if reason is None else outcome_for(reason),
            "" if reason is None else reason.code, "", 2, True, 3 if reason is Reason.LEG_CROSSED else 0,
            8_100 if reason is None else None,
        )
        for n, reason in enumerate(reasons)
    ]  # fmt: skip
    return figures_of([run.day for run in runs], runs, (), {})


def rows(of: SessionFigures, width: int) -> list[Line]:
    return list(FiguresPanel().draw(of, width, 40).lines[:RATES])


@pytest.mark.parametrize("width", [78, TWO_COLUMNS_FROM])
def test_the_targets_stand_beside_the_figures(width: int) -> None:
    shown = [plain([row])[:58].rstrip() for row in rows(figures(*[None] * 9, Reason.LEG_CROSSED), width)]
    assert shown == [
        "                       target",
        "success        90.0 %  > 90 %  9 of 10 tradable days",
        "retries       100.0 %  < 20 %  10 of 10 priced cycles",
        "skipped          none  < 50 %  in 10 chances to trade",
        "failed         10.0 %          1 of 10 chances to trade",
        "risk refusals    none          in 9 priced chances",
        "execution       8.1 s  < 30 s  p95, median 8.1 s, of 9",
        "rejections          3  0       a day at most, newest 3",
        "slippage           --          nothing filled",
    ]


def test_a_figure_that_misses_its_target_is_marked() -> None:
    tones = {row[0][0].strip(): row[1][1] for row in rows(figures(*[None] * 9, Reason.LEG_CROSSED), 78)}
    assert tones == {
        "": Tone.DIM,
        "success": Tone.WARN,
        "retries": Tone.WARN,
        "skipped": Tone.GOOD,
        "failed": Tone.STRONG,
        "risk refusals": Tone.STRONG,
        "execution": Tone.GOOD,
        "rejections": Tone.WARN,
        "slippage": Tone.STRONG,
    }


def test_a_mean_of_half_cents_is_shown_to_the_half_cent() -> None:
    some = replace(figures(None), fills=3, mean_slippage=Decimal("-0.0083"), worst_slippage=Decimal("-0.015"))
    shown = plain([rows(some, 78)[-1]])
    assert shown.rstrip() == "slippage        -0.01          mean, worst -0.015, of 3"


def test_today_is_not_over_while_its_order_works() -> None:
    run = AccountRun(1, ACCOUNT, MONDAY, Outcome.SUCCEEDED, "", "", 1, True, 0, 8_100)
    working = replace(entry(), state=OrderState.WORKING)
    told = plain(FiguresPanel().draw(figures_of([MONDAY], [run], [working], {}, running=MONDAY), 78, 40).lines)
    assert "1 open" in told
    assert "not over" in told
    assert "traded" not in told
