"""`senex tridents` and `senex exits status`: what is held, what closes it, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.domain.operation.amounts import ESTIMATED, counted, credit, dollars, signed_dollars
from core.domain.operation.events import masked
from core.domain.operation.times import when
from core.domain.positions.actions import Alert, Wait
from core.domain.positions.exit_fate import exit_fate, exit_words, gained
from core.domain.positions.left import open_risk, worst_case
from core.domain.positions.next_action import next_action
from core.domain.positions.next_words import rests_words, words
from core.domain.positions.pnl import Realized
from core.domain.positions.resting import Resting, resting_words
from core.domain.positions.trident_view import Moment, TridentView
from core.domain.positions.trident_words import (
    TridentWord,
    realized_words,
    strikes_of,
    unit_words,
    word_of,
)
from core.domain.positions.tridents import ExitRules
from core.domain.positions.units import UnitName
from senex_tui.support.report import Report, instant_text

_NO_CONSOLE = "No console is running: nothing is sent, and what rests at the broker works on."


@dataclass(frozen=True, slots=True)
class RecordedTrident:
    """A trident as the records keep it, without prices. `credit` is per share of the package, None while fills are
    missing; `realized` is that of all its units, None when nobody knows it. `opened_at` is aware UTC."""

    account: str
    view: TridentView
    moment: Moment
    opened_at: datetime
    credit: Decimal | None
    credit_estimated: bool = False
    realized: Realized | None = None
    is_managed: bool = True


@dataclass(frozen=True, slots=True)
class RecordedExits:
    """The exits of one account as the records keep them. `held` says who holds them, since when and why, empty while
    they are on; `resting` are the ids of the orders that rest at the broker; `next_exit` is the first time exit of its
    tridents that is to come, aware UTC."""

    account: str
    rules: ExitRules
    held: str = ""
    first_set_waits: bool = False
    tridents: int = 0
    not_managed: int = 0
    resting: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    next_exit: datetime | None = None


def next_in_records(view: TridentView, moment: Moment) -> str:
    """What comes next as far as the records tell it: they have no prices, so that a step of a walk is not told."""
    action = next_action(view, moment)
    if isinstance(action, Wait) and action.alert is Alert.QUOTES_STALE:
        return rests_words(view) or "its close is under way"
    return words(action, view, moment.today)


def trident_values(told: RecordedTrident) -> dict[str, Any]:
    """The trident as a report's values, its account masked. Amounts are plain decimals as text: debits and credits per
    share, the others in $; `worst_case` is before fees, `realized` after them."""
    view, trident = told.view, told.view.trident
    realized = gained(view.exits, trident.units)
    risk = open_risk(trident.units, trident.width)
    worst = None if realized is None else worst_case(trident.units, trident.width, realized)
    return {
        "id": trident.id,
        "account": masked(told.account),
        "underlying": trident.underlying,
        "strikes": strikes_of(trident),
        "expiration": trident.expiration.isoformat(),
        "dte": told.moment.days.dte(told.moment.today),
        "state": word_of(view, is_managed=told.is_managed).value,
        "managed": told.is_managed,
        "opened": instant_text(told.opened_at),
        "credit": _text(told.credit),
        "credit_estimated": told.credit_estimated,
        "units": [
            {
                "unit": unit.name.value,
                "state": unit.state.value,
                "how": None if unit.how is None else unit.how.value,
                "credit": _text(unit.credit),
                "told": unit_words(unit, view, told.moment.today),
            }
            for unit in trident.units
        ],
        "exits": [
            {
                "id": one.id,
                "order": one.order_id,
                "kind": one.kind.value,
                "units": [name.value for name in one.units],
                "debit": _text(one.debit),
                "state": one.state.value,
                "claims": one.holds_units,
                "told": exit_words(exit_fate(one)),
            }
            for one in view.exits
        ],
        "open_risk": _text(risk),
        "worst_case": _text(worst),
        "realized": None if told.realized is None else _text(told.realized.net),
        "realized_estimated": told.realized is not None and told.realized.estimated,
        "realized_told": None if told.realized is None else realized_words(told.realized),
        "next": next_in_records(view, told.moment),
    }


def tridents_report(tridents: Sequence[RecordedTrident], *, console: bool, everything: bool) -> Report:
    """The tridents in the order given. `console`: one runs; `everything`: those that have ended are asked for too."""
    values = {
        "console": console,
        "everything": everything,
        "tridents": [trident_values(one) for one in tridents],
    }
    return Report(values, _trident_lines)


def exits_report(accounts: Sequence[RecordedExits], *, console: bool, held: str = "") -> Report:
    """How the exits of each account stand; `held` says who holds those of all, empty while nobody does."""
    values = {
        "console": console,
        "held": held or None,
        "accounts": [
            {
                "account": masked(one.account),
                "exits": one.rules.mode.value,
                "held": one.held or None,
                "first_targets_wait": one.first_set_waits,
                "targets": {name.value: one.rules.targets.get(name) for name in UnitName},
                "exit_dte": one.rules.exit_dte,
                "let_index_expire": one.rules.let_index_expire,
                "call_target_last": one.rules.call_last,
                "tridents": one.tridents,
                "not_managed": one.not_managed,
                "resting": list(one.resting),
                "unknown": list(one.unknown),
                "next_time_exit": instant_text(one.next_exit),
            }
            for one in accounts
        ],
    }
    return Report(values, _exit_lines)


def _trident_lines(values: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for one in values["tridents"]:
        lines += [*_one_trident(one), ""]
    if not lines:
        what = "recorded" if values["everything"] else "held; `senex tridents --all` has those that have ended"
        lines = [f"No trident is {what}.", ""]
    return [*lines[:-1], *([] if values["console"] else ["", _NO_CONSOLE])]


def _one_trident(one: dict[str, Any]) -> list[str]:
    mark = ESTIMATED if one["credit_estimated"] else ""
    days = counted(one["dte"], "day") if one["dte"] >= 0 else "expired"
    has_ended = one["state"] == TridentWord.ENDED.value
    head = (
        f"{one['id'][:8]}  {one['account']}  {one['underlying']} {one['strikes']} {one['expiration']}"
        f"{'' if has_ended else f' ({days})'} at {mark}{credit(_decimal(one['credit']))} credit: {one['state']}"
    )
    units = [f"          {unit['unit']:<6} {unit['told']}" for unit in one["units"]]
    if has_ended:
        return [head, *units, f"          realized {one['realized_told'] or '--'}"]
    figures = [
        f"open risk {dollars(_decimal(one['open_risk']))}",
        f"worst case {signed_dollars(_decimal(one['worst_case']))} before fees",
        f"realized {one['realized_told'] or '--'}",
    ]
    return [head, *units, f"          {', '.join(figures)}", f"          next: {one['next']}"]


def _exit_lines(values: dict[str, Any]) -> list[str]:
    lines = [f"Exits are HELD for all accounts {values['held']}."] if values["held"] else []
    for one in values["accounts"]:
        lines += _one_account(one)
    if not values["accounts"]:
        lines.append("No account is known yet.")
    return [*lines, *([] if values["console"] else [_NO_CONSOLE])]


def _one_account(one: dict[str, Any]) -> list[str]:
    state = f"{one['exits']}, HELD {one['held']}" if one["held"] else one["exits"]
    percents = ", ".join(
        f"{name} {'off' if percent is None else f'{percent} %'}" for name, percent in one["targets"].items()
    )
    more = [
        *(["an index may expire"] if one["let_index_expire"] else []),
        *(["the call's target last"] if one["call_target_last"] else []),
    ]
    lines = [
        f"{one['account']}  exits {state}",
        f"       targets {percents}; time exit at {counted(one['exit_dte'], 'day')}{''.join(f'; {it}' for it in more)}",
        f"       {_held_words(one)}",
    ]
    if one["first_targets_wait"]:
        lines.append("       its first targets wait for one more `senex exits on`")
    if one["unknown"]:
        lines.append(f"       UNKNOWN: {', '.join(one['unknown'])}; `senex reconcile` looks again")
    return lines


def _held_words(one: dict[str, Any]) -> str:
    held = counted(one["tridents"], "trident") if one["tridents"] else "no trident"
    without = f", {one['not_managed']} of them not managed" if one["not_managed"] else ""
    rests = resting_words(Resting(tuple(one["resting"]))) or "no closing order rests at the broker"
    at = one["next_time_exit"]
    following = "" if at is None else f"; next time exit {when(datetime.fromisoformat(at), None)}"
    return f"{held}{without}; {rests}{following}"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
