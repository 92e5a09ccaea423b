"""Does what comes next for a trident: cancels, proves, places, and takes it on (rules 15.7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.broker.pace import Pace, Turn, Work
from core.domain.operation.events import Severity, masked
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import OrderState
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.actions import (
    Action,
    Cancel,
    CancelWhy,
    End,
    LeaveToDesk,
    MarkClosing,
    MarkSettling,
    MarkSplit,
    PlaceClose,
    PlaceTargets,
    Prove,
    Wait,
)
from core.domain.positions.plans import ExitPlan
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import HandsOff, Phase
from core.locks.folder_lock import LockLost, OneTrader
from core.orders.cancels import Answer, Canceller
from core.positions.placing import Placing
from core.positions.proofs import PROOF_READ_S, CancelProofs
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time

AGAIN_S = 10.0
"""Wall seconds after which something that was refused here is tried again."""
AFTER_A_REFUSAL_S = 60.0
"""Wall seconds after which something that the broker refused is tried again."""
_BY_THE_BROKER = frozenset({Reason.REJECTED, Reason.OPPOSING_ORDER, Reason.DRY_RUN_REFUSED, Reason.CLOSES_NOTHING})


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action. `why` says what is missing, empty when all of it is done. The trident is looked at again
    after `again_s` wall seconds, at once where it is 0; None: not before something changes."""

    why: str = ""
    again_s: float | None = 0.0


@dataclass(eq=False, repr=False, kw_only=True)
class ExitDesk:
    """Has one action of one trident done. It keeps nothing: how far a close has come is in the records.

    One action of a trident at a time. It holds no lock while it waits for the broker. `login_of` names the login that
    reaches an account.
    """

    records: Records
    placing: Placing
    proofs: CancelProofs
    canceller: Canceller
    pace: Pace
    locks: OneTrader
    bus: Bus
    clock: Clock
    login_of: Callable[[str], str]

    async def do(self, view: TridentView, action: Action) -> Done:
        """Does the action. What the broker does not give is told in the answer. Raises RecordsError."""
        match action:
            case Wait():
                return Done(action.why, None)
            case Cancel():
                return await self._cancel(action.exit_ids, action.why)
            case Prove():
                return await self._prove(action.exit_ids)
            case PlaceTargets():
                return await self._place(view, action.plans)
            case PlaceClose():
                return await self._place(view, (action.plan,))
        await self._mark(view.trident.id, action)
        return Done()

    async def _mark(self, trident_id: str, action: MarkClosing | MarkSplit | LeaveToDesk | MarkSettling | End) -> None:
        tridents, now = self.records.tridents, self.clock.now()
        match action:
            case MarkClosing():
                await tridents.become(trident_id, Phase.CLOSING, now)
                await self._say(trident_id, "closing", f"its time exit begins: {action.why}")
            case MarkSplit():
                await tridents.mark_split(trident_id)
                await self._say(trident_id, "split", "its puts and its call are closed apart from now on")
            case LeaveToDesk():
                why = "no order of ours stands beside the broker's desk"
                await tridents.hand_off(trident_id, HandsOff.DESK, why, exchange_time(now).date())
                text = f"it is still held and left to the broker's desk today: {why}"
                await self._say(trident_id, "hands_off", text, Severity.CRITICAL)
            case MarkSettling():
                await tridents.become(trident_id, Phase.SETTLING, now)
                await self._say(trident_id, "settling", "it has expired, and waits for the broker's rows")
            case End():
                await tridents.become(trident_id, Phase.ENDED, now)
                await self._say(trident_id, "ended", "its last unit has ended")

    async def _cancel(self, exit_ids: Sequence[str], why: CancelWhy) -> Done:
        """Asks the broker to cancel these orders, each with its reason on record first."""
        for exit_id in exit_ids:
            one = await self.records.exits.get(exit_id)
            if one.state is not OrderState.WORKING or one.order_id is None:
                continue
            try:
                self.locks.verify()
            except LockLost as lost:
                return Done(str(lost), AGAIN_S)
            await self.pace.take(Turn(self.login_of(one.account), one.account, Work.PROOF))
            self.proofs.note_asked(exit_id)
            asked = await self.canceller.for_console(one, why.value)
            if asked.answer is Answer.LOST:
                return Done(f"nobody knows whether the cancel of order {one.order_id} was taken: {asked.detail}")
        return Done()

    async def _prove(self, exit_ids: Sequence[str]) -> Done:
        missing = await self.proofs.prove([await self.records.exits.get(one) for one in exit_ids])
        return Done(missing, PROOF_READ_S if missing else 0.0)

    async def _place(self, view: TridentView, plans: Sequence[ExitPlan]) -> Done:
        """Places what is due, one after the other, until one is refused: what comes next is worked out anew then."""
        for plan in plans:
            placed = await self.placing.place(view, plan)
            if isinstance(placed, Refusal):
                return Done(placed.sentence(), _again_s(placed))
        return Done()

    async def _say(self, trident_id: str, kind: str, text: str, severity: Severity = Severity.INFO) -> None:
        account = (await self.records.tridents.get(trident_id)).account
        await self.bus.say(
            f"trident.{kind}",
            f"{masked(account)} trident {trident_id[:SHORT_ID]}: {text}",
            severity,
            account=account,
            figures=(("trident", trident_id),),
        )


def _again_s(refusal: Refusal) -> float:
    if refusal.reason is Reason.OUTCOME_UNKNOWN:
        return 0.0  # its units are held from now on
    return AFTER_A_REFUSAL_S if refusal.reason in _BY_THE_BROKER else AGAIN_S
