"""The tridents each account still holds, for the operator to watch (rules 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date

from core.broker.pace import Pace, Turn, Work
from core.broker.port import AccountReads, Broker, BrokerError, Position
from core.domain.market.underlying import SHIPPED
from core.domain.operation.events import masked
from core.domain.orders.orders import Entry
from core.domain.orders.packages import fill_credit, packages_ordered, risk_of
from core.domain.positions.exit_rules import sent_for
from core.domain.positions.tridents import ExitMode
from core.domain.risk.positions import HeldContract, OpenTrident, body_of
from core.domain.trident.sides import side_of
from core.market.feed import Feed
from core.orders.positions import CONFIRMED_S, PositionComparison
from core.records.records import Records
from core.records.repositories.rows import AccountRecord, SuggestionRecord
from core.runtime.clock import Clock
from core.runtime.task_groups import TurnGroup, turn_group

SHOWN_LEGS = 200
"""How many legs are quoted for display at most: one subscription of the feed. Those of the newest
trident, which the dashboard shows, come first, then the nearest expirations."""
APART_S = 1.2
"""Wall seconds between two comparisons in the mean, at least: with the looks at orders and the complete reads of 50
accounts they come to 4 requests a second (broker 2.8)."""
LEAST_S = 0.01
"""The shortest sleep, in wall seconds: a remainder of a second that no clock shows is no wait."""
WHOLE_EVERY_S = 300.0
"""Wall seconds after which a comparison also reads what the account is worth, in 3 requests instead of one."""
_BUSY_S = 1.0
"""Wall seconds after which a comparison is tried again that a cycle kept waiting."""


@dataclass(eq=False, repr=False)
class OpenTridents:
    """Compares filled entries with the broker's positions from time to time, and keeps the legs of those still held
    quoted. A trident that has just filled is held from that moment on, before any comparison.

    `busy` says that a cycle runs: then nothing is read and nothing subscribed, because display must not delay a cycle.
    `mode_of` says what is sent for an account to close its tridents, `login_of` names the login that reaches it. The
    reads are paced (broker 2.8): one may be later than its time, and an account has one on its way. `note_reads` is
    given those that also tell what the account is worth.
    """

    broker: Broker
    records: Records
    positions: PositionComparison
    feed: Feed
    clock: Clock
    pace: Pace
    login_of: Callable[[str], str]
    accounts: Callable[[], Sequence[AccountRecord]]
    today: Callable[[], date]
    busy: Callable[[], bool]
    mode_of: Callable[[str], ExitMode]
    note_reads: Callable[[AccountReads], None] = lambda _: None
    _built: dict[str, OpenTrident] = field(init=False, default_factory=dict)
    _by_account: dict[str, tuple[OpenTrident, ...]] = field(init=False, default_factory=dict)
    _just_filled: dict[str, OpenTrident] = field(init=False, default_factory=dict)
    _wake: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _trouble: dict[str, str] = field(init=False, default_factory=dict)
    _in_doubt: set[str] = field(init=False, default_factory=set)
    # By account the monotonic second of its last comparison; none while one is wanted at once.
    _compared_s: dict[str, float] = field(init=False, default_factory=dict)
    _comparing: set[str] = field(init=False, default_factory=set)
    # By account the monotonic second of the last read that also told what it is worth; none while one is due.
    _whole_s: dict[str, float] = field(init=False, default_factory=dict)
    _dates_read: date | None = field(init=False, default=None)
    ex_dividends: Mapping[str, date | None] = field(init=False, default_factory=dict)

    @property
    def held(self) -> tuple[OpenTrident, ...]:
        """The open tridents as last compared, with those that have filled since, the nearest expiration first."""
        compared = {trident.entry_id: trident for held in self._by_account.values() for trident in held}
        found = compared | self._just_filled
        return tuple(sorted(found.values(), key=lambda t: (t.expiration, t.account, t.entry_id)))

    @property
    def trouble(self) -> str:
        """Which accounts could not be read the last time. Empty when all were."""
        return "; ".join(self._trouble.values())

    async def run(self, every_s: float) -> None:
        """Compares each account every `every_s` wall seconds, and soon after a fill, until cancelled; where more than
        25 accounts hold tridents, in turn with `APART_S` between them. Raises RecordsError, when the comparisons that
        have begun are told."""
        async with turn_group() as group:
            while True:
                self._wake.clear()
                if not self.busy():
                    for number in self._numbers():
                        if number not in self._comparing and self._due_in_s(number, every_s) <= 0:
                            self._compare(number, group)
                    await self._show()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._sleep_s(every_s)):
                        await self._wake.wait()

    async def filled(self, entry_id: str, account: str) -> None:
        """Takes up what an entry's fills have made, which the records just got. Raises RecordsError."""
        entries = await self.records.entries.filled_open(account, self.today())
        for entry in entries:
            if entry.id == entry_id:
                self._just_filled[entry_id] = await self._opened(entry)
                self._compared_s.pop(account, None)
                self._wake.set()

    async def check(self) -> None:
        """Compares once. An account that cannot be read keeps what was known of it. Raises RecordsError."""
        for number in self._numbers():
            await self._turn_of(number)
            await self._look_at(number)
        await self._show()

    def _numbers(self) -> list[str]:
        return [account.number for account in self.accounts()]

    def _due_in_s(self, number: str, every_s: float) -> float:
        """Wall seconds until the account is to be compared."""
        last = self._compared_s.get(number)
        period_s = max(every_s, APART_S * len(self._by_account))
        if number in self._in_doubt:
            period_s = min(every_s, CONFIRMED_S)
        return 0.0 if last is None else last + period_s - self.clock.monotonic()

    def _sleep_s(self, every_s: float) -> float:
        if self.busy():
            return min(_BUSY_S, every_s)
        waits = [self._due_in_s(number, every_s) for number in self._numbers() if number not in self._comparing]
        return max(LEAST_S, min([*waits, every_s]))

    def _compare(self, number: str, group: TurnGroup) -> None:
        """Has one account compared in its turn; not in one that comes while a cycle runs."""

        async def compare() -> None:
            if not self.busy():
                await self._look_at(number)

        def ended(_: asyncio.Task[None]) -> None:  # also of a task that was cancelled before its first step
            self._comparing.discard(number)
            self._wake.set()

        task = group.begin(lambda: self._turn_of(number), compare, name="a comparison of positions")
        self._comparing.add(number)
        task.add_done_callback(ended)

    async def _turn_of(self, number: str) -> None:
        """Waits until the account may be read; one that holds nothing of ours is not."""
        if await self.records.entries.filled_open(number, self.today()):
            last = self._whole_s.get(number)
            if last is not None and self.clock.monotonic() - last >= WHOLE_EVERY_S:
                del self._whole_s[number]
            requests = 1 if number in self._whole_s else 3
            await self.pace.take(Turn(self.login_of(number), number, Work.ROUTINE, requests))

    async def _positions_of(self, number: str) -> tuple[Position, ...]:
        """Raises BrokerError."""
        if number in self._whole_s:
            return await self.broker.positions(number)
        reads = await self.broker.account_reads(number)
        self._whole_s[number] = self.clock.monotonic()
        self.note_reads(reads)
        return reads.positions

    async def _show(self) -> None:
        """Keeps the legs quoted of what is held."""
        await self._read_dates()
        if not self.busy():
            await self.feed.show_legs(self._shown_legs())

    def _shown_legs(self) -> tuple[str, ...]:
        """The streamer symbols of the legs that are quoted for display."""
        held = self.held
        newest = max(held, key=lambda one: (one.opened_at is not None, one.opened_at, one.entry_id), default=None)
        chosen = (*(() if newest is None else (newest,)), *held)
        symbols = dict.fromkeys(leg.streamer for trident in chosen for leg in trident.legs if leg.streamer)
        return tuple(symbols)[:SHOWN_LEGS]

    async def _look_at(self, number: str) -> None:
        self._compared_s[number] = self.clock.monotonic()
        filled = await self.records.entries.filled_open(number, self.today())
        before = {entry.id: self._just_filled.get(entry.id) for entry in filled}
        if not filled:  # we hold nothing there, so the broker is not asked
            self._by_account.pop(number, None)
            self._trouble.pop(number, None)
            self._in_doubt.discard(number)
            return
        try:
            positions = await self._positions_of(number)
        except BrokerError as error:
            self._trouble[number] = f"positions of {masked(number)} could not be read: {error.detail}"
            return
        self._trouble.pop(number, None)
        found = await self.positions.compare(number, positions, self.today())
        (self._in_doubt.add if found.in_doubt else self._in_doubt.discard)(number)
        self._by_account[number] = tuple([await self._opened(entry, differs) for entry, differs in found.open])
        for entry_id, trident in before.items():
            if self._just_filled.get(entry_id) is trident:  # else more fills have come since the records were read
                self._just_filled.pop(entry_id, None)

    async def _opened(self, entry: Entry, differs: str = "") -> OpenTrident:
        """The open trident of an entry; built again when more fill records have come."""
        known = self._built.get(entry.id)
        figures = fill_credit(entry), risk_of(entry), packages_ordered(entry)
        if known is None or (known.credit, known.max_risk, known.packages) != figures:
            known = open_trident(entry, await suggestion_of(self.records, entry))
            self._built[entry.id] = known
        exits = await exits_for(self.records, entry, self.mode_of(entry.account))
        now = differs, exits
        return known if (known.differs, known.exits) == now else replace(known, differs=differs, exits=exits)

    async def _read_dates(self) -> None:
        """Reads the ex-dividend dates of underlyings that can be assigned early, once a day. A read that fails is tried
        again."""
        symbols = sorted({t.underlying.symbol for t in self.held if not t.underlying.is_index})
        if not symbols or (self._dates_read == self.today() and set(symbols) <= set(self.ex_dividends)):
            return
        try:
            metrics = await self.broker.metrics(symbols)
        except BrokerError:
            return  # the next check asks again; until then known dates stay
        self.ex_dividends = {**dict.fromkeys(symbols), **{m.symbol: m.ex_dividend for m in metrics}}
        self._dates_read = self.today()


