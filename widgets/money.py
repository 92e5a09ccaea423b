"""The panels of what was earned: the line of today, week and month, and the two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.reporting.money import Period
from core.snapshot import Freshness, PositionsSlice, PositionView
from core.snapshot.money import MoneyView
from widgets.base.lines import Drawing, Part, Tone, flow, wrap
from widgets.base.panel import LinePanel
from widgets.base.profit import profit_tone
from widgets.charts.earned import EarnedPicture
from widgets.charts.picture import Picture, drawn
from widgets.charts.weeks import WeeksPicture


@dataclass(frozen=True, slots=True)
class OpenNow:
    """What closing all open tridents of the chosen accounts would make now, in $ before fees: at mid and at natural,
    None while one of them has no fresh quotes."""

    tridents: int = 0
    mid: Decimal | None = Decimal(0)
    natural: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class MoneyNow:
    """The line above the pictures. `today` is the exchange's date, None while nobody knows it; `trouble` says why the
    records did not answer, or is empty."""

    view: MoneyView | None
    today: date | None
    open: OpenNow
    trouble: str = ""


def open_now(positions: PositionsSlice, account: str = "") -> OpenNow:
    """What is open of an account, named as on the screen; of all accounts without one."""
    held = [one for one in positions.open if not account or one.account == account]
    marks = [open_of(one) for one in held]
    mids, naturals = [mark[0] for mark in marks], [mark[1] for mark in marks]
    return OpenNow(len(held), _sum(mids), _sum(naturals))


def open_of(view: PositionView) -> tuple[Decimal | None, Decimal | None]:
    """What the units left of a trident would realize at mid and at natural; None without fresh quotes."""
    if view.freshness is Freshness.STALE:
        return None, None
    return view.open_mid, view.open_natural


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


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
    return tuple(flow(parts or [(MoneyLine.PLACEHOLDER, Tone.DIM)], width))


def _title(view: MoneyView | None) -> str:
    if view is None or not view.accounts:
        return "Money, $"
    days = f", {view.days[0].day} to {view.days[-1].day}" if view.days else ""
    count = len(view.accounts)
    if view.choice:
        return f"Money, $  {view.chosen}{f', account {view.choice} of {count}' if count > 1 else ''}{days}"
    return f"Money, $  {view.accounts[0] if count == 1 else f'all {count} accounts'}{days}"


def _earned(view: MoneyView, today: date | None) -> list[Part]:
    parts: list[Part] = []
    if today is not None:
        of_day = [one.realized for one in view.days if one.day <= today][-2:]
        is_today = any(one.day == today for one in view.days)
        earned = of_day[-1] - (of_day[0] if len(of_day) > 1 else 0) if is_today else Decimal(0)
        week = dict(view.weeks).get(Period.WEEK.first_of(today), Decimal(0))
        month = next((part.realized for begins, part in view.figures.periods
                      if begins == Period.MONTH.first_of(today)), Decimal(0))  # fmt: skip
        for name, value in (("today", earned), ("week", week), ("month", month)):
            parts.append((f"{name} {amounts.signed_money(value)}", profit_tone(value)))
    total = view.figures.total
    mark = "~" if total.estimated else ""
    return [*parts, (f"all {mark}{amounts.signed_money(total.realized)}", profit_tone(total.realized))]


def _open(value: OpenNow) -> list[Part]:
    if not value.tridents:
        return [("nothing is open", Tone.DIM)]
    if value.mid is None:
        return [(f"{value.tridents} open, no fresh quotes", Tone.WARN)]
    told = f"{value.tridents} open {amounts.signed_money(value.mid)} at mid"
    return [(told, profit_tone(value.mid)), (f"{amounts.signed_money(value.natural)} at natural", Tone.DIM)]


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
