"""`senex history`: searches the recorded cycles, attempts, suggestions, orders, fills, commands, exits and tridents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from core.domain.market.underlying import SHIPPED
from core.domain.operation.reasons import Reason
from core.records.search.history import OUTCOMES, HistoryFilter, HistoryKind, HistoryRow, Mark, not_of, outcome_word
from senex_tui.reports.history_text import HistoryText
from senex_tui.reports.named import account_named
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.records.records import Records

SHOWN = 20
"""The most rows of the table without --limit. CSV and JSON hold all rows."""
LONGEST_TEXT = 200
_PAGE = 500

Say = Callable[[str], None]


async def search(place: Place, kind: str, wanted: HistoryFilter, limit: int | None, form: str, say: Say) -> None:
    """Calls `say` with each line of what was found, newest first.

    `form` is text, csv or json; `wanted.account` may be the last characters of a number; `limit` None is 20 rows of
    text or all rows otherwise. Raises Refused for what cannot be looked for, RecordsError.
    """
    place.need_records()
    chosen = _kind(kind)
    check(chosen, wanted)
    await with_records(place, lambda records: _search(records, chosen, wanted, limit, form, say))


async def _search(
    records: Records, kind: HistoryKind, wanted: HistoryFilter, limit: int | None, form: str, say: Say
) -> None:
    known = [account.number for account in await records.accounts.all()]
    wanted = replace(wanted, account=await account_named(records, wanted.account) or "")
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
    """Calls `take` with each row. Reads page by page, so that ten years of rows are never held at once."""
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


def _kind(kind: str) -> HistoryKind:
    try:
        return HistoryKind(kind)
    except ValueError:
        raise Refused(f"--kind {kind!r} is none of {', '.join(HistoryKind)}.") from None


def check(kind: HistoryKind, wanted: HistoryFilter, name: str = "--{}") -> None:
    """Raises Refused when rows of this kind have no such field or the field no such value.

    `name` is how the user writes a field's name: `--{}` at the shell, `{}:` on the console's page.
    """
    since, until, reason, outcome, underlying, text = map(
        name.format, ("from", "to", "reason", "outcome", "underlying", "text")
    )
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise Refused(f"{since} {wanted.since} is later than {until} {wanted.until}; exchange them, or leave one out.")
    wrong = not_of(kind, wanted)
    if wrong:
        raise Refused(f"{kind.value} have no {wrong[0]}; leave {name.format(wrong[0])} out, or choose another kind.")
    if wanted.outcome and outcome_word(wanted.outcome) not in OUTCOMES[kind]:
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
