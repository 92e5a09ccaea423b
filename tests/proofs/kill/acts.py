"""What a run may do besides entering and reconciling: the engine's own cancel, and the adoption of an order."""

from __future__ import annotations

from core.commands.attestations import Attestations
from core.domain.operation.commands import Command, CommandKind
from core.engine.engine import Engine
from core.orders.late_cancel import LateCancel


async def cancel_late(engine: Engine) -> None:
    """Cancels what works, as the engine does after the minutes that the settings name; here they have passed."""
    parts = engine.parts
    late = LateCancel(
        records=parts.records,
        canceller=engine.canceller,
        clock=parts.clock,
        after_minutes=0,
        age_s=engine.clock_doubt.age_s,
    )
    await late.check()


async def adopt(engine: Engine, order_id: str) -> None:
    """An operator has an order recorded that no record knows."""
    parts = engine.parts
    attestations = Attestations(
        records=parts.records,
        broker=parts.broker,
        breakers=engine.breakers,
        tracker=engine.tracker,
        bus=engine.bus,
        clock=parts.clock,
        ids=parts.ids,
        accounts=lambda: engine.runner.accounts,
        compare=engine.reconciliation.want,
    )
    word = Command(parts.ids.new(), CommandKind.ATTEST, "operator", parts.clock.now(), None, note=order_id)
    await attestations.attest(word)
