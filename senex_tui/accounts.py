"""`senex accounts`: which accounts the login reached, and which the operator lets the automation trade."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from core.clock import SystemClock
from core.domain.events import masked
from core.records.records import AccountRecord, Records
from senex_tui.refusals import Refused

T = TypeVar("T")


def list_accounts(records_file: Path) -> list[str]:
    """One line an account. Raises Refused before the first start, when no account is known."""

    async def read(records: Records) -> list[str]:
        return [_line(account) for account in await records.accounts.all()]

    return _run(records_file, read)


def switch_account(records_file: Path, number: str, *, enabled: bool) -> str:
    """Turns the automation on or off for the account of this number, or of these last characters.

    Raises Refused when none or several match.
    """

    async def change(records: Records) -> str:
        found = [a for a in await records.accounts.all() if a.number.endswith(number)]
        if len(found) != 1:
            known = ", ".join(masked(a.number) for a in await records.accounts.all()) or "none"
            raise Refused(f"{number!r} names {len(found) or 'no'} known accounts; known are {known}.")
        await records.accounts.set_enabled(found[0].number, enabled, SystemClock().now())
        return f"{masked(found[0].number)}: automation {'on' if enabled else 'off'}"

    return _run(records_file, change)


def _run(records_file: Path, work: Callable[[Records], Awaitable[T]]) -> T:
    if not records_file.exists():
        raise Refused("no account is known yet; start `senex` once, which asks the broker for them.")
    return asyncio.run(_with_records(records_file, work))


async def _with_records(records_file: Path, work: Callable[[Records], Awaitable[T]]) -> T:
    records = await Records.open(f"sqlite+aiosqlite:///{records_file}", trader=False)
    try:
        return await work(records)
    finally:
        await records.close()


def _line(account: AccountRecord) -> str:
    switch = "on " if account.enabled else "off"
    closed = "  closed at the broker" if account.is_closed else ""
    what = f"{account.kind}  {account.nickname}  login {account.login}"
    return f"{masked(account.number)}  automation {switch}  {what}{closed}"
