"""How each trident of an account stands now, and what comes next for it: the one place that joins records, the last
complete read, quotes, dividends and blocks (rules 15.7, 15.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from core.broker.pace import Work
from core.domain.market.underlying import SHIPPED
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.orders import Entry
from core.domain.positions.actions import Action, Alert, PlaceTargets, Wait
from core.domain.positions.blocks import FIRST_SET_WAITS, Block, BlockFacts, barred_by, blocks, waits_to_be_read
from core.domain.positions.due_targets import AFTER_THE_FILL
from core.domain.positions.next_action import asks_prices_after, next_action
from core.domain.positions.pnl import OpenMark, Unrealized, open_mark, unrealized_of
from core.domain.positions.refusals import refused_at
from core.domain.positions.timing import must_close_on, next_turn
from core.domain.positions.trident_view import Dividend, Moment, TridentView
from core.domain.positions.tridents import ExitMode, HandsOff, ManagedTrident, Phase
from core.domain.positions.units import Unit, UnitName, left_of
from core.domain.trident.pricing import MAX_QUOTE_AGE_S
from core.guards.exit_gate import ExitGate
from core.market.calendar import SessionCalendar
from core.market.feed import Feed
from core.orders.open_tridents import streamers_of, suggestion_of
from core.positions.changes import Changes
from core.positions.complete_reads import CompleteReads
from core.positions.dividends import Dividends
from core.positions.moments import moment_of
from core.positions.quotes import CloseQuotes
from core.positions.short_waits import ShortWaits
from core.records.records import AccountRecord, GoneRecord, Records, TridentOnRecord, TridentRecord
from core.records.repositories.unit_rows import UnitEarned
from core.runtime.clock import Clock, exchange_time

_DAY = timedelta(days=1)
_DECIDED_FOR = timedelta(minutes=1)
"""Wall time after which what comes next for a trident is decided anew, though nothing is known to have changed."""


@dataclass(frozen=True)  # without slots: what is asked for again and again is kept
class Standing:
    """A trident of ours as it stands at a moment. `facts` is what is known outside of it.

    `next_turn` is the next instant at which the clock alone changes what comes next. `asks_prices`: what comes next for
    it depends on prices of its legs. `waits_for_read`: something is due that only waits for a complete read of the
    account. `quotes_stale_s` are wall seconds since it has no fresh quotes, None while it has, or needs none.
    """

    record: TridentRecord
    view: TridentView
    gone: tuple[GoneRecord, ...]
    earned: Mapping[UnitName, UnitEarned]
    facts: BlockFacts
    action: Action
    next_turn: datetime | None
    asks_prices: bool = False
    waits_for_read: bool = False
    quotes_stale_s: float | None = None

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def moment(self) -> Moment:
        return self.facts.moment

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Everything that keeps exits of it from being sent now, the widest first."""
        return blocks(self.view, self.facts)

    @property
    def sign(self) -> object:
        """The same while nothing has changed but time and prices."""
        view = self.view
        return self.record, view.exits, view.gone, view.agrees, view.blocked, view.opposed, view.dividend

    @property
    def is_managed(self) -> bool:
        """Whether exits are sent for it at all: not for one of an older version before it is adopted."""
        return self.record.managed_since is not None


@dataclass(frozen=True, slots=True)
class _Outer:
    """What is the same for every trident of an account, by one look."""

    refusals: tuple[Refusal, ...]
    feed_down: str
    first_set_waits: bool
    underlyings: Mapping[str, Decimal | None]
    """Fresh prices of the underlyings of its tridents."""
    settles: bool

    def at(self, moment: Moment) -> BlockFacts:
        return BlockFacts(moment, self.refusals, self.feed_down, self.first_set_waits, self.settles)


@dataclass(frozen=True, slots=True)
class _FollowsFrom:
    """All that a standing without prices follows from, but the time."""

    known: TridentOnRecord
    refusals: tuple[Refusal, ...]
    first_set_waits: bool
    underlying_price: Decimal | None
    """Where it decides: while a dividend is to come."""
    agrees: bool
    dividend: Dividend | None
    opposed: bool


@dataclass(frozen=True, slots=True)
class _Decided:
    """How a trident stands, what that follows from, when it was decided, and until when it stands while that stays the
    same. Instants are aware UTC."""

    standing: Standing
    follows_from: _FollowsFrom
    at: datetime
    until: datetime

    def stands(self, follows_from: _FollowsFrom, moment: Moment) -> bool:
        """Whether it still stands so."""
        is_same_day = self.standing.moment.today == moment.today
        return is_same_day and self.at <= moment.now < self.until and self.follows_from == follows_from


