"""`senex report --pnl`: what tridents earned, for a person, a program or a spreadsheet (rules 15.6)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.domain.operation import amounts
from core.domain.operation.accounts import names_of
from core.domain.operation.events import masked
from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.trident_words import UNEXPLAINED
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.money import MoneyFigures, MoneyPart, Period, TridentMoney, UnitMoney, money_of
from core.domain.trident.occ import read_occ
from core.views.money import account_of
from senex_tui.reports.named import account_named
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.records.records import Records
    from core.records.search.money import Money

COLUMNS = (
    "account",
    "trade",
    "underlying",
    "expiration",
    "right",
    "short",
    "long",
    "quantity",
    "opened",
    "closed",
    "how",
    "proceeds",
    "cost",
    "fees",
    "realized",
    "estimated",
    "transactions",
    "difference",
)
"""Of a row of the CSV. `trade` is the trident's id, `short` and `long` are strikes. Amounts are in $: `proceeds` is
what the opening and a settlement brought, `cost` what the closing cost, `difference` how much more of the whole trident
the broker's rows say, with its last unit."""
_Rows = Mapping[tuple[str, UnitName], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Lot:
    """A closed unit with its trident, and the ids of the broker's rows that it is made of."""

    trident: TridentMoney
    unit: UnitMoney
    transactions: tuple[str, ...]
    difference: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PnlReport:
    """What tridents earned on some days in one mode. Account numbers are masked. `first` and `last` are the days asked
    for, None where none was given. `lots` are there for the CSV alone."""

    mode: str
    first: date | None
    last: date | None
    figures: MoneyFigures
    lots: tuple[Lot, ...] = ()

    def to_json(self) -> str:
        """One object. Amounts, days and percentages are text, None where nothing was counted."""
        return json.dumps(_values(self))

    def to_csv(self) -> str:
        """One row a closed unit under a header: by the day on which it closed, then by that of its opening."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(_row(lot) for lot in self.lots)
        return text.getvalue().rstrip("\n")

    def to_text(self) -> str:
        return "\n".join(_lines(self))


def period_of(text: str | None) -> Period:
    """The period given to `--by`: months when none is. Raises Refused for any other word."""
    if text is None:
        return Period.MONTH
    if text not in set(Period):
        raise Refused(f"--by {text!r} is no period; write one of {', '.join(Period)}.")
    return Period(text)


async def read_pnl(
    place: Place, by: Period, first: date | None, last: date | None, account: str = "", *, with_lots: bool = False
) -> PnlReport:
    """What tridents earned from `first` to `last`, both included; without them on all days.

    `account`, the last characters of a number, leaves only that account. Takes no lock, so it can be read while a
    console trades. Raises Refused when `first` is after `last`, before the first start, and for an account that is not
    exactly one known one; RecordsError.
    """
    if first is not None and last is not None and first > last:
        raise Refused(f"--from {first} is after --to {last}; give the earlier day to --from.")
    place.need_records()
    return await with_records(
        place, lambda records: _read(records, place.mode.value, by, first, last, account, with_lots=with_lots)
    )


async def csv_of(records: Records, mode: str, choice: str) -> str:
    """The CSV of all days, of the accounts that the page of money shows at this choice. Raises RecordsError."""
    found = await records.money.recorded()
    rows = await records.money.rows_of(await asyncio.to_thread(_ended, found, date.min, date.max))
    number = account_of(found, choice)

    def made() -> str:
        return _report(found, (), mode, Period.MONTH, _Asked(None, None, number), rows).to_csv()

    return await asyncio.to_thread(made)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The days asked for, None where none was given, and the number of the account, None for all."""

    first: date | None
    last: date | None
    number: str | None

    @property
    def days(self) -> tuple[date, date]:
        return self.first or date.min, self.last or date.max


async def _read(
    records: Records, mode: str, by: Period, first: date | None, last: date | None, account: str, *, with_lots: bool
) -> PnlReport:
    asked = _Asked(first, last, await account_named(records, account))
    found = await records.money.recorded()
    rows = await records.money.rows_of(_ended(found, *asked.days)) if with_lots else None
    return _report(found, await records.pnl_rows.days(*asked.days), mode, by, asked, rows)


def _report(
    found: Money, days: Sequence[AccountAtClose], mode: str, by: Period, asked: _Asked, rows: _Rows | None
) -> PnlReport:
    """The report of what was found. `rows` has the broker's rows of each unit, None for a report without lots."""
    since, until = asked.days
    names = names_of(sorted({one.account for one in found.tridents}))
    if asked.number is not None:
        found = found.of(asked.number)
        days = tuple(day for day in days if day.account == asked.number)
    tridents = {one.id: replace(one, account=names[one.account]) for one in found.tridents}
    figures = money_of(
        found.units,
        tridents.values(),
        [replace(day, account=names.get(day.account, masked(day.account))) for day in days],
        by,
        slippages=found.slippages,
        first=since,
        last=until,
    )
    lots = [] if rows is None else _lots(found, tridents, since, until, rows)
    return PnlReport(mode, asked.first, asked.last, figures, tuple(lots))


def _ended(found: Money, since: date, until: date) -> list[str]:
    """The tridents of which a unit ended on these days."""
    ended = (unit.trident_id for unit in found.units if unit.day is not None and since <= unit.day <= until)
    return list(dict.fromkeys(ended))


def _lots(found: Money, tridents: Mapping[str, TridentMoney], since: date, until: date, rows: _Rows) -> list[Lot]:
    """The units that ended on these days, in the order of the CSV. The difference of a trident stands with the unit
    that ended last, so that a sum over the rows counts it once."""
    ends: dict[str, list[date | None]] = {}
    for unit in found.units:
        ends.setdefault(unit.trident_id, []).append(unit.day)
    lots = sorted(
        (
            Lot(tridents[unit.trident_id], unit, rows.get((unit.trident_id, unit.name), ()))
            for unit in found.units
            if unit.day is not None and since <= unit.day <= until
        ),
        key=_place_in_csv,
    )
    lasts = {lot.trident.id: number for number, lot in enumerate(lots) if None not in ends[lot.trident.id]}
    for trident_id, number in lasts.items():
        if lots[number].unit.day == max(day for day in ends[trident_id] if day is not None):
            lots[number] = replace(lots[number], difference=lots[number].trident.difference)
    return lots


def _place_in_csv(lot: Lot) -> tuple[date, date, str, int]:
    return lot.unit.day or date.max, lot.trident.opened_on, lot.trident.id, list(UnitName).index(lot.unit.name)


def _row(lot: Lot) -> tuple[object, ...]:
    unit, trident = lot.unit, lot.trident
    short, long = read_occ(unit.short), read_occ(unit.long)
    is_known = not unit.is_unexplained
    received, settled = unit.received or Decimal(0), unit.settlement or Decimal(0)
    proceeds, cost = received + max(settled, Decimal(0)), (unit.paid or Decimal(0)) - min(settled, Decimal(0))
    return (
        trident.account,
        trident.id,
        trident.underlying,
        trident.expiration.isoformat(),
        unit.name.right.name.lower(),
        "" if short is None else amounts.strike(short.strike),
        "" if long is None else amounts.strike(long.strike),
        1,
        trident.opened_on.isoformat(),
        "" if unit.day is None else unit.day.isoformat(),
        unit.how.value if unit.how is not None and is_known else UNEXPLAINED,
        _cents(proceeds) if is_known else "",
        _cents(cost) if is_known else "",
        _cents(unit.fees),
        _cents(unit.realized) if is_known else "",
        "yes" if unit.estimated else "no",
        " ".join(lot.transactions),
        _cents(lot.difference) if is_known else "",
    )


def _cents(value: Decimal | None) -> str | None:
    """$ with two places and a dot, without thousands."""
    return None if value is None else f"{value:.2f}"


def _tenths(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def _values(report: PnlReport) -> dict[str, Any]:
    figures = report.figures
    return {
        "mode": report.mode,
        "first": None if report.first is None else report.first.isoformat(),
        "last": None if report.last is None else report.last.isoformat(),
        "by": figures.by.value,
        "total": _part_values(figures.total),
        "periods": [{"begins": begins.isoformat(), **_part_values(part)} for begins, part in figures.periods],
        "accounts": [{"account": number, **_part_values(part)} for number, part in figures.accounts],
        "underlyings": [{"underlying": symbol, **_part_values(part)} for symbol, part in figures.underlyings],
    }


def _part_values(part: MoneyPart) -> dict[str, Any]:
    return {
        "realized": _cents(part.realized),
        "fees": _cents(part.fees),
        "estimated": part.estimated,
        "ended": part.ended,
        "unexplained": part.unexplained,
        "units": {how.value: count for how, count in part.units.items()},
        "win_rate": {"count": part.wins.count, "of": part.wins.of, "percent": _tenths(part.wins.percent)},
        "average_win": _cents(part.average_win),
        "average_loss": _cents(part.average_loss),
        "days_held": _tenths(part.days_held),
        "return_on_risk_percent": _tenths(part.return_on_risk),
        "capital_use_percent": _tenths(part.capital_use),
        "days_to_target": {name.value: _tenths(days) for name, days in part.days_to_target.items()},
        "exit_slippage_per_share": None if part.slippage is None else f"{part.slippage:+.4f}",
    }


def _lines(report: PnlReport) -> list[str]:
    figures, total = report.figures, report.figures.total
    if not figures.periods:
        return [f"Nothing was earned there in {report.mode} mode{_on(report)}."]
    lines = [
        f"{report.mode.upper()}: {amounts.counted(total.ended, 'trident')} ended{_on(report)}",
        "",
        _line("realized", _told(total, total.realized), f"after {amounts.dollars(total.fees)} of fees"),
        _line("win rate", _percent(total.wins.percent), f"{total.wins.count} of {total.wins.of} ended"),
        _line("average win", amounts.signed_dollars(total.average_win), _and_loss(total)),
        _line("days held", _plain(total.days_held), _to_target(total.days_to_target)),
        _line("return on risk", _percent(total.return_on_risk), "of the max risk at the entry"),
        _line("capital in use", _percent(total.capital_use), "open risk to capital, at the close"),
        _line("exit slippage", amounts.mean(total.slippage), "per share, to the mid at the decision"),
        _line("units", str(sum(total.units.values())), _hows(total.units)),
    ]
    if total.unexplained:
        lines.append(_line(UNEXPLAINED, str(total.unexplained), "tridents: nothing says for how much; left out"))
    lines += ["", *_table(figures.by.value.upper(), [(day.isoformat(), part) for day, part in figures.periods])]
    if len(figures.accounts) > 1:
        lines += ["", *_table("ACCOUNT", figures.accounts)]
    if len(figures.underlyings) > 1:
        lines += ["", *_table("UNDERLYING", figures.underlyings)]
    if total.estimated:
        lines += ["", "~ fees are estimates until the broker's rows are final"]
    return [line.rstrip() for line in lines]


def _on(report: PnlReport) -> str:
    since = "" if report.first is None else f" from {report.first}"
    return f"{since}{'' if report.last is None else f' to {report.last}'}"


def _line(label: str, value: str, rest: str) -> str:
    return f"{label:<15} {value:>14}  {rest}"


def _told(part: MoneyPart, value: Decimal) -> str:
    return amounts.realized(value, estimated=part.estimated)


def _percent(value: Decimal | None) -> str:
    return amounts.NONE if value is None else f"{value:.1f} %"


def _plain(value: Decimal | None) -> str:
    return amounts.NONE if value is None else f"{value:.1f}"


def _and_loss(part: MoneyPart) -> str:
    return f"average loss {amounts.signed_dollars(part.average_loss)}"


def _to_target(days: Mapping[UnitName, Decimal]) -> str:
    told = ", ".join(f"{name.value} {days[name]:.1f}" for name in UnitName if name in days)
    return f"to a target: {told}" if told else "no target filled"


def _hows(units: Mapping[Ended, int]) -> str:
    return ", ".join(f"{count} {how.value}" for how, count in units.items()) or "none ended"


def _table(head: str, parts: Iterable[tuple[str, MoneyPart]]) -> list[str]:
    lines = [f"{head:<12} {'REALIZED $':>12} {'FEES $':>9} {'ENDED':>6} {'WON':>8} {'DAYS':>6} {'RETURN':>8}"]
    for name, part in parts:
        realized = amounts.realized_money(part.realized, estimated=part.estimated)
        lines.append(
            f"{name:<12} {realized:>12} {amounts.money(part.fees):>9} {part.ended:>6} "
            f"{_percent(part.wins.percent):>8} {_plain(part.days_held):>6} {_percent(part.return_on_risk):>8}"
        )
    return lines
