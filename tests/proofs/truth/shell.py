"""What the commands of the shell and the mails say, read from the records while nothing else happens."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.domain.market.sessions import SlotTimes
from core.records.search.history_rows import HistoryFilter
from core.remote.kept_day import KeptDay
from core.snapshot import Snapshot, without_engine_yet
from senex_tui.reports.day import read_day
from senex_tui.reports.explain import explain
from senex_tui.reports.figures import read_report
from senex_tui.reports.history import search
from senex_tui.reports.status import read_status
from senex_tui.run.once import OnceResult
from senex_tui.trader.place import Place, with_records
from tests.proofs.truth.reader import Reader
from tests.proofs.truth.said import Said
from tests.proofs.truth.values import CycleTruth, Day, Kind, Truth
from tests.proofs.truth.words import STEP_OF, counts_down, credit_in, enters_at, kind_in, step_in

OF_NO_CYCLE = 0
"""The cycle of an entry that was adopted."""
_RANKS = {"skipped": 0, "succeeded": 1, "failed": 2, "unknown": 3}


def in_shell(shell: Reader, place: Place, day: Day) -> list[Said]:
    """What status, day, report, history and explain say now."""

    async def read() -> list[Said]:
        slots = SlotTimes()
        said = [*_status(await read_status(place), day)]
        said += _day(await read_day(place, slots, None), day)
        said += _report(await read_report(place, slots, None, None), day)
        said += await _history(place, day)
        for number in {entry.cycle for entry in day.of_today()} - {OF_NO_CYCLE}:
            said += _explain(await explain(place, slots, str(number)), number, day)
        return said

    return shell.at(day.facts.now, read)


def as_kept(shell: Reader, place: Place, day: Day) -> Snapshot:
    """What a watcher shows of these records when nobody publishes to it."""

    async def runs() -> bool:
        return await place.holder() is not None

    async def read() -> Snapshot:
        kept = KeptDay(SlotTimes(), runs, place.halt_file, day.facts.sends)
        empty = without_engine_yet(place.mode, "no trader seen yet")
        return await with_records(place, lambda records: kept.shown(records, empty, day.facts.now, 1.0))

    return shell.at(day.facts.now, read)


def in_search(shell: Reader, place: Place, day: Day, outcomes: Sequence[str]) -> list[Said]:
    """What the history finds of today's cycles when asked for each of these outcomes."""

    async def read() -> list[Said]:
        return [said for outcome in outcomes for said in await _found_by(place, day, outcome)]

    return shell.at(day.facts.now, read)


def in_mails(database: sqlite3.Connection, day: Day, at_once: frozenset[str] = frozenset()) -> Iterator[Said]:
    """What the newest mail about each entry says. `at_once` has the identifiers of orders that the exchange filled in
    one moment, which were never partly filled."""
    rows = database.execute("SELECT key, kind, subject, text FROM messages WHERE key LIKE 'entry:%' ORDER BY seq")
    newest: dict[str, tuple[str, str, str]] = {}
    for key, kind, subject, text in rows.fetchall():
        entry_id = key.split(":")[1]
        newest[entry_id] = (kind, subject, text)
        entry = day.entry(entry_id)
        if kind == "entry.partial" and entry is not None and entry.identifier in at_once:
            yield Said("mail", subject, entry_id, lie="the order was filled in one moment, never in part")
    for entry_id, (kind, subject, _) in newest.items():
        told = {"entry.sent": None, "entry.price": Kind.FILLED}.get(kind, kind_in(kind.partition(".")[2]))
        entry = day.entry(entry_id)
        is_old = entry is not None and entry.kind is Kind.WORKING and told is Kind.PARTLY
        if kind == "entry.sent" and entry is not None and entry.kind not in (Kind.WORKING, Kind.PARTLY, Kind.SENDING):
            yield Said("mail", subject, entry_id, lie=f"the newest mail tells that it is sent, and it is {entry.kind}")
        yield Said("mail", subject, entry_id, kind=None if is_old else told, credit=credit_in(subject))


def in_lines(database: sqlite3.Connection, day: Day, at_once: frozenset[str] = frozenset()) -> Iterator[Said]:
    """The lines that `--plain` printed, of which the events of orders have a record: each told a state of its entry."""
    rows = database.execute("SELECT kind, text, figures FROM events WHERE kind LIKE 'order.%'").fetchall()
    for kind, text, figures in rows:
        entry = day.entry(str(dict(json.loads(figures)).get("entry", "")))
        if entry is None or kind in ("order.status", "order.status_unknown"):
            continue
        told = kind_in(text.partition(": ")[2])
        yield Said("plain line", text, entry.entry)
        passed = {*day.changes.get(entry.entry, ()), entry.kind}
        if told is Kind.PARTLY and entry.identifier in at_once:
            yield Said("plain line", text, entry.entry, lie="the order was filled in one moment, never in part")
        elif told is not None and told is not Kind.PARTLY and told not in passed and kind.endswith(f".{told}"):
            yield Said("plain line", text, entry.entry, lie=f"the entry was never {told}, only {sorted(passed)}")