@dataclass(eq=False, repr=False)
class TridentViews:
    """Builds the standings of accounts. `accounts` are those that the logins reach."""

    records: Records
    gate: ExitGate
    changes: Changes
    reads: CompleteReads
    quotes: CloseQuotes
    dividends: Dividends
    feed: Feed
    clock: Clock
    calendar: SessionCalendar
    accounts: Callable[[], Sequence[AccountRecord]]
    # What was decided last of the tridents of each account, by their ids.
    _newest: dict[str, dict[str, _Decided]] = field(init=False, default_factory=dict)
    _streamers: dict[str, Mapping[str, str]] = field(init=False, default_factory=dict)
    _short_waits: ShortWaits = field(init=False)
    # The monotonic second since which a trident has no fresh quotes though it needs them.
    _stale_s: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._short_waits = ShortWaits(self.clock)

    async def of(self, account: str) -> tuple[Standing, ...]:
        """The account's tridents that have not ended, the oldest first, without prices: nobody waits for the broker.
        Raises RecordsError."""
        known = await self.records.tridents_on_record.held_of(account)
        if not known:
            return ()
        entries = await self.records.entries.open()
        outer = self._outer(account, [one.record for one in known])
        last = self._newest.get(account, {})
        decided = [self._decided(one, entries, outer, last.get(one.id)) for one in known]
        self._newest[account] = {one.standing.id: one for one in decided}
        return tuple(one.standing for one in decided)

    async def one(self, trident_id: str) -> Standing:
        """One trident, also one that has ended, without prices. Raises RecordsError, and StateConflict when there is
        none."""
        known = await self.records.tridents_on_record.get(trident_id)
        outer = self._outer(known.record.account, [known.record])
        return self._decided(known, await self.records.entries.open(), outer).standing

    async def priced(self, standing: Standing) -> Standing:
        """The standing with fresh prices of its legs, where what comes next depends on them; its legs are subscribed
        from then on. Raises RecordsError."""
        if not standing.asks_prices:
            return standing
        view = await self._prices(standing)
        facts = self._outer(standing.record.account, ()).at(replace(standing.moment, now=self.clock.now()))
        view = replace(view, blocked=barred_by(facts.refusals))
        known = TridentOnRecord(standing.record, view.exits, standing.gone, standing.earned)
        priced = replace(_standing(known, view, facts), asks_prices=True)
        return replace(priced, quotes_stale_s=self._stale(standing.id, priced.action))

    async def let_go(self, standing: Standing) -> None:
        """Ends the subscription of the trident's legs, unless its close goes on in this session."""
        if not standing.asks_prices and not _may_ask_again(standing.view, standing.moment):
            await self.quotes.release(standing.id)
            self._stale_s.pop(standing.id, None)

    async def unrealized(self, account: str) -> Unrealized | None:
        """What is open in the account, by the quotes of this moment; None without fresh ones. Raises RecordsError."""
        marks = (await self.open_marks(account)).values()
        return unrealized_of(mark.of(mark.units) for mark in marks)

    async def open_marks(self, account: str) -> Mapping[str, OpenMark]:
        """What is open of each trident of the account, by its id, by the quotes of this moment. Raises RecordsError."""
        known = await self.records.tridents_on_record.held_of(account)
        legs: dict[str, str] = {}
        for one in known:
            legs |= await self.legs_of(one.record, left_of(one.record.trident.units))
        read = await self.quotes.of(account, legs, Work.ROUTINE) if legs else None
        quotes, at_s = ({}, 0.0) if read is None else (read.quotes, read.at_s)
        return {one.id: open_mark(one.record.trident.units, quotes, at_s) for one in known}

    async def legs_of(self, record: TridentRecord, some: Sequence[Unit]) -> Mapping[str, str]:
        """The contracts of these units of a trident: OCC symbols with their streamer symbols, empty where the chain's
        symbol is not on record. Raises RecordsError."""
        if record.id not in self._streamers:
            entries = await self.records.entries.these([record.id])
            suggestion = await suggestion_of(self.records, entries[0]) if entries else None
            self._streamers[record.id] = {} if suggestion is None else streamers_of(suggestion)
        known = self._streamers[record.id]
        return {symbol: known.get(symbol, "") for unit in some for symbol in (unit.short, unit.long)}

    def streamer_of(self, symbol: str) -> str:
        """The streamer symbol of a contract whose legs were asked for before; empty where nobody knows it."""
        return next((known[symbol] for known in self._streamers.values() if symbol in known), "")

    def login_of(self, account: str) -> str:
        """The login that reaches the account; empty for one that none reaches."""
        return next((one.login for one in self.accounts() if one.number == account), "")

    def refusals(self, account: str) -> tuple[Refusal, ...]:
        """What bars exits of the account, what bars all accounts first."""
        return self.gate.refusals(account, self.login_of(account))

    def _decided(
        self, known: TridentOnRecord, entries: Sequence[Entry], outer: _Outer, last: _Decided | None = None
    ) -> _Decided:
        record, account = known.record, known.record.account
        moment = self._moment(record, last)
        dividend = self.dividends.known.get(record.trident.underlying)
        price = outer.underlyings[record.trident.underlying] if _may_be_called(dividend, record, moment) else None
        follows_from = _FollowsFrom(
            known,
            outer.refusals,
            outer.first_set_waits,
            price,
            self._agrees(account, record.trident),
            dividend,
            _is_opposed(record.trident, account, entries),
        )
        facts = outer.at(moment)
        if last is not None and last.stands(follows_from, moment):
            return replace(last, standing=replace(last.standing, facts=facts))
        standing = self._decide(follows_from, facts)
        return _Decided(standing, follows_from, moment.now, self._stands_until(standing))

    def _moment(self, record: TridentRecord, last: _Decided | None) -> Moment:
        now = self.clock.now()
        before = None if last is None else last.standing.moment
        if before is None or before.today != exchange_time(now).date():
            return moment_of(record, self.calendar, now)
        return replace(before, now=now)

    def _decide(self, of: _FollowsFrom, facts: BlockFacts) -> Standing:
        known, moment = of.known, facts.moment
        view = TridentView(
            _as_managed(known.record, moment.today),
            exits=known.exits,
            gone=tuple(one.gone for one in known.gone),
            agrees=of.agrees,
            dividend=of.dividend,
            underlying_price=of.underlying_price,
            blocked="" if known.record.trident.phase is Phase.ENDED else barred_by(of.refusals),
            refused_at=refused_at(known.exits, moment.today),
            opposed=of.opposed,
            asked=known.record.asked,
        )
        standing = _standing(known, view, facts)
        return replace(
            standing,
            asks_prices=asks_prices_after(standing.action, view, moment),
            waits_for_read=is_unread_alone(of.refusals) and _is_due(replace(view, blocked=""), moment),
        )

    def _stands_until(self, standing: Standing) -> datetime:
        """The next instant at which by time alone something else may be due for it: of what waits for a known time, or
        for an event, in session within a minute where that may be today and nothing bars it."""
        moment, action = standing.moment, standing.action
        at, session = moment.now, moment.session
        if not isinstance(action, Wait) or standing.asks_prices:
            return at
        trident = standing.view.trident
        ahead = [standing.next_turn, trident.filled_at + AFTER_THE_FILL, at + _DAY]
        if action.until is not None:
            ahead.append(action.until)
        if session is not None:
            ahead += [session.open, session.close]
            is_later = action.until is not None and exchange_time(action.until).date() > moment.today
            is_barred = bool(standing.view.blocked) and not is_unread_alone(standing.facts.refusals)
            if session.is_open(at) and not is_later and not is_barred:
                ahead.append(at + _DECIDED_FOR * self.clock.speed)
        return min(one for one in ahead if one is not None and one > at)

    def _outer(self, account: str, records: Iterable[TridentRecord]) -> _Outer:
        of = next((one for one in self.accounts() if one.number == account), None)
        waits = of is not None and of.exits_first_wait
        prices = {symbol: self._underlying(symbol) for symbol in {one.trident.underlying for one in records}}
        refusals = self.refusals(account)
        settles = self._short_waits.looked(account, waits=any(map(waits_to_be_read, refusals)))
        return _Outer(refusals, self._feed_down(), waits, prices, settles)

    def _stale(self, trident_id: str, action: Action) -> float | None:
        if not isinstance(action, Wait) or action.alert is not Alert.QUOTES_STALE:
            self._stale_s.pop(trident_id, None)
            return None
        now_s = self.clock.monotonic()
        return now_s - self._stale_s.setdefault(trident_id, now_s)

    async def _prices(self, standing: Standing) -> TridentView:
        """The view with fresh prices. Without a live feed a walk has none. What must be closed does not walk after its
        deadline: then market data counts too. Prices of what is halted are none."""
        record, view, moment = standing.record, standing.view, standing.moment
        trident, account = view.trident, record.account
        legs = await self.legs_of(record, trident.units)
        await self.quotes.hold(record.id, legs.values())
        is_late = must_close_on(trident, moment.days, moment.today) and moment.now >= moment.days.deadline
        if self.quotes.halted(trident.underlying):
            return replace(view, underlying_price=None)
        if self._feed_down() and not is_late:
            return view
        work = Work.HAND_CLOSE if view.asked is not None else Work.MUST_CLOSE if is_late else Work.STEP
        read = await self.quotes.of(account, legs, work)
        short_put = next((read.quotes.get(unit.short) for unit in trident.units if unit.is_put), None)
        return replace(
            view,
            put=read.side(trident.units, puts=True),
            call=read.side(trident.units, puts=False),
            short_put_mid=None if short_put is None else short_put.mid,
            underlying_price=self._underlying(trident.underlying),
        )

    def _agrees(self, account: str, trident: ManagedTrident) -> bool:
        """Whether a complete read since the fill shows the trident's contracts as it may."""
        newest = self.reads.newest(account)
        if newest is None or newest.at < trident.filled_at:
            return False
        return self.changes.agrees(account, trident.units)

    def _feed_down(self) -> str:
        return "" if self.feed.is_live(self.clock.monotonic()) else self.feed.why_not_live()

    def _underlying(self, symbol: str) -> Decimal | None:
        """The underlying's price by a live feed, not older than a quote may be."""
        if symbol not in SHIPPED or self._feed_down():
            return None
        found = self.feed.underlying_price(SHIPPED[symbol], self.clock.monotonic())
        return None if found is None or found.age_s > MAX_QUOTE_AGE_S else found.price


