"""Tridents and their closing orders for the screen (rules 15)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from core.domain.market.quotes import Quote
from core.domain.operation import amounts
from core.domain.operation.events import masked
from core.domain.orders.orders import OrderLeg
from core.domain.positions.actions import Wait
from core.domain.positions.blocks import FIRST_SET_WAITS, Barred, BlockScope
from core.domain.positions.close_prices import spread_prices
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exit_fate import exit_fate, exit_words, gained
from core.domain.positions.exits import Exit
from core.domain.positions.fees import estimated_fees
from core.domain.positions.left import left_at_expiry, open_risk_of, worst_case
from core.domain.positions.next_words import words
from core.domain.positions.pnl import unrealized
from core.domain.positions.resting import Resting
from core.domain.positions.timing import next_exit_at
from core.domain.positions.trident_view import TridentView
from core.domain.positions.trident_words import order_legs_words, own_price, strikes_of, unit_words, word_of
from core.domain.positions.tridents import ExitMode, ExitRules, ManagedTrident
from core.domain.positions.units import Unit, UnitState, left_of
from core.domain.positions.would_send import would_send
from core.domain.trident.trident import Action
from core.positions.views_of import Standing
from core.records.records import Switch
from core.records.repositories.unit_rows import earned_together
from core.snapshot import ExitsView, ExitView, PositionView, TridentExits, UnitView

_NONE = Decimal(0)
_LEGS = 4
ON, HELD, BLOCKED = "on", "held", "blocked"


def trident_exits(one: Standing, rules: ExitRules) -> TridentExits:
    """How it is taken to its end, without prices: all that depends on no price and no age. `rules` are those of its
    account as they are now."""
    view, trident = one.view, one.view.trident
    realized = gained(view.exits, trident.units)
    shape = close_shape(left_of(trident.units))
    today = one.moment.today
    recorded = earned_together(one.earned) if all(unit.fees is not None for unit in one.earned.values()) else None
    net = recorded.net if recorded is not None else None if realized is None else realized - _fees_so_far(view)
    targets, everything = _would_send(one, rules)
    is_part = any(unit.state is not UnitState.WHOLE for unit in trident.units)
    return TridentExits(
        state=word_of(view, is_managed=one.is_managed).value,
        units=tuple(
            UnitView(unit.name.value, unit_words(unit, view, today), *own_price(unit, view)) for unit in trident.units
        ),
        next=words(one.action, view, today),
        realized=realized,
        unrealized_mid=None,
        unrealized_natural=None,
        worst_case=None if realized is None else worst_case(trident.units, trident.width, realized),
        close_mid=None,
        close_natural=None,
        legs="" if shape is None else order_legs_words(shape.legs),
        resting=tuple(exit.order_id for exit in view.resting if exit.order_id),
        next_exit_at=next_exit_at(trident, one.moment.days, one.moment.now) if one.is_managed else None,
        is_part=is_part,
        close_fees=None if shape is None else estimated_fees(shape.legs, cash_settled=trident.cash_settled),
        realized_net=net,
        net_estimated=recorded is None or recorded.estimated,
        sends_targets=targets,
        sends_all=everything,
        payoff=left_at_expiry(trident, realized) if is_part and realized is not None else None,
    )


def with_exits(view: PositionView, exits: TridentExits, trident: ManagedTrident) -> PositionView:
    """The open trident with how it is taken to its end. Where a unit of it has ended, its marks and its risk are those
    of what is left, and its results count what the ended ones brought."""
    view = replace(view, max_risk=open_risk_of(trident, view.max_risk))
    if not exits.is_part:
        return replace(view, exits=exits)
    mid, natural = (_all_left(trident.units, price) for price in (exits.close_mid, exits.close_natural))
    return replace(
        view,
        exits=exits,
        mark_mid=mid,
        mark_natural=natural,
        profit_mid=_sum(exits.realized, exits.unrealized_mid),
        profit_natural=_sum(exits.realized, exits.unrealized_natural),
        break_even_below=None,
        break_even_above=None,
    )


def _all_left(units: Sequence[Unit], close: Decimal | None) -> Decimal | None:
    """What closing all units left costs per share, for a close at this price: two puts alone are priced as one."""
    shape = close_shape(left_of(units))
    return None if close is None or shape is None else close * shape.per


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _fees_so_far(view: TridentView) -> Decimal:
    """The fees of its opening and of its exits that are filled, in $, by the broker's schedule."""
    trident = view.trident
    opening = [
        OrderLeg(symbol, action, 1)
        for unit in trident.units
        for symbol, action in ((unit.short, Action.SELL_TO_OPEN), (unit.long, Action.BUY_TO_OPEN))
    ]
    orders = [opening, *(exit.terms.legs for exit in view.exits if exit.fills)]
    return sum((estimated_fees(legs, cash_settled=trident.cash_settled) for legs in orders), _NONE)


def is_kept_back(one: Standing) -> bool:
    """Whether something keeps its exits from being sent: what would be sent without it is told then, and changes with
    the time."""
    return bool(one.view.blocked) or (isinstance(one.action, Wait) and one.action.why == FIRST_SET_WAITS)