async def exits_for(records: Records, entry: Entry, mode: ExitMode) -> ExitMode:
    """What is sent to close the trident of an entry, whose account has this mode. Raises RecordsError."""
    of = next((one for one in await records.tridents.held_of(entry.account) if one.id == entry.id), None)
    return ExitMode.OFF if of is None else sent_for(of.trident, mode, managed=of.managed_since is not None)


async def suggestion_of(records: Records, entry: Entry) -> SuggestionRecord | None:
    """The suggestion that the entry was made of, None when it is not on record. Raises RecordsError."""
    of_day = await records.journal.suggestions_of(entry.account, entry.session_day)
    return next((s for s in of_day if s.id == entry.suggestion_id), None)


def open_trident(entry: Entry, suggestion: SuggestionRecord | None) -> OpenTrident:
    """The trident of a filled entry. A leg without a recorded streamer symbol gets an empty one and is never quoted."""
    streamers = {} if suggestion is None else streamers_of(suggestion)
    return OpenTrident(
        entry_id=entry.id,
        account=entry.account,
        underlying=SHIPPED[entry.underlying],
        expiration=entry.expiration,
        strikes=entry.strikes,
        body=body_of(entry.strikes),
        width=entry.width,
        credit=fill_credit(entry),
        max_risk=risk_of(entry),
        packages=packages_ordered(entry),
        opened_at=max((fill.at for fill in entry.fills), default=None),
        legs=tuple(
            HeldContract(streamers.get(leg.symbol, ""), side_of(leg.action), leg.quantity) for leg in entry.terms.legs
        ),
    )


def streamers_of(suggestion: SuggestionRecord) -> dict[str, str]:
    """Streamer symbols by OCC symbol, as the chain gave them when the suggestion was priced."""
    pricing = suggestion.evidence.get("pricing")
    legs = pricing.get("legs", ()) if isinstance(pricing, Mapping) else ()
    return {str(leg["symbol"]): str(leg["streamer_symbol"]) for leg in legs if isinstance(leg, Mapping)}