def is_unread_alone(refusals: Sequence[Refusal]) -> bool:
    """Whether nothing bars exits but that the account was not read completely of late: a read ends that."""
    return bool(refusals) and all(one.reason is Reason.ACCOUNT_UNREAD for one in refusals)


def _standing(known: TridentOnRecord, view: TridentView, facts: BlockFacts) -> Standing:
    """The standing with what comes next. First targets that wait for a word of the operator are not due."""
    action = next_action(view, facts.moment)
    if isinstance(action, PlaceTargets) and facts.first_set_waits:
        action = Wait(None, FIRST_SET_WAITS)
    turn = next_turn(view.trident, facts.moment.days, facts.moment.now)
    return Standing(known.record, view, known.gone, known.earned, facts, action, turn)


def _is_due(view: TridentView, moment: Moment) -> bool:
    action = next_action(view, moment)
    return not isinstance(action, Wait) or asks_prices_after(action, view, moment)


def _as_managed(record: TridentRecord, today: date) -> ManagedTrident:
    """The trident by whose rules something is sent today: the broker's desk has it for one day, and nothing is due for
    one that is not managed."""
    trident = record.trident
    if trident.hands_off is HandsOff.DESK and record.desk_day != today:
        trident = replace(trident, hands_off=HandsOff.NONE)
    if record.managed_since is None:
        trident = replace(trident, rules=replace(trident.rules, mode=ExitMode.OFF))
    return trident


def _is_opposed(trident: ManagedTrident, account: str, entries: Sequence[Entry]) -> bool:
    """Whether an entry of ours works on one of its contracts."""
    own = {symbol for unit in trident.units for symbol in (unit.short, unit.long)}
    return any(
        entry.account == account and entry.id != trident.id and own & {leg.symbol for leg in entry.terms.legs}
        for entry in entries
    )


def _may_be_called(dividend: Dividend | None, record: TridentRecord, moment: Moment) -> bool:
    """Whether a short call may be called before a dividend, so that the underlying's price decides."""
    trident = record.trident
    return dividend is not None and moment.today < dividend.ex_date <= trident.expiration


def _may_ask_again(view: TridentView, moment: Moment) -> bool:
    """Whether its legs stay subscribed although nothing asks for their prices now: its close goes on in this
    session."""
    session = moment.session
    if session is None or not session.is_open(moment.now) or not left_of(view.trident.units):
        return False
    return view.trident.phase is Phase.CLOSING or view.asked is not None
