"""The engine double of the console's tests: a client that shows what it is given and records what it is sent."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

from core.domain.commands import CommandKind, CommandState
from core.domain.judgement import Direction, Factor, Judgement, Regime
from core.domain.reasons import Reason, refuse
from core.snapshot import (
    AttemptView,
    Automation,
    BreakerView,
    CommandView,
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
    Reentry,
    SlotState,
    SlotView,
    Snapshot,
    SpreadSlice,
    StatusSlice,
    StepState,
    StepView,
)

NOW = datetime(2025, 11, 20, 15, 31, 41, tzinfo=UTC)  # 10:31:41 ET
NEXT = datetime(2025, 11, 20, 15, 45, tzinfo=UTC)
OK = PartHealth(Health.OK)
STEPS = ("entry today", "market", "account", "attempts", "risk", "price", "send", "record", "notify")


class FixedEngine:
    """Never changes by itself. With `answers`, a sent command is settled at the next snapshot."""

    def __init__(self, snapshot: Snapshot, *, answers: CommandState | None = None, answer: str = "") -> None:
        self.current = snapshot
        self.sent: list[CommandKind] = []
        self.about: list[tuple[str, str]] = []
        self.answers = answers
        self.answer = answer
        self.snapshots = 0

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return self.current

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        self.sent.append(kind)
        self.about.append((target, note))
        number = f"c{len(self.sent)}"
        state = self.answers or CommandState.PENDING
        view = CommandView(number, kind, state, self.answer)
        self.current = replace(self.current, commands=(*self.current.commands, view))
        return number

    def settle(self, state: CommandState, text: str) -> None:
        """The newest command gets its answer."""
        *older, last = self.current.commands
        self.current = replace(self.current, commands=(*older, replace(last, state=state, text=text)))

    def status(self, **changes: object) -> None:
        self.current = replace(self.current, status=replace(self.current.status, **changes))  # type: ignore[arg-type]


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


def calm() -> Snapshot:
    """Automation on, between two slots, an order working."""
    return Snapshot(
        status(), quotes(), DONE, spread(verdict="working"), judgements(), attempts()[:1], (order(),), schedule(),
        messages(),
    )  # fmt: skip


def retrying() -> Snapshot:
    return replace(calm(), cycle=cycle(), spread=spread(verdict="pricing", limit=None, max_risk_limit=None),
                   attempts=attempts(), orders=())  # fmt: skip


def stale() -> Snapshot:
    silent = PartHealth(Health.TROUBLE, "no event for 41 s")
    return replace(
        calm(),
        status=status(feed=silent, feed_age_s=41),
        quotes=quotes(Freshness.STALE, 41),
        spread=spread(legs=legs(41), verdict="refused", reason="QQQ quote is 41 s old; at most 30 s"),
    )


def quiet() -> Snapshot:
    return replace(calm(), quotes=quotes(Freshness.QUIET, 12))


def paused() -> Snapshot:
    return replace(calm(), status=status(automation=Automation.PAUSED, automation_detail="by operator 10:29"))


def filled() -> Snapshot:
    return replace(
        calm(), orders=(filled_order(),), spread=spread(verdict="filled", fill_credit=D("4.08"), max_risk_fill=D("192"))
    )


def refused() -> Snapshot:
    reason = "max risk 214 $ is above the budget of 180 $"
    ended = cycle(
        running=False, attempt=1, steps=steps(4, reason, StepState.FAILED), outcome="skipped", reason=reason,
        reason_code="risk_above_budget", elapsed_s=6,
    )  # fmt: skip
    return replace(calm(), cycle=ended, orders=(), spread=spread(verdict="refused", reason=reason))


def closed() -> Snapshot:
    none_yet = cycle(
        number=0, slot=None, running=False, attempt=0, steps=(), elapsed_s=0, previous="", next_slot_in_s=None
    )
    shut = status(market="closed", next_slot=None, feed_age_s=None)
    return Snapshot(shut, quotes(Freshness.STALE, 9000), none_yet, messages=messages()[:1])


def starting() -> Snapshot:
    waiting = PartHealth(Health.STARTING)
    return Snapshot(
        status(
            engine=EngineState.STARTING, now=None, automation=Automation.RECONCILING, feed=waiting, feed_age_s=None,
            broker=waiting, records=waiting, market="unreadable", next_slot=None, accounts="",
        )
    )  # fmt: skip


def failed() -> Snapshot:
    return replace(
        calm(),
        status=status(
            engine=EngineState.FAILED,
            failure="the records cannot be written: disk full",
            records=PartHealth(Health.DOWN),
        ),
    )


def live() -> Snapshot:
    return replace(calm(), status=status(mode=Mode.LIVE))


def fast() -> Snapshot:
    return replace(calm(), status=status(speed=60.0))


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


def unknown() -> Snapshot:
    """The answer to a send was lost."""
    return replace(calm(), orders=(unknown_order(),), spread=spread(verdict="unknown"))


def day_closed() -> Snapshot:
    """The operator cancelled the entry of the day."""
    ended = order(state="cancelled", broker_status="Cancelled", reentry=Reentry.CLOSED)
    return replace(calm(), orders=(ended,), spread=spread(verdict="cancelled"))


def breaker(**changes: object) -> BreakerView:
    base = BreakerView(
        "login", "primary", "the broker refused login primary 2 times",
        "mend the credentials, then `senex reset login`; the broker blocks repeated bad logins", NOW,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def halted() -> Snapshot:
    """Halted by the operator, with a breaker of an account beside it."""
    why = "margin call (ada at a shell since 10:29 ET); `senex reset halt` ends it"
    mismatch = breaker(
        code="mismatch", whom="…4021", why="the broker holds 1 of a leg, the records 2",
        reset="settle it at the broker, then `senex reset mismatch`",
    )  # fmt: skip
    stopped = status(automation=Automation.HALTED, automation_detail=why)
    return replace(calm(), status=stopped, orders=(), breakers=(mismatch,))


def stopped_by_clock() -> Snapshot:
    """A global breaker: its words are the automation's too."""
    clock = breaker(
        code="clock", whom="", why="the clock is +3.1 s off the broker's",
        reset="resets by itself when the clock is within 2 s of the broker's again",
    )  # fmt: skip
    stopped = status(automation=Automation.HALTED, automation_detail=f"{clock.why}; {clock.reset}")
    return replace(calm(), status=stopped, orders=(), breakers=(clock,))


def reconciling() -> Snapshot:
    asked = status(automation=Automation.RECONCILING, automation_detail="asked by ada at the console")
    return replace(calm(), status=asked)


SCENES = {
    "unknown": unknown,
    "day_closed": day_closed,
    "halted": halted,
    "clock": stopped_by_clock,
    "reconciling": reconciling,
    "calm": calm,
    "retrying": retrying,
    "stale": stale,
    "quiet": quiet,
    "paused": paused,
    "filled": filled,
    "refused": refused,
    "closed": closed,
    "starting": starting,
    "failed": failed,
    "live": live,
    "fast": fast,
}
