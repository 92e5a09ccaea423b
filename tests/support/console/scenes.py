"""The engine double of the console's tests: a client that shows what it is given and records what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D
from typing import TypeVar

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason
from core.domain.reporting.figures import AccountRun, SessionFigures, figures_of
from core.records.records import Records
from core.snapshot import (
    AlertView,
    Automation,
    CommandView,
    EngineNotRunning,
    EngineState,
    Freshness,
    Health,
    Mode,
    PartHealth,
    Reentry,
    Snapshot,
    StepState,
)
from tests.support.console.account_slices import ACCOUNTS, LOGINS
from tests.support.console.slices import (
    DONE,
    EVIDENCE,
    NEXT,
    NOW,
    OK,
    STEPS,
    attempts,
    breaker,
    cycle,
    filled_order,
    judgements,
    legs,
    messages,
    order,
    quotes,
    schedule,
    spread,
    status,
    steps,
    unknown_order,
)

Found = TypeVar("Found")

__all__ = [
    "DONE",
    "EVIDENCE",
    "NEXT",
    "NOW",
    "OK",
    "STEPS",
    "attempts",
    "breaker",
    "cycle",
    "filled_order",
    "judgements",
    "legs",
    "messages",
    "order",
    "quotes",
    "schedule",
    "spread",
    "status",
    "steps",
    "unknown_order",
]


async def _asked(question: Callable[[Records], Awaitable[Found]], records: Records) -> Found:
    return await question(records)


class FixedEngine:
    """Never changes by itself. With `answers`, a sent command is settled at the next snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        answers: CommandState | None = None,
        answer: str = "",
        records: Records | None = None,
    ) -> None:
        self.current = snapshot
        self.sent: list[CommandKind] = []
        self.about: list[tuple[str, str]] = []
        self.answers = answers
        self.answer = answer
        self.snapshots = 0
        self.records = records

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

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """Asks the real records it was given; without any there is no engine to ask."""
        answer: Future[Found] = Future()
        if self.records is None:
            answer.set_exception(EngineNotRunning("the engine is not running"))
            return answer
        return asyncio.run_coroutine_threadsafe(_asked(question, self.records), asyncio.get_running_loop())

    def settle(self, state: CommandState, text: str) -> None:
        """The newest command gets its answer."""
        *older, last = self.current.commands
        self.current = replace(self.current, commands=(*older, replace(last, state=state, text=text)))

    def status(self, **changes: object) -> None:
        self.current = replace(self.current, status=replace(self.current.status, **changes))  # type: ignore[arg-type]


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


def unknown() -> Snapshot:
    """The answer to a send was lost."""
    return replace(calm(), orders=(unknown_order(),), spread=spread(verdict="unknown"))


def day_closed() -> Snapshot:
    """The operator cancelled the entry of the day."""
    ended = order(state="cancelled", broker_status="Cancelled", reentry=Reentry.CLOSED)
    return replace(calm(), orders=(ended,), spread=spread(verdict="cancelled"))


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


def alert(**changes: object) -> AlertView:
    base = AlertView(
        7, "no_trade", "critical", "…4021",
        "…4021: no trade in 5 sessions on which nothing forbade one, the last on 2025-11-19: feed_down",
        NOW - timedelta(hours=18), "",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def session_figures() -> SessionFigures:
    """Twenty sessions of two accounts: one trades on most days, the other has trouble in the end."""
    first = date(2025, 10, 23)
    days = [day for n in range(29) if (day := first + timedelta(days=n)).weekday() < 5][:20]
    runs = []
    for number, day in enumerate(days, 1):
        for account, trouble in (("…4021", number > 15), ("…8830", False)):
            reason = Reason.FEED_DOWN if trouble else (None, Reason.LOW_SCORE, None, Reason.POSITION_LIMIT)[number % 4]
            outcome = Outcome.SUCCEEDED if reason is None else outcome_for(reason)
            refusals = 3 if number % 7 == 0 else 0
            runs.append(
                AccountRun(
                    number, account, day, outcome, reason.code if reason else "", "", 2 if refusals else 1,
                    reason is not Reason.LOW_SCORE, refusals, None if reason else 6_000 + 137 * number,
                )
            )  # fmt: skip
    return replace(figures_of(days, runs, (), {}), fills=17, mean_slippage=D("-0.0218"), worst_slippage=D("-0.11"))


def alerted() -> Snapshot:
    """Two alerts are open; nobody has seen the critical one."""
    retries = alert(
        id=8, code="retry_rate", severity="warning", whom="", seen_by="ada at a shell",
        text="5 of 16 cycles that reached pricing needed more than one attempt (31.2 %); the limit is 30 %",
    )  # fmt: skip
    return replace(calm(), status=status(open_alerts=2), alerts=(alert(), retries), figures=session_figures())


def rejected() -> Snapshot:
    """The broker refused the order of the day."""
    why = "the broker refused it (422 margin_check_failed): Account would have insufficient buying power."
    refused = order(state="rejected", broker_status="Rejected", order_id="", detail=why)
    ended = cycle(
        running=False, attempt=1, steps=steps(6, why, StepState.FAILED), outcome="failed", reason=why,
        reason_code="order_rejected", elapsed_s=4,
    )  # fmt: skip
    return replace(calm(), cycle=ended, orders=(refused,), spread=spread(verdict="rejected", reason=why))


def reached() -> Snapshot:
    """Four accounts of three logins, one of them refused and one not asked yet."""
    return replace(calm(), accounts=ACCOUNTS, logins=LOGINS)


def reconciling() -> Snapshot:
    asked = status(automation=Automation.RECONCILING, automation_detail="asked by ada at the console")
    return replace(calm(), status=asked)


SCENES = {
    "unknown": unknown,
    "day_closed": day_closed,
    "halted": halted,
    "clock": stopped_by_clock,
    "reconciling": reconciling,
    "rejected": rejected,
    "alerted": alerted,
    "reached": reached,
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
