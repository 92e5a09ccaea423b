"""Carries out the command that changes one setting of one account (rules 4, 7, 10)."""

from __future__ import annotations

from core.commands.inbox import Done
from core.domain.operation.account_settings import account_setting
from core.domain.operation.accounts import resolve_account
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Refusal
from core.records.records import Records
from core.runtime.clock import Clock, exchange_time


async def set_account(records: Records, clock: Clock, command: Command) -> Done | Refusal:
    """Changes the setting that the command names; the answer says the old and the new value. Raises RecordsError."""
    number = resolve_account(command.target, [account.number for account in await records.accounts.all()])
    if isinstance(number, Refusal):
        return number
    name, _, text = command.note.partition(" ")
    # The day on which it was asked: a stop that is carried out late must not skip another.
    setting = account_setting(name, text.strip(), exchange_time(command.at).date())
    if isinstance(setting, Refusal):
        return setting
    old = await records.accounts.set(number, setting, command.who, clock.now())
    change = f"{old.shown()} -> {setting.shown()}" if old != setting else f"{setting.shown()} already"
    return Done(f"{masked(number)}: {setting.field.value} {change}")