def in_once(told: OnceResult, day: Day) -> Iterator[Said]:
    """What `senex once` says of the newest cycle."""
    cycle = day.cycles[max(day.cycles)]
    if _RANKS.get(told.outcome) != cycle.rank:
        yield Said("once", told.to_text(), lie=f"it ends with {told.outcome}, and the cycle came to {set(cycle.worst)}")
    for account in told.accounts:
        order = account["order"]
        credit = None if order is None or order["fill_credit"] is None else Decimal(order["fill_credit"])
        yield Said(
            "once --json",
            str(account),
            cycle=cycle.number,
            account=account["account"][-4:],
            kind=kind_in(account["word"]),
            must=True,
            credit=credit,
        )
    yield Said("once", told.to_text(), cycle=cycle.number, kind=kind_in(told.to_text().partition("account")[2]))


def _status(report: Any, day: Day) -> Iterator[Said]:
    values, text = report.values, report.to_text()
    lines = text.splitlines()
    for account in values["accounts"]:
        last = account["account"][-4:]
        entry = account.get("entry")
        if entry is not None:
            yield Said(
                "status --json",
                str(entry),
                entry["id"],
                kind=kind_in(entry["fate"]),
                must=True,
                credit=None if entry.get("credit") is None else Decimal(entry["credit"]),
                contracts=entry["contracts_filled"],
            )
            told = " ".join(line for line in lines if line.startswith(account["account"]))
            yield Said("status", told, entry["id"], kind=kind_in(told.partition("…")[2]), credit=credit_in(told))
        elif any(one.account.endswith(last) and one.kind is not Kind.NOT_SENT for one in day.of_today()):
            yield Said("status", str(account), lie=f"it tells no entry of today of {last}")
        yield from _next_values("status --json", account.get("next"), last, day)
    yield from _next_values("status --json", values.get("next"), "", day)
    yield from _next_lines("status", lines, day)
    counted = values["slots"]["outcomes"]
    ended = [cycle for cycle in day.cycles.values() if cycle.day == day.today and cycle.slot and cycle.has_ended]
    for word, rank in _RANKS.items():
        true = sum(cycle.rank == rank for cycle in ended)
        if counted.get(word, 0) != true:
            yield Said(
                "status", str(counted), lie=f"it counts {counted.get(word, 0)} slots {word}, and {true} came to it"
            )
    missed = counted.get("missed", 0)
    if missed != len(day.missed):
        yield Said("status", str(counted), lie=f"it counts {missed} slots missed, and {len(day.missed)} are recorded")


def _next_values(place: str, value: Any, last: str, day: Day) -> Iterator[Said]:
    if not isinstance(value, dict):
        return
    words, at_text = str(value.get("words", "")), value.get("enters_at")
    yield Said(place, words, account=last, step=STEP_OF.get(str(value.get("kind", ""))))
    yield Said(
        place,
        words,
        account=last,
        step=step_in(words),
        enters_at=datetime.fromisoformat(at_text) if at_text else enters_at(words, day.today),
    )


def _next_lines(place: str, lines: list[str], day: Day) -> Iterator[Said]:
    for line in _unwrapped(lines):
        last = re.match(r"\s*…?(\d{4})\b|…(\w{4})", line)
        about = "" if last is None else next(part for part in last.groups() if part)
        known = any(account.endswith(about) for account in day.accounts) if about else False
        yield Said(place, line, account=about if known else "", countdown=counts_down(line))


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """The lines, each with those that go on with it."""
    whole: list[str] = []
    for line in lines:
        if whole and whole[-1] and line.startswith("      "):
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line)
    return whole


def _day(report: Any, day: Day) -> Iterator[Said]:
    values, lines = report.values, report.to_text().splitlines()
    for row in values["slots"]:
        if row["cycle"] is not None and (cycle := day.cycles.get(row["cycle"])) is not None and cycle.has_ended:
            yield Said(
                "day --json",
                f"{row['word']}: {row['text']}",
                cycle=row["cycle"],
                kind=kind_in(row["word"]),
                must=True,
                credit=credit_in(row["text"]),
            )
            told = next((line for line in lines if re.match(rf"\d\d:\d\d\s+{row['cycle']}\s", line)), "")
            if told:
                yield Said("day", told, cycle=row["cycle"], kind=kind_in(told), must=True)
    for entry in values["entries"]:
        own = _own(day, entry["cycle"], entry["account"][-4:])
        if own is not None:
            yield Said(
                "day --json",
                str(entry),
                own.entry,
                kind=kind_in(entry["fate"]),
                must=True,
                credit=None if entry.get("credit") is None else Decimal(entry["credit"]),
                contracts=entry["contracts_filled"],
            )
    yield from _next_lines("day", lines, day)


