"""Carries out the command that holds exits or lets them go on, of one account or of all (rules 15.8)."""

from __future__ import annotations

from collections.abc import Sequence

from core.commands.inbox import Done
from core.domain.operation.accounts import own_or_default, resolve_account, shown_end
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.positions.resting import Resting, staying_words
from core.domain.positions.trident_commands import ExitsWord, ExitsWords, exits_words
from core.domain.positions.tridents import ExitMode
from core.records.records import Records
from core.records.repositories.exit_switch import ALL_ACCOUNTS
from core.runtime.clock import Clock


async def switch_exits(
    records: Records, clock: Clock, command: Command, default: ExitMode, *, live: bool
) -> Done | Refusal:
    """Records that exits are held, or are on again; the answer names what rests at the broker, and the accounts whose
    exits are off all the same: `default` is the mode of one without a setting of its own. Nothing is cancelled here:
    that needs the broker. Raises RecordsError."""
    words = exits_words(command.note)
    if isinstance(words, Refusal):
        return words
    if words.word is ExitsWord.CANCEL:
        return refuse(Reason.NO_SUCH_TARGET, target="running console: a cancel needs the broker")
    numbers = await meant_accounts(records, command.target)
    if isinstance(numbers, Refusal):
        return numbers
    account = numbers[0] if command.target.strip() else ALL_ACCOUNTS
    whose = f" of {masked(account)}" if account else ""
    if words.word is ExitsWord.HOLD:
        await records.exit_switch.hold(account, command.who, words.why, clock.now())
        rests = staying_words(await resting_orders(records, numbers), shown_end(account))
        return Done("; ".join(filter(None, (f"exits{whose} are held", rests))))
    off = [one for one in await accounts_off(records, default) if one in numbers]
    on_again = await _on_again(records, clock, command, words, account, numbers, off)
    return Done("; ".join((on_again, *(_off_words(one, live=live) for one in off))))


async def accounts_off(records: Records, default: ExitMode) -> list[str]:
    """The accounts for which no exit is sent by their settings. Raises RecordsError."""
    modes = {one.number: own_or_default(one.exits.mode, default) for one in await records.accounts.all()}
    return [number for number, mode in modes.items() if mode is ExitMode.OFF]


def _off_words(account: str, *, live: bool) -> str:
    """How the exits of an account are switched on that sends none."""
    end = shown_end(account)
    if live:
        return f"off for {masked(account)}: `senex exits on {end}` lists what would be sent and asks for the words"
    return f"off for {masked(account)}: `senex accounts set {end} exits all` switches them on"


async def meant_accounts(records: Records, typed: str) -> list[str] | Refusal:
    """The number of the one account that is meant; those of all for no word. Raises RecordsError."""
    numbers = [account.number for account in await records.accounts.all()]
    if not typed.strip():
        return numbers
    found = resolve_account(typed, numbers)
    return found if isinstance(found, Refusal) else [found]


async def _on_again(
    records: Records,
    clock: Clock,
    command: Command,
    words: ExitsWords,
    account: str,
    numbers: list[str],
    off: list[str],
) -> str:
    await records.exit_switch.resume(account, command.who, words.why, clock.now())
    for number in numbers:
        await records.accounts.let_first_targets_wait(number, False)
    held = [one.account for one in await records.exit_switch.all() if one.held]
    whose = f" of {masked(account)}" if account else ""
    others = held if account == ALL_ACCOUNTS else [one for one in held if one == ALL_ACCOUNTS]
    still = ", ".join("those of all accounts" if one == ALL_ACCOUNTS else f"those of {masked(one)}" for one in others)
    now = "not held" if len(off) == len(numbers) else "on"
    return f"exits{whose} are {now}{f'; still held: {still}' if still else ''}"


async def resting_orders(records: Records, numbers: Sequence[str]) -> Resting:
    """The closing orders of these accounts that rest at the broker, as far as anybody knows. Raises RecordsError."""
    return Resting.of([one for number in numbers for one in await records.exits.open_of(number)])
