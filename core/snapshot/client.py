"""The whole snapshot, and the protocol by which a console reaches the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol, TypeVar

from core.domain.market.judgement import Judgement
from core.domain.operation.commands import CommandKind
from core.domain.operation.mode import Mode
from core.domain.orders.next_step import NextStep
from core.domain.reporting.figures import SessionFigures
from core.snapshot.account_now import AccountNow
from core.snapshot.accounts import AccountView, LoginView
from core.snapshot.cycle import AttemptView, CycleSlice, SlotView
from core.snapshot.fates import NextStepView, Reading
from core.snapshot.health import HealthRow
from core.snapshot.notices import AlertView, BreakerView, CommandView, MessageView
from core.snapshot.orders import OrderView
from core.snapshot.pictures import PicturesSlice
from core.snapshot.positions import PositionsSlice
from core.snapshot.quotes import QuoteSlice
from core.snapshot.spread import SpreadSlice
from core.snapshot.status import Automation, EngineState, Health, PartHealth, StatusSlice
from core.snapshot.tridents import ExitView

if TYPE_CHECKING:
    from core.records.records import Records

Found = TypeVar("Found")


class EngineNotRunning(Exception):
    """There is nobody to ask: the engine has not started, or it has ended."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a screen shows at one moment. A slice that is None or empty has nothing to show yet.

    `day` is the exchange's date. `next_steps` has what comes next for each account, `overall` for the console. `exits`
    are the closing orders that hold units. `accounts_now` says of each account how it stands.
    """

    status: StatusSlice
    quotes: tuple[QuoteSlice, ...] = ()
    cycle: CycleSlice | None = None
    spread: SpreadSlice | None = None
    judgements: tuple[Judgement, ...] = ()
    attempts: tuple[AttemptView, ...] = ()
    orders: tuple[OrderView, ...] = ()
    schedule: tuple[SlotView, ...] = ()
    messages: tuple[MessageView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    breakers: tuple[BreakerView, ...] = ()
    positions: PositionsSlice = field(default_factory=PositionsSlice)
    pictures: PicturesSlice = field(default_factory=PicturesSlice)
    alerts: tuple[AlertView, ...] = ()
    figures: SessionFigures | None = None
    accounts: tuple[AccountView, ...] = ()
    logins: tuple[LoginView, ...] = ()
    day: date | None = None
    next_steps: tuple[NextStepView, ...] = ()
    overall: NextStep | None = None
    reading: Reading = field(default_factory=Reading)
    exits: tuple[ExitView, ...] = ()
    health: tuple[HealthRow, ...] = ()
    accounts_now: tuple[AccountNow, ...] = ()


def without_engine_yet(mode: Mode, why: str) -> Snapshot:
    """The snapshot shown before anything is known of the engine; `why` is shown beside the automation."""
    starting = PartHealth(Health.STARTING)
    return Snapshot(
        StatusSlice(
            mode=mode,
            engine=EngineState.STARTING,
            now=None,
            speed=1.0,
            automation=Automation.RECONCILING,
            automation_detail=why,
            feed=starting,
            feed_age_s=None,
            broker=starting,
            records=starting,
            market="",
            accounts="",
        )
    )


class EngineClient(Protocol):
    """A console's only way to the engine. Every method returns at once and may be called from any thread."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        ...

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Puts a command into the inbox and returns its id. `Snapshot.commands` then tells what became of it.

        `target` and `note` mean what they mean in `Command`. For cancel and attest they are the entry's id and what was
        seen at the broker; for set_account `AccountView.target` and the setting with its value, like `width 5` or
        `skip today`.
        """
        ...

    def look_up(self, question: Callable[[Records], Awaitable[Found]]) -> Future[Found]:
        """Asks the records a question, on another thread; `core.views.lookups` has the questions.

        The future raises RecordsError when the records fail, EngineNotRunning when there is nobody to ask.
        """
        ...
