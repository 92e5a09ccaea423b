"""Invariants 9 and 10: what is stored of money is what the exchange's fills and rows say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from core.runtime.clock import exchange_time
from core.simulator.exchange.transactions import DIVIDEND, RECEIVE_DELIVER, TRADE, SimTransaction
from tests.proofs.exits.facts import UNITS, Facts, TridentRow, UnitRow, filled, is_exit

_ZERO = Decimal(0)
_CENT = Decimal("0.01")
_PER_CONTRACT = 100
UNEXPLAINED_AFTER = timedelta(days=5)
"""Three sessions and a weekend: by then a unit that left is explained, or an operator is asked."""


def cash_balances(facts: Facts) -> Iterator[str]:
    """Realized of what ended and the opening cash of what is open are the broker's cash change, to the cent. The marks
    of what is open are on both sides of the sum, and are left out of both."""
    if not facts.world.at_rest:
        return
    rows = {number: facts.world.exchange.transactions(number, facts.world.now) for number in facts.accounts}
    for number, first in facts.world.first_cash.items():
        if _is_mixed(facts, number, rows[number]) or is_waiting(facts, number):
            continue
        change = facts.world.exchange.balances(number, facts.world.now).cash_balance - first
        shares = sum((_worth(facts, row) for row in rows[number]), _ZERO)
        change -= sum((row.net_value for row in rows[number] if _is_outside(facts, row)), _ZERO)
        told = sum((_cash(facts, trident) for trident in _of(facts, number)), _ZERO)
        if told != change + shares:
            yield f"account {number} tells of {told}; its cash changed by {change}, its shares are worth {shares}"
    for trident in facts.tridents.values():
        yield from _by_its_orders(facts, trident, rows[trident.account])
        yield from _unexplained(facts, trident)


def _of(facts: Facts, number: str) -> list[TridentRow]:
    return [trident for trident in facts.tridents.values() if trident.account == number]


def is_waiting(facts: Facts, number: str) -> bool:
    """Whether rows or fees of the account are still to come: then the sum is not due."""
    recent = facts.world.now - UNEXPLAINED_AFTER
    for trident in _of(facts, number):
        for unit in facts.units[trident.id].values():
            moved = unit.ended_at or trident.filled_at
            if (
                unit.fees is None or unit.fees_estimated or (unit.state == "gone" and unit.how is None)
            ) and moved > recent:
                return True
            if unit.state == "broken":  # what its one leg cost counts once the other has left
                return True
        if trident.phase == "settling" and trident.expiration > exchange_time(recent).date():
            return True
    return any(row.state in ("unknown", "sent", "incident") for row in facts.exits.values() if row.account == number)


def _cash(facts: Facts, trident: TridentRow) -> Decimal:
    """What a trident has brought so far: its opening by its fills, whether its units have ended or not, what closing
    them cost, and its fees."""
    units = facts.units[trident.id].values()
    shorts = {unit.short for unit in units}
    fills = facts.fills.get(trident.id, ())
    opened = sum((fill.quantity * fill.price * (1 if fill.symbol in shorts else -1) for fill in fills), _ZERO)
    return _PER_CONTRACT * opened + sum((_cash_of(unit) - (unit.received or _ZERO) for unit in units), _ZERO)


def _cash_of(unit: UnitRow) -> Decimal:
    """What a unit has brought so far: its opening, its close, its settlement, less its fees."""
    parts = (unit.received or _ZERO) - (unit.paid or _ZERO) + (unit.settlement or _ZERO)
    return parts - (unit.fees or _ZERO)


def _worth(facts: Facts, row: SimTransaction) -> Decimal:
    """What shares of an assignment or an exercise count for: the first official close after it."""
    if row.kind != RECEIVE_DELIVER or row.instrument_type != "Equity" or row.action is None or row.quantity is None:
        return _ZERO
    day = exchange_time(row.executed_at).date()
    while (session := facts.world.market.session(day)) is None or session.close <= row.executed_at:
        day += timedelta(days=1)
    price = facts.world.market.official_close(row.symbol or "", day)
    return row.quantity * price * (1 if row.action.startswith("Buy") else -1)


def _is_outside(facts: Facts, row: SimTransaction) -> bool:
    """Whether a row is of no trident: shares that were traded, and what they pay, which are the operator's, or
    contracts that none has."""
    if row.sub_kind == DIVIDEND:
        return True
    if row.instrument_type == "Equity":
        return row.kind == TRADE
    return row.instrument_type is not None and (row.account, row.symbol or "") not in facts.tridents_with


def _is_mixed(facts: Facts, number: str, rows: Sequence[SimTransaction] = ()) -> bool:
    """Whether somebody else, or an entry that became no trident, opened contracts that a trident has as well, or had
    shares delivered for others: then the account's rows are not the tridents' alone."""
    whole = {identifier for identifier, (entry, _, _) in facts.entries.items() if entry in facts.tridents}
    whole |= {identifier for identifier, (_, state, _) in facts.entries.items() if state == "filled"}
    for order in facts.orders:
        if order.account_number != number or is_exit(order) or order.external_identifier in whole:
            continue
        if any(leg.opens and leg.fills and (number, leg.symbol) in facts.tridents_with for leg in order.legs):
            return True
    return any(
        row.kind == RECEIVE_DELIVER and row.sub_kind in ("Assignment", "Exercise") and _is_outside(facts, row)
        for row in rows
    )


def _by_its_orders(facts: Facts, trident: TridentRow, rows: list[SimTransaction]) -> Iterator[str]:
    """A trident that our orders closed whole realized what the broker's rows of them say."""
    units = facts.units[trident.id].values()
    if any(unit.state != "closed" or unit.realized is None or unit.fees_estimated for unit in units):
        return
    ids = {row.order_id for row in facts.exits_of[trident.id] if row.order_id is not None}
    ids |= {
        str(order.id)
        for order in facts.openings
        if facts.entries.get(order.external_identifier or "", ("",))[0] == trident.id
    }
    theirs = sum((row.net_value for row in rows if str(row.order_id) in ids), _ZERO)
    ours = sum((unit.realized or _ZERO for unit in units), _ZERO)
    if ours != theirs:
        yield f"{trident.id} realized {ours} on record, and {theirs} by the broker's rows"


