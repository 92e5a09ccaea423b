"""What the keys about orders and tridents mean on a page that shows one of them.

No key acts on what the page in front does not show: on the page of a trident, c means an order of that trident or says
that none works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.snapshot import AccountView, ExitView, OrderView, PositionView
    from senex_tui.console.base import ConsoleApp


@dataclass(frozen=True, slots=True)
class Meant:
    """What a page shows, of which its keys mean nothing else. A field that is None leaves that open; an empty one fits
    nothing, as in a list without a chosen row. `account` is masked.

    `none` says of a key that nothing it is for is among that: `Not the chosen one`. `unclear` is why the keys mean
    nothing there at all, empty where they do.
    """

    none: str = ""
    unclear: str = ""
    order: str | None = None
    trident: str | None = None
    account: str | None = None
    cycle: int | None = None

    def has_entry(self, entry: OrderView) -> bool:
        """Whether an entry is among it: an entry's id is that of the trident it opens."""
        return self._has(order=entry.entry_id, trident=entry.entry_id, account=entry.account, cycle=entry.cycle)

    def has_exit(self, one: ExitView) -> bool:
        """Whether a closing order is among it."""
        return self._has(order=one.exit_id, trident=one.trident_id, account=one.account, cycle=None)

    def has_trident(self, view: PositionView) -> bool:
        """Whether an open trident is among it, also that of the order that is shown."""
        return not self.unclear and self.trident in (None, view.entry_id) and self.account in (None, view.account)

    def _has(self, *, order: str, trident: str, account: str, cycle: int | None) -> bool:
        return (
            not self.unclear
            and self.order in (None, order)
            and self.trident in (None, trident)
            and self.account in (None, account)
            and self.cycle in (None, cycle)
        )


ANYTHING = Meant()


def of_trident(trident_id: str, which: str = "this trident") -> Meant:
    """A trident and its orders; with an empty id none."""
    return Meant(f"None of {which}", trident=trident_id)


def of_account(view: AccountView) -> Meant:
    """What is of one account. Orders and tridents name theirs masked: where another account is masked alike, none of
    them is surely its own."""
    if is_alike(view):
        return Meant(unclear=f"Another account is shown as {view.account} too: choose under Orders or Tridents instead")
    return Meant(f"None of {view.account}", account=view.account)


def is_alike(view: AccountView) -> bool:
    """Whether another account has the same masked number: then its own name is longer."""
    return f"…{view.target}" != view.account


def meant_by(app: ConsoleApp) -> Meant:
    """What the screen in front shows; anything where it is about no order and no trident."""
    meant = getattr(app.screen, "meant", ANYTHING)
    return meant if isinstance(meant, Meant) else ANYTHING
