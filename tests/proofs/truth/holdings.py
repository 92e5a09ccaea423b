"""What the strip of the accounts and the panel of a position say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from core.snapshot import AccountNow, PositionView, Snapshot
from tests.proofs.truth.panels import is_good, line_text
from tests.proofs.truth.said import Said
from tests.proofs.truth.values import Day, Truth
from tests.proofs.truth.words import credit_in, enters_at, kind_in, shown, step_in
from widgets.account_strip import account_line
from widgets.base.lines import Drawing
from widgets.held_trident import held_lines

STRIPS = (78, 168)
"""The columns of a row of the strip at 80x24 and at 170x48."""
INSIDE = ((78, 9), (64, 18))
"""The inside of the panel of a position at these sizes."""
SHARES = 100


def of_holdings(snapshot: Snapshot, day: Day, where: str) -> Iterator[Said]:
    """Each account's row, and each position."""
    for now in snapshot.accounts_now:
        yield from _of_account(now, day, where)
    for view in snapshot.positions.open:
        yield from _of_position(view, day, where)
    yield from _together(snapshot, where)


def _of_account(now: AccountNow, day: Day, where: str) -> Iterator[Said]:
    """Its entry of today and what comes next. Of several entries of a day the row tells the newest."""
    account = now.account[-4:]
    own = [entry for entry in day.of_today() if entry.account.endswith(account)]
    for width in STRIPS:
        line = account_line(now, width)
        place = f"{where} strip {width} {now.account}"
        words = line_text(line)
        truth = re.split(r" {3,}", words.removeprefix(now.account).strip())[0]
        told, _, rest = truth.partition(", next ")
        coming = f"next {rest}" if rest else told
        yield Said(
            place,
            words,
            account=account,
            step=None if now.fate is not None and not rest else step_in(coming),
            enters_at=enters_at(coming, day.today),
        )
        if not own:
            if now.fate is not None:
                yield Said(place, words, lie="it tells an entry, and none of today is recorded")
            continue
        yield Said(
            place,
            words,
            own[-1].entry,
            kind=kind_in(told),
            must=True,
            credit=credit_in(told),
            good=is_good(Drawing("", (line[1:2],))),
        )


def _of_position(view: PositionView, day: Day, where: str) -> Iterator[Said]:
    """Its entry has traded, its credit is that of the fill, and of a whole one the P&L is credit less mark."""
    place = f"{where} position {view.entry_id}"
    entry = day.entry(view.entry_id)
    if entry is None or not entry.traded:
        yield Said(place, view.strikes, lie="no contract of it is recorded as filled")
        return
    if entry.strikes != view.strikes or not entry.account.endswith(view.account[-4:]):
        yield Said(place, view.strikes, lie=f"it is {entry.strikes} of {entry.account}")
    for width, height in INSIDE:
        words = " ".join(line_text(line) for line in held_lines(view, width, height, day.today))
        credit = re.search(r"\bcredit (\d+\.\d+)", words)
        told = Said(f"{place} panel {width}x{height}", words, credit=None if credit is None else Decimal(credit[1]))
        yield replace(told, entry=entry.entry)
        if entry.credit is not None and credit is None:
            yield replace(told, lie="it does not tell the credit of the fill")
        yield from _profit(told, view, entry)


def _profit(told: Said, view: PositionView, entry: Truth) -> Iterator[Said]:
    """The P&L of a whole trident follows from the recorded credit and the mark that stands beside it."""
    found = re.search(r"P&L ([+-]?[\d,]+\.\d\d) \$", told.text)
    if view.part is not None or entry.credit is None or view.mark_mid is None or found is None:
        return
    profit = view.packages and view.packages * SHARES * (entry.credit - view.mark_mid)
    if profit is not None and abs(profit - Decimal(found[1].replace(",", ""))) > Decimal("0.01"):
        yield replace(told, lie=f"credit {shown(entry.credit)} less mark {view.mark_mid} is {profit}, not {found[1]}")


def _together(snapshot: Snapshot, where: str) -> Iterator[Said]:
    """The rows count every open trident, and their amounts are those of the positions."""
    held = sum(now.held for now in snapshot.accounts_now)
    if held != len(snapshot.positions.open):
        yield Said(f"{where} strip", str(held), lie=f"{len(snapshot.positions.open)} tridents are open")
    amounts = [view.open_mid for view in snapshot.positions.open]
    told = [now.held_profit for now in snapshot.accounts_now if now.held]
    known, said = [one for one in amounts if one is not None], [one for one in told if one is not None]
    if len(known) == len(amounts) and len(said) == len(told) and sum(known) != sum(said):
        yield Said(f"{where} strip", str(told), lie=f"what is open of the positions is {amounts}")
