"""The parts an engine is built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.broker.port import Broker, MarketData, OrderAlerts
from core.config.settings import Settings
from core.domain.orders.settling import SettleTimes
from core.domain.positions.tridents import ExitMode, ExitRules
from core.engine.settings_watch import SettingsWatch
from core.locks.folder_lock import AloneInVirtualTime, OneTrader
from core.market.calendar import SessionCalendar
from core.notify.mailer import Mailer
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.ids import Ids
from core.runtime.intervals import Intervals
from core.snapshot import Mode

WatchSettings = Callable[[Bus, Clock], SettingsWatch]


@dataclass(frozen=True, slots=True)
class EngineParts:
    """The parts that the wiring of a mode hands to the engine. `real_time` says whether market time is real time (rules
    14)."""

    mode: Mode
    settings: Settings
    clock: Clock
    ids: Ids
    calendar: SessionCalendar
    broker: Broker
    market_data: MarketData
    alerts: OrderAlerts
    records: Records
    sends: bool
    preflight: bool
    enable_new_accounts: bool
    kill_file: Path
    real_time: bool = False
    locks: OneTrader = field(default_factory=AloneInVirtualTime)
    intervals: Intervals = field(default_factory=Intervals)
    settle: SettleTimes = field(default_factory=SettleTimes)
    mailer: Mailer | None = None
    phones: tuple[Mailer, ...] = ()
    """The services of the operator's phones, in the order of the settings."""
    exits: ExitMode | None = None
    """What is sent to close tridents of accounts without a setting of their own; None: what settings and mode say. With
    OFF nothing is sent for any account, and nothing of it runs."""
    stops_folder: Path | None = None
    """Where shells keep stops (`core.guards.stop_files`); None where no other process shares the records."""
    last_alive: Path | None = None
    """The file that says when a trader was last alive (`core.runtime.last_alive`); None keeps none."""
    settings_watch: WatchSettings | None = None
    """Watches the settings for edits since the start. None where there is nobody to tell."""

    @property
    def exit_rules(self) -> ExitRules:
        """The rules of exits of an account without settings of its own (rules 15.9)."""
        return self.settings.exits.rules(live=self.mode is Mode.LIVE, mode=self.exits)
