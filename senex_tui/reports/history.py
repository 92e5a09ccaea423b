"""`senex history`: what is kept of every cycle, attempt, suggestion, order, fill and command, searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from core.domain.market.underlying import SHIPPED
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason
from core.records.search.history import OUTCOMES, HistoryFilter, HistoryKind, HistoryRow, Mark, not_of
from senex_tui.reports.history_text import HistoryText
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place, watching

if TYPE_CHECKING:
    from core.records.records import Records

SHOWN = 20
"""How many things the table shows when nobody says; CSV and JSON hold all that fits the filter."""
LONGEST_TEXT = 200
_PAGE = 500

Say = Callable[[str], None]


async def search(place: Place, kind: str, wanted: HistoryFilter, limit: int | None, form: str, say: Say) -> None:
    """Says what was found, newest first, a line at a time. `form` is text, csv or json; `wanted.account` may be the
    last characters of a number. Raises Refused for what cannot be looked for, RecordsError."""
    place.need_records()
    chosen = _kind(kind)
    check(chosen, wanted)
    await watching(place, lambda records: _search(records, chosen, wanted, limit, form, say))


async def _search(
    records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int | None, form: str, say: Say
) -> None:
    known = [account.number for account in await records.accounts.all()]
    wanted = replace(wanted, account=full_number(wanted.account, known))
    text = HistoryText(kind, known)
    if form == "csv":
        say(text.csv_head())
        await _each(records, kind, wanted, limit, lambda row: say(text.csv_row(row)))
        return
    found: list[HistoryRow] = []
    if form == "json":
        await _each(records, kind, wanted, limit, found.append)
        say(text.json(found))
        return
    shown = limit or SHOWN
    await _each(records, kind, wanted, shown + 1, found.append)
    if not found:
        say(f"no {kind.value} recorded" + (" that fit" if wanted != HistoryFilter() else "") + ".")
        return
    for line in text.lines(found[:shown]):
        say(line)
    if len(found) > shown:
        say(f"and older ones: --limit {shown * 10} shows more, --csv all.")


async def _each(
    records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int | None, take: Callable[[HistoryRow], None]
) -> None:
    """Page by page, so that ten years of rows are never held at once."""
    left, after = limit, None
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        page: tuple[HistoryRow, ...] = await records.history.page(kind, wanted, size, after)
        for row in page:
            take(row)
        if len(page) < size:
            return
        after = _last(page)
        left = None if left is None else left - len(page)


def _last(page: tuple[HistoryRow, ...]) -> Mark:
    return page[-1].mark


def full_number(account: str, known: list[str]) -> str:
    """The one account of this number, or of these last characters; empty for empty. Raises Refused."""
    if not account:
        return ""
    found = [number for number in known if number.endswith(account.removeprefix("…"))]
    if len(found) != 1:
        names = ", ".join(masked(number) for number in known) or "none"
        raise Refused(f"--account {account!r} names {len(found) or 'no'} known accounts; known are {names}.")
    return found[0]


def _kind(kind: str) -> HistoryKind:
    try:
        return HistoryKind(kind)
    except ValueError:
        raise Refused(f"--kind {kind!r} is none of {', '.join(HistoryKind)}.") from None


def check(kind: HistoryKind, wanted: HistoryFilter, name: str = "--{}") -> None:
    """Raises Refused for what things of this kind cannot be looked for by; `name` is how a field is written."""
    since, until, reason, outcome, underlying, text = map(
        name.format, ("from", "to", "reason", "outcome", "underlying", "text")
    )
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise Refused(f"{since} {wanted.since} is later than {until} {wanted.until}; exchange them, or leave one out.")
    wrong = not_of(kind, wanted)
    if wrong:
        raise Refused(f"{kind.value} have no {wrong[0]}; leave {name.format(wrong[0])} out, or choose another kind.")
    if wanted.outcome and wanted.outcome not in OUTCOMES[kind]:
        raise Refused(f"{outcome} {wanted.outcome!r} is none of {', '.join(OUTCOMES[kind])}.")
    codes = [reason.code for reason in Reason]
    if wanted.reason and wanted.reason not in codes:
        near = get_close_matches(wanted.reason, codes, 3, 0.4)
        hint = f"the nearest are {', '.join(near)}" if near else "docs/operations.md lists them"
        raise Refused(f"{reason} {wanted.reason!r} is not a reason's code; {hint}.")
    if wanted.underlying and wanted.underlying not in SHIPPED:
        raise Refused(f"{underlying} {wanted.underlying!r} is none of {', '.join(SHIPPED)}.")
    if len(wanted.text) > LONGEST_TEXT:
        raise Refused(f"{text} has {len(wanted.text)} characters; give at most {LONGEST_TEXT}.")
