"""Finds in a snapshot what the operator must not miss: unknown entries, stops, breakers, alerts, warned tridents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.times import when
from core.domain.orders.fate import FateKind
from core.snapshot import Automation, ReadingState, Watching
from core.snapshot.status import NO_REASON
from widgets.banner import Alarm
from widgets.base import format as figures
from widgets.base.fates import order_kind
from widgets.base.key_names import key_for

if TYPE_CHECKING:
    from core.snapshot import BreakerView, OrderView, PositionsSlice, Snapshot, StatusSlice


def alarms(snapshot: Snapshot) -> tuple[Alarm, ...]:
    """The banner's sentences, most urgent first; each says what it is, why, and what ends it.

    Empty unless the engine runs, or the records tell the day instead.
    """
    status = snapshot.status
    if not status.engine.tells_day:
        return ()
    unknown = [order for order in snapshot.orders if order_kind(order) is FateKind.UNKNOWN]
    sentences = [_unknown(order) for order in unknown]
    of_breakers = [_stopped(breaker) for breaker in snapshot.breakers]
    # A halt by a breaker has the breaker's own words as its detail: it is not said twice.
    by_breaker = any(not b.whom and status.automation_detail.startswith(b.why) for b in snapshot.breakers)
    if status.automation is Automation.HALTED and not by_breaker:
        sentences.append((_halted(status), True))
    sentences += of_breakers
    sentences += [
        (f"ALERT: {alert.text}. Press {key_for('alerts', 'a')}.", True)
        for alert in snapshot.alerts
        if alert.severity == "critical" and not alert.seen_by
    ]
    if status.automation is Automation.PAUSED:
        sentences.append((_paused(status), False))
    if status.automation is Automation.RECONCILING:
        cause = f" ({status.automation_detail})" if status.automation_detail else ""
        sentences.append((f"RECONCILING{cause}: no entries until the broker was read whole; it ends by itself", False))
    if snapshot.reading.state is ReadingState.OLD:
        why = f": {snapshot.reading.why}" if snapshot.reading.why else ""
        sentences.append((f"OLD: today's records are as of {figures.clock(snapshot.reading.at)}{why}", False))
    sentences += _watched(snapshot.positions)
    return tuple(sentences)


def by_whom(status: StatusSlice) -> str:
    """Who paused or halted, and since when: `ada at the console since 10:29`. Empty when that is not recorded."""
    if not status.who:
        return ""
    today = None if status.now is None else figures.exchange_day(status.now)
    return status.who if status.since is None else f"{status.who} since {when(status.since, today)}"


def why_said(status: StatusSlice) -> str:
    """The reason that was given for a pause or a halt; empty when none was."""
    why = status.why or status.automation_detail
    return "" if why.endswith(NO_REASON) else why


def _paused(status: StatusSlice) -> str:
    why = why_said(status)
    only_watches = status.watching is Watching.READ_ONLY
    goes_on = "`senex resume` ends it" if only_watches else f"{key_for('pause', 'p')} resumes"
    return f"PAUSED{_named(status)}, no entries{f': {why}' if why else ''}; {goes_on}"


def _halted(status: StatusSlice) -> str:
    """A halt that is recorded ends by a word, here or in a shell; another one says itself what ends it."""
    if not status.who:
        return f"HALTED, no entries: {status.automation_detail}"
    why, here = why_said(status), f"{key_for('pause', 'p')} or " if status.watching is Watching.NONE else ""
    return f"HALTED{_named(status)}, no entries{f': {why}' if why else ''}; {here}`senex reset halt` ends it"


def _named(status: StatusSlice) -> str:
    whom = by_whom(status)
    return f" by {whom}" if whom else ""


def _watched(positions: PositionsSlice) -> list[Alarm]:
    """Names the first open trident that has a warning, and says how many more have one."""
    warned = [view for view in positions.open if view.warnings]
    if not warned:
        return []
    first, more = warned[0], len(warned) - 1
    rest = f" And {more} more." if more else ""
    day = f"{first.expiration:%b} {first.expiration.day}"
    key = key_for("positions", "t")
    text = f"OPEN {first.underlying} {day} {first.account}: {first.warnings[-1]}.{rest} {key} shows it"
    return [(text, False)]


def _unknown(order: OrderView) -> Alarm:
    known = f" {order.evidence[0].upper()}{order.evidence[1:]}" if order.evidence else ""
    return (
        f"UNKNOWN: the broker may have {order.underlying} {order.strikes} of {order.account} "
        f"({figures.clock(order.at)}) or not; nothing is sent again. "
        f"Press {key_for('unknown', 'u')}.{known}",
        True,
    )


def _stopped(breaker: BreakerView) -> Alarm:
    whom = f" for {breaker.whom}" if breaker.whom else ""
    word = "STOPPED" if breaker.whom else "HALTED"
    return f"{word}, no entries{whom}: {breaker.why}; {breaker.reset}", True