def _report(report: Any, day: Day) -> Iterator[Said]:
    values = json.loads(report.to_json())
    for row in values["days"]:
        traded = row["result"] == "traded"
        kind = Kind.FAILED if row["result"] == "error" else Kind.SKIPPED
        if row["result"] in ("traded", "not over"):
            kind = Kind.FAILED
        yield Said(
            "report --json",
            str(row),
            account=row["account"][-4:],
            day=date.fromisoformat(row["day"]),
            traded=traded,
            kind=kind,
        )
    text = report.to_text()
    for line in text.splitlines():
        row = re.match(
            r"(\d{4}-\d\d-\d\d)\s+…?(\w+)\s+(traded|no trade by rule|blocked by risk|error|not over)\b", line
        )
        if row is not None:
            yield Said(
                "report",
                line,
                account=row.group(2)[-4:],
                day=date.fromisoformat(row.group(1)),
                traded=row.group(3) == "traded",
            )


async def _history(place: Place, day: Day) -> list[Said]:
    wanted = HistoryFilter(since=day.today, until=day.today)
    said: list[Said] = []
    for row in await _rows(place, "cycles", wanted):
        cycle = day.cycles.get(row["cycle"]) if row["cycle"] else None
        if cycle is not None and cycle.has_ended:
            said.append(Said("history cycles", str(row), cycle=cycle.number, kind=kind_in(row["word"]), must=True))
    for row in await _rows(place, "orders", wanted):
        said.append(
            Said(
                "history orders",
                str(row),
                row["id"],
                kind=kind_in(row["fate"]),
                must=True,
                credit=credit_in(row["told"]),
            )
        )
    return [*said, *await _history_text(place, wanted, day)]


async def _history_text(place: Place, wanted: HistoryFilter, day: Day) -> list[Said]:
    """The same as tables."""
    said: list[Said] = []
    lines: list[str] = []
    await search(place, "cycles", wanted, 100, "text", lines.append)
    for line in _unwrapped(lines):
        row = re.match(r" *(\d+)  \S+  +\S+  +(\w+(?: \w+)*) *(.*)", line)
        cycle = day.cycles.get(int(row.group(1))) if row else None
        if row is None or cycle is None or not cycle.has_ended:
            continue
        said.append(Said("history cycles table", line, cycle=cycle.number, kind=kind_in(row.group(2)), must=True))
    lines.clear()
    await search(place, "orders", wanted, 100, "text", lines.append)
    for line in _unwrapped(lines):
        row = re.match(r" *(\d+)  \S+ \S+  …(\w{4})  +\S+(?: \S+)*  +(.*)", line)
        own = None if row is None else _own(day, int(row.group(1)), row.group(2))
        if row is not None and own is not None:
            told = row.group(3)
            said.append(
                Said("history orders table", line, own.entry, kind=kind_in(told), must=True, credit=credit_in(told))
            )
    return said


def _own(day: Day, cycle: int, last: str) -> Truth | None:
    """The entry that the account made in the cycle."""
    return next((entry for entry in day.of_cycle(cycle) if entry.account.endswith(last)), None)


async def _found_by(place: Place, day: Day, outcome: str) -> list[Said]:
    """What the history finds of today's cycles when asked for an outcome: those that came to it, and no others."""
    wanted = HistoryFilter(since=day.today, until=day.today, outcome=outcome)
    found = {row["cycle"] for row in await _rows(place, "cycles", wanted) if row["cycle"]}
    true = {
        number
        for number, cycle in day.cycles.items()
        if cycle.day == day.today and cycle.has_ended and _came_to(cycle, outcome)
    }
    if found == true:
        return []
    return [Said(f"history --outcome {outcome}", str(sorted(found)), lie=f"cycles {sorted(true)} came to it")]


def _came_to(cycle: CycleTruth, outcome: str) -> bool:
    return outcome in [kind.value for kind in cycle.worst] or _RANKS.get(outcome) == cycle.rank


async def _rows(place: Place, kind: str, wanted: HistoryFilter) -> list[dict[str, Any]]:
    lines: list[str] = []
    await search(place, kind, wanted, None, "json", lines.append)
    found: list[dict[str, Any]] = json.loads(lines[0])["rows"]
    return found


def _explain(told: Any, number: int, day: Day) -> Iterator[Said]:
    values = json.loads(told.to_json())
    cycle = day.cycles.get(number)
    if cycle is not None and cycle.has_ended:
        verdict = values["verdict"]
        yield Said("explain", verdict, cycle=number, kind=kind_in(verdict), must=True)
    for line in values["lines"]:
        if line["label"] != "now":
            continue
        own = _own(day, number, line["account"][-4:])
        if own is not None:
            yield Said(
                "explain",
                line["text"],
                own.entry,
                kind=kind_in(line["text"]),
                must=True,
                credit=credit_in(line["text"]),
            )
    lines = told.to_text().splitlines()
    if cycle is not None and cycle.has_ended:
        yield Said("explain text", lines[1], cycle=number, kind=kind_in(lines[1]), must=True)
    yield from _next_lines("explain", lines, day)
