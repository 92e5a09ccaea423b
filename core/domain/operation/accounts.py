"""Which account is meant, and its own setting or the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, Refusal, refuse

T = TypeVar("T")


def resolve_account(typed: str, known: Sequence[str]) -> str | Refusal:
    """The one known account number that equals `typed` or ends with it. The form on screens, like `…4021`, is accepted
    too.

    The refusal names what was typed, how many accounts that names, and the known ones, masked.
    """
    end = typed.removeprefix("…")
    exact = [number for number in known if number == end]
    found = exact or [number for number in known if end and number.endswith(end)]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(masked(number) for number in known) or "none"
    return refuse(Reason.NO_SUCH_ACCOUNT, number=typed, found=len(found) or "no", known=shown)


def own_or_default(own: T | None, default: T) -> T:
    """An account's own setting, or where it has none that of the settings file."""
    return default if own is None else own
