"""The operator's command that changes one setting of one account (SPEC 4, 7, 10)."""

from __future__ import annotations

from collections.abc import Sequence

from core.commands.inbox import Done
from core.domain.operation.account_settings import account_setting
from core.domain.operation.commands import Command
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.records.records import AccountRecord, Records
from core.runtime.clock import Clock, exchange_time


async def set_account(records: Records, clock: Clock, command: Command) -> Done | Refusal:
    """Changes what the command names and says from what to what. Raises RecordsError."""
    account = named_account(await records.accounts.all(), command.target)
    if isinstance(account, Refusal):
        return account
    name, _, text = command.note.partition(" ")
    setting = account_setting(name, text.strip(), exchange_time(clock.now()).date())
    if isinstance(setting, Refusal):
        return setting
    old = await records.accounts.set(account.number, setting, command.who, clock.now())
    change = f"{old.shown()} -> {setting.shown()}" if old != setting else f"{setting.shown()} already"
    return Done(f"{masked(account.number)}: {setting.field.value} {change}")


def named_account(accounts: Sequence[AccountRecord], number: str) -> AccountRecord | Refusal:
    """The one account of this number, or of these last characters."""
    exact = [a for a in accounts if a.number == number]
    found = exact or [a for a in accounts if number and a.number.endswith(number)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(masked(a.number) for a in accounts) or "none"
    return refuse(Reason.NO_SUCH_ACCOUNT, number=number, found=len(found) or "no", known=known)
