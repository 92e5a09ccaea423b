"""`senex status`: what the records say now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.domain.market.sessions import SlotTimes
from core.domain.operation.amounts import counted
from core.domain.operation.breakers import Breaker, Scope
from core.domain.operation.events import masked
from core.domain.operation.times import minute
from core.domain.orders.fate import fate_of
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.orders.way_out import way_out
from core.domain.positions.exit_rules import rules_for
from core.domain.positions.tridents import ExitMode, ExitRules
from core.domain.reporting.told import HELD, Told
from core.domain.risk.positions import warnings_of
from core.guards.kill_files import halted_by
from core.orders.open_tridents import exits_for, open_trident
from core.records.repositories.tridents import NOTHING_SENT
from core.records.search.open_tridents import open_risk, open_tridents
from core.runtime.clock import Clock, exchange_time
from core.views.orders import proof_of, proof_words
from core.views.standing_reads import read_reconciling
from senex_tui.reports.alerts import alert_values
from senex_tui.reports.day import told_of
from senex_tui.reports.entries import entry_values, entry_words, order_words
from senex_tui.reports.mail import channel_values, channel_words, off_because
from senex_tui.reports.next_steps import calendar_around, read_next_steps, step_values, step_words
from senex_tui.reports.notify import phone_values
from senex_tui.reports.recorded_tridents import exits_lines, exits_values
from senex_tui.support.report import Report, credit_shown, dollars_shown, instant_shown, instant_text, open_risk_shown
from senex_tui.support.text import LABEL, labelled, safe
from senex_tui.trader.market_time import market_clock
from senex_tui.trader.place import Place, with_records

if TYPE_CHECKING:
    from core.config.mail import MailSettings
    from core.config.notify import NotifySettings
    from core.locks.holder import Holder
    from core.market.calendar import SessionCalendar
    from core.records.records import EvidenceRecord, Records, SlotRecord
    from core.records.repositories.rows import CycleRecord, LoginRecord

_OF_ENTRY = (
    *("id", "account", "day", "state", "underlying", "expiration", "strikes", "limit", "order"),
    *("broker_status", "sent", "holds_day", "contracts_filled", "detail"),
    *("fate", "told", "day_words", "credit", "max_risk"),
)
SHIPPED_TIMES = SlotTimes()
_MODE_OF_DEMOS = "demo"
"""The mode whose market has a time of its own."""


async def read_status(
    place: Place,
    mail: MailSettings | None = None,
    times: SlotTimes = SHIPPED_TIMES,
    exits: ExitRules = NOTHING_SENT,
    notify: NotifySettings | None = None,
) -> Report:
    """Reads everything that `senex status` shows. Takes no lock.

    `times` are the slots of the settings, `exits` the rules of an account without settings of its own. Without `mail`
    and `notify`, their settings, the report cannot say whether mail and phones are off.
    Raises Refused before the first start, RecordsError, CalendarError.
    """
    place.need_records()
    clock = await market_clock(place)
    now = clock.now()
    calendar = await calendar_around(now)
    settings = mail, notify, times, exits
    return Report(
        await with_records(place, lambda records: _values(records, place, *settings, calendar, clock, now)), _lines
    )


async def _values(
    records: Records,
    place: Place,
    mail: MailSettings | None,
    notify: NotifySettings | None,
    times: SlotTimes,
    exits: ExitRules,
    calendar: SessionCalendar,
    clock: Clock,
    now: datetime,
) -> dict[str, Any]:
    day = exchange_time(now).date()
    # Read before the records: a stop that is recorded meanwhile is then told twice, and never not at all.
    not_recorded = place.kept_stops() or None
    trading = await records.trading.read()
    today = await records.entries.of_day(day)
    unknown = await records.entries.unknown()
    earlier = [e for e in await records.entries.open() if e.session_day != day]
    accounts = await records.accounts.all()
    reconciled = await records.journal.newest_of(("reconcile.done",))
    holder = await place.holder()
    reconciling = await read_reconciling(records) if holder is not None else None
    held_today = {entry.account: entry for entry in today if entry.holds_day} | {
        entry.account: entry for entry in today if entry.state in (OrderState.WORKING, OrderState.UNKNOWN)
    }
    latest = {entry.account: entry for entry in today} | held_today
    # Read before what they came to: a cycle that begins meanwhile is then told of, and not looked for.
    slots, ran = await records.slots.of_day(day), await records.cycles.of_day(day)
    cycles = {number: cycle.told for number, cycle in (await records.told_cycles.of_day(day)).items()}
    steps = await read_next_steps(records, place, times, calendar, clock, now, holder, reconciling=reconciling)
    numbers = [account.number for account in accounts]
    return {
        "mode": place.mode.value,
        "now": instant_text(now),
        "records": place.named,
        "demo": place.demo or None,
        "trader": _trader(holder),
        "automation": {
            "state": trading.state,
            "who": trading.who,
            "since": instant_text(trading.at),
            "why": trading.why,
            "reconciling": (reconciling.text or None) if reconciling is not None else None,
        },
        "next": step_values(steps.overall, now, numbers),
        "halt_file": place.halting_file or None,
        "not_recorded": not_recorded,
        "breakers": [_breaker(b) for b in await records.breakers.open_now()],
        "reconciled": {"at": instant_text(reconciled.at), "text": reconciled.text} if reconciled else None,
        "alerts": [alert_values(alert) for alert in await records.alerts.open_now()],
        "mail": await channel_values(records.outbox, "" if mail is None else off_because(mail, place.mode)),
        "phone": await phone_values(records.outbox, notify),
        "logins": [_login(login) for login in await records.logins.all()],
        "slots": _slots(slots, cycles, ran),
        "accounts": [
            {
                "account": masked(account.number),
                "enabled": account.enabled,
                "entry": await _entry(records, latest[account.number], day) if account.number in latest else None,
                "validated": await _validated(records, account.number, day),
                "skips_today": account.skip_day == day,
                "next": step_values(step, now, numbers)
                if (step := steps.accounts.get(account.number)) is not None
                else None,
            }
            for account in accounts
        ],
        "earlier": [entry_values(entry, _OF_ENTRY, day) for entry in earlier],
        "open_tridents": [
            _open_trident(
                entry,
                differs,
                day,
                await exits_for(records, entry, rules_for(a.exits, exits).mode),
                open_risk(entry, await records.tridents.held_of(entry.account)),
            )
            for a in accounts
            for entry, differs in await open_tridents(records.entries, records.journal, a.number, day)
        ],
        "exits": await exits_values(records, numbers),
        "unknown": [_unknown(entry, await records.entries.evidence(entry.id), now, clock.speed) for entry in unknown],
    }


async def _entry(records: Records, entry: Entry, day: date) -> dict[str, Any]:
    return entry_values(entry, _OF_ENTRY, day, reentry_allowed=await records.entries.reentry_allowed(entry.id))


async def _validated(records: Records, account: str, day: date) -> dict[str, Any] | None:
    """The suggestion that a dry run validated for the account today."""
    found = [s for s in await records.journal.suggestions_of(account, day) if s.validated]
    if not found:
        return None
    newest = found[-1]
    return {
        "at": instant_text(newest.at),
        "cycle": newest.cycle,
        "underlying": newest.underlying,
        "expiration": newest.expiration.isoformat(),
        "strikes": newest.strikes,
        "limit": _amount(newest.limit),
        "max_risk": _amount(newest.max_risk),
    }


def _login(login: LoginRecord) -> dict[str, Any]:
    return {
        "name": login.name,
        "accepted": login.is_valid,
        "since": instant_text(login.changed_at),
        "why": "" if login.is_valid else login.detail,
    }


def _trader(holder: Holder | None) -> dict[str, Any] | None:
    if holder is None:
        return None
    return {"pid": holder.pid, "since": instant_text(holder.since), "mode": holder.mode, "attach": holder.attach}


def _breaker(breaker: Breaker) -> dict[str, Any]:
    whom = masked(breaker.subject) if breaker.kind.scope is Scope.ACCOUNT else breaker.subject
    return {
        "code": breaker.kind.code,
        "whom": whom,
        "why": breaker.why,
        "since": instant_text(breaker.opened_at),
        "reset": breaker.kind.reset,
    }


def _slots(
    slots: tuple[SlotRecord, ...], told_of_cycle: Mapping[int, Told], ran: tuple[CycleRecord, ...]
) -> dict[str, Any]:
    """How many of today's slots have passed, and what they came to; `forced` has each cycle that was none of a slot.

    `outcomes` counts by outcome. `came_to` counts by word and reason: slots that were missed for two reasons are two of
    them.
    """
    told = [told_of(slot, told_of_cycle) for slot in slots]
    forced = [(cycle, told_of_cycle[cycle.number]) for cycle in ran if cycle.slot is None]
    counted = Counter((one.word, _missed_words(one)) for one in told)
    return {
        "passed": len(slots),
        "outcomes": dict(Counter(one.word if one.outcome is None else one.outcome.value for one in told)),
        "came_to": [{"word": word, "why": why, "count": count} for (word, why), count in counted.items()],
        "forced": [
            {"at": instant_text(cycle.began_at), "cycle": cycle.number, "word": one.word, "why": _missed_words(one)}
            for cycle, one in forced
        ],
    }


def _missed_words(told: Told) -> str:
    """Why a slot was missed or a cycle traded nothing; empty where the word says all."""
    return told.words if told.reason and told.fate is None and told.word != HELD else ""


def _open_trident(entry: Entry, differs: str, day: date, exits: ExitMode, risk: Decimal | None) -> dict[str, Any]:
    """A trident that is still held, by its recorded fills. It has no mark: quotes are only in a running console."""
    trident = replace(open_trident(entry, None), exits=exits)
    below, above = trident.break_evens
    return {
        "entry": entry.id,
        "account": masked(entry.account),
        "underlying": entry.underlying,
        "expiration": entry.expiration.isoformat(),
        "dte": trident.dte(day),
        "strikes": entry.strikes,
        "credit": _amount(trident.credit),
        "max_risk": _amount(risk),
        "break_even_below": _amount(below),
        "break_even_above": _amount(above),
        "differs": differs or None,
        "warnings": [warning.sentence() for warning in warnings_of(trident, day, None, None)],
    }


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _unknown(entry: Entry, seen: tuple[EvidenceRecord, ...], now: datetime, speed: float) -> dict[str, Any]:
    reads = [one.at for one in seen if one.kind == "listing" and one.complete]
    proof = proof_of(entry, seen, speed)
    known = "" if proof is None else proof_words(proof, seen, now)
    return {
        **entry_values(entry, _OF_ENTRY, exchange_time(now).date()),
        "identifier": entry.identifier,
        "complete_reads": [instant_text(at) for at in reads],
        "known": known,
        "way_out": way_out(fate_of(entry)),
    }


def _lines(values: dict[str, Any]) -> list[str]:
    lines = [labelled("mode", values["mode"].upper()), labelled("time", instant_shown(values["now"]))]
    lines.append(labelled("console", _console(values)))
    lines.append(labelled("automation", _automation(values)))
    lines.append(labelled("next", safe(step_words(values["next"]))))
    for one in values["breakers"]:
        whom = f"{one['whom']}: " if one["whom"] else ""
        lines.append(labelled("stopped", f"{whom}{one['why']} (since {instant_shown(one['since'])}); {one['reset']}"))
    if values["reconciled"] is not None:
        done = values["reconciled"]
        lines.append(labelled("reconciled", f"{instant_shown(done['at'])}: {done['text']}"))
    for login in values["logins"]:
        if not login["accepted"]:
            why = f": {safe(login['why'])}" if login["why"] else ""
            lines.append(
                labelled(
                    "login", f"{login['name']} is REFUSED by the broker since {instant_shown(login['since'])}{why}"
                )
            )
    lines.append(labelled("alerts", _alert_words(values["alerts"])))
    lines.append(labelled("mail", channel_words(values["mail"])))
    if values["phone"]["waiting"] or values["phone"]["off"] is None:
        lines.append(labelled("phone", channel_words(values["phone"], "senex notify")))
    lines.append(labelled("slots today", _slot_words(values["slots"])))
    for account in values["accounts"]:
        lines.append(labelled(account["account"], _account_words(account)))
        if len(values["accounts"]) > 1:
            lines.append(labelled("", safe(_next_words(account["next"]))))
    lines += [labelled(entry["account"], f"of {entry['day']}: {_words(entry)}") for entry in values["earlier"]]
    for trident in values["open_tridents"]:
        lines.append(labelled("open", _open_words(trident)))
        lines += [labelled("", trident["differs"])] if trident["differs"] else []
        lines += [labelled("", f"warning: {warning}") for warning in trident["warnings"]]
    lines += [labelled(*line) for line in exits_lines(values["exits"], console=values["trader"] is not None)]
    for entry in values["unknown"]:
        lines += [
            "",
            f"{'UNKNOWN':<{LABEL}}{entry['account']} {order_words(entry)}: "
            "the broker may have it or not; nothing is sent again",
            labelled("  sent", f"{instant_shown(entry['sent'])}: {entry['detail']}"),
            labelled("  entry", f"{entry['id']}, at the broker it would carry {entry['identifier']}"),
            labelled("  known", entry["known"]),
            labelled("  way out", entry["way_out"]),
        ]
    return lines


def _console(values: dict[str, Any]) -> str:
    trader = values["trader"]
    if trader is None and values["demo"] is not None:
        return f"the demo {values['demo']} is finished; this is how it ended"
    if trader is None:
        return "none is running: no cycle will run"
    attach = f"; attach with: {trader['attach']}" if trader["attach"] else ""
    whose = " by this machine's clock" if trader["mode"] == _MODE_OF_DEMOS else ""
    return f"process {trader['pid']}, {trader['mode']}, since {instant_shown(trader['since'])}{whose}{attach}"


def _automation(values: dict[str, Any]) -> str:
    state = values["automation"]
    word = "ON" if state["state"] == "active" else state["state"].upper()
    by = f", by {state['who']} since {instant_shown(state['since'])}: {state['why']}" if state["who"] else ""
    reset = "; `senex reset halt` ends it" if state["state"] == "halted" else ""
    if values["halt_file"]:
        reset += f"; {halted_by(values['halt_file'])}, remove it to go on"
    elif values["not_recorded"]:
        reset += f"; {safe(values['not_recorded'])}"
    elif state["state"] == "active" and any(not one["whom"] for one in values["breakers"]):
        word = "HALTED by a breaker"
    elif state["state"] == "active" and state["reconciling"]:
        word = f"RECONCILING, no entries until the broker was read whole: {state['reconciling']}"
    return f"{word}{by}{reset}"


def _alert_words(alerts: list[dict[str, Any]]) -> str:
    """How many alerts are open, and the text of the first one that nobody has acknowledged."""
    if not alerts:
        return "none is open"
    new = [alert for alert in alerts if alert["acknowledged_at"] is None]
    if not new:
        return f"{len(alerts)} open, acknowledged; `senex alerts` lists them"
    return f"{len(alerts)} open, {len(new)} not acknowledged: {safe(str(new[0]['text']))}; `senex alerts` lists them"


def _slot_words(slots: dict[str, Any]) -> str:
    told = [f"{one['count']} {_came_to(one)}" for one in slots["came_to"]]
    passed = f"{slots['passed']} passed: {', '.join(told)}" if told else "none passed"
    return "; ".join(
        (passed, *(f"forced {minute(datetime.fromisoformat(one['at']))}: {_came_to(one)}" for one in slots["forced"]))
    )


def _came_to(one: dict[str, Any]) -> str:
    return safe(one["word"] + (f" ({one['why']})" if one["why"] else ""))


def _account_words(account: dict[str, Any]) -> str:
    entry, validated = account["entry"], account["validated"]
    if entry is not None:
        told = _words(entry)
    elif validated is not None:
        told = f"VALIDATED by a dry run, nothing is sent: {_suggestion_words(validated)}"
    else:
        told = "no entry today"
    off = "" if account["enabled"] else "  (automation off)"
    return told + off + ("  (skips today)" if account["skips_today"] else "")


def _next_words(step: dict[str, Any] | None) -> str:
    return "next: no login reaches this account" if step is None else f"next: {step_words(step)}"


def _suggestion_words(suggestion: dict[str, Any]) -> str:
    trident = f"{suggestion['underlying']} {suggestion['strikes']} {suggestion['expiration']}"
    limit = f" at {credit_shown(suggestion['limit'])} credit" if suggestion["limit"] else ""
    return f"{trident}{limit}, max risk {dollars_shown(suggestion['max_risk'])}, cycle {suggestion['cycle']}"


def _words(entry: dict[str, Any]) -> str:
    return f"{entry_words(entry, entry['broker_status'])}, entry {entry['id']}"


def _open_words(trident: dict[str, Any]) -> str:
    below, above = trident["break_even_below"], trident["break_even_above"]
    between = credit_shown(below) if below else "none"
    between += f" to {credit_shown(above)}" if above else ", none above"
    unknown = "fills incomplete" if trident["max_risk"] else "other legs than whole tridents are filled"
    figures = f"credit {credit_shown(trident['credit'])}, break-even {between}" if trident["credit"] else unknown
    return (
        f"{trident['account']} {trident['underlying']} {trident['strikes']} {trident['expiration']} "
        f"({counted(trident['dte'], 'day')}): {figures}, "
        f"{open_risk_shown(trident['max_risk'])}, by the fills recorded"
    )
