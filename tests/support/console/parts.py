"""Parts of recorded scenes, and the same with fields changed to what an engine could show as well."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.domain.market.judgement import Judgement
from core.snapshot import (
    AccountView,
    AlertView,
    AttemptView,
    BreakerView,
    CreditTrail,
    CycleSlice,
    LegView,
    LoginView,
    MessageView,
    OrderView,
    PayoffView,
    PositionsSlice,
    PositionView,
    QuoteSlice,
    SettingView,
    SlotView,
    Snapshot,
    SpreadSlice,
    StatusSlice,
)
from tests.support.console import scenes

_NOW = scenes.calm().status.now
assert _NOW is not None
NOW = _NOW
"""10:31:41 ET, the moment of most scenes."""


def status(**changes: object) -> StatusSlice:
    return replace(scenes.calm().status, **changes)  # type: ignore[arg-type]


def quotes() -> tuple[QuoteSlice, QuoteSlice]:
    """The quotes of QQQ and SPX."""
    qqq, spx = scenes.calm().quotes
    return qqq, spx


def spread(**changes: object) -> SpreadSlice:
    """The spread of the working order."""
    found = scenes.calm().spread
    assert found is not None
    return replace(found, **changes)  # type: ignore[arg-type]


def legs() -> tuple[LegView, ...]:
    return spread().legs


def judgements() -> tuple[Judgement, Judgement]:
    """The judgements of QQQ and SPX, both passed."""
    qqq, spx = scenes.calm().judgements
    return qqq, spx


def cycle(**changes: object) -> CycleSlice:
    """A cycle in its second attempt."""
    found = scenes.retrying().cycle
    assert found is not None
    return replace(found, **changes)  # type: ignore[arg-type]


def done() -> CycleSlice:
    """The cycle of `cycle` after it has succeeded."""
    found = scenes.calm().cycle
    assert found is not None
    return found


def attempts() -> tuple[AttemptView, ...]:
    """The attempts of three cycles; the second attempt of the last one is under way."""
    return scenes.retrying().attempts


def order(**changes: object) -> OrderView:
    """An order that works."""
    [found] = scenes.calm().orders
    return replace(found, **changes)  # type: ignore[arg-type]


def filled_order() -> OrderView:
    [found] = scenes.filled().orders
    return found


def unknown_order(**changes: object) -> OrderView:
    [found] = scenes.unknown().orders
    return replace(found, **changes)  # type: ignore[arg-type]


def schedule() -> tuple[SlotView, ...]:
    return scenes.retrying().schedule


def messages() -> tuple[MessageView, ...]:
    return scenes.stale().messages


def breaker(**changes: object) -> BreakerView:
    """A breaker that stops an account."""
    [found] = scenes.halted().breakers
    return replace(found, **changes)  # type: ignore[arg-type]


def alert(**changes: object) -> AlertView:
    """The critical alert."""
    [found] = (alert for alert in scenes.alerted().alerts if alert.severity == "critical")
    return replace(found, **changes)  # type: ignore[arg-type]


def account(**changes: object) -> AccountView:
    """The primary account."""
    return replace(scenes.reached().accounts[0], **changes)  # type: ignore[arg-type]


def with_settings(shown: AccountView, **own: str) -> AccountView:
    """An account with these settings of its own; `offset_cents` is offset-cents."""
    given = {name.replace("_", "-"): value for name, value in own.items()}
    settings = tuple(
        SettingView(each.name, given[each.name], own=True) if each.name in given else each for each in shown.settings
    )
    return replace(shown, settings=settings)


def login(**changes: object) -> LoginView:
    """A login that the broker accepts."""
    found = next(login for login in scenes.reached().logins if login.is_valid)
    return replace(found, **changes)  # type: ignore[arg-type]


def payoff(**changes: object) -> PayoffView:
    """The payoff of the trident entered this morning."""
    found = scenes.followed().pictures.payoff
    assert found is not None
    return replace(found, **changes)  # type: ignore[arg-type]


def trail() -> CreditTrail:
    """The credit of the trident entered this morning, since its entry."""
    [found] = scenes.followed().pictures.credits
    return found


def near(**changes: object) -> PositionView:
    """An open trident near its expiration."""
    return replace(scenes.open_tridents().positions.open[0], **changes)  # type: ignore[arg-type]


def position(**changes: object) -> PositionView:
    """An open trident of today."""
    return replace(scenes.open_tridents().positions.open[1], **changes)  # type: ignore[arg-type]


def holding(*views: PositionView, trouble: str = "") -> Snapshot:
    """A screen on which these tridents are open."""
    return replace(scenes.open_tridents(), positions=PositionsSlice(views, trouble))


def account_by_word(shown: Snapshot) -> dict[str, str]:
    """The account of the newest cycle that came to each word; chance decides which is refused."""
    assert shown.cycle is not None
    return {each.told.word: each.account for each in shown.cycle.accounts}


def credit_of_fills(order: OrderView) -> Decimal:
    """Dollars per share that the fills of one trident add up to: the body's legs are sold, the wings bought (rules 2).

    ValueError for an order without fills.
    """
    if not order.fills:
        raise ValueError(f"order {order.order_id} has no fills")
    body = order.strikes.split("/")[0].removesuffix("P")
    sold = (f"{body}P", f"{body}C")
    paid = (fill.quantity * fill.price * (1 if fill.leg in sold else -1) for fill in order.fills)
    return sum(paid, Decimal(0))


def middle(quote: QuoteSlice) -> Decimal:
    """The price between the bid and the ask of a quote."""
    assert quote.bid is not None
    assert quote.ask is not None
    return (quote.bid + quote.ask) / 2


def plus(price: Decimal | None, more: str) -> Decimal:
    """A recorded price that has moved on."""
    assert price is not None
    return price + Decimal(more)
