"""The panel of health: how the trader's parts and this machine do, since when, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from core.snapshot.health import Finding, HealthRow
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, beside, fit, right, width_of, wrap
from widgets.base.panel import LinePanel

TWO_COLUMNS_FROM = 110
_NAME, _WORD, _SINCE = 10, 7, 7
_GAP = "   "
_SHOWN: dict[Finding, tuple[str, Tone]] = {
    Finding.FAIL: ("✖ FAIL", Tone.BAD),
    Finding.WARN: ("▲ WARN", Tone.WARN),
    Finding.OK: ("✓ OK", Tone.GOOD),
    Finding.SKIP: ("-", Tone.DIM),
}
"""In the order in which they are shown: what needs a person comes first."""
_RANK = {finding: number for number, finding in enumerate(_SHOWN)}


@dataclass(frozen=True, slots=True)
class HealthView:
    """The rows of the trader and of the machine that this console runs on. A note says what the rows of its part are
    worth, or why there are none."""

    trader: tuple[HealthRow, ...]
    trader_note: str
    machine: tuple[HealthRow, ...]
    machine_note: str
    now: datetime | None


class HealthPanel(LinePanel[HealthView]):
    NAME = "Health"

    def draw(self, value: HealthView, width: int, height: int) -> Drawing:
        title = f"{self.NAME}  {_told((*value.trader, *value.machine))}"
        parts = (("Trader", value.trader, value.trader_note), ("This machine", value.machine, value.machine_note))
        if width < TWO_COLUMNS_FROM:
            trader, machine = (_part(*part, value.now, width) for part in parts)
            return Drawing(title, (*trader, (), *machine))
        half = (width - len(_GAP)) // 2
        columns = [_part(*part, value.now, half) for part in parts]
        pairs = zip_longest(*columns, fillvalue=())
        return Drawing(title, tuple((*_padded(left, half), (_GAP, Tone.PLAIN), *far) for left, far in pairs))


def _padded(line: Line, width: int) -> Line:
    return (*line, (" " * (width - width_of(line)), Tone.PLAIN))


def _told(rows: Sequence[HealthRow]) -> str:
    failed = sum(row.finding is Finding.FAIL for row in rows)
    watched = sum(row.finding is Finding.WARN for row in rows)
    said = [f"{failed} failed"] * bool(failed) + [f"{watched} to watch"] * bool(watched)
    return ", ".join(said) or ("all is well" if rows else "")


def _part(name: str, rows: Sequence[HealthRow], note: str, now: datetime | None, width: int) -> list[Line]:
    fits = len(name) + len(note) + 2 <= width
    lines: list[Line] = [beside(((name, Tone.STRONG),), ((note, Tone.DIM),) if fits else (), width)]
    if not fits:
        lines += [((line, Tone.DIM),) for line in wrap(note, width)]
    for row in sorted(rows, key=lambda row: _RANK[row.finding]):
        lines += _lines(row, now, width)
    return lines


def _lines(row: HealthRow, now: datetime | None, width: int) -> list[Line]:
    word, tone = _SHOWN[row.finding]
    lead = _WORD + _NAME
    said: list[Part] = [(text, Tone.DIM if row.finding is Finding.SKIP else Tone.PLAIN)
                        for text in wrap(row.found, max(8, width - lead - _SINCE - 1))]  # fmt: skip
    name, *rest = wrap(row.name, _NAME - 1)
    since = "" if row.since is None else figures.when(row.since, now)
    first = ((fit(word, _WORD), tone), (fit(name, _NAME), Tone.STRONG), said[0])
    lines = [beside(first, ((right(since, _SINCE), Tone.DIM),), width)]
    for more, found in zip_longest(rest, said[1:]):
        text, plain = found or ("", Tone.PLAIN)
        lines.append(((" " * _WORD, plain), (fit(more or "", _NAME), Tone.STRONG), (text, plain)))
    if row.todo:
        lines += [((" " * lead, Tone.DIM), (line, Tone.ACCENT)) for line in wrap(f"-> {row.todo}", width - lead)]
    return lines
