"""Has the broker validate the targets of a suggestion that is only validated: a dry run holds no trident (rules
15.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.broker.port import Broker, BrokerError
from core.domain.operation.amounts import price
from core.domain.operation.events import Severity, masked
from core.domain.orders.identifiers import identifier_for
from core.domain.orders.orders import IntentKind, OrderRequest
from core.domain.positions.plans import ExitPlan, request_of, target_plan
from core.domain.positions.targets import target_price
from core.domain.positions.tridents import ExitMode, ExitRules
from core.domain.positions.units import units_of
from core.orders.decision import Decision
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.ids import Ids

NO_POSITION = "closing_with_no_position"
"""The broker's warning that an order would close what is not held: without the strict flag it would open it (broker
2.3). Here alone it is expected."""


@dataclass(eq=False, repr=False)
class TargetChecks:
    """Validates and tells; nothing of it is sent, and nothing is recorded as an exit."""

    broker: Broker
    records: Records
    bus: Bus
    ids: Ids

    async def check(self, decision: Decision, request: OrderRequest) -> None:
        """Validates the targets that the trident of this request would have if it filled at its limit. Raises
        RecordsError."""
        rules = await self.records.tridents.rules_of(decision.account)
        plans = () if rules.mode is ExitMode.OFF else tuple(_plans(decision, request, rules))
        if not plans:
            return
        troubles = [trouble for plan in plans if (trouble := await self._trouble(decision.account, plan, request))]
        targets = ", ".join(f"{plan.units[0]} {price(plan.debit)}" for plan in plans)
        told = f"the broker says of them: {'; '.join(troubles)}" if troubles else "the broker validated them"
        await self.bus.say(
            "exit.validated",
            f"{request.underlying} {masked(decision.account)}: filled at its limit its targets would be {targets}; "
            f"{told}; a dry run sends nothing",
            Severity.WARNING if troubles else Severity.INFO,
            cycle=decision.cycle,
            account=decision.account,
            underlying=request.underlying,
            figures=tuple((plan.units[0].value, plan.debit) for plan in plans),
        )

    async def _trouble(self, account: str, plan: ExitPlan, request: OrderRequest) -> str:
        """What the broker has against a target; empty for nothing but that its position is not held."""
        order = request_of(plan, request.underlying, identifier_for(self.ids.new(), IntentKind.EXIT))
        try:
            answer = await self.broker.dry_run(account, order)
        except BrokerError as error:
            return "" if error.code == NO_POSITION else f"{plan.units[0]}: {error.detail}"
        others = [f"{code}: {words}" for code, words in answer.warnings if code != NO_POSITION]
        return f"{plan.units[0]}: {', '.join(others)}" if others else ""


def _plans(decision: Decision, request: OrderRequest, rules: ExitRules) -> Iterator[ExitPlan]:
    """The targets at this limit, divided among the units by the mids of the decision. None under one tick."""
    pricing, ticks = decision.suggestion.pricing, decision.suggestion.expiration.ticks
    for unit in units_of(request):
        percent = rules.targets.get(unit.name)
        credit = request.credit * (pricing.mid_put if unit.is_put else pricing.mid_call) / pricing.mid
        if percent is not None and credit > 0 and (debit := target_price(credit, percent, ticks)) is not None:
            yield target_plan(replace(unit, credit=credit), debit)
