"""One day at 10:31 as the console is shown it: each slice of a snapshot, to be changed by a scene."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

from core.domain.market.judgement import Direction, Factor, Judgement, Regime
from core.domain.operation.reasons import Reason, refuse
from core.snapshot import (
    AttemptView,
    Automation,
    BreakerView,
    CycleSlice,
    EngineState,
    FillView,
    Freshness,
    Health,
    LegView,
    Level,
    MessageView,
    Mode,
    OrderView,
    PartHealth,
    QuoteSlice,
    SlotState,
    SlotView,
    SpreadSlice,
    StatusSlice,
    StepState,
    StepView,
)

NOW = datetime(2025, 11, 20, 15, 31, 41, tzinfo=UTC)  # 10:31:41 ET
NEXT = datetime(2025, 11, 20, 15, 45, tzinfo=UTC)
OK = PartHealth(Health.OK)
STEPS = ("entry today", "market", "account", "attempts", "risk", "price", "send", "record", "notify")


def status(**changes: object) -> StatusSlice:
    base = StatusSlice(
        mode=Mode.DEMO,
        engine=EngineState.RUNNING,
        now=NOW,
        speed=1.0,
        automation=Automation.ACTIVE,
        automation_detail="",
        feed=OK,
        feed_age_s=0,
        broker=OK,
        records=OK,
        market="open",
        next_slot=NEXT,
        accounts="1 account on",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def _day(start: float, swing: float) -> tuple[tuple[int, float], ...]:
    return tuple(
        (s, round(start + swing * (math.sin(s / 900) + 0.35 * math.sin(s / 170) + s / 4000), 2))
        for s in range(0, 3700, 15)
    )


def quotes(freshness: Freshness = Freshness.LIVE, age_s: int = 0) -> tuple[QuoteSlice, ...]:
    spx, qqq = _day(6690.0, 6.0), _day(620.6, 0.9)
    return (
        QuoteSlice(
            "SPX", D("6702.35"), D("14.20"), D("0.21"), None, None, age_s, freshness, D("6684.02"), D("6708.90"),
            tuple(p for _, p in spx[::3]), spx,
        ),
        QuoteSlice(
            "QQQ", D("621.84"), D("-1.03"), D("-0.17"), D("621.83"), D("621.85"), age_s, freshness,
            D("619.20"), D("623.41"), tuple(p for _, p in qqq[::3]), qqq,
        ),
    )  # fmt: skip


def legs(age_s: int | None = 1) -> tuple[LegView, ...]:
    rows = (
        ("short put", "Sell to Open", "622", "P", 2, "5.10", "5.16"),
        ("long put", "Buy to Open", "619", "P", 2, "3.96", "4.02"),
        ("short call", "Sell to Open", "622", "C", 1, "7.20", "7.28"),
        ("long call", "Buy to Open", "625", "C", 1, "5.44", "5.50"),
    )
    return tuple(
        LegView(role, action, D(k), right, n, D(bid), D(ask), (D(bid) + D(ask)) / 2, age_s)
        for role, action, k, right, n, bid, ask in rows
    )


def spread(**changes: object) -> SpreadSlice:
    base = SpreadSlice(
        underlying="QQQ",
        expiration=date(2026, 1, 2),
        dte=43,
        strikes="622P/619P 622C/625C",
        body=D(622),
        width=D(3),
        legs=legs(),
        live=True,
        natural=D("3.86"),
        mid=D("4.10"),
        limit=D("4.06"),
        offset=D("0.04"),
        floored=False,
        max_risk_natural=D("214"),
        max_risk_mid=D("190"),
        max_risk_limit=D("194"),
        fill_credit=None,
        max_risk_fill=None,
        verdict="passed",
        reason="",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def judgements() -> tuple[Judgement, ...]:
    qqq = (
        Factor("IV rank", "41.0", D("8.0")),
        Factor("ADX", "18.4", D(10)),
        Factor("HV/IV", "0.74", D(15)),
        Factor("direction", "bearish", D(8)),
        Factor("stress", "12", D(10)),
        Factor("Bollinger", "inside", D(5)),
        Factor("RSI", "38.2", D(-5)),
    )
    spx = (
        Factor("IV rank", "12.5", D("-10.0")),
        Factor("ADX", "33.1", D(-20)),
        Factor("HV/IV", "1.31", D(-8)),
        Factor("direction", "strong bullish", D(-5)),
        Factor("stress", "15", D(10)),
        Factor("Bollinger", "at or beyond a band", D(-5)),
        Factor("RSI", "71.8", D(-15)),
    )
    low = refuse(Reason.LOW_SCORE, symbol="SPX", score=D(0), needed=D(40))
    return (
        Judgement("QQQ", None, D(101), D(40), qqq, Direction.BEARISH, D(12), Regime.NONE),
        Judgement("SPX", low, D(0), D(40), spx, Direction.STRONG_BULLISH, D(15), Regime.BULL),
    )


def steps(now: int, detail: str = "", state: StepState = StepState.NOW) -> tuple[StepView, ...]:
    """The steps of a cycle standing at step `now`; `len(STEPS)` means all done."""
    return tuple(
        StepView(name, StepState.DONE if i < now else state if i == now else StepState.TODO, detail if i == now else "")
        for i, name in enumerate(STEPS)
    )


def cycle(**changes: object) -> CycleSlice:
    base = CycleSlice(
        number=3,
        slot=NOW.replace(minute=30, second=0),
        forced=False,
        running=True,
        attempt=2,
        max_attempts=3,
        steps=steps(3, "QQQ: waiting for leg quotes"),
        elapsed_s=101,
        outcome="",
        reason_code="",
        reason="",
        previous="10:15 skipped: SPX scores 31; 40 needed",
        next_slot_in_s=799,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


DONE = cycle(
    running=False,
    steps=steps(len(STEPS)),
    outcome="succeeded",
    reason="order 4471 acknowledged",
    elapsed_s=9,
    attempt=1,
)


def attempts() -> tuple[AttemptView, ...]:
    stale = "QQQ   260102P00619000 quote is 34 s old; at most 30 s"
    at = NOW.replace(minute=30, second=5)
    return (
        AttemptView(2, 1, at - timedelta(minutes=15), "QQQ", None, None, None, "REFUSED", "low_score",
                    "QQQ scores 31; 40 needed"),
        AttemptView(3, 1, at, "QQQ", D("4.08"), D("3.84"), None, "RETRY", "leg_stale", stale),
        AttemptView(3, 2, at + timedelta(seconds=75), "QQQ", D("4.10"), D("3.86"), D("4.06"), "NOW", "", ""),
    )  # fmt: skip


def order(**changes: object) -> OrderView:
    base = OrderView(
        entry_id="e1",
        order_id="4471",
        account="…4021",
        underlying="QQQ",
        expiration=date(2026, 1, 2),
        strikes="622/3",
        limit=D("4.06"),
        state="working",
        broker_status="Live",
        filled_contracts=0,
        total_contracts=6,
        fill_credit=None,
        fills=(),
        at=NOW - timedelta(seconds=21),
        age_s=21,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def filled_order() -> OrderView:
    fills = tuple(
        FillView(
            f"{leg.action.split()[0].lower()} {leg.strike}{leg.right}",
            D(leg.quantity),
            leg.mid or D(0),
            NOW - timedelta(seconds=9),
        )
        for leg in legs()
    )
    return order(state="filled", broker_status="Filled", filled_contracts=6, fill_credit=D("4.08"), fills=fills)


def schedule(now: int = 3) -> tuple[SlotView, ...]:
    """21 slots from 09:45; slot `now` is running, the one after it next."""
    first = datetime(2025, 11, 20, 14, 45, tzinfo=UTC)
    told = (
        ("failed", "QQQ quote is 34 s old; at most 30 s"),
        ("skipped", "QQQ scores 31; 40 needed"),
        ("", "automation is paused"),
    )
    views = []
    for i in range(21):
        at = first + timedelta(minutes=15 * i)
        if i < now:
            outcome, reason = told[i % 3]
            views.append(SlotView(at, SlotState.DONE if outcome else SlotState.MISSED, outcome, reason))
        else:
            state = SlotState.RUNNING if i == now else SlotState.NEXT if i == now + 1 else SlotState.TO_COME
            views.append(SlotView(at, state, "", ""))
    return tuple(views)


def messages() -> tuple[MessageView, ...]:
    rows = (
        (Level.CRITICAL, "broker", "session refreshed after HTTP 401"),
        (Level.WARNING, "pricing", "the call spread's natural credit is -0.12"),
        (Level.WARNING, "quotes", "QQQ leg quote is 34 s old; trying again in 5 s"),
        (Level.INFO, "cycle", "cycle 3, attempt 2 of 3 began"),
    )
    return tuple(
        MessageView(i + 1, NOW - timedelta(seconds=600 - 190 * i), level, source, text)
        for i, (level, source, text) in enumerate(rows)
    )


EVIDENCE = "first complete read 10:31:10: not there; second due in 0:18"


def unknown_order(**changes: object) -> OrderView:
    base = order(
        order_id="",
        strikes="622P/619P/622C/625C",
        state="unknown",
        broker_status="",
        at=NOW - timedelta(seconds=161),
        age_s=161,
        detail="the broker's answer did not come within 10 s",
        evidence=EVIDENCE,
        identifier="senex-7f3a9c",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def breaker(**changes: object) -> BreakerView:
    base = BreakerView(
        "login", "primary", "the broker refused login primary 2 times",
        "mend the credentials, then `senex reset login`; the broker blocks repeated bad logins", NOW,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]
