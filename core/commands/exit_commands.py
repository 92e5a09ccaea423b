"""Carries out the command that holds exits or lets them go on, for one account or for all (rules 15.8)."""

from __future__ import annotations

from core.commands.inbox import Done
from core.domain.operation.accounts import resolve_account
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.order_states import OrderState
from core.domain.positions.trident_commands import ExitsWord, ExitsWords, exits_words, staying_words
from core.records.records import Records
from core.records.repositories.exit_switch import ALL_ACCOUNTS
from core.runtime.clock import Clock


async def switch_exits(records: Records, clock: Clock, command: Command) -> Done | Refusal:
    """Records that exits are held, or are on again; the answer names what rests at the broker. Nothing is cancelled
    here: that needs the broker. Raises RecordsError."""
    words = exits_words(command.note)
    if isinstance(words, Refusal):
        return words
    if words.word is ExitsWord.CANCEL:
        return refuse(Reason.NO_SUCH_TARGET, target="running console: a cancel needs the broker")
    numbers = [account.number for account in await records.accounts.all()]
    account = ALL_ACCOUNTS
    if command.target.strip():
        found = resolve_account(command.target, numbers)
        if isinstance(found, Refusal):
            return found
        account, numbers = found, [found]
    whose = f" of {masked(account)}" if account else ""
    if words.word is ExitsWord.HOLD:
        await records.exit_switch.hold(account, command.who, words.why, clock.now())
        rests = staying_words(await resting_orders(records, numbers))
        return Done("; ".join(filter(None, (f"exits{whose} are held", rests))))
    return Done(await _on_again(records, clock, command, words, account, numbers, whose))


async def _on_again(
    records: Records, clock: Clock, command: Command, words: ExitsWords, account: str, numbers: list[str], whose: str
) -> str:
    await records.exit_switch.resume(account, command.who, words.why, clock.now())
    for number in numbers:
        await records.accounts.let_first_targets_wait(number, False)
    held = [one.account for one in await records.exit_switch.all() if one.held]
    others = held if account == ALL_ACCOUNTS else [one for one in held if one == ALL_ACCOUNTS]
    still = ", ".join("those of all accounts" if one == ALL_ACCOUNTS else f"those of {masked(one)}" for one in others)
    return f"exits{whose} are on{f'; still held: {still}' if still else ''}"


async def resting_orders(records: Records, numbers: list[str]) -> tuple[str, ...]:
    """The ids of the closing orders of these accounts that rest at the broker, as far as anybody knows. Raises
    RecordsError."""
    found = [one for number in numbers for one in await records.exits.open_of(number)]
    rests = (OrderState.WORKING, OrderState.UNKNOWN)
    return tuple(one.order_id for one in found if one.state in rests and one.order_id)
