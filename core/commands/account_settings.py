"""Carries out the command that changes one setting of one account (rules 4, 7, 10)."""

from __future__ import annotations

from core.commands.exit_commands import resting_orders
from core.commands.inbox import Done
from core.domain.operation.account_settings import AccountField, AccountSetting, account_setting, confirmed_exits
from core.domain.operation.accounts import resolve_account, shown_end
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Refusal
from core.domain.positions.blocks import FIRST_SET_WAITS
from core.domain.positions.resting import staying_words
from core.domain.positions.tridents import ExitMode
from core.records.records import Records
from core.runtime.clock import Clock, exchange_time


async def set_account(records: Records, clock: Clock, command: Command, *, live: bool) -> Done | Refusal:
    """Changes the setting that the command names; the answer says the old and the new value. In live the exits of an
    account are switched on by the words that its operator types. Raises RecordsError."""
    number = resolve_account(command.target, [account.number for account in await records.accounts.all()])
    if isinstance(number, Refusal):
        return number
    name, _, text = command.note.partition(" ")
    if name == AccountField.EXITS:
        confirmed = confirmed_exits(text, number, live=live)
        if isinstance(confirmed, Refusal):
            return confirmed
        text = confirmed
    # The day on which it was asked: a stop that is carried out late must not skip another.
    setting = account_setting(name, text.strip(), exchange_time(command.at).date())
    if isinstance(setting, Refusal):
        return setting
    old = await records.accounts.set(number, setting, command.who, clock.now())
    change = f"{old.shown()} -> {setting.shown()}" if old != setting else f"{setting.shown()} already"
    return Done(
        "; ".join(
            (f"{masked(number)}: {setting.field.value} {change}", *await _more(records, old, setting, number, live))
        )
    )


async def _more(records: Records, old: AccountSetting, setting: AccountSetting, number: str, live: bool) -> list[str]:
    """What the operator has to know of exits that were switched on or off: what waits, who holds them, what rests."""
    if setting.field is not AccountField.EXITS:
        return []
    if not _sends(setting):
        is_off = _ends_sending(records, setting)
        rests = staying_words(await resting_orders(records, [number]), shown_end(number)) if is_off else ""
        return [rests] if rests else []
    told = []
    if live and not _sends(old) and await _first_targets_wait(records, number):
        told.append(FIRST_SET_WAITS)
    held = await records.exit_switch.held(number)
    if held is not None:
        told.append(
            f"exits are held by {held.who}: `senex exits on{f' {shown_end(number)}' if held.account else ''}` ends it"
        )
    return told


def _ends_sending(records: Records, setting: AccountSetting) -> bool:
    """Whether no exit of the account is sent by this setting any more."""
    default = records.tridents.default_rules.mode.value
    return setting.field is AccountField.EXITS and (setting.value or default) == ExitMode.OFF.value


def _sends(setting: AccountSetting) -> bool:
    """Whether exits are switched on by this setting of a live account."""
    return setting.field is AccountField.EXITS and setting.value not in (None, ExitMode.OFF.value)


async def _first_targets_wait(records: Records, number: str) -> bool:
    """Whether the first targets of the account wait for one more word: where nothing is held yet, its operator was
    shown no order of those that he switched on (rules 15.9)."""
    waits = not await records.tridents.held_of(number)
    await records.accounts.let_first_targets_wait(number, waits)
    return waits
