"""What rests at the broker of our closing orders, and how it is told where exits stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.operation import amounts
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import Exit, ExitKind

FEW = 3
"""So many orders, those of one trident, are named by their ids in a sentence; more are counted."""
_RESTS = (OrderState.WORKING, OrderState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Resting:
    """The closing orders that rest at the broker, by their ids: how many of them are `targets`, and of how many
    `tridents` they are, 0 where nobody knows."""

    orders: tuple[str, ...] = ()
    targets: int = 0
    tridents: int = 0

    @classmethod
    def of(cls, exits: Iterable[Exit]) -> Resting:
        """Those of these orders that rest, as far as anybody knows."""
        found = [one for one in exits if one.state in _RESTS and one.order_id]
        return cls(
            tuple(one.order_id for one in found if one.order_id),
            sum(one.kind is ExitKind.TARGET for one in found),
            len({one.trident_id for one in found}),
        )


def resting_words(resting: Resting) -> str:
    """`3 closing orders rest at the broker (71, 72, 73)`, `27 targets of 9 tridents rest at the broker`. Empty for
    none."""
    count = len(resting.orders)
    if not count:
        return ""
    rest = "rests" if count == 1 else "rest"
    if count <= FEW or not resting.tridents:
        return f"{amounts.counted(count, 'closing order')} {rest} at the broker ({', '.join(resting.orders)})"
    what = amounts.counted(count, "target" if resting.targets == count else "closing order")
    return f"{what} of {amounts.counted(resting.tridents, 'trident')} {rest} at the broker"


def leaving_words(resting: Resting) -> str:
    """What is said when the console ends, or is to be taken away, while closing orders rest; empty for none."""
    if not resting.orders:
        return ""
    goes, them = ("goes", "it") if len(resting.orders) == 1 else ("go", "them")
    ends = f"`senex exits cancel` beside a running one ends {them}"
    return f"{resting_words(resting)} and {goes} on without a console; {ends}"


def staying_words(resting: Resting, account: str = "") -> str:
    """What is said when exits are held or switched off while closing orders rest; empty for none. `account` is how the
    one that is meant is named to a command, empty for all."""
    if not resting.orders:
        return ""
    stays, them = ("stays", "it") if len(resting.orders) == 1 else ("stay", "them")
    command = " ".join(filter(None, ("senex exits cancel", account)))
    return f"{resting_words(resting)} and {stays}; `{command}` cancels {them}"
