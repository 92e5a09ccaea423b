"""Lies, each told in one place of the product. The check has to see every one.

A lie is put in by name, because this folder imports nothing that it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any

from core.domain.operation.outcomes import Outcome
from core.domain.orders.order_states import OrderState
from core.domain.reporting.account_days import DayKind
from core.snapshot import Automation, SlotView, Snapshot, ToldView
from tests.proofs.truth.values import NEW_YORK

Change = Callable[[Any], Any]
"""Makes the lying function from the true one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A lie: what it says, the function that is changed, how, the scene that shows it, and a place that tells it."""

    lie: str
    function: str
    change: Change
    scene: str
    place: str

    def put_in(self) -> None:
        """Tells the lie from now on, in this process."""
        module, _, name = self.function.partition(":")
        owner, _, attribute = f"{module}.{name}".rpartition(".")
        true = resolve_name(self.function)
        setattr(resolve_name(_as_object(owner, module)), attribute, self.change(true))

    def __str__(self) -> str:
        return self.lie


def _as_object(owner: str, module: str) -> str:
    return owner if owner == module else f"{module}:{owner.removeprefix(module)[1:]}"


def _run_without_its_fate(told_run: Any) -> Any:
    def told(run: Any, fate: Any, **more: Any) -> Any:
        return told_run(run, fate if run is None else None, **more)

    return told


def _slots_as_recorded(slot_views: Any) -> Any:
    def views(slots: Any, records: Any, *more: Any) -> tuple[SlotView, ...]:
        recorded = {record.slot: record for record in records}
        return tuple(_as_recorded(view, recorded.get(view.at)) for view in slot_views(slots, records, *more))

    return views


def _as_recorded(view: SlotView, record: Any) -> SlotView:
    if record is None or not record.outcome:
        return view
    return replace(view, told=ToldView(Outcome(record.outcome), record.outcome, record.reason_text or record.outcome))


def _credit_at_the_limit(order_view: Any) -> Any:
    def view(*entry: Any, **more: Any) -> Any:
        true = order_view(*entry, **more)
        return true if true.fate.credit is None else replace(true, fate=replace(true.fate, credit=true.limit))

    return view


def _rejected_counts(told_of: Any) -> Any:
    def told(*slot: Any) -> Any:
        true = told_of(*slot)
        return replace(true, outcome=Outcome.SUCCEEDED) if true.word == "rejected" else true

    return told


def _acknowledged_is_traded(figures_of: Any) -> Any:
    def figures(sessions: Any, runs: Sequence[Any], *more: Any, **others: Any) -> Any:
        true = figures_of(sessions, runs, *more, **others)
        went_well = {(run.account, run.day) for run in runs if run.outcome is Outcome.SUCCEEDED}
        days = tuple(
            replace(day, kind=DayKind.TRADED) if (day.account, day.day) in went_well else day for day in true.days
        )
        return replace(true, days=days)

    return figures


def _filled_is_partial(fills_notice: Any) -> Any:
    def notice(entry: Any, asked: Any, head: Any, *, rest_is_open: bool) -> Any:
        part = replace(entry, state=OrderState.WORKING, fills=entry.fills[:1])
        return fills_notice(part, asked, head, rest_is_open=True)

    return notice


def _counts_down_while_paused(next_words: Any) -> Any:
    def words(view: Any) -> str:
        at, now = view.overall.misses_at, view.status.now
        if view.status.automation is not Automation.PAUSED or at is None:
            return str(next_words(view))
        left = int((at - now).total_seconds())
        return f"enters {at.astimezone(NEW_YORK):%H:%M} in {left // 60:02}:{left % 60:02}"

    return words


def _nobody_skips(read_standings: Any) -> Any:
    async def standings(*records: Any, **more: Any) -> Any:
        return tuple(replace(each, skips_today=False) for each in await read_standings(*records, **more))

    return standings


def _never_turns(turn: Any) -> Any:
    turned: list[Any] = []

    def stay(self: Any) -> None:
        if not any(book is self for book in turned):
            turned.append(self)
            turn(self)

    return stay


def _others_refusal(rebuilt: Any) -> Any:
    def progress(*cycle: Any) -> Any:
        true = rebuilt(*cycle)
        for each in true:
            reasons = {attempt.underlying: attempt.reason for attempt in each.attempts if attempt.reason}
            for underlying, spread in each.spreads.items():
                others = [reason for other, reason in reasons.items() if other != underlying]
                spread.reason = others[0] if others else spread.reason
        return true

    return progress


def _by_the_runs_alone(told_accounts: Any) -> Any:
    def told(runs: Any, fates: Mapping[str, Any], **more: Any) -> Any:
        return told_accounts(runs, {}, **more)

    return told


def _cycles_as_recorded(told_of: Any) -> Any:
    async def told(connection: Any, cycles: Sequence[Any]) -> Any:
        true = await told_of(connection, cycles)
        return {
            cycle.number: replace(
                true[cycle.number],
                told=replace(true[cycle.number].told, outcome=Outcome(cycle.outcome), word=cycle.outcome, fate=None),
            )
            for cycle in cycles
            if cycle.outcome
        }

    return told


def _works_for_ever(metrics_of: Any) -> Any:
    def metrics(snapshot: Snapshot) -> Iterator[Any]:
        yield from metrics_of(replace(snapshot, orders=tuple(_working(order) for order in snapshot.orders)))

    return metrics


def _working(order: Any) -> Any:
    fate = order.fate
    return replace(order, state="working", fate=replace(fate, kind=type(fate.kind)("working")))


def _without_entries(own_of: Any) -> Any:
    def found(entries: Any, book: Any) -> Any:
        return own_of(list(entries)[:0], book)

    return found


def _marked_at_natural(view_of: Any) -> Any:
    def view(*position: Any) -> Any:
        true = view_of(*position)
        return replace(true, profit_mid=true.profit_natural)

    return view


def _of_yesterday(read_day: Any) -> Any:
    async def read(records: Any, day: Any) -> Any:
        return await read_day(records, day - timedelta(days=1))

    return read


MUTANTS = (
    Mutant("a run is told without its fate", "core.domain.reporting.told:told_run", _run_without_its_fate, "rejected",
           "screen cycle"),
    Mutant("slots show the recorded outcome", "core.engine.snapshot_builder:slot_views", _slots_as_recorded,
           "rejected", "screen schedule"),
    Mutant("the fill is told at the limit", "core.engine.snapshot_builder:order_view", _credit_at_the_limit, "better",
           "screen orders"),
    Mutant("status counts a rejection as a success", "senex_tui.reports.status:told_of", _rejected_counts, "rejected",
           "status"),
    Mutant("the report counts what was acknowledged", "senex_tui.reports.figures:figures_of", _acknowledged_is_traded,
           "rejected", "report"),
    Mutant("a filled order is mailed as partly filled", "core.records.repositories.outbox:fills_notice",
           _filled_is_partial, "mailed", "mail"),
    Mutant("the bar counts down while paused", "widgets.status_bar:next_words", _counts_down_while_paused, "paused",
           "screen bar"),
    Mutant("status forgets that an account skips today", "senex_tui.reports.next_steps:read_standings", _nobody_skips,
           "all off", "status"),
    Mutant("the day is not read anew after midnight", "core.engine.day_book:DayBook.turn", _never_turns, "filled",
           "screen"),
    Mutant("the spread has another underlying's refusal", "core.engine.day_book:rebuilt", _others_refusal,
           "other underlying", "spread"),
    Mutant("once ends by what the cycle recorded", "senex_tui.run.once:told_accounts", _by_the_runs_alone, "once",
           "once"),
    Mutant("the history finds what cycles recorded", "core.records.search.cycle_rows:told_of", _cycles_as_recorded,
           "rejected", "history"),
    Mutant("a watcher shows yesterday's orders", "core.remote.kept_day:read_day", _of_yesterday, "rejected",
           "watcher alone"),
    Mutant("the strip forgets the entry", "core.views.accounts_now:_by_account", _without_entries, "filled",
           "screen strip"),
    Mutant("the P&L at mid is that at natural", "core.views.trident_rows:position_view", _marked_at_natural, "filled",
           "screen position"),
    Mutant("metrics keep an order working", "core.notify.prometheus:metrics_of", _works_for_ever, "filled",
           "screen metrics"),
)  # fmt: skip