def _would_send(one: Standing, rules: ExitRules) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What would be sent at once if nothing held its exits, with targets alone and with time exits too. Nothing where
    they are sent anyway. A trident that is managed keeps the rules under which it was filled."""
    if not is_kept_back(one):
        return (), ()
    own = one.view.trident.rules if one.is_managed else None
    modes = (ExitMode.TARGETS, ExitMode.ALL)
    targets, everything = (would_send(one.view, one.moment, own or replace(rules, mode=mode)) for mode in modes)
    return targets, everything


def priced(exits: TridentExits, units: Sequence[Unit], quotes: Mapping[str, Quote], monotonic: float) -> TridentExits:
    """The same with what closing the units that are left costs and brings, by the quotes of their legs by OCC symbol;
    without prices unless all may be used."""
    marks = unrealized(units, quotes, monotonic)
    left = left_of(units)
    shape = close_shape(left)
    prices = [spread_prices(quotes.get(unit.short), quotes.get(unit.long), monotonic) for unit in left]
    fresh = [price for price in prices if price is not None]
    if marks is None or shape is None or len(fresh) < len(left):
        return exits
    mids = {unit.name.value: price.mid for unit, price in zip(left, fresh, strict=True)}
    return replace(
        exits,
        units=tuple([replace(unit, mid=mids.get(unit.name)) for unit in exits.units]),
        unrealized_mid=marks.mid,
        unrealized_natural=marks.natural,
        close_mid=sum((price.mid for price in fresh), _NONE) / shape.per,
        close_natural=sum((price.natural for price in fresh), _NONE) / shape.per,
    )


def legs_quoted(units: Sequence[Unit], quotes: Sequence[Quote | None]) -> Mapping[str, Quote]:
    """The quotes of the legs of an open trident by OCC symbol. `quotes` are in the order of its legs, that of rules 2,
    as its units have them; none for other legs than a trident's."""
    if len(quotes) != _LEGS:
        return {}
    put, _, call = units
    symbols = (put.short, put.long, call.short, call.long)
    return {symbol: quote for symbol, quote in zip(symbols, quotes, strict=True) if quote is not None}


def exit_view(trident: ManagedTrident, exit: Exit) -> ExitView:
    """A closing order of this trident, of no age."""
    fate = exit_fate(exit)
    at = exit.sent_at or exit.prepared_at
    return ExitView(
        exit_id=exit.id,
        trident_id=exit.trident_id,
        order_id=exit.order_id or "",
        account=masked(exit.account),
        underlying=exit.underlying,
        strikes=strikes_of(trident),
        name=fate.name,
        debit=fate.debit,
        state=exit.state.value,
        told=exit_words(fate),
        claims=exit.holds_units,
        at=at.replace(microsecond=0),
        age_s=0,
    )


def exits_view(standings: Sequence[Standing], resting: Resting, held: Sequence[Switch]) -> ExitsView | None:
    """Whether exits are on, held or blocked; None where no trident is held and nobody holds them. `resting` is what
    rests of these tridents. `held` are the switches that hold them, of all accounts or of one each; the first is told,
    the others are counted. Outside of a session nothing is blocked: nothing is due."""
    if not standings and not held:
        return None
    word, why = ON, ""
    if held:
        first, more = held[0], len(held) - 1
        whose = f"of {masked(first.account)} " if first.account else ""
        others = f"; {amounts.counted(more, 'other account')} held too" if more else ""
        word, why = HELD, f"{whose}{_held_by(first)}{others}"
    elif blocked := _blocked(standings):
        word, why = BLOCKED, blocked
    return ExitsView(word, why, resting.orders, resting.targets, resting.tridents)


def exits_stopped(standings: Iterable[Standing], held: Switch | None) -> str:
    """That the exits of one account are held or blocked, and why; empty while they are on. `standings` are those of its
    tridents, and `held` is the switch that holds them: what stops those of another account is not told of this one."""
    if held is not None:
        return f"exits {HELD.upper()} {_held_by(held)}"
    blocked = _blocked(standings)
    return f"exits {BLOCKED.upper()}: {blocked}" if blocked else ""


def _held_by(held: Switch) -> str:
    return f"by {held.who}{f': {held.why}' if held.why else ''}"


def _blocked(standings: Iterable[Standing]) -> str:
    return next((why for one in standings if (why := _blocked_widely(one))), "")


def _blocked_widely(one: Standing) -> str:
    """Why no exit of its account is sent in the session that is open; empty where nothing bars them for longer than a
    start or a reconciliation takes. That is what the gate refuses, and nothing else is as wide."""
    session = one.moment.session
    if not one.facts.refusals or not one.is_managed or session is None or not session.is_open(one.moment.now):
        return ""
    wide = (BlockScope.ALL, BlockScope.ACCOUNT)
    found = (block for block in one.blocks if block.scope in wide and block.bars is Barred.EXITS)
    return next((block.why for block in found if not block.is_passing), "")
