"""What differs between the orders of entries and those of exits (rules 9, 15.4). All else is the same for both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, cast

from core.broker.port import Position
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import AnyIntent, Entry, Intent, IntentKind
from core.domain.orders.settling import PRODUCT_TIMES, SettleTimes
from core.domain.positions.exits import Exit
from core.domain.trident.occ import read_occ
from core.orders.exit_events import ExitWords
from core.orders.order_events import EntryWords, IntentWords
from core.orders.unseen_fills import UnseenFills
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time


@dataclass(frozen=True, slots=True)
class KindRules(Generic[AnyIntent]):
    """The rules of one kind of intents.

    `words` tells of them. `settle_times` are the waits until time proves something of an intent. `absent_by_time`: an
    unknown one may be proved by them not to be at the broker. `needs_history`: the orders of its account are listed
    from its day on, and not only those that work. `may_have_filled`: these positions of its account may be there
    because its order has filled, although no fill of it is known; it raises RecordsError. `on_closed` is told an intent
    that has ended, `on_incident` one that people have to settle, and why.
    """

    words: IntentWords[AnyIntent]
    settle_times: Callable[[AnyIntent], SettleTimes]
    absent_by_time: Callable[[AnyIntent], bool]
    needs_history: Callable[[AnyIntent], bool]
    may_have_filled: Callable[[AnyIntent, Sequence[Position]], Awaitable[bool]]
    on_closed: Callable[[AnyIntent], Awaitable[None]]
    on_incident: Callable[[AnyIntent, str], Awaitable[None]]


class Kinds:
    """The rules of every kind of intents."""

    def __init__(self, entries: KindRules[Entry], exits: KindRules[Exit]) -> None:
        self._rules: dict[IntentKind, object] = {IntentKind.ENTRY: entries, IntentKind.EXIT: exits}

    def of(self, intent: AnyIntent) -> KindRules[AnyIntent]:
        """The rules of the intent's kind."""
        return cast(KindRules[AnyIntent], self._rules[intent.KIND])

    def words_of(self, intent: AnyIntent) -> IntentWords[AnyIntent]:
        """What tells of intents of this kind."""
        return self.of(intent).words


def product_kinds(
    *,
    records: Records,
    bus: Bus,
    clock: Clock,
    sessions_back: Callable[[date, int], date],
    on_closed: Callable[[Intent], Awaitable[None]],
    on_incident: Callable[[Intent, str], Awaitable[None]],
    times: SettleTimes = PRODUCT_TIMES,
) -> Kinds:
    """The rules of the product. `sessions_back` has the session so many before a day; `times` are the waits of rules
    9."""
    unseen = UnseenFills(records, clock)

    def times_of_exit(one: Exit) -> SettleTimes:
        expiration = _expiration(one)
        today = exchange_time(clock.now()).date()
        return times.of_exit(last_day=expiration is not None and today >= sessions_back(expiration, 1))

    return Kinds(
        KindRules(
            words=EntryWords(bus),
            settle_times=lambda entry: times,
            # A day that an order has held is not given back by a broker that knows it no longer, only by a word.
            absent_by_time=lambda entry: entry.order_id is None,
            needs_history=lambda entry: True,
            may_have_filled=unseen.of_entry,
            on_closed=on_closed,
            on_incident=on_incident,
        ),
        KindRules(
            words=ExitWords(bus),
            settle_times=times_of_exit,
            # Units that are held must be closed: the broker's word that it knows no such order is enough for them.
            absent_by_time=lambda one: True,
            # Any other that works is listed, whatever its age, and one that is not listed is read by its id.
            needs_history=lambda one: one.state is OrderState.UNKNOWN and one.order_id is None,
            may_have_filled=unseen.of_exit,
            on_closed=on_closed,
            on_incident=on_incident,
        ),
    )


def _expiration(one: Exit) -> date | None:
    """When the options expire that the exit closes; None when their symbols do not say."""
    options = [read_occ(leg.symbol) for leg in one.request.legs]
    return min((option.expiration for option in options if option is not None), default=None)
