"""What an operator attests of what is held: what the end of a unit brought, and which contracts are not ours (rules
15.5, 15.6). Both are words about the records alone, so they need no broker and no running console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal

from core.commands.inbox import Done
from core.domain.operation.accounts import resolve_account
from core.domain.operation.amounts import signed_dollars
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.attest_words import ForeignWords, GoneWords, attest_words
from core.domain.positions.closing import Gone
from core.domain.positions.trident_commands import trident_named
from core.domain.positions.trident_words import ended_words, leg_name
from core.domain.positions.units import Ended, Unit, UnitState
from core.domain.trident.sides import Direction
from core.records.records import GoneRecord, Records
from core.records.store.errors import StateConflict

_BOTH = tuple(Direction)


async def _nothing(_account: str) -> None:
    """The default for `then`: the next console works out what was earned."""


async def attest_position(
    records: Records, command: Command, at: datetime, then: Callable[[str], Awaitable[None]] = _nothing
) -> Done | Refusal | None:
    """Records the word of `senex attest gone` or `attest foreign`; None when the command is neither. `then` is called
    with the account of a unit whose end is attested. Raises RecordsError."""
    words = attest_words(command.note)
    match words:
        case GoneWords():
            return await _gone(records, command, words, at, then)
        case ForeignWords():
            return await _foreign(records, command, words, at)
    return words


async def _gone(
    records: Records, command: Command, words: GoneWords, at: datetime, then: Callable[[str], Awaitable[None]]
) -> Done | Refusal:
    typed = command.target
    near = [*await records.tridents.these([typed]), *await records.tridents.beginning_with(typed)] if typed else []
    named = trident_named(typed, dict.fromkeys(one.id for one in near))
    if isinstance(named, Refusal):
        return named
    record = await records.tridents.get(named)
    unit = next(one for one in record.trident.units if one.name is words.unit)
    why = _why_not(unit, f"{unit.name.value} of {named[:SHORT_ID]}")
    if why:
        return refuse(Reason.NOT_ATTESTED, why=why)
    await records.tridents.note_gone(
        [
            GoneRecord(named, Gone(unit.name, symbol, Ended.ATTESTED, at), command.who, figure=words.dollars)
            for symbol in (unit.short, unit.long)
        ]
    )
    await then(record.account)
    brought = signed_dollars(words.dollars)
    return Done(f"{masked(record.account)}: the end of {unit.name.value} of {named[:SHORT_ID]} brought {brought}")


def _why_not(unit: Unit, name: str) -> str:
    match unit.state:
        case UnitState.WHOLE:
            return f"{name} is whole; `senex close` closes it"
        case UnitState.CLOSED:
            return f"{name} was closed by an order of ours, whose fills say for how much"
        case UnitState.BROKEN:
            return f"{leg_name(unit.held[0])} of {name} is left; settle it at the broker first"
    if unit.how not in (None, Ended.ATTESTED):
        return f"{name} is gone ({ended_words(unit.how)}), and the broker's rows say for how much"
    return ""


async def _foreign(records: Records, command: Command, words: ForeignWords, at: datetime) -> Done | Refusal:
    known = [account.number for account in await records.accounts.all()]
    if not command.target and len(known) != 1:
        return refuse(Reason.NOT_ATTESTED, why="there are several accounts; name one with --account")
    account = resolve_account(command.target, known) if command.target else known[0]
    if isinstance(account, Refusal):
        return account
    try:
        for side in _BOTH:
            quantity = Decimal(abs(words.quantity)) if side is words.side else Decimal(0)
            await records.foreign.attest(account, (words.symbol, side), quantity, command.who, at)
    except StateConflict:
        why = f"what is foreign in {masked(account)} is not known yet; a console that runs reads it at its start"
        return refuse(Reason.NOT_ATTESTED, why=why)
    count = f"{abs(words.quantity)} {words.side.value.lower()}" if words.quantity else "none"
    return Done(f"{masked(account)}: of {leg_name(words.symbol)} ({words.symbol}) {count} at the broker is not ours")
