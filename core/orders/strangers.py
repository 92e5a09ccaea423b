"""Orders at the broker that no record here explains (rules 9). They are told, and never touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity, masked
from core.domain.orders.identifiers import maker_of
from core.domain.orders.orders import IntentKind, OrderReport
from core.domain.orders.shape import ended_unfilled, forbids_entry, opens_trident
from core.domain.orders.way_out import adopting
from core.domain.trident.found import FoundTrident
from core.guards.breakers import Breakers
from core.guards.foreign_tridents import ForeignTridents
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import exchange_time


@dataclass(eq=False, repr=False)
class Strangers:
    """Stops an account whose orders contradict our records: another console may trade it, or records were lost.

    Each reason names one order or one pair, so that an operator's reset settles just that, and the next look tells the
    next one. Without `sends` nothing is stopped: in dry-run the orders of the live mode, whose records are another
    file, look like this.
    """

    records: Records
    breakers: Breakers
    bus: Bus
    foreign: ForeignTridents
    sends: bool = True
    _told: set[tuple[str, str]] = field(init=False, default_factory=set)
    _told_holding: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    async def heard(self, report: OrderReport) -> None:
        """Takes an order that an alert told of, and that no record explains. Raises RecordsError."""
        await self._judge(report)
        if self.sends and forbids_entry(report) and _day_of(report) in (None, self.foreign.today()):
            self.foreign.found(report.account, report.order_id)
        else:
            self.foreign.ended(report.account, report.order_id)
        await self._tell_holding(report.account)

    async def _judge(self, report: OrderReport) -> None:
        maker = maker_of(report.identifier)
        if maker is not None:
            await self._unrecorded(report, maker)
        else:
            await self._tell(report, "is not ours; it is left alone")

    async def listed(self, reports: Sequence[OrderReport], today: date) -> None:
        """Takes the orders of a listing that no record explains, the oldest first. Raises RecordsError.

        One of ours of an earlier day that ended without a fill is told, and stops nothing.
        """
        for report in reports:
            if (
                maker_of(report.identifier) is not None
                and ended_unfilled(report)
                and _day_of(report) not in (None, today)
            ):
                await self._tell(report, "carries our identifier, no record here knows it, and it ended without a fill")
            else:
                await self._judge(report)

    async def hold_day(
        self, account: str, reports: Sequence[OrderReport], today: date, before: Collection[str]
    ) -> None:
        """Takes the orders of a complete listing that no record explains: those of today that forbid an entry hold the
        account's day for as long as they are listed so. `before` are those that held it when the listing was asked for:
        an alert may have told of more meanwhile. Raises RecordsError."""
        if self.sends:
            holding = [r.order_id for r in reports if _day_of(r) in (None, today) and forbids_entry(r)]
            heard = [one for one in self.foreign.of(account) if one not in before and one not in holding]
            self.foreign.listed(account, (*holding, *heard))
            await self._tell_holding(account)

    async def two_tridents(self, account: str, listing: Sequence[OrderReport], owners: Mapping[str, str]) -> None:
        """Stops the account when two tridents of one day are alive or filled, and one of them is ours. Raises
        RecordsError.

        `owners` are the ids of our entries by order id. The orders of one entry are one trident.
        """
        of_day: defaultdict[date, list[str]] = defaultdict(list)
        for report in listing:
            day = _day_of(report)
            if day is not None and opens_trident(report) and not ended_unfilled(report):
                of_day[day].append(report.order_id)
        for day, orders in of_day.items():
            for one, other in combinations(orders, 2):
                entries = {owners.get(one), owners.get(other)}
                if len(entries) == 1:
                    continue
                why = f"orders {one} and {other} are two tridents of {day}; at least one of them is of this console"
                await self._stop(BreakerKind.INCIDENT, account, why)

    async def held(self, account: str, trident: FoundTrident) -> None:
        """Takes a trident among the positions that no record explains. Raises RecordsError."""
        what = f"positions hold a {trident.root} trident {trident.strikes()} of {trident.expiration} that no record"
        if self.sends:
            why = f"{what} explains; {adopting('ORDER')}, and a reset says that it is not ours"
            await self._stop(BreakerKind.MISMATCH, account, why)
        else:
            text = f"{masked(account)}: {what} of this mode explains"
            await self._tell_once(account, text, text, Severity.WARNING)

    async def _unrecorded(self, report: OrderReport, maker: IntentKind) -> None:
        """One of ours without a record. An exit's closes legs that another console, or lost records, have to answer
        for."""
        if maker is IntentKind.EXIT:
            legs = ", ".join(leg.symbol for leg in report.legs)
            why = (
                f"order {report.order_id} at the broker closes {legs} under the identifier of an exit, and no record "
                f"here knows it; {adopting(report.order_id)} where it closes whole units of a trident here; else end "
                "it at the broker, then `senex reset mismatch`"
            )
        else:
            why = (
                f"order {report.order_id} at the broker carries our identifier, and no record here knows it; "
                f"{adopting(report.order_id)}"
            )
        if self.sends:
            await self._stop(BreakerKind.MISMATCH, report.account, why)
        else:
            await self._tell(report, "carries our identifier, and no record of this mode knows it", Severity.WARNING)

    async def _tell_holding(self, account: str) -> None:
        """Tells when the day of an account begins or ends to be held by an order that is not ours."""
        orders, told = self.foreign.of(account), self._told_holding.get(account, ())
        if orders[:1] == told[:1]:
            return
        if orders:
            text = f"order {orders[0]} at the broker is a trident of today that no record here knows: no entry today"
        else:
            text = f"order {told[0]} holds the day no longer"
        figures = (("day", self.foreign.today()), ("order_id", next(iter(orders), None)))
        await self.bus.say("day.held", f"{masked(account)}: {text}", Severity.WARNING, account=account, figures=figures)
        self._told_holding[account] = orders

    async def _stop(self, kind: BreakerKind, account: str, why: str) -> None:
        if not await self.records.breakers.settled(kind, account, why):
            await self.breakers.open(kind, account, why)

    async def _tell(self, report: OrderReport, what: str, severity: Severity = Severity.INFO) -> None:
        text = f"{masked(report.account)}: order {report.order_id} ({report.underlying}, {report.status}) {what}"
        await self._tell_once(report.account, report.order_id, text, severity)

    async def _tell_once(self, account: str, of: str, text: str, severity: Severity) -> None:
        if (account, of) not in self._told:
            self._told.add((account, of))
            await self.bus.say("reconcile.foreign", text, severity, account=account)


def _day_of(report: OrderReport) -> date | None:
    """The exchange date on which the broker received the order."""
    return None if report.received_at is None else exchange_time(report.received_at).date()
