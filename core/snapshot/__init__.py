"""The frozen values a screen is shown, and their text form.

A snapshot is made of slices, one for each part of the screen. Neither is ever changed; a new one takes its place.
Instants are aware UTC market time, to the second. Ages and durations are whole wall seconds, so that a slice in which
nothing happened is equal to the one before it. Text from outside is plain text, never markup.
"""

from core.domain.operation.mode import Mode
from core.snapshot.account_now import AccountNow
from core.snapshot.accounts import AccountView, ChangeView, LoginView, SettingView
from core.snapshot.client import EngineClient, EngineNotRunning, Snapshot, without_engine_yet
from core.snapshot.cycle import AttemptView, CycleSlice, SlotState, SlotView, StepState, StepView
from core.snapshot.fates import (
    AccountTold,
    FateView,
    NextStepView,
    Reading,
    ReadingState,
    StartState,
    StartStep,
    ToldView,
)
from core.snapshot.notices import AlertView, BreakerView, CommandView, Level, MessageView
from core.snapshot.orders import FillView, OrderView, Reentry
from core.snapshot.pictures import CreditPoint, CreditTrail, PayoffView, PicturesSlice
from core.snapshot.positions import PositionsSlice, PositionView
from core.snapshot.quotes import Freshness, QuoteSlice
from core.snapshot.spread import LegView, SpreadSlice
from core.snapshot.status import Automation, EngineState, Health, PartHealth, StatusSlice, Watching
from core.snapshot.tridents import EndedTrident, ExitsView, ExitView, TridentExits, UnitView

__all__ = [
    "AccountNow",
    "AccountTold",
    "AccountView",
    "AlertView",
    "AttemptView",
    "Automation",
    "BreakerView",
    "ChangeView",
    "CommandView",
    "CreditPoint",
    "CreditTrail",
    "CycleSlice",
    "EndedTrident",
    "EngineClient",
    "EngineNotRunning",
    "EngineState",
    "ExitView",
    "ExitsView",
    "FateView",
    "FillView",
    "Freshness",
    "Health",
    "LegView",
    "Level",
    "LoginView",
    "MessageView",
    "Mode",
    "NextStepView",
    "OrderView",
    "PartHealth",
    "PayoffView",
    "PicturesSlice",
    "PositionView",
    "PositionsSlice",
    "QuoteSlice",
    "Reading",
    "ReadingState",
    "Reentry",
    "SettingView",
    "SlotState",
    "SlotView",
    "Snapshot",
    "SpreadSlice",
    "StartState",
    "StartStep",
    "StatusSlice",
    "StepState",
    "StepView",
    "ToldView",
    "TridentExits",
    "UnitView",
    "Watching",
    "without_engine_yet",
]