def _unexplained(facts: Facts, trident: TridentRow) -> Iterator[str]:
    for unit in facts.units[trident.id].values():
        late = unit.ended_at is not None and facts.world.now - unit.ended_at > UNEXPLAINED_AFTER
        if trident.ended_at is not None and unit.how is None:
            yield f"{trident.id} has ended, and nothing says what became of {unit.name}"
        if late and unit.state == "closed" and (unit.realized is None or unit.realized != _cash_of(unit)):
            yield f"{unit.name} of {trident.id} realized {unit.realized} by one column, {_cash_of(unit)} by the others"


def gone_is_gone(facts: Facts) -> Iterator[str]:
    """What is on record as gone without an order of ours is not held at the exchange any more."""
    opened: Counter[tuple[str, str]] = Counter()
    for order in (*facts.openings, *facts.closes):
        for leg in order.legs:
            count = filled(leg, facts.world.now)
            opened[order.account_number, leg.symbol] += -count if is_exit(order) else count
    gone: Counter[tuple[str, str]] = Counter()
    for (trident, _, symbol), _ in facts.gone.items():
        gone[facts.tridents[trident].account, symbol] += 1
    for (number, symbol), count in gone.items():
        held = abs(facts.world.exchange.back_office.ledgers[number].held().get(symbol, 0))
        if count > opened[number, symbol] - held and not _is_mixed(facts, number):
            yield f"{count} of {symbol} are gone on record, and {number} holds {held} of {opened[number, symbol]}"


def recomputed_equals_stored(facts: Facts) -> Iterator[str]:
    """The unit credits, E and the state of every unit follow from the fills."""
    for trident in facts.tridents.values():
        units = facts.units[trident.id]
        yield from _credits(facts, trident)
        credits = [unit.credit for unit in units.values()]
        known = [credit for credit in credits if credit is not None]
        if (
            len(known) == len(credits)
            and trident.credit is not None
            and abs(sum(known, _ZERO) - trident.credit) > _CENT / 100
        ):
            yield f"{trident.id}: its units' credits add up to {sum(known)}, and {trident.credit} is stored"
        taken = _taken(facts, trident)
        for name, unit in units.items():
            yield from _state(facts, trident, unit, taken[name])


