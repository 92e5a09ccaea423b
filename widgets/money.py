"""The panels of what was earned: the line of today, week and month, and the two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.operation.times import day_of
from core.domain.reporting.money import MoneyPart, Period
from core.snapshot import OpenTogether, PositionsSlice, open_together
from core.snapshot.money import MoneyView, MoneyWeek, NetToday
from widgets.base.lines import Drawing, Part, Tone, flow, wrap
from widgets.base.panel import LinePanel
from widgets.base.profit import STALE, profit_tone
from widgets.charts.earned import EarnedPicture
from widgets.charts.picture import Picture, drawn
from widgets.charts.weeks import WeeksPicture


@dataclass(frozen=True, slots=True)
class MoneyNow:
    """The line above the pictures. `today` is the exchange's date, None while nobody knows it; `trouble` says why the
    records did not answer, or is empty."""

    view: MoneyView | None
    today: date | None
    open: OpenTogether
    trouble: str = ""


def open_now(positions: PositionsSlice, view: MoneyView | None = None) -> OpenTogether:
    """What is open of the chosen account, which its tridents tell; of all accounts without a choice."""
    ids = None if view is None or not view.chosen else view.open_ids
    return open_together(one for one in positions.open if ids is None or one.entry_id in ids)


class MoneyLine(LinePanel[MoneyNow], can_focus=False):
    """What today, its week, its month and all days earned, and what is open now."""

    NAME = "Money"
    PLACEHOLDER = "the records are being read"

    def draw(self, value: MoneyNow, width: int, height: int) -> Drawing:
        return Drawing(_title(value.view), now_lines(value, width))


def now_lines(value: MoneyNow, width: int) -> tuple[tuple[Part, ...], ...]:
    """The lines of the panel in so many cells."""
    if value.trouble:
        return tuple(((line, Tone.WARN),) for line in wrap(value.trouble, width))
    parts = [] if value.view is None else [*_earned(value.view, value.today)]
    if value.open.tridents or value.view is not None:
        parts += _open(value.open)
    if value.view is not None and value.today is not None and value.view.days:
        parts.insert(0, _net(value.view.net_today(value.today, _sure(value.open)), value.today))
    return tuple(flow(parts or [(MoneyLine.PLACEHOLDER, Tone.DIM)], width))


def _title(view: MoneyView | None) -> str:
    if view is None or not view.accounts:
        return "Money, $"
    days = f", {view.days[0].day} to {view.days[-1].day}" if view.days else ""
    count = len(view.accounts)
    if view.chosen:
        place = f", account {view.accounts.index(view.chosen) + 1} of {count}" if count > 1 else ""
        return f"Money, $  {view.chosen}{place}{days}"
    return f"Money, $  {view.accounts[0] if count == 1 else f'all {count} accounts'}{days}"


def _net(found: NetToday, today: date) -> Part:
    """What today earned with what is open, against the marks of the last close."""
    since = "" if found.since is None else f" since {day_of(found.since, today)}"
    told = amounts.realized_money(found.amount, estimated=found.estimated)
    return f"net{since} {told}", Tone.DIM if found.amount is None else profit_tone(found.amount)


def _earned(view: MoneyView, today: date | None) -> list[Part]:
    """What today, its week, its month and all days realized."""
    found: list[tuple[str, Decimal, bool]] = []
    if today is not None:
        of_day, monday, first = view.on(today), Period.WEEK.first_of(today), Period.MONTH.first_of(today)
        found.append(("today", of_day.realized, of_day.estimated))
        week = next((one for one in view.weeks if one.begins == monday), MoneyWeek(monday, Decimal(0)))
        found.append(("week", week.realized, week.estimated))
        month = next((part for begins, part in view.figures.periods if begins == first), MoneyPart())
        found.append(("month", month.realized, month.estimated))
    total = view.figures.total
    found.append(("all", total.realized, total.estimated))
    return [
        (f"{name} {amounts.realized_money(value, estimated=estimated)}", profit_tone(value))
        for name, value, estimated in found
    ]


def _sure(value: OpenTogether) -> Decimal | None:
    """What is open at mid by quotes that are not old."""
    return None if value.stale else value.mid if value.tridents else Decimal(0)


def _open(value: OpenTogether) -> list[Part]:
    if not value.tridents:
        return [("nothing is open", Tone.DIM)]
    if value.unknown:
        return [(f"{value.tridents} open, no mark of {value.unknown}", Tone.WARN)]
    told = f"{value.tridents} open {amounts.signed_money(value.mid)} at mid{STALE * value.stale}"
    natural = f"{amounts.signed_money(value.natural)} at natural"
    return [(told, profit_tone(value.mid, stale=value.stale)), (natural, Tone.DIM)]


class _MoneyPicture(LinePanel[MoneyView]):
    """A picture of what was earned. It is drawn when the records have changed, not with every quote."""

    EMPTY = ""
    """What the panel will show, said while there is nothing to show."""

    def draw(self, value: MoneyView, width: int, height: int) -> Drawing:
        if not value.days:
            return Drawing(self.NAME, tuple(((line, Tone.DIM),) for line in wrap(self.EMPTY, width)))
        return drawn(self.picture(value), width, height, ascii=self.is_ascii)

    def picture(self, value: MoneyView) -> Picture:
        raise NotImplementedError


class EarnedPanel(_MoneyPicture):
    NAME = "Earned"
    PLACEHOLDER = "the records are being read"
    EMPTY = (
        "No trident is on record yet. From the first fill on, here is what was realized after fees, day by day, "
        "shaded with what is open at mid, and beside it win rate, average win and loss, days held and return on risk."
    )

    def picture(self, value: MoneyView) -> Picture:
        return EarnedPicture(value)


class WeeksPanel(_MoneyPicture):
    NAME = "Weeks"
    PLACEHOLDER = ""
    EMPTY = "A bar for what each week earned."

    def picture(self, value: MoneyView) -> Picture:
        return WeeksPicture(value.weeks)
