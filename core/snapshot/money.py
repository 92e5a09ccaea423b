"""What was earned, for the page that shows it: what the records have, put together once for a choice of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.reporting.money import MoneyFigures

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class MoneyDay:
    """A day on which something was earned, or whose close is on record. Amounts in $.

    `realized` is what was realized from the first day on, after fees; `open_mid` is what the tridents left would have
    realized at mid in the last minute of the session, before fees, None where that is not on record of one that was
    open. `estimated`: a part of what this day alone realized is not the last word; `unexplained`: a unit ended on it
    for nobody knows how much.
    """

    day: date
    realized: Decimal
    open_mid: Decimal | None
    estimated: bool = False
    unexplained: bool = False


@dataclass(frozen=True, slots=True)
class MoneyWeek:
    """What a week realized after fees, by its Monday; `estimated` while a part of it is not the last word."""

    begins: date
    realized: Decimal
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class NetToday:
    """What today earned against the close before it: what was realized since, after fees, and by how much what is open
    at mid is another amount than it was. `amount` is None while one of these is not known. `since` is the day of that
    close; None where nothing was open or earned before today."""

    amount: Decimal | None
    since: date | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class MoneyView:
    """What was earned in the chosen accounts. `accounts` names all of which there is something to tell, in the order of
    their numbers: masked, with more characters where these are alike. `chosen` is the name of one, empty for all.

    `open_ids` are the tridents of the chosen accounts that have not ended. `figures` are those of the months. `weeks`
    are all from the first to the last, also those that earned nothing.
    """

    accounts: tuple[str, ...]
    chosen: str
    figures: MoneyFigures
    days: tuple[MoneyDay, ...]
    weeks: tuple[MoneyWeek, ...]
    open_ids: frozenset[str] = frozenset()

    def on(self, today: date) -> MoneyDay:
        """What this day alone realized."""
        of_day = next((one for one in self.days if one.day == today), None)
        if of_day is None:
            return MoneyDay(today, _NONE, None)
        before = next((one.realized for one in reversed(self.days) if one.day < today), _NONE)
        return MoneyDay(today, of_day.realized - before, of_day.open_mid, of_day.estimated, of_day.unexplained)

    def net_today(self, today: date, open_mid: Decimal | None) -> NetToday:
        """What today earned, with what is open now at mid: None where that is not known."""
        base = next((one for one in reversed(self.days) if one.day < today), None)
        since = [one for one in self.days if base is None or one.day > base.day]
        was_open = _NONE if base is None else base.open_mid
        amount = None
        if open_mid is not None and was_open is not None and not any(one.unexplained for one in since):
            before = _NONE if base is None else base.realized
            realized = since[-1].realized - before if since else _NONE
            amount = realized + open_mid - was_open
        return NetToday(amount, None if base is None else base.day, any(one.estimated for one in since))
