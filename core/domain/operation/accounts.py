"""Which account is meant, and its own setting or the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from core.domain.operation.reasons import Reason, Refusal, refuse

T = TypeVar("T")
_SHORTEST_END = 4
"""As many characters as a masked number shows."""


def resolve_account(typed: str, known: Sequence[str]) -> str | Refusal:
    """The one known account number that equals `typed` or ends with it.

    The form on screens, like `…4021`, is accepted too, also with three dots. The refusal names what was typed, how many
    accounts that names, and the choices by the fewest last characters that tell them apart.
    """
    exact = [number for number in known if number == _end(typed)]
    found = exact or [number for number in known if may_mean(typed, number)]
    if len(found) == 1:
        return found[0]
    choices = found or known
    shown = ", ".join(f"…{shortest_end(number, choices)}" for number in choices)
    names = f"{len(found)} accounts" if found else "no known account"
    known_ones = f"give one of {shown}" if shown else "no account is known yet"
    return refuse(Reason.NO_SUCH_ACCOUNT, number=typed, found=names, known=known_ones)


def may_mean(typed: str, number: str) -> bool:
    """Whether `typed` is this account number or its last characters. It may fit other accounts too."""
    end = _end(typed)
    return end != "" and number.endswith(end)


def _end(typed: str) -> str:
    return typed.strip().removeprefix("…").removeprefix("...")


def shown_end(number: str) -> str:
    """The last characters of the number, as many as a masked number shows: how a sentence names an account to a
    command."""
    return number[-_SHORTEST_END:]


def shortest_end(number: str, known: Sequence[str]) -> str:
    """The fewest last characters of the number, at least four, that none of the other known ones ends with."""
    for length in range(_SHORTEST_END, len(number)):
        if sum(other.endswith(number[-length:]) for other in known) == 1:
            return number[-length:]
    return number


def names_of(known: Sequence[str]) -> dict[str, str]:
    """What each account is called where several stand beside each other, by its number: masked to its last four
    characters, with more of them where these are alike. `resolve_account` finds an account by its name."""
    return {number: f"…{shortest_end(number, known)}" for number in known}


def own_or_default(own: T | None, default: T) -> T:
    """An account's own setting, or where it has none that of the settings file."""
    return default if own is None else own
