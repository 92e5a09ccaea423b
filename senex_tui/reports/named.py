"""The account that an option names by its last characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.accounts import resolve_account
from core.domain.operation.reasons import Refusal
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.records.records import Records


async def account_named(records: Records, typed: str, option: str = "--account ") -> str | None:
    """The number of the one known account that `typed` names, None when it is empty.

    Raises Refused with the choices when it names none or several, RecordsError.
    """
    if not typed:
        return None
    found = resolve_account(typed, [account.number for account in await records.accounts.all()])
    if isinstance(found, Refusal):
        raise Refused(f"{option}{found.sentence()}.")
    return found
