"""What was earned, from the records, for the page that shows it (rules 15.6). Account numbers are masked."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.operation.accounts import names_of, resolve_account
from core.domain.operation.events import masked
from core.domain.operation.reasons import Refusal
from core.domain.positions.account_at_close import AccountAtClose
from core.domain.reporting.money import Earned, Period, earned_by_day, money_of
from core.records.search.money import Money
from core.runtime.clock import exchange_time
from core.snapshot.money import MoneyDay, MoneyView, MoneyWeek

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


async def money_page(records: Records, choice: str, known: Version = None) -> MoneyFound | None:
    """What was earned in the accounts of this choice, the name of one or empty for all; None when the records are still
    of the `known` version.

    Rows and figures are put together beside the loop that asks: of five years they take longer than quotes may wait.
    Raises RecordsError.
    """
    version = records.money.version()
    if known is not None and known == version:
        return None
    found = await records.money.recorded()
    days = await records.pnl_rows.days(date.min, date.max)
    return MoneyFound(await asyncio.to_thread(money_view, found, days, choice), version)


def account_of(found: Money, choice: str) -> str | None:
    """The number of the account of this name; None for all of them, and for a name that there is not."""
    number = resolve_account(choice, _numbers(found)) if choice else None
    return None if isinstance(number, Refusal) else number


def money_view(found: Money, closes: Sequence[AccountAtClose], choice: str) -> MoneyView:
    """What was earned in the accounts of this choice; a name that there is not is all of them."""
    names, number = names_of(_numbers(found)), account_of(found, choice)
    of_choice = found if number is None else found.of(number)
    closes = [one for one in closes if number is None or one.account == number]
    tridents = [replace(one, account=names[one.account]) for one in of_choice.tridents]
    by_day = earned_by_day(of_choice.units, tridents)
    spans = _spans(of_choice)
    return MoneyView(
        accounts=tuple(names.values()),
        chosen="" if number is None else names[number],
        figures=money_of(
            of_choice.units,
            tridents,
            [replace(one, account=names.get(one.account, masked(one.account))) for one in closes],
            Period.MONTH,
            slippages=of_choice.slippages,
        ),
        days=_days(by_day, _open_by_mid(closes, spans, by_day, _uncertain(of_choice, closes))),
        weeks=_weeks(by_day),
        open_ids=frozenset(id for of_account in spans.values() for id in of_account.open_ids),
    )


def _numbers(found: Money) -> list[str]:
    return sorted({one.account for one in found.tridents})


@dataclass(slots=True)
class _Spans:
    """When an account had tridents open: the days on which they were opened, and those of their last units."""

    opened: list[date] = field(default_factory=list)
    ended: list[date] = field(default_factory=list)
    open_ids: list[str] = field(default_factory=list)

    def holds(self, day: date) -> bool:
        """Whether one was open at the close of this day."""
        return bisect_right(self.opened, day) > bisect_right(self.ended, day)


def _spans(found: Money) -> dict[str, _Spans]:
    last: dict[str, date | None] = {}
    for unit in found.units:
        before = last.get(unit.trident_id, date.min)
        last[unit.trident_id] = None if unit.day is None or before is None else max(before, unit.day)
    spans: dict[str, _Spans] = {}
    for trident in found.tridents:
        of_account = spans.setdefault(trident.account, _Spans())
        of_account.opened.append(trident.opened_on)
        ended = last.get(trident.id)
        if ended is None:
            of_account.open_ids.append(trident.id)
        else:
            of_account.ended.append(ended)
    for of_account in spans.values():
        of_account.opened.sort()
        of_account.ended.sort()
    return spans


def _uncertain(found: Money, closes: Iterable[AccountAtClose]) -> set[date]:
    """The days of which what is recorded as open at the close and what is realized by then are not two parts of one
    whole: a unit's end was known only after the account was recorded, or what expired counts for a later day. A unit
    that ends on its expiration is certain: what expires is not recorded as open."""
    recorded: dict[str, dict[date, datetime]] = {}
    for one in closes:
        recorded.setdefault(one.account, {})[one.day] = one.at
    of = {trident.id: trident for trident in found.tridents}
    uncertain: set[date] = set()
    for unit in found.units:
        trident = of[unit.trident_id]
        days = recorded.get(trident.account, {})
        ends = date.max if unit.day is None else unit.day
        if unit.ended_at is not None and ends < trident.expiration:
            recorded_at = days.get(ends, unit.ended_at)
            if exchange_time(unit.ended_at).date() > ends or unit.ended_at > recorded_at:
                late = {day for day, at in days.items() if ends <= day < trident.expiration and at < unit.ended_at}
                uncertain |= late
        if ends > trident.expiration:
            uncertain |= {day for day in days if trident.expiration <= day < ends}
    return uncertain


def _open_by_mid(
    closes: Iterable[AccountAtClose],
    spans: Mapping[str, _Spans],
    earned: Iterable[date],
    uncertain: Set[date],
) -> dict[date, Decimal | None]:
    """What was open at each close, of all its accounts together; None where it is not known of one with something
    open, and where it is uncertain. The days on which something was earned are among them."""
    marks: dict[date, dict[str, Decimal | None]] = {day: {} for day in earned}
    for one in closes:
        mid = None if one.unrealized is None else one.unrealized.mid
        marks.setdefault(one.day, {})[one.account] = mid
    found: dict[date, Decimal | None] = {}
    for day, of_day in marks.items():
        known = [of_day.get(number) for number, span in spans.items() if span.holds(day)]
        sure = [mid for mid in known if mid is not None]
        found[day] = sum(sure, _NONE) if len(sure) == len(known) and day not in uncertain else None
    return found


def _days(by_day: Mapping[date, Earned], open_mid: Mapping[date, Decimal | None]) -> tuple[MoneyDay, ...]:
    """From the first day on which something was earned."""
    days: list[MoneyDay] = []
    so_far = _NONE
    for day in sorted(open_mid):
        earned = by_day.get(day)
        if earned is not None:
            so_far += earned.amount
            days.append(MoneyDay(day, so_far, open_mid[day], earned.estimated, earned.unexplained))
        elif days:
            days.append(MoneyDay(day, so_far, open_mid[day]))
    return tuple(days)


def _weeks(by_day: Mapping[date, Earned]) -> tuple[MoneyWeek, ...]:
    found: dict[date, Earned] = {}
    for day, earned in by_day.items():
        found.setdefault(Period.WEEK.first_of(day), Earned()).add(earned.amount, estimated=earned.estimated)
    if not found:
        return ()
    first, last = min(found), max(found)
    all_weeks = (first + _WEEK * number for number in range((last - first).days // 7 + 1))
    nothing = Earned()
    return tuple(
        MoneyWeek(begins, one.amount, one.estimated)
        for begins, one in ((begins, found.get(begins, nothing)) for begins in all_weeks)
    )
