"""Finds the account an operator means by its number or its last characters."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.records.repositories.rows import AccountRecord


def resolve_account(accounts: Sequence[AccountRecord], number: str) -> AccountRecord | Refusal:
    """The account with this number, or the only one whose number ends with it. Else a refusal that names the known
    accounts."""
    exact = [a for a in accounts if a.number == number]
    found = exact or [a for a in accounts if number and a.number.endswith(number)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(masked(a.number) for a in accounts) or "none"
    return refuse(Reason.NO_SUCH_ACCOUNT, number=number, found=len(found) or "no", known=known)
