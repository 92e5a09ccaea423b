"""The panel of a preview: for each account what a cycle would send now, every reason it would not, and the payoff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.operation import amounts
from core.domain.operation.times import clock
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, flow, right, width_of, wrap
from widgets.base.panel import LinePanel
from widgets.charts.payoff import PayoffPicture
from widgets.charts.picture import drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.snapshot.previews import PreviewLeg, PreviewReason, PreviewUnderlying, PreviewView

_LABEL = 12
_WORDS, _GAP = 76, 3
"""The columns of the words where the picture is beside them, and those between."""
_BESIDE_FROM = _WORDS + _GAP + 48
_PICTURE_ROWS = 14
"""The fewest rows of a picture."""


@dataclass(frozen=True, slots=True)
class PreviewShown:
    """What the page shows. `said` is a sentence about the asking: that the answer is waited for, or why there is none.

    `age` tells how old the previews are, in words.
    """

    previews: tuple[PreviewView, ...] | None = None
    said: str = ""
    is_trouble: bool = False
    age: str = ""


class PreviewPanel(LinePanel[PreviewShown]):
    NAME = "Preview"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pictures: dict[tuple[object, ...], tuple[Line, ...]] = {}

    def draw(self, value: PreviewShown, width: int, height: int) -> Drawing:
        lines: list[Line] = []
        if value.said and (value.is_trouble or value.previews is None):  # else the title says it, and nothing moves
            tone = Tone.WARN if value.is_trouble else Tone.DIM
            lines += [((line, tone),) for line in wrap(value.said, width)]
        if value.previews is None:
            return Drawing(self.NAME, tuple(lines))
        if not value.previews:
            lines.append((("no account is known yet", Tone.DIM),))
        for preview in value.previews:
            lines += [()] * bool(lines)
            lines += self._account(preview, width, height - len(lines) if len(value.previews) == 1 else 0)
        return Drawing(_title(value), tuple(lines))

    def _account(self, preview: PreviewView, width: int, height: int) -> list[Line]:
        """One account; its picture stands beside the words where there is room, else below them. `height` is what the
        panel has for it when it is alone, 0 when it is not."""
        pictured = preview.pictured
        if pictured is None or pictured.payoff is None:
            return account_lines(preview, width)
        if width < _BESIDE_FROM:
            words = account_lines(preview, width)
            rows = max(_PICTURE_ROWS, height - len(words) - 1)
            return [*words, (), *self._picture(pictured, width, rows)]
        words = account_lines(preview, _WORDS)
        rows = max(len(words), height, _PICTURE_ROWS)
        picture = self._picture(pictured, width - _WORDS - _GAP, rows)
        return [
            (*_padded(words[y] if y < len(words) else (), _WORDS + _GAP), *(picture[y] if y < len(picture) else ()))
            for y in range(max(len(words), len(picture)))
        ]

    def _picture(self, one: PreviewUnderlying, width: int, height: int) -> tuple[Line, ...]:
        """The payoff under its title. It is drawn once for each size: the page is drawn again as its age grows."""
        view, is_ascii = one.payoff, self.is_ascii
        key = (view, width, height, is_ascii)
        if key not in self._pictures:
            drawing = drawn(PayoffPicture(view), width, height - 1, ascii=is_ascii)
            self._pictures = {key: (((drawing.title, Tone.STRONG),), *drawing.lines)}
        return self._pictures[key]


def _title(value: PreviewShown) -> str:
    previews = value.previews or ()
    at = f"  as of {clock(max(view.at for view in previews))} ET" if previews else ""
    if value.said and not value.is_trouble:
        return f"Preview{at}, asking again"
    return f"Preview{at}{value.age and f', {value.age}'}  nothing was sent"


def age_words(at: datetime, now: datetime | None) -> str:
    """How old a preview is: in steps of five seconds, then in minutes. Empty while it is new."""
    seconds = 0 if now is None else int((now - at).total_seconds())
    if seconds < 5:
        return ""
    return f"{figures.age(seconds // 5 * 5 if seconds < 60 else seconds // 60 * 60)} ago"


def account_lines(preview: PreviewView, width: int) -> list[Line]:
    """What a cycle would do for one account, in words and figures."""
    lines = _head(preview, width)
    lines += _reasons(preview.account_reasons, width)
    if preview.buying_power is not None:
        parts = [f"buying power {amounts.dollars(preview.buying_power)}"]
        parts.append(f"open risk {amounts.dollars(preview.open_risk)}")
        if preview.open_tridents is not None:
            parts.append(f"{figures.counted(preview.open_tridents, 'open trident')}")
        lines += _row("account", [(part, Tone.PLAIN) for part in parts], width)
    for one in preview.underlyings:
        lines += [(), *_underlying(one, preview, width)]
    return lines


def _head(preview: PreviewView, width: int) -> list[Line]:
    chosen = preview.chosen
    if preview.would_send and chosen is not None:
        trident = f"{chosen.underlying} {chosen.strikes}"
        said = f"{preview.account} would send {trident} at {amounts.credit(chosen.limit)} credit"
        return [((line, Tone.GOOD),) for line in wrap(said, width)]
    return [((line, Tone.WARN),) for line in wrap(f"{preview.account} would send nothing now", width)]


def _underlying(one: PreviewUnderlying, preview: PreviewView, width: int) -> list[Line]:
    word, tone = ("passes", Tone.GOOD) if one.would_pass else ("does not pass", Tone.WARN)
    spare = one.would_pass and preview.underlying != one.underlying
    after: Line = ((f"  not needed: {preview.underlying} passes", Tone.DIM),) if spare else ()
    lines: list[Line] = [((f"{one.underlying} ", Tone.STRONG), (word, tone), *after)]
    lines += _reasons(one.reasons, width)
    judged = one.judgement
    if judged is not None and judged.score is not None:
        score = f"score {amounts.score(judged.score)}, {amounts.score(judged.minimum)} needed"
        about = [word for word in (judged.direction, f"regime {judged.regime}") if word]
        parts: list[Part] = [(score, Tone.GOOD if judged.passed else Tone.WARN)]
        lines += _row("judgement", [*parts, *((word, Tone.DIM) for word in about)], width)
    if one.strikes is not None and one.expiration is not None:
        day = figures.day_of(one.expiration, figures.exchange_day(preview.at))
        day += f", {figures.counted(one.dte or 0, 'day')}"
        at = f"{one.underlying} at {amounts.price(one.price)}"
        lines += _row("strikes", [(one.strikes, Tone.STRONG), (day, Tone.PLAIN), (at, Tone.DIM)], width)
    if not spare:
        lines += _legs(one.legs, width)
    if one.natural is not None:
        lines += _row("credit", _credits(one), width)
    if one.natural is not None and not spare:
        lines += _checks(one, preview, width)
    if one.limit is not None and not spare:
        below, above = ("none" if value is None else amounts.price(value) for value in one.break_evens)
        told = [f"max risk {amounts.dollars(one.max_risk_at_limit)}", f"break-even {below} below, {above} above"]
        lines += _row("at limit", [(part, Tone.PLAIN) for part in told], width)
    return lines


def _credits(one: PreviewUnderlying) -> list[Part]:
    parts: list[Part] = [
        (f"natural {amounts.credit(one.natural)}", Tone.PLAIN),
        (f"mid {amounts.credit(one.mid)}", Tone.PLAIN),
    ]
    if one.limit is not None:
        less = f"mid less {amounts.credit(one.offset)}" if one.offset else "mid, to the tick"
        why = "natural is the floor" if one.floored else less
        parts += [(f"limit {amounts.credit(one.limit)}", Tone.STRONG), (f"({why})", Tone.DIM)]
    return parts


def _checks(one: PreviewUnderlying, preview: PreviewView, width: int) -> list[Line]:
    """The max risk at the natural credit against what the account allows (rules 7)."""
    if one.max_risk is None:
        return []
    parts: list[Part] = [(amounts.risk(one.max_risk), Tone.PLAIN)]
    for name, most in (("budget", one.budget), ("buying power", preview.buying_power)):
        if most is not None:
            fits = one.max_risk <= most
            parts.append((f"{'✓' if fits else '✖'} {name} {amounts.dollars(most)}", Tone.GOOD if fits else Tone.BAD))
    if one.utilization is not None:
        parts.append((f"{amounts.plain(round(100 * one.utilization, 1))} % of the budget used then", Tone.PLAIN))
    return _row("risk", parts, width)


def _legs(legs: Sequence[PreviewLeg], width: int) -> list[Line]:
    if not legs:
        return []
    figure = 9 if width >= 64 else 8
    name = max(10, min(26, width - 4 * figure))
    lines: list[Line] = [_cells("leg", ("bid", "ask", "mid", "age"), name, figure, Tone.DIM)]
    for leg in legs:
        age = figures.NONE if leg.age_s is None else figures.age(int(leg.age_s))
        prices = [amounts.credit(value) for value in (leg.bid, leg.ask, leg.mid)]
        missing = leg.bid is None or leg.ask is None
        lines.append(_cells(_what(leg), (*prices, age), name, figure, Tone.WARN if missing else Tone.PLAIN))
    return lines


def _cells(name: str, cells: Iterable[str], columns: int, figure: int, tone: Tone) -> Line:
    return ((name.ljust(columns) + "".join(right(cell, figure) for cell in cells), tone),)


def _what(leg: PreviewLeg) -> str:
    """`sell 2 622P`: an OCC symbol ends with the right and the strike in thousandths."""
    verb = leg.action.split(" ")[0].lower()
    strike = figures.strike(Decimal(leg.symbol[-8:]) / 1000)
    return f"{verb:<4} {leg.quantity} {strike}{leg.symbol[-9]}"


def _reasons(reasons: Sequence[PreviewReason], width: int) -> list[Line]:
    lines: list[Line] = []
    for one in reasons:
        first, *rest = wrap(one.sentence, max(20, width - _LABEL))
        lines.append(((f"! {one.step}".ljust(_LABEL), Tone.WARN), (first, Tone.WARN)))
        lines += [((" " * _LABEL + line, Tone.WARN),) for line in rest]
    return lines


def _row(label: str, parts: Iterable[Part], width: int) -> list[Line]:
    """A labelled row; what does not fit goes on below, right of the label."""
    first, *rest = flow(parts, max(20, width - _LABEL))
    return [
        ((label.ljust(_LABEL), Tone.DIM), *first),
        *(((" " * _LABEL, Tone.PLAIN), *line) for line in rest),
    ]


def _padded(line: Line, width: int) -> Line:
    return (*line, (" " * max(0, width - width_of(line)), Tone.PLAIN))
