"""What `senex exits on`, `senex exits hold --cancel` and `senex close` show first, and how they are answered (rules
15.9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.commands.trident_commands import CANCELLED, LIMIT, TRIDENT, UNITS
from core.domain.operation.account_settings import AccountField, opt_in_words
from core.domain.operation.accounts import own_or_default
from core.domain.operation.amounts import plain, price
from core.domain.operation.commands import COMMAND, CommandKind
from core.domain.operation.events import masked
from core.domain.operation.reasons import Refusal
from core.domain.orders.order_states import OrderState
from core.domain.positions.exit_fate import exit_fate, exit_words
from core.domain.positions.exit_rules import rules_for
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.trident_commands import CloseWords, ExitsWord, ExitsWords, trident_named
from core.domain.positions.trident_words import short_id, title_of, unit_words
from core.domain.positions.tridents import ExitMode, ExitRules
from core.domain.positions.would_send import would_send
from core.runtime.clock import SystemClock
from senex_tui.reports.named import account_named
from senex_tui.reports.next_steps import calendar_around
from senex_tui.reports.recorded_tridents import recorded_tridents
from senex_tui.reports.tridents import RecordedTrident
from senex_tui.support.refusals import Refused
from senex_tui.support.report import Answer, Report
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records
from senex_tui.trader.send_command import DONE, EXPIRED, NO_ANSWER, NO_CONSOLE, REFUSED, send

if TYPE_CHECKING:
    from core.records.records import AccountRecord, Records

PLACED_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.2
_STATES = {DONE: "done", REFUSED: "refused", EXPIRED: "expired", NO_ANSWER: "not answered", NO_CONSOLE: "no console"}


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """What is sent at once when exits of some accounts go on, in lines. `number` is the account of which that takes
    `words` to be typed; empty where none does."""

    lines: tuple[str, ...]
    number: str = ""
    words: str = ""


async def switched_on(place: Place, account: str, default: ExitRules, sets: ExitMode | None = None) -> SwitchedOn:
    """What is sent at once in live when exits go on, of the account that is named or of those that send exits. With
    `sets` the account gets this mode; without it one whose exits are off gets `all`. `default` are the rules of an
    account without settings of its own. Raises Refused for an account that is not exactly one known one, RecordsError.
    """
    place.need_records()
    now = (await market_clock(place)).now()
    calendar = await calendar_around(now)

    async def read(records: Records) -> SwitchedOn:
        number = await account_named(records, account, option="account ")
        known = [one for one in await records.accounts.all() if number in (None, one.number)]
        off = [one for one in known if own_or_default(one.exits.mode, default.mode) is ExitMode.OFF]
        meant = known if number is not None else [one for one in known if one not in off]
        held = await records.tridents.held()
        lines: list[str] = []
        for one in meant:
            own = [record for record in held if record.account == one.number]
            told = await recorded_tridents(records, own, calendar, now, live=True)
            mode = sets or (ExitMode.ALL if one in off else None)
            lines += _account_lines(one, told, default, mode)
        if number is None or not (off or sets):
            return SwitchedOn(tuple(lines))
        return SwitchedOn(tuple(lines), number, opt_in_words(number))

    return await with_records(place, read)


def _account_lines(
    account: AccountRecord, tridents: tuple[RecordedTrident, ...], default: ExitRules, mode: ExitMode | None
) -> list[str]:
    """The lines of one account: each trident, with the orders that would be sent. `mode` is that to be switched on,
    None where it sends exits already."""
    lines = [f"{masked(account.number)}: sent at once, without being asked again"]
    if not tridents:
        return [f"{masked(account.number)}: no trident is held, so nothing is sent now"]
    rules = rules_for(account.exits, default)
    rules = rules if mode is None else replace(rules, mode=mode)
    for one in tridents:
        trident = one.view.trident
        lines.append(f"  {short_id(trident)}  {title_of(trident)}")
        own = trident.rules if one.is_managed else rules
        lines += [f"    {order}" for order in would_send(one.view, one.moment, own)]
    return lines


async def switch_on(place: Place, number: str, mode: ExitMode) -> Answer:
    """Switches the exits of a live account on, once its words were typed. Raises RecordsError."""
    note = f"{AccountField.EXITS.value} {mode.value} {opt_in_words(number)}"
    return await send(place, CommandKind.SET_ACCOUNT, target=number, note=note)


async def hold_and_cancel(place: Place, account: str, why: str) -> Answer:
    """Holds exits, then has what rests at the broker cancelled. The code is that of the cancel, once they are held.
    Raises RecordsError."""
    held = await send(place, CommandKind.EXITS, target=account, note=ExitsWords(ExitsWord.HOLD, why).note())
    if held.exit_code != DONE:
        return held
    cancelled = await send(place, CommandKind.EXITS, target=account, note=ExitsWords(ExitsWord.CANCEL).note())
    return Answer(cancelled.exit_code, f"{held.text}\n{cancelled.text}", cancelled.command)


async def close_facts(place: Place, target: str, words: CloseWords) -> tuple[list[str], str]:
    """What is to be read before a close in live, in lines, and what it does. Raises Refused where `target` names no
    trident, RecordsError."""
    place.need_records()
    now = (await market_clock(place)).now()
    calendar = await calendar_around(now)

    async def read(records: Records) -> tuple[list[str], str]:
        held = await records.tridents.held()
        named = trident_named(target, [one.id for one in held])
        if isinstance(named, Refusal):
            raise Refused(f"{named.sentence()}.")
        [told] = await recorded_tridents(records, [one for one in held if one.id == named], calendar, now, live=True)
        view = told.view
        lines = [f"{short_id(view.trident)}  {masked(told.account)}  {title_of(view.trident)}"]
        lines += [f"  {unit.name.value:<6} {unit_words(unit, view, told.moment.today)}" for unit in view.trident.units]
        first = [one for one in view.resting if {*one.units} & {*words.units}]
        if first:
            lines.append(f"  cancelled first: {', '.join(one.order_id or one.id for one in first)}")
        return lines, f"close {words.unit} {_how(words)}"

    return await with_records(place, read)


def _how(words: CloseWords) -> str:
    return "by a walk from the mid" if words.limit is None else f"at {price(words.limit)} debit at most"


async def close(place: Place, target: str, words: CloseWords, *, names_order: bool) -> tuple[Answer, Report]:
    """Sends a close. Returns its answer, and the same as a report: with `names_order` it has the order that was placed
    for it, which waits until what else works on these units is cancelled and proved over, 60 wall seconds at most.
    Raises Refused before the first start, RecordsError."""
    place.need_records()
    earlier: frozenset[str] = frozenset()
    if names_order:
        earlier = await with_records(place, lambda records: _earlier(records, target))
    answer = await send(place, CommandKind.CLOSE, target=target, note=words.note())
    figures: dict[str, Any] = {}
    if answer.exit_code == DONE:
        figures = await with_records(place, lambda records: _figures(records, answer.command))
    limit, trident_id = figures.get(LIMIT, words.limit), figures.get(TRIDENT)
    placed: Exit | None = None
    if names_order and trident_id is not None:
        placed = await with_records(place, lambda records: _placed(records, str(trident_id), earlier))
    values = {
        "exit": answer.exit_code,
        "state": _STATES[answer.exit_code],
        "command": answer.command or None,
        "trident": trident_id,
        "units": str(figures.get(UNITS, "")).split() or None,
        "limit": None if limit is None else plain(limit),
        "cancelled": str(figures.get(CANCELLED, "")).split(),
        "orders": [] if placed is None else [_order(placed)],
        "why": answer.text,
    }
    return answer, Report(values, lambda told: [told["why"]])


async def _earlier(records: Records, target: str) -> frozenset[str]:
    """The exits that the tridents that may be meant had before."""
    held = [one.id for one in await records.tridents.held() if one.id.startswith(target)]
    return frozenset(one.id for exits in (await records.exits.of_tridents(held)).values() for one in exits)


async def _placed(records: Records, trident_id: str, earlier: frozenset[str]) -> Exit | None:
    """The first order that is sent for the close, once the broker has answered; None when none is in time."""
    wall = SystemClock()
    until = wall.monotonic() + PLACED_WITHIN_S
    while True:
        exits = (await records.exits.of_tridents([trident_id]))[trident_id]
        asked = [one for one in exits if one.kind is ExitKind.MANUAL and one.id not in earlier]
        answered = [one for one in asked if one.state not in (OrderState.PREPARED, OrderState.SENT)]
        if answered:
            return answered[0]
        if wall.monotonic() >= until:
            return asked[0] if asked else None
        await wall.sleep(_LOOK_EVERY_S)


def _order(exit: Exit) -> dict[str, Any]:
    return {
        "order": exit.order_id,
        "exit": exit.id,
        "units": [unit.value for unit in exit.units],
        "debit": plain(exit.debit),
        "state": exit.state.value,
        "told": exit_words(exit_fate(exit)),
    }


async def _figures(records: Records, command: str) -> dict[str, Any]:
    event = await records.journal.newest_with(f"command.{CommandKind.CLOSE.value}.done", (COMMAND, command))
    return {} if event is None else dict(event.figures)
