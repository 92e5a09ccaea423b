"""Faults put into the product, each of which the simulated days have to notice.

Each function breaks one thing for the rest of the process, so a plan is run with it in an interpreter of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Boolean, Integer, bindparam, update

from core.domain.orders import fate, news
from core.domain.orders.order_states import OrderState
from core.guards.gate import TradingGate
from core.orders import desk, entry_sending, folding, settlement
from core.orders.account_look import AccountLook
from core.orders.missing_orders import MissingOrders
from core.orders.reconciliation import Reconciliation
from core.orders.strangers import Strangers
from core.records.repositories import entries
from core.records.repositories.outbox import Outbox
from core.records.store import tables
from tests.proofs.days import day
from tests.proofs.days.day import run_plan
from tests.proofs.days.plan import Plan
from tests.proofs.days.soak import Prefix, shrink
from tests.proofs.truth.mutants import MUTANTS
from tests.support.sqlite_on_the_loop import NO_RULE_OF_THE_DAY

Break = Callable[[], None]


def violations_with(broken: Break, plan: Plan) -> list[str]:
    """The violations of the plan's days with this fault in the product."""
    _quiet()
    broken()
    return run_plan(plan).violations


def shrunk_with(broken: Break, plan: Plan) -> Prefix:
    """The smallest plan that shows a violation with this fault in the product."""
    _quiet()
    broken()
    return shrink(plan)


def no_rule_of_the_day() -> None:
    """Neither the unique index nor the checks before it keep a second entry of a day out."""

    async def holds_nothing(*_: object) -> None:
        return None

    _replace(entries.Entries, "holding", holds_nothing)
    _replace(entry_sending, "entry_of", holds_nothing)
    _replace(entry_sending, "forbids_entry", lambda report: False)
    day.AFTER_COPY = NO_RULE_OF_THE_DAY


def sends_while_paused() -> None:
    """The gate bars nothing, and neither does the last commit before the order leaves."""
    _replace(TradingGate, "refusal", lambda self: None)
    _replace(TradingGate, "account_refusals", lambda self, account, login: ())
    statement = (
        update(tables.entries)
        .where(tables.entries.c.id == bindparam("the_id"))
        .where(bindparam("is_open", type_=Boolean).is_not(None), bindparam("of_epoch", type_=Integer).is_not(None))
        .values(state=OrderState.SENT.value, sent_at=bindparam("at"))
    )
    _replace(entries, "MARK_SENT", statement)


def takes_unknown_for_not_sent() -> None:
    """An unknown outcome is taken for an order that was never sent: the day is free, and the next slot enters again."""
    original = getattr(desk, "_without_acknowledgement")  # noqa: B009 - private, to be broken

    def as_not_sent(*answer: object) -> object:
        state, refusal = original(*answer)
        return (OrderState.NOT_SENT if state is OrderState.UNKNOWN else state), refusal

    _replace(desk, "_without_acknowledgement", as_not_sent)


def tells_nothing() -> None:
    """No message is written with a state."""

    async def silent(*_: object) -> None:
        return None

    _replace(Outbox, "tell_entry", silent)


def tells_runs_without_their_fate() -> None:
    """A cycle is told by what it recorded, and not by what became of its order."""
    MUTANTS[0].put_in()


def trades_before_it_has_compared() -> None:
    """A comparison of records and broker that is wanted is taken as made."""
    _replace(Reconciliation, "want", lambda self, cause: self.gate.reconciled())


def compares_nothing_with_what_was_asked() -> None:
    """Whatever the broker shows of an order is taken for the order that was asked for."""
    _replace(news, "difference", lambda asked, account, shown: "")


def folds_whatever_contradicts() -> None:
    """A report is folded into its entry, whatever contradicts it."""
    _replace(folding, "contradiction", lambda entry, orders, report: "")
    _replace(AccountLook, "_two_live", _nothing)


def lets_strangers_be() -> None:
    """No order that no record explains stops an account."""
    for name in ("heard", "listed", "two_tridents"):
        _replace(Strangers, name, _nothing)


def frees_the_day_of_any_cancel() -> None:
    """Whoever cancelled it, an entry that ended without a fill frees its day by proof."""
    for module in (fate, settlement, entries):
        _replace(module, "needs_operators_word", lambda entry: False)


def never_takes_404_for_an_answer() -> None:
    """An order that the broker no longer knows works for ever."""
    _replace(MissingOrders, "missed", _nothing)


async def _nothing(*_: object, **__: object) -> None:
    return None


def _replace(owner: object, name: str, value: object) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner} has no {name}: nothing would be broken")
    setattr(owner, name, value)


def _quiet() -> None:
    """Silences what engines log of the injected faults."""
    logging.basicConfig(handlers=[logging.NullHandler()])
