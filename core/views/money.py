"""What was earned, from the records, for the page that shows it (rules 15.6). Account numbers are masked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.operation.events import masked
from core.domain.positions.account_at_close import AccountAtClose
from core.domain.reporting.money import Period, earned_by_day, money_of
from core.records.search.money import Money
from core.snapshot.money import MoneyDay, MoneyView

if TYPE_CHECKING:
    from core.records.records import Records

Version = tuple[int, ...] | None
_NONE = Decimal(0)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MoneyFound:
    """An answer to `money_page`, and the version of the records it was read from, None when that is not certain."""

    view: MoneyView
    version: Version


async def money_page(records: Records, choice: int, known: Version = None) -> MoneyFound | None:
    """What was earned in the accounts of this choice; None when the records are still of the `known` version.

    Figures are put together beside the loop that asks: of five years they take longer than quotes may wait. Raises
    RecordsError.
    """
    version = records.money.version()
    if known is not None and known == version:
        return None
    found = await records.money.recorded()
    days = await records.pnl_rows.days(date.min, date.max)
    return MoneyFound(await asyncio.to_thread(money_view, found, days, choice), version)


def account_of(found: Money, choice: int) -> str | None:
    """The number of the account with this place; None for all of them."""
    numbers = _numbers(found)
    return numbers[choice - 1] if 0 < choice <= len(numbers) else None


def money_view(found: Money, closes: Sequence[AccountAtClose], choice: int) -> MoneyView:
    """What was earned in the accounts of this choice; a choice that there is not is all of them."""
    numbers, number = _numbers(found), account_of(found, choice)
    of_choice = found if number is None else found.of(number)
    closes = [one for one in closes if number is None or one.account == number]
    tridents = [replace(one, account=masked(one.account)) for one in of_choice.tridents]
    by_day = earned_by_day(of_choice.units, tridents)
    return MoneyView(
        accounts=tuple(masked(one) for one in numbers),
        choice=0 if number is None else choice,
        figures=money_of(
            of_choice.units,
            tridents,
            [replace(one, account=masked(one.account)) for one in closes],
            Period.MONTH,
            slippages=of_choice.slippages,
        ),
        days=_days(by_day, _open_by_mid(closes)),
        weeks=_weeks(by_day),
    )


def _numbers(found: Money) -> list[str]:
    return sorted({one.account for one in found.tridents})


def _open_by_mid(closes: Iterable[AccountAtClose]) -> dict[date, Decimal | None]:
    """What was open at each close, of all its accounts together; None where it is not known of one with something
    open."""
    found: dict[date, Decimal | None] = {}
    for one in closes:
        before = found.get(one.day, _NONE)
        mid = one.unrealized.mid if one.unrealized is not None else None if one.open_risk else _NONE
        found[one.day] = None if before is None or mid is None else before + mid
    return found


def _days(by_day: dict[date, Decimal], open_mid: dict[date, Decimal | None]) -> tuple[MoneyDay, ...]:
    """From the first day on which something was earned or paid."""
    days: list[MoneyDay] = []
    so_far = _NONE
    for day in sorted(by_day.keys() | open_mid.keys()):
        so_far += by_day.get(day, _NONE)
        if days or day in by_day:
            days.append(MoneyDay(day, so_far, open_mid.get(day)))
    return tuple(days)


def _weeks(by_day: dict[date, Decimal]) -> tuple[tuple[date, Decimal], ...]:
    found: dict[date, Decimal] = {}
    for day, earned in by_day.items():
        begins = Period.WEEK.first_of(day)
        found[begins] = found.get(begins, _NONE) + earned
    if not found:
        return ()
    first, last = min(found), max(found)
    weeks = ((last - first).days // 7) + 1
    return tuple((begins, found.get(begins, _NONE)) for begins in (first + _WEEK * n for n in range(weeks)))
