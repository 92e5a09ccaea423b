"""What was earned, for the page that shows it: what the records have, put together once for a choice of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.reporting.money import MoneyFigures


@dataclass(frozen=True, slots=True)
class MoneyDay:
    """A day on which something was earned, or whose close is on record. Amounts in $.

    `realized` is what was realized from the first day on, after fees; `open_mid` is what the tridents left would have
    realized at mid in the last minute of the session, before fees, None where that is not on record.
    """

    day: date
    realized: Decimal
    open_mid: Decimal | None


@dataclass(frozen=True, slots=True)
class MoneyView:
    """What was earned in the chosen accounts. `accounts` are all of which there is something to tell, masked, in the
    order of their numbers; `choice` is 0 for all of them, else the place of the chosen one, counted from 1.

    `figures` are those of the months. `weeks` has what each week earned after fees, by its Monday, with the weeks in
    between that earned nothing.
    """

    accounts: tuple[str, ...]
    choice: int
    figures: MoneyFigures
    days: tuple[MoneyDay, ...]
    weeks: tuple[tuple[date, Decimal], ...]

    @property
    def chosen(self) -> str:
        """The chosen account, masked; empty when all are shown together."""
        return self.accounts[self.choice - 1] if self.choice else ""
