"""`senex explain`: the story of one cycle, of a slot that did not run, or of a trident to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from core.domain.market.sessions import SlotTimes, slots_of
from core.domain.operation import times as shown
from core.domain.operation.events import Severity, masked, masked_in
from core.domain.operation.figures import FigureValue
from core.domain.orders.way_out import SHORT_ID
from core.runtime.clock import exchange_time
from core.snapshot.story import Story, StoryKind, StoryLine
from core.views.story import story_of_cycle, story_of_slot
from senex_tui.reports.day import need_near
from senex_tui.reports.named import account_named
from senex_tui.support.refusals import Refused
from senex_tui.support.text import hanging, safe
from senex_tui.support.when import with_day, zoned
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.records.records import Records

LAST = "last"
_LARGEST_DIGITS = 9
_LABEL = 13
_NOTICE = {Severity.INFO: " ", Severity.WARNING: "!", Severity.CRITICAL: "!"}


@dataclass(frozen=True, slots=True)
class Explained:
    """A story as it is printed: each of the numbers in `accounts` is masked in it."""

    story: Story
    accounts: tuple[str, ...]

    def to_json(self) -> str:
        values = {
            "title": self.story.title,
            "verdict": self.story.verdict,
            "lines": [
                {
                    "kind": line.kind.value,
                    "at": None if line.at is None else exchange_time(line.at).isoformat(timespec="milliseconds"),
                    "account": masked(line.account) if line.account else "",
                    "label": line.label,
                    "text": line.text,
                    "severity": line.severity.value,
                    "reason": line.reason,
                    "points": None if line.points is None else f"{line.points:f}",
                    "figures": {name: _plain(value) for name, value in line.figures},
                }
                for line in self.story.lines
            ],
        }
        return masked_in(json.dumps(values), self.accounts)

    def to_text(self) -> str:
        lines = [self.story.title, *hanging("", safe(self.story.verdict))]
        for line in self.story.lines:
            lines += _drawn(line)
        return masked_in("\n".join(lines), self.accounts)


async def explain(place: Place, times: SlotTimes, what: str, account: str = "") -> Explained:
    """The story of one cycle, slot or trident.

    `what` is a cycle's number, `last`, the exchange time of a slot, of today or with its date, or the beginning of a
    trident's id. `account`, the last
    characters of a number, leaves out what is of another account. Raises Refused when there is no such cycle, slot or
    account, RecordsError, CalendarError.
    """
    place.need_records()
    return await with_records(place, lambda records: _explain(records, place, times, what.strip(), account))


async def _explain(records: Records, place: Place, times: SlotTimes, what: str, account: str) -> Explained:
    only = await account_named(records, account)
    now = (await market_clock(place)).now()
    accounts = tuple(account.number for account in await records.accounts.all())
    trident = await _trident_meant(records, what)
    if trident is not None:
        story = await _of_trident(records, trident)
    elif what == LAST or what.isdecimal():
        story = await _of_number(records, what, exchange_time(now).date())
    else:
        story = await _of_slot(records, times, _minute(what, now), now)
    if only is not None:
        story = replace(story, lines=tuple(line for line in story.lines if line.account in ("", only)))
    return Explained(story, accounts)


async def _trident_meant(records: Records, what: str) -> str | None:
    """The id of the one trident that begins so; None when none does, or several do."""
    if len(what) < SHORT_ID:
        return None
    found = await records.tridents.beginning_with(what)
    return found[0].id if len(found) == 1 else None


async def _of_trident(records: Records, trident_id: str) -> Story:
    from core.views.trident_story import story_of_trident, trident_details

    file = await trident_details(records, trident_id)
    if file is None:
        raise Refused(f"the entry of trident {trident_id[:SHORT_ID]} is not recorded.")
    return story_of_trident(file)


async def _of_number(records: Records, what: str, today: date) -> Story:
    newest = await records.cycles.newest()
    if newest == 0:
        raise Refused("no cycle is recorded yet; `senex day` shows the slots, what they came to and what comes next.")
    number = newest if what == LAST else int(what) if len(what) <= _LARGEST_DIGITS else 0
    file = await records.cycle_details.of_cycle(number)
    if file is None:
        raise Refused(
            f"cycle {what[:40]} is not recorded; give a number from 1 to {newest}, a slot like 11:15, or last."
        )
    return story_of_cycle(file, today)


async def _of_slot(records: Records, times: SlotTimes, minute: datetime, now: datetime) -> Story:
    after, today = minute + timedelta(minutes=1), exchange_time(now).date()
    for record in await records.slots.of_day(exchange_time(minute).date()):
        if minute <= record.slot < after and record.cycle is None:
            return story_of_slot(record.slot, record, await records.cycle_details.around(record.slot))
        if minute <= record.slot < after and record.cycle is not None:
            return await _of_number(records, str(record.cycle), today)
    began = await records.cycle_details.began_within(minute, after)
    if began:
        return await _of_number(records, str(began[-1]), today)
    slot = _slot_at(minute, times)
    if slot > now:
        raise Refused(f"the slot {_shown(slot)} has not come yet; it is {_shown(now)}.")
    return story_of_slot(slot, None, await records.cycle_details.around(slot))


def _slot_at(minute: datetime, times: SlotTimes) -> datetime:
    """The slot of this minute by the exchange's calendar. Raises Refused when there is none."""
    from core.market.calendar import SessionCalendar

    day = exchange_time(minute).date()
    session = SessionCalendar(minute).on(day)
    if session is None:
        raise Refused(
            f"the exchange has no session on {shown.title(day)}, so no slot; `senex day {day}` shows the next."
        )
    slots = slots_of(session, times)
    if minute in slots:
        return minute
    before = [slot for slot in slots if slot < minute]
    near = shown.minute(before[-1] if before else slots[0]) if slots else "none"
    raise Refused(
        f"{shown.minute(minute)} on {day} is no slot and no cycle began then; "
        f"the {'slot before it' if before else 'first slot'} is {near}."
    )


def _minute(what: str, now: datetime) -> datetime:
    """The minute that `what` names, UTC; without a zone it is exchange time. Raises Refused when it names none."""
    text = with_day(what, now)
    try:
        meant = datetime.fromisoformat(text)
        if len(text) <= len("2026-03-02"):
            raise ValueError("a day alone")
    except ValueError:
        raise Refused(
            f"{what[:40]!r} is not a cycle; give its number, a slot like 11:15 or 2026-03-02T11:15, or last; "
            "or a trident's id."
        ) from None
    need_near(meant.date(), exchange_time(now).date())
    return zoned(meant).replace(second=0, microsecond=0)


def _drawn(line: StoryLine) -> list[str]:
    label, text = safe(line.label), safe(line.text)
    if line.kind is StoryKind.SECTION:
        return ["", *hanging("", label)]
    if line.kind is StoryKind.EVENT and line.at is not None:
        head = f"{_NOTICE[line.severity]} {shown.clock(line.at)}  {label:<{_LABEL}}"
        return hanging(head, text)
    if line.points is not None:
        return [f"{'':12}{label:<{_LABEL}}{text:<24}{line.shown_points:>7}"]
    return hanging(f"{'':12}{label:<{_LABEL + 2}} ", text)


def _plain(value: FigureValue) -> str | int | bool | None:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _shown(instant: datetime) -> str:
    return f"{shown.minute_stamp(instant)} ET"
