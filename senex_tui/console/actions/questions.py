"""The questions before forcing, resuming and quitting, with the facts that the operator reads. Made from a snapshot."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.domain.orders.next_step import Next
from core.domain.positions.resting import leaving_words
from core.snapshot import EngineState, Mode
from senex_tui.console.actions.permission import may_cancel_exits, why_not
from senex_tui.console.screens.cancel_instead import CancelInsteadQuestion
from senex_tui.console.screens.dialogs import Question, TypedQuestion
from widgets.alarms import by_whom, why_said
from widgets.base import format as figures
from widgets.base.fates import is_over, order_kind

if TYPE_CHECKING:
    from core.domain.orders.next_step import NextStep
    from core.snapshot import Snapshot

log = logging.getLogger(__name__)

QUIT_NAME = "quit-question"
FORCE_WORD, END_HALT_WORD = "force", "end"
ANSWER_S = 30.0
"""Wall seconds after which a dangerous question answers itself with no."""

_WHAT = {
    Mode.DEMO: "Runs one cycle now. The simulated broker gets the order; no money moves.",
    Mode.DRY_RUN: "Runs one cycle now. The broker validates the order; none is sent.",
    Mode.SANDBOX: "Runs one cycle now. An order may go to the broker's certification environment.",
    Mode.LIVE: "Runs one cycle now, with REAL MONEY: an order may be sent for every eligible account.",
}


def force_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    status = snapshot.status
    prices = "   ".join(f"{q.symbol} {figures.price(q.price)} ({q.freshness.value})" for q in snapshot.quotes)
    return [
        ("", _WHAT[status.mode]),
        ("", ""),
        ("mode", status.mode.upper()),
        ("account", status.accounts or "none"),
        ("underlying", prices or "no price yet"),
        *_coming(snapshot),
        ("", "It skips only the waiting; every check and limit applies."),
    ]


def _coming(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What comes next for each account, in the words of every other place."""
    several = len(snapshot.next_steps) > 1
    return [
        ("next", f"{each.account}  {each.step.words}" if several else each.step.words) for each in snapshot.next_steps
    ]


def force_question(snapshot: Callable[[], Snapshot]) -> Question:
    """Asks for y or n where no money moves, for a typed word in live."""
    title = "Force a cycle"
    before = snapshot()

    def over() -> str:
        now = snapshot()
        why = changed_since(before, now) or why_not("force", now, ())
        return f"No cycle can be forced by this: {why}." if why else ""

    if snapshot().status.mode is Mode.LIVE:
        prompt = f"Type {FORCE_WORD} and press Enter to go ahead."
        return TypedQuestion(title, lambda: force_facts(snapshot()), prompt, FORCE_WORD, expires_s=ANSWER_S, over=over)
    return Question(title, lambda: force_facts(snapshot()), "Force a cycle now? y/n", expires_s=ANSWER_S, over=over)


def changed_since(before: Snapshot, now: Snapshot) -> str | None:
    """Why an answer given to `before` no longer fits `now`; None when it does.

    A command is for the state that was seen (rules 10).
    """
    old = before.cycle.number if before.cycle else 0
    new = now.cycle.number if now.cycle else 0
    if new != old:
        return f"cycle {new} began while you were answering"
    if now.status.automation is not before.status.automation:
        return f"automation became {now.status.automation.value} while you were answering"
    return None


def resume_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Who paused, when and why, and what comes next for each account when it is over."""
    status = snapshot.status
    return [
        ("", "Scheduled cycles may enter orders again. Slots missed while paused are not run."),
        ("", ""),
        ("mode", status.mode.upper()),
        ("paused", status.automation_detail or "by the operator"),
        *(("next", f"{each.account}  {_once_resumed(each.step)}") for each in snapshot.next_steps),
    ]


def resume_question(snapshot: Callable[[], Snapshot]) -> Question:
    """Asks for y or n in every mode."""

    def over() -> str:
        why = why_not("resume", snapshot(), ())
        return f"There is nothing to resume: {why}." if why else ""

    return Question("Resume automation", lambda: resume_facts(snapshot()), "Resume? y/n", over=over)


def end_halt_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Who halted, when and why, and what ends with it."""
    status = snapshot.status
    return [
        ("", "Ends the halt, as `senex reset halt` does. The automation stays paused until it is resumed."),
        ("", ""),
        ("mode", status.mode.upper()),
        ("halted", f"by {by_whom(status)}"),
        ("why", why_said(status) or "no reason was given"),
    ]


def end_halt_question(snapshot: Callable[[], Snapshot]) -> TypedQuestion:
    """Asks for a typed word in every mode: whoever halted had a cause."""

    def over() -> str:
        why = why_not("end_halt", snapshot(), ())
        return f"There is no halt to end: {why}." if why else ""

    prompt = f"Is its cause gone? Type {END_HALT_WORD} and press Enter to end the halt."
    return TypedQuestion(
        "End the halt", lambda: end_halt_facts(snapshot()), prompt, END_HALT_WORD, expires_s=ANSWER_S, over=over
    )


def _once_resumed(step: NextStep) -> str:
    """What comes next for an account without the pause."""
    if step.kind is not Next.PAUSED:
        return step.words
    return "no slot is left today" if step.misses_at is None else f"may enter at {figures.minute(step.misses_at)}"


def quit_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What stops, what is waited for, and what stays behind at the broker."""
    if snapshot.status.engine is EngineState.FAILED:
        facts = [("", "The engine has already failed; quitting closes the console.")]
    else:
        facts = [("", "Quit stops the engine: no more cycles today.")]
    if snapshot.cycle is not None and snapshot.cycle.running:
        facts.append(
            ("", f"Cycle {snapshot.cycle.number} is running: it is ended, after any order under way is known.")
        )
    working = [order for order in snapshot.orders if not is_over(order)]
    if len(working) == 1:
        facts.append(("", "1 order working at the broker stays there, unwatched."))
    elif working:
        facts.append(("", f"{len(working)} orders working at the broker stay there, unwatched."))
    facts += [
        ("", f"  {o.underlying} {o.strikes}  limit {figures.price(o.limit)}  {order_kind(o).value}")
        for o in working[:3]
    ]
    exits = snapshot.status.exits
    if exits is not None and exits.resting:
        facts.append(("", f"{leaving_words(exits.rests)}."))
    return facts


def quit_question(snapshot: Callable[[], Snapshot]) -> CancelInsteadQuestion:
    """Asks whether to quit. It works even when the engine gives no snapshot."""

    def facts() -> list[tuple[str, str]]:
        try:
            return quit_facts(snapshot())
        except Exception:
            log.exception("no snapshot")
            return [("", "The engine does not answer; quitting stops it.")]

    def rests() -> bool:
        try:
            return may_cancel_exits(snapshot())
        except Exception:
            log.exception("no snapshot")
            return False

    cancels = "cancel the closing orders first"
    return CancelInsteadQuestion("Quit", facts, "Quit?", rests, cancels=cancels, danger=True, name=QUIT_NAME)