def _credits(facts: Facts, trident: TridentRow) -> Iterator[str]:
    """A unit's credit is its short's average fill less its long's; odd ones are divided by the mids, which only the
    sum shows."""
    fills = facts.fills.get(trident.id, [])
    paid: dict[str, Decimal] = defaultdict(Decimal)
    count: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        paid[fill.symbol] += fill.quantity * fill.price
        count[fill.symbol] += fill.quantity
    for unit in facts.units[trident.id].values():
        if unit.credit is None or unit.estimated:
            continue
        if not count[unit.short] or not count[unit.long]:
            yield f"{unit.name} of {trident.id} has a credit, and no fills of its entry"
        elif unit.credit != paid[unit.short] / count[unit.short] - paid[unit.long] / count[unit.long]:
            yield f"{unit.name} of {trident.id}: credit {unit.credit} is not what its fills brought"


def _taken(facts: Facts, trident: TridentRow) -> dict[str, set[str]]:
    """The contracts of each unit that fills of exits have taken, by symbol."""
    taken: dict[str, set[str]] = {name: set() for name in UNITS}
    for row in facts.exits_of[trident.id]:
        count: dict[str, int] = defaultdict(int)
        for fill in facts.fills.get(row.id, ()):
            count[fill.symbol] += int(fill.quantity)
        for name in (name for name in UNITS if name in row.units):
            unit = facts.units[trident.id][name]
            mine = {symbol for symbol in (unit.short, unit.long) if count[symbol] > 0}
            for symbol in mine:
                count[symbol] -= 1
            # What is out of proportion counts once its order can fill no more.
            if len(mine) == 2 or row.terminal_at is not None:
                taken[name] |= mine
    return taken


def _state(facts: Facts, trident: TridentRow, unit: UnitRow, taken: set[str]) -> Iterator[str]:
    legs = {unit.short, unit.long}
    left = legs - taken - {symbol for t, name, symbol in facts.gone if t == trident.id and name == unit.name}
    if left == legs:
        wanted = "whole"
    elif left:
        wanted = "broken"
    else:
        wanted = "closed" if taken == legs else "gone"
    # A filled order closes its units also before its fill records are here.
    by_word = any(row.state == "filled" and unit.name in row.units for row in facts.exits_of[trident.id])
    if unit.state != wanted and not (by_word and unit.state == "closed"):
        yield f"{unit.name} of {trident.id} is stored as {unit.state}, and its fills make it {wanted}"


def no_worse_than_worst_case(facts: Facts) -> Iterator[str]:
    """What a trident came to is no worse than the worst case told before its last close, fees and assignment apart."""
    for trident in facts.tridents.values():
        units = facts.units[trident.id]
        if trident.ended_at is None or any(
            u.how in ("assigned", "exercised", "hand", "desk", "attested") for u in units.values()
        ):
            continue
        if any(unit.received is None or unit.how is None for unit in units.values()):
            continue
        last = max(unit.ended_at for unit in units.values() if unit.ended_at is not None)
        before = [unit for unit in units.values() if unit.ended_at is not None and unit.ended_at < last]
        rest = [unit for unit in units.values() if unit not in before]
        calls = sum(unit.name == "call" for unit in rest)
        most = trident.width * max(calls, len(rest) - calls)
        opened = sum((unit.received or _ZERO for unit in units.values()), _ZERO)
        worst = opened + sum((_closing(unit) for unit in before), _ZERO) - _PER_CONTRACT * most
        came_to = opened + sum((_closing(unit) for unit in units.values()), _ZERO)
        if came_to < worst:
            yield f"{trident.id} came to {came_to}, worse than its worst case of {worst}"


def _closing(unit: UnitRow) -> Decimal:
    return (unit.settlement or _ZERO) - (unit.paid or _ZERO)
