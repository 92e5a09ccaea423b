"""Reads from the records what `senex tridents` and `senex exits status` tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.commands.exit_commands import accounts_off, resting_orders
from core.domain.operation.events import masked
from core.domain.operation.reasons import Reason, refuse
from core.domain.operation.times import when
from core.domain.orders.order_states import OrderState
from core.domain.positions.earned import FEES_FINAL_AFTER
from core.domain.positions.exit_rules import default_mode, rules_for
from core.domain.positions.exits import Exit
from core.domain.positions.pnl import realized, total
from core.domain.positions.refusals import refused_at
from core.domain.positions.resting import Resting, leaving_words, resting_words
from core.domain.positions.timing import time_exit_at
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import ExitRules
from core.positions.moments import moment_of
from core.runtime.clock import exchange_time
from core.snapshot import Mode
from senex_tui.reports.named import account_named
from senex_tui.reports.next_steps import calendar_around
from senex_tui.reports.tridents import RecordedExits, RecordedTrident, exits_report, tridents_report
from senex_tui.support.report import Report, instant_shown, instant_text
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.market.calendar import SessionCalendar
    from core.records.records import Records, Switch, TridentRecord

MOST = 200
"""The most tridents that are told of with those that have ended."""
_ALL_ACCOUNTS = ""


async def read_tridents(place: Place, *, everything: bool, account: str = "") -> Report:
    """The tridents that are held; with `everything` those that have ended too, the newest of all. The newest is first.

    With `account`, the last characters of a number, only its own. Raises Refused before the first start and for an
    account that is not exactly one known one, RecordsError.
    """
    place.need_records()
    console = await place.holder() is not None
    now = (await market_clock(place)).now()
    calendar = await calendar_around(now)

    async def read(records: Records) -> tuple[RecordedTrident, ...]:
        number = await account_named(records, account)
        found = await (records.tridents.newest(MOST) if everything else records.tridents.held())
        wanted = [one for one in found if number in (None, one.account)]
        wanted.sort(key=lambda one: (one.opened_at, one.id), reverse=True)
        return await recorded_tridents(records, wanted, calendar, now, live=place.mode is Mode.LIVE)

    return tridents_report(await with_records(place, read), console=console, everything=everything)


async def read_exits(place: Place, default: ExitRules, account: str = "") -> Report:
    """How the exits of each account stand; `default` are the rules of one without settings of its own. Raises as
    `read_tridents` does."""
    place.need_records()
    console = await place.holder() is not None
    now = (await market_clock(place)).now()
    calendar = await calendar_around(now)

    async def read(records: Records) -> Report:
        number = await account_named(records, account)
        switches = {one.account: one for one in await records.exit_switch.all() if one.held}
        tridents = await records.tridents.held()
        accounts = []
        for known in await records.accounts.all():
            if number not in (None, known.number):
                continue
            own = [one for one in tridents if one.account == known.number]
            exits = await records.exits.open_of(known.number)
            accounts.append(
                RecordedExits(
                    account=known.number,
                    rules=rules_for(known.exits, default),
                    held=_held_words(switches.get(known.number), now),
                    first_set_waits=known.exits_first_wait,
                    tridents=len(own),
                    not_managed=sum(one.managed_since is None for one in own),
                    resting=_orders(exits, OrderState.WORKING),
                    unknown=_orders(exits, OrderState.UNKNOWN),
                    next_exit=_next_exit(own, calendar, now),
                )
            )
        return exits_report(accounts, console=console, held=_held_words(switches.get(_ALL_ACCOUNTS), now))

    return await with_records(place, read)


async def recorded_tridents(
    records: Records, found: Sequence[TridentRecord], calendar: SessionCalendar, now: datetime, *, live: bool
) -> tuple[RecordedTrident, ...]:
    """The tridents with their exits, what left them and what they realized by their fills and by the broker's rows that
    are on record. `live`: the records are those of real money, where an account sends no exit before it is switched on.
    Raises RecordsError."""
    ids = [one.id for one in found]
    exits = await records.exits.of_tridents(ids)
    gone = await records.tridents.gone_of(ids)
    entries = {entry.id: entry for entry in await records.entries.these(ids)}
    held = {one.account: one for one in await records.exit_switch.all() if one.held}
    off = await accounts_off(records, default_mode(None, live=live))
    matches = await records.transactions.matches_of(ids)
    first = min((exchange_time(one.opened_at).date() for one in found), default=date.max)
    closes = {symbol: await records.pnl_rows.closes(symbol, first) for symbol in {o.trident.underlying for o in found}}
    told = []
    for one in found:
        moment = moment_of(one, calendar, now)
        switch = held.get(_ALL_ACCOUNTS) or held.get(one.account)
        blocked = refuse(Reason.EXITS_OFF).sentence() if one.account in off else ""
        view = TridentView(
            one.trident,
            exits=exits[one.id],
            gone=tuple(record.gone for record in gone[one.id]),
            refused_at=refused_at(exits[one.id], moment.today),
            blocked=f"exits are held {_held_words(switch, now)}" if switch is not None else blocked,
            asked=one.asked,
        )
        entry = entries.get(one.id)
        earned = (
            None
            if entry is None
            else total(
                realized(
                    entry,
                    one.trident.units,
                    view.exits,
                    matches,
                    closes[one.trident.underlying],
                    cash_settled=one.trident.cash_settled,
                    final_before=calendar.sessions_back(moment.today, FEES_FINAL_AFTER),
                    attested={left.gone.unit: left.figure for left in gone[one.id] if left.figure is not None},
                ).values()
            )
        )
        if earned is not None and not earned.unexplained:
            earned = replace(earned, difference=one.difference or Decimal(0))
        told.append(
            RecordedTrident(
                account=one.account,
                view=view,
                moment=moment,
                opened_at=one.opened_at,
                credit=one.credit,
                credit_estimated=one.credit_estimated,
                realized=earned,
                is_managed=one.managed_since is not None,
            )
        )
    return tuple(told)


def _next_exit(own: Sequence[TridentRecord], calendar: SessionCalendar, now: datetime) -> datetime | None:
    """The first time exit to come of these tridents."""
    managed = [one for one in own if one.managed_since is not None]
    starts = [time_exit_at(one.trident, moment_of(one, calendar, now).days, now) for one in managed]
    return min((at for at in starts if at is not None), default=None)


def _orders(exits: Sequence[Exit], state: OrderState) -> tuple[str, ...]:
    return tuple(one.order_id or one.id for one in exits if one.state is state)


def _held_words(switch: Switch | None, now: datetime) -> str:
    """Who holds them, since when and why; empty for nobody."""
    if switch is None:
        return ""
    since = when(switch.at, exchange_time(now).date())
    return f"by {switch.who} since {since}" + (f": {switch.why}" if switch.why else "")


async def exits_values(records: Records, numbers: Sequence[str]) -> dict[str, Any]:
    """Who holds exits, and which closing orders rest at the broker, as values of a report. Raises RecordsError."""
    return {
        "held": [
            {
                "account": masked(one.account) if one.account else None,
                "who": one.who,
                "since": instant_text(one.at),
                "why": one.why or None,
            }
            for one in await records.exit_switch.all()
            if one.held
        ],
        "resting": list((await resting_orders(records, numbers)).orders),
    }


def exits_lines(values: dict[str, Any], *, console: bool) -> list[tuple[str, str]]:
    """The same for people, each with its label; none while exits are on and nothing rests. `console`: one runs."""
    lines = []
    for one in values["held"]:
        whose = f" of {one['account']}" if one["account"] else ""
        number = f" {one['account'][1:]}" if one["account"] else ""
        command = f"`senex exits on{number}`"
        why = f": {one['why']}" if one["why"] else ""
        since = instant_shown(one["since"])
        lines.append(("stopped", f"exits{whose} are held by {one['who']} since {since}{why}; {command} ends it"))
    if values["resting"]:
        told = (resting_words if console else leaving_words)(Resting(tuple(values["resting"])))
        lines.append(("exits", told))
    return lines
