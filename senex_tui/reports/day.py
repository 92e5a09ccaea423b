"""`senex day`: the slots of a day: what ran and how it ended, what was missed and why, what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.domain.market.sessions import Session, SlotTimes, slots_of
from core.domain.operation import times as shown
from core.domain.operation.events import masked, masked_in
from core.domain.orders.next_step import Next, NextStep, rest_words
from core.domain.reporting.told import Told, told_slot
from core.records.repositories.rows import CycleRecord, SlotRecord
from core.runtime.clock import Clock, exchange_time
from senex_tui.reports.entries import entry_values, entry_words
from senex_tui.reports.named import account_named
from senex_tui.reports.next_steps import calendar_around, read_next_steps, step_values, step_words
from senex_tui.support.refusals import Refused
from senex_tui.support.report import Report, instant_shown, instant_text
from senex_tui.support.text import LABEL, hanging, safe, table
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.market.calendar import SessionCalendar
    from core.records.records import Records

EARLIEST = date(2000, 1, 1)
_AHEAD = timedelta(days=365)
_OF_ENTRY = (
    *("account", "cycle", "state", "underlying", "expiration", "strikes", "limit", "order"),
    *("contracts_filled", "holds_day", "detail", "fate", "told", "day_words", "credit", "max_risk"),
)
NEXT, WILL_MISS, TO_COME, DUE, NOT_RUN = "next", "will miss", "to come", "due", "not run"
"""States of slots without a record. The others are told by the records."""

_UNRECORDED = "no console was running"
_DUE = "the console has not taken it up yet"


async def read_day(place: Place, times: SlotTimes, day: date | None, account: str = "") -> Report:
    """The report of a day of the exchange, without one of today.

    `account`, the last characters of a number, leaves only that account's part. Raises Refused before the first start,
    for a day too far off and for an account that is not exactly one known one, RecordsError, CalendarError.
    """
    place.need_records()
    clock = await market_clock(place)
    now = clock.now()
    today = exchange_time(now).date()
    chosen = today if day is None else day
    need_near(chosen, today)
    calendar = await calendar_around(now + (chosen - today))
    return Report(
        await with_records(
            place, lambda records: _values(records, place, times, calendar, clock, chosen, now, account)
        ),
        _lines,
    )


def need_near(day: date, today: date) -> None:
    """Raises Refused for a day too far off for the exchange calendar."""
    if not EARLIEST <= day <= today + _AHEAD:
        raise Refused(f"{day} is too far off; give a day from {EARLIEST} to {today + _AHEAD}.")


async def _values(
    records: Records,
    place: Place,
    times: SlotTimes,
    calendar: SessionCalendar,
    clock: Clock,
    day: date,
    now: datetime,
    account: str,
) -> dict[str, Any]:
    only = await account_named(records, account)
    session = calendar.on(day)
    planned = () if session is None else slots_of(session, times)
    recorded = await records.slots.of_day(day)
    ran = await records.cycles.of_day(day)
    told = {
        number: cycle.told if only is None else cycle.accounts.get(only, cycle.told)
        for number, cycle in (await records.told_cycles.of_day(day)).items()
    }
    known = await records.accounts.all()
    numbers = [account.number for account in known]
    trading = await records.trading.read()
    today = exchange_time(now).date()
    is_today = day == today
    holder = await place.holder()
    steps = await read_next_steps(records, place, times, calendar, clock, now, holder, only) if is_today else None
    following = None if steps is None else steps.overall
    first_after = calendar.next_after(day) if session is None or is_today else None
    return {
        "day": day.isoformat(),
        "today": is_today,
        "now": instant_text(now),
        "session": None if session is None else _session(session),
        "next_session": None if first_after is None else first_after.day.isoformat(),
        "next": None if steps is None else step_values(steps.overall, now, numbers),
        "accounts": []
        if steps is None
        else [
            {"account": masked(number), "next": step_values(step, now, numbers)}
            for number, step in steps.accounts.items()
        ],
        "console_runs": holder is not None,
        "automation": {
            "state": trading.state,
            "who": trading.who,
            "since": instant_text(trading.at),
            "why": trading.why,
        },
        "slots": [
            _masked(row, numbers) for row in _rows(planned, recorded, ran, told, following, now, holder is not None)
        ],
        "entries": [
            _masked(
                entry_values(entry, _OF_ENTRY, today, reentry_allowed=await records.entries.reentry_allowed(entry.id)),
                numbers,
            )
            for entry in await records.entries.of_day(day)
            if only in (None, entry.account)
        ],
    }


def _rows(
    planned: Sequence[datetime],
    recorded: Sequence[SlotRecord],
    ran: Sequence[CycleRecord],
    told: Mapping[int, Told],
    following: NextStep | None,
    now: datetime,
    runs: bool,
) -> list[dict[str, Any]]:
    """Slots and forced cycles in the order of their times; also recorded slots that today's settings do not plan."""
    by_slot = {record.slot: record for record in recorded}
    rows = [_slot(slot, by_slot.get(slot), told, following, now, runs) for slot in sorted({*planned, *by_slot})]
    rows += [_forced(cycle, told[cycle.number]) for cycle in ran if cycle.slot is None]
    return sorted(rows, key=lambda row: datetime.fromisoformat(row["at"]))


