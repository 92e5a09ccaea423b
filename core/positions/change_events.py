"""Tells what happened behind our back: units that lost contracts, tridents that are left alone, contracts that nothing
explains (rules 15.5)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from core.domain.operation.events import Severity, masked
from core.domain.orders.identifiers import maker_of
from core.domain.orders.orders import IntentKind, OrderReport
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.attribution import UnitLoss
from core.domain.positions.holdings import Difference
from core.domain.positions.trident_words import legs_words
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import Ended, Unit, UnitState, names_with
from core.records.repositories.trident_rows import TridentRecord
from core.runtime.bus import Bus


@dataclass(eq=False, repr=False)
class ChangeEvents:
    """Says each change on the bus, a surplus once."""

    bus: Bus
    _told: set[tuple[str, object]] = field(init=False, default_factory=set)

    async def handed_off(self, record: TridentRecord, hands_off: HandsOff, what: str, severity: Severity) -> None:
        """Says that the trident is left alone, or taken up again, and why."""
        text = f"{masked(record.account)} trident {record.id[:SHORT_ID]}: {what}"
        figures = (("trident", record.id), ("hands_off", hands_off.value))
        await self.bus.say("trident.hands_off", text, severity, account=record.account, figures=figures)

    async def lost(self, account: str, loss: UnitLoss, units: Sequence[Unit], causes: Collection[Ended | None]) -> None:
        """Says what a unit has lost; `units` are those of its trident as they are then."""
        broken = [unit for unit in units if unit.name is loss.unit and unit.state is UnitState.BROKEN]
        known = next((one for one in causes if one is not None), None)
        why = "nothing explains it yet" if known is None else known.value
        if loss.order_ids:
            why += f", order {', '.join(loss.order_ids)}"
        name, short = names_with((loss.unit,), "has", "have"), next(u.short for u in units if u.name is loss.unit)
        legs = legs_words(sorted((symbol for symbol, _ in loss.legs), key=lambda symbol: symbol != short))
        what = f"{name} lost {legs} without an order of ours ({why})"
        if broken:
            what += f"; it is broken, left: {legs_words(broken[0].held)}"
        await self.bus.say(
            "trident.broken" if broken else "trident.gone",
            f"{masked(account)} trident {loss.trident_id[:SHORT_ID]}: {what}",
            Severity.CRITICAL if broken else Severity.WARNING,
            account=account,
            figures=(("trident", loss.trident_id), ("unit", loss.unit.value), ("cause", why)),
        )

    async def found_again(self, account: str, found: UnitLoss) -> None:
        """Says that contracts which a unit had lost, and nothing explained, are held after all."""
        legs, name = legs_words([symbol for symbol, _ in found.legs]), names_with((found.unit,), "has", "have")
        left = "it is whole" if found.whole else "it stays broken"
        text = f"{name} {legs} again: the broker had not shown all that is held; {left}"
        await self.bus.say(
            "trident.found_again",
            f"{masked(account)} trident {found.trident_id[:SHORT_ID]}: {text}",
            Severity.WARNING,
            account=account,
            figures=(("trident", found.trident_id), ("unit", found.unit.value)),
        )

    async def surplus(self, account: str, found: Collection[Difference]) -> None:
        """Tells once of more contracts than ours may be, which no order explains: they are not believed to be ours, and
        nothing is sent for their units."""
        over = frozenset((one.leg, one.seen) for one in found if not one.lost)
        if not over or (account, over) in self._told:
            return
        self._told.add((account, over))
        legs = legs_words(sorted(symbol for (symbol, _), _ in over))
        text = f"{masked(account)}: the broker shows more of {legs} than the records explain; their units get no order"
        await self.bus.say("positions.unexplained", text, Severity.CRITICAL, account=account)


def closes_words(orders: Sequence[OrderReport]) -> str:
    """What is said of foreign orders that close legs of a trident."""
    ids = ", ".join(order.order_id for order in orders)
    if any(maker_of(order.identifier) is IntentKind.EXIT for order in orders):
        whose = "has an exit's identifier and no record here, as that of another console or a lost one has"
        return f"order {ids} at the broker {whose}; it closes the legs, and no order is sent for it"
    return f"order {ids} at the broker is not ours and closes its legs; no order is sent for it"
