"""Invariants 6 and 8: what is due is done in time, where nothing that may block an exit stood in its way.

A pause, a halt and the breakers of entries are nothing of that: the caller leaves them out of what blocked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.simulator.market.market_data import TradingSession
from tests.proofs.exits.facts import Facts, TridentRow, UnitRow, is_over, last_day

AFTER_THE_FILL = timedelta(seconds=5)
_TICK = Decimal("0.05")
"""The largest tick at such prices: below it a target may not exist."""
_MODES = ("targets", "all")


def nothing_delays_an_exit(facts: Facts) -> Iterator[str]:
    """Targets follow the fill, and the time exit begins at its hour."""
    for trident in facts.tridents.values():
        if trident.managed_since is None or trident.mode not in _MODES or trident.hands_off:
            continue
        yield from _targets(facts, trident)
        yield from _time_exit(facts, trident)


def _targets(facts: Facts, trident: TridentRow) -> Iterator[str]:
    assert trident.managed_since is not None
    due = _free_from(facts, max(trident.filled_at + AFTER_THE_FILL, trident.managed_since))
    if due is None or (trident.expiration - exchange_time(due).date()).days <= trident.exit_dte:
        return
    if trident.call_last or _is_opposed(facts, trident, due):
        return
    until = due + facts.world.within
    for name, unit in facts.units[trident.id].items():
        if _has_target(trident, unit) and not _has_ended(unit, until) and not _has_exit(facts, trident, name, until):
            yield f"the target of {name} of {trident.id} was due at {due}, and is not sent at {until}"


def _has_target(trident: TridentRow, unit: UnitRow) -> bool:
    percent = trident.targets.get(unit.name)
    return percent is not None and unit.credit is not None and unit.credit * (100 - percent) / 100 >= _TICK


def _has_ended(unit: UnitRow, at: datetime) -> bool:
    return unit.state == "broken" or (unit.ended_at is not None and unit.ended_at <= at)


def _has_exit(facts: Facts, trident: TridentRow, name: str, until: datetime) -> bool:
    of_unit = [row for row in facts.exits_of[trident.id] if name in row.units]
    return any(row.sent_at is not None and row.sent_at <= until for row in of_unit)


def _is_opposed(facts: Facts, trident: TridentRow, at: datetime) -> bool:
    """Whether an entry worked on one of its strikes: its targets wait for that."""
    own = {symbol for unit in facts.units[trident.id].values() for symbol in (unit.short, unit.long)}
    return any(
        order.account_number == trident.account
        and order.received_at <= at + facts.world.within
        and not is_over(order, at)
        and own & {leg.symbol for leg in order.legs}
        for order in facts.openings
    )


def _time_exit(facts: Facts, trident: TridentRow) -> Iterator[str]:
    if trident.mode != "all" or (trident.cash_settled and trident.lets_expire):
        return
    day = trident.expiration - timedelta(days=trident.exit_dte)
    session = facts.world.market.session(day)
    while session is None and day < trident.expiration:
        day += timedelta(days=1)
        session = facts.world.market.session(day)
    if session is None or trident.managed_since is None:
        return
    at_ten = datetime.combine(day, time(10, 0), EXCHANGE_ZONE)
    due = _free_from(facts, max(at_ten, trident.filled_at, trident.managed_since))
    if due is None or exchange_time(due).date() > trident.expiration:
        return
    until = due + facts.world.within
    if not facts.held_units(trident.id, due) or trident.phase == "settling":
        return
    # Its last targets may fill in the very minute in which it would begin.
    begun = trident.closing_since or trident.ended_at
    if begun is None or begun > until:
        yield f"the time exit of {trident.id} was due at {due}, and began at {trident.closing_since}"


def _free_from(facts: Facts, since: datetime) -> datetime | None:
    """From when, not before `since`, there was time enough in a session without a block."""
    for began, ended in sorted(facts.world.free):
        day = exchange_time(max(since, began)).date()
        while (session := _session(facts, day)) is not None:
            at = max(since, began, session.open)
            if at >= ended or at >= facts.world.now:
                break
            if at + facts.world.within <= min(ended, session.close, facts.world.now):
                return at
            day += timedelta(days=1)
    return None


def _session(facts: Facts, day: date) -> TradingSession | None:
    """The first session on or after the day."""
    for ahead in range(10):
        found = facts.world.market.session(day + timedelta(days=ahead))
        if found is not None:
            return found
    return None


def free_to_the_end(facts: Facts) -> Iterator[tuple[TridentRow, TradingSession]]:
    """The tridents that had to be closed, each with its last session, in whose last hour nothing blocked an exit and
    the broker filled at the price asked."""
    if not facts.world.fills_as_asked:
        return
    for trident in facts.tridents.values():
        if trident.cash_settled or trident.mode != "all" or trident.managed_since is None or trident.hands_off:
            continue
        session = facts.world.market.session(last_day(facts.world.market, trident.expiration))
        if session is None or session.close > facts.world.now or trident.managed_since > session.open:
            continue
        hour = session.close - timedelta(hours=1)
        if any(began <= hour and ended >= session.close for began, ended in facts.world.free):
            yield trident, session


def no_qqq_on_expiration_day(facts: Facts) -> Iterator[str]:
    """No whole unit that must be closed reaches its expiration, where nothing blocked and the broker filled."""
    for trident, session in free_to_the_end(facts):
        left = [
            u.name
            for u in facts.held_units(trident.id, session.close)
            if facts.units[trident.id][u.name].state != "broken"
        ]
        if left:
            yield f"{', '.join(left)} of {trident.id} reach expiration day"