def _slot(
    slot: datetime,
    record: SlotRecord | None,
    told: Mapping[int, Told],
    following: NextStep | None,
    now: datetime,
    runs: bool,
) -> dict[str, Any]:
    row: dict[str, Any] = {"at": instant_text(slot), "forced": False, "cycle": None}
    if record is not None:
        return row | {"cycle": record.cycle} | _told_values(told_of(record, told))
    if slot > now:
        return row | _to_come(slot, following)
    due = runs and exchange_time(slot).date() == exchange_time(now).date()
    return row | (_unrecorded(DUE, _DUE) if due else _unrecorded(NOT_RUN, _UNRECORDED))


def _to_come(slot: datetime, following: NextStep | None) -> dict[str, Any]:
    if following is not None and slot == following.enters_at:
        return _unrecorded(NEXT, "")
    if following is not None and slot == following.misses_at:
        return _unrecorded(WILL_MISS, following.words)
    return _unrecorded(TO_COME, "")


def _unrecorded(state: str, text: str) -> dict[str, Any]:
    return {"state": state, "word": state, "reason": "", "text": text}


def _forced(cycle: CycleRecord, told: Told) -> dict[str, Any]:
    return {"at": instant_text(cycle.began_at), "forced": True, "cycle": cycle.number} | _told_values(told)


def told_of(slot: SlotRecord, cycles: Mapping[int, Told]) -> Told:
    """What a recorded slot came to. `cycles` has what the cycles of its day came to, by number."""
    cycle = None if slot.cycle is None else cycles.get(slot.cycle)
    return told_slot(slot.state, slot.outcome, slot.reason_code, slot.reason_text, cycle)


def _told_values(told: Told) -> dict[str, Any]:
    """`state` is the outcome where there is one; `word` and `text` are what people read."""
    return {
        "state": told.word if told.outcome is None else told.outcome.value,
        "word": told.word,
        "reason": told.reason,
        "text": told.beside_word,
    }


def _masked(values: dict[str, Any], numbers: Sequence[str]) -> dict[str, Any]:
    return {name: masked_in(value, numbers) if isinstance(value, str) else value for name, value in values.items()}


def _session(session: Session) -> dict[str, Any]:
    return {"open": instant_text(session.open), "close": instant_text(session.close), "half_day": session.half_day}


def _lines(values: dict[str, Any]) -> list[str]:
    day = date.fromisoformat(values["day"])
    lines = [f"{shown.title(day)}: {_session_words(values)}"]
    if values["today"]:
        lines += _now_lines(values)
    rows = [row for row in values["slots"] if row["state"] != TO_COME]
    to_come = [row for row in values["slots"] if row["state"] == TO_COME]
    if rows:
        cells = [[_time(row), str(row["cycle"] or "-"), row["word"], _why(row, values)] for row in rows]
        lines += ["", *table(("slot", "cycle", "came to", "why"), cells, right=frozenset({"cycle"}))]
    if to_come:
        span = f"{_time(to_come[0])} to {_time(to_come[-1])}" if len(to_come) > 1 else _time(to_come[0])
        more = f"{len(to_come)} more to come" if rows else f"{len(to_come)} to come"
        lines += [*([] if rows else [""]), f"{span}: {more}{_whether_they_enter(values['next'])}"]
    if values["entries"]:
        lines.append("")
    for entry in values["entries"]:
        lines += hanging(f"{entry['account']:<{LABEL}}", safe(_words_of(entry)))
    return lines


def _whether_they_enter(step: Mapping[str, Any] | None) -> str:
    """What is said of the slots to come when, by what comes next, none enters; empty where one may."""
    if step is None:
        return ""
    words = rest_words(Next(step["kind"]), ends_today=step["next_day"] is None)
    return f"; {words}" if words else ""


def _session_words(values: dict[str, Any]) -> str:
    session = values["session"]
    if session is None:
        return f"no session. The next is {_day_words(values['next_session'])}."
    opens, closes = (datetime.fromisoformat(session[name]) for name in ("open", "close"))
    half = "half day, " if session["half_day"] else ""
    count = sum(not row["forced"] for row in values["slots"])
    return f"{half}session {shown.minute(opens)} to {shown.minute(closes)} ET, {count} slots"


def _now_lines(values: dict[str, Any]) -> list[str]:
    lines = [f"{'now':<{LABEL}}{shown.clock(datetime.fromisoformat(values['now']))} ET"]
    lines += hanging(f"{'next':<{LABEL}}", safe(step_words(values["next"])))
    if len(values["accounts"]) > 1:
        for account in values["accounts"]:
            lines += hanging(f"{account['account']:<{LABEL}}", safe(step_words(account["next"])))
    state = values["automation"]
    if state["state"] not in ("active", values["next"]["kind"]):
        why = f"{state['state'].upper()} by {state['who']} since {instant_shown(state['since'])}: {state['why']}"
        lines += hanging(f"{'automation':<{LABEL}}", safe(why))
    return lines


def _day_words(day: str) -> str:
    return shown.title(date.fromisoformat(day))


def _time(row: dict[str, Any]) -> str:
    return shown.minute(datetime.fromisoformat(row["at"]))


def _why(row: dict[str, Any], values: dict[str, Any]) -> str:
    told = row["text"]
    if row["state"] == NEXT:
        told = f"in {shown.span(values['next']['in_s'])}"
    return safe("; ".join(part for part in ("forced" * row["forced"], told) if part))


def _words_of(entry: dict[str, Any]) -> str:
    return entry_words(entry, f"cycle {entry['cycle']}")
