"""The days that the console's scenes are recorded from: short days of the real engine on the simulator."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from core.broker.multi_login import LoginPorts, LoginsBroker
from core.broker.port import BrokerTime
from core.config.settings import ScheduleSettings, TradingSettings
from core.domain.operation.commands import Command, CommandKind
from core.domain.positions.tridents import ExitMode
from core.domain.positions.units import UnitName
from core.domain.reporting.alerts import AlertKind
from core.records.store.errors import FencedOff
from core.runtime.intervals import Intervals
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.habits import Habits
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.in_process.market_data import SAMPLE_S
from core.snapshot import EngineState, Mode, Snapshot
from senex_tui.support.refusals import explain
from tests.support.recorded_day import pause_over_ten
from tests.support.trident_world import fill
from tests.support.world import ACCOUNT, MONDAY, World, account, et, in_world
from tests.support.world import SEED as WORLD_SEED

DAY = "2025-11-20"
"""A Thursday. With the first seed both underlyings pass judgement, with another none does."""
NEXT_DAY = "2025-11-21"
SEED = 1
BEFORE_HALF_PAST_TEN = et(DAY, "10:25:00")
OPTIONS = ".*"
ORDERS = f"/accounts/{ACCOUNT}/orders"
WATCHED = replace(Intervals(), snapshot_s=2.0)
"""The product's own intervals, except that of the screen, which nobody watches here."""


def look_closely(world: World) -> None:
    """Makes the next engine check as often as the product does, and the feed send as often as a real one."""
    world.intervals = WATCHED
    world.broker.market_data.idle_s = 1.0


class Moments:
    """The snapshots of a day, at the moments that a script keeps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept: dict[str, Snapshot] = {}

    def keep(self, scene: str) -> None:
        """Keeps what is shown now under this name."""
        self.kept[scene] = self.world.snapshot()

    async def keep_at(self, at: str, scene: str) -> None:
        await self.world.until(at)
        self.keep(scene)

    async def ask(self, kind: CommandKind, target: str = "", note: str = "", who: str = "ada at the console") -> None:
        """Sends a command as a console or a shell does, and waits a second for it."""
        world = self.world
        world.engine.accept(Command(world.ids.new(), kind, who, world.clock.now(), None, target, note))
        await world.clock.sleep(1 / world.clock.speed)


Script = Callable[[World, Moments], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class SceneDay:
    """One recorded day: when it begins (exchange time), what happens in it, and the scenes it gives."""

    script: Script
    scenes: tuple[str, ...]
    start: datetime = BEFORE_HALF_PAST_TEN
    seed: int = SEED
    accounts: Sequence[AccountSetup] = field(default_factory=lambda: (account(),))
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    trading: TradingSettings = field(default_factory=TradingSettings)
    poll_s: int = 0
    """Seconds between two polls of orders, long for days with long stretches; with 0, all checks are as frequent as in
    the product."""
    preflight: bool = False

    def live(self, folder: Path) -> dict[str, Snapshot]:
        """Simulates the day anew, with its records in this folder, and returns its scenes by name."""

        async def lived(world: World) -> dict[str, Snapshot]:
            world.exchange.habits = Habits(early_assignment=False)  # which night it comes is chance
            world.broker.market_data.followed_s = SAMPLE_S
            if not self.poll_s:
                look_closely(world)
            moments = Moments(world)
            await self.script(world, moments)
            assert tuple(moments.kept) == self.scenes
            return moments.kept

        return in_world(
            lived, folder, start=self.start, seed=self.seed, accounts=self.accounts, schedule=self.schedule,
            trading=self.trading,            poll_s=self.poll_s or 10, preflight=self.preflight,
        )  # fmt: skip


async def trading(world: World, moments: Moments) -> None:
    """A failed, a refused and a missed slot, then an entry at the second attempt, which fills late and is followed."""
    world.exchange.fill_plan = "never"
    await world.start()
    await world.until("09:44:50")
    world.broker.arm(FaultKind.MARKET_STALE_SNAPSHOT, symbol=".QQQ*", seconds=60)
    world.broker.arm(FaultKind.MARKET_HALTED, symbol="SPX", seconds=60)
    await moments.keep_at("09:45:41", "legs_stale")
    await world.until("09:50")
    await moments.ask(CommandKind.SET_ACCOUNT, "0001", "tolerance 0.01")
    await moments.keep_at("10:00:41", "refused")
    await moments.ask(CommandKind.SET_ACCOUNT, "0001", "tolerance default")
    await world.until("10:10")
    await moments.ask(CommandKind.PAUSE)
    await moments.keep_at("10:15:41", "paused")
    await moments.ask(CommandKind.RESUME)
    await world.until("10:29:50")
    world.broker.arm(FaultKind.MARKET_CROSSED, symbol=OPTIONS, seconds=18)
    await moments.keep_at("10:30:13", "retrying")
    await moments.keep_at("10:31:41", "calm")
    await world.until("10:33")
    world.broker.arm(FaultKind.MARKET_FROZEN, symbol="*", seconds=20)
    await moments.keep_at("10:33:13", "quiet")
    await world.until("10:35")
    world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=60)
    await moments.keep_at("10:35:41", "stale")
    await world.until("10:39")
    world.exchange.fill_plan = "immediate"
    await moments.keep_at("11:38:00", "followed")
    await world.stop()


async def in_live(world: World, moments: Moments) -> None:
    """An order works at the broker for real money."""
    world.mode = Mode.LIVE
    world.exchange.fill_plan = "never"
    await world.start()
    await moments.keep_at("10:31:41", "live")
    await world.stop()


async def fast(world: World, moments: Moments) -> None:
    """A minute of market time in a second."""
    world.exchange.fill_plan = "never"
    world.clock.run_at(60)
    await world.start()
    await moments.keep_at("10:40:41", "fast")
    await world.stop()


async def unknown(world: World, moments: Moments) -> None:
    """The answer to a send was lost."""
    world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
    await world.start()
    await moments.keep_at("10:32:16", "unknown")
    await world.stop()


async def day_closed(world: World, moments: Moments) -> None:
    """The operator cancels the entry of the day."""
    world.exchange.fill_plan = "never"
    await world.start()
    await world.until("10:31")
    await moments.ask(CommandKind.CANCEL, (await world.entry()).id)
    await moments.keep_at("10:31:41", "day_closed")
    await moments.ask(CommandKind.ALLOW_REENTRY, (await world.entry()).id)
    await moments.keep_at("10:33:20", "freeing")
    await world.stop()


async def two_accounts(world: World, moments: Moments) -> None:
    """The order of one account is rejected, that of the other is filled. The console is started again; then the
    automation of both accounts is switched off."""
    world.broker.refuse_orders = 1
    await world.start()
    await moments.keep_at("10:31:41", "two_accounts")
    await world.stop()
    await world.start()
    await moments.keep_at("10:33:41", "restarted")
    for target in ("0001", "0002"):
        await moments.ask(CommandKind.SET_ACCOUNT, target, "automation off")
    await moments.keep_at("10:34:41", "accounts_off")
    await world.stop()


async def next_day(world: World, moments: Moments) -> None:
    """The entry of the day is filled; midnight passes, and the next morning comes."""
    await world.start()
    await world.until("10:31")
    await world.stop()
    await sleep_until(world, DAY, "23:59:30")
    await world.start()
    await world.until("00:00:41", NEXT_DAY)
    moments.keep("after_midnight")
    await world.stop()
    await sleep_until(world, NEXT_DAY, "09:31")
    await world.start()
    await world.until("09:31:41", NEXT_DAY)
    moments.keep("next_morning")
    await world.stop()


async def halted(world: World, moments: Moments) -> None:
    """Three refused orders stop the account, and the operator halts everything."""
    world.broker.refuse_orders = 3
    await world.start()
    await world.until("10:28")
    [alert] = world.engine.alerting.open_now
    await moments.ask(CommandKind.ACKNOWLEDGE, str(alert.id))
    await world.until("10:29")
    await moments.ask(CommandKind.HALT, note="margin call", who="ada at a shell")
    await moments.keep_at("10:31:41", "halted")
    await world.stop()


class LateBroker(InProcessBroker):
    """A broker whose clock is behind this machine's."""

    @property
    def time(self) -> BrokerTime:
        told = self.clock.now() - timedelta(seconds=3.6)
        return BrokerTime(told, told + timedelta(seconds=1), self.clock.monotonic())


async def clock(world: World, moments: Moments) -> None:
    """This machine's clock is wrong."""
    world.real_time = True
    late = LateBroker(world.exchange, world.market, world.clock, world.broker.name)
    late.chains = world.broker.chains
    world.broker = late
    await world.start()
    await moments.keep_at("10:31:41", "clock")
    await world.stop()


async def reconciling(world: World, moments: Moments) -> None:
    """The operator asks for a reconciliation while an order works; the broker is slow."""
    world.exchange.fill_plan = "never"
    await world.start()
    await world.until("10:31:38")
    world.broker.arm(FaultKind.REST_DELAY_BEFORE, method="GET", path=ORDERS, seconds=8, count=None)
    await moments.ask(CommandKind.RECONCILE)
    await moments.keep_at("10:31:41", "reconciling")
    await world.stop()


async def rejected(world: World, moments: Moments) -> None:
    """The broker refuses the order of the day."""
    world.broker.refuse_orders = 1
    await world.start()
    await moments.keep_at("10:31:41", "rejected")
    await world.stop()


async def fenced_off(world: World, moments: Moments) -> None:
    """Another process takes the records over while an order works: this engine's next write ends it."""
    world.exchange.fill_plan = "never"
    await world.start()
    await moments.keep_at("10:31:41", "failed")
    other = await world.open_records()
    try:
        await world.ended()
    except* FencedOff as ended:
        last = moments.kept["failed"]
        # From then on the engine's host shows the last screen, and why the engine ended.
        why = explain(ended).replace(str(world.folder), "/home/ada/senex")
        status = replace(last.status, engine=EngineState.FAILED, failure=why)
        moments.kept["failed"] = replace(last, status=status)
    await other.close()


async def judged(world: World, moments: Moments) -> None:
    """Neither underlying passes judgement."""
    await world.start()
    await moments.keep_at("10:31:41", "low_score")
    await world.stop()


async def paused(world: World, moments: Moments) -> None:
    """The day that the records of the history tests are from, until just before its end."""
    await pause_over_ten(world)
    moments.keep("history")
    await world.stop()


async def evening(world: World, moments: Moments) -> None:
    """The console is started after the close."""
    await world.start()
    await moments.keep_at("18:00:41", "closed")
    await world.stop()


async def filled(world: World, moments: Moments) -> None:
    """An order of two weeks ago was filled, the next day's was rejected, and today's is filled."""
    for day, width in (("2025-11-05", "10"), ("2025-11-06", "default")):
        await sleep_until(world, day, "09:44:30")
        world.broker.refuse_orders = int(width == "default")
        await world.start()
        await world.until("09:47", day)
        await moments.ask(CommandKind.SET_ACCOUNT, "0001", f"width {width}")
        await world.stop()
    await sleep_until(world, DAY, "10:25")
    look_closely(world)
    await world.start()
    await moments.keep_at("10:31:41", "filled")
    await world.stop()


async def two_open(world: World, moments: Moments) -> None:
    """A trident of six weeks ago near its end, and one of today."""
    world.exchange.fill_plan = "immediate"
    await world.start()
    await world.until("09:47")
    await world.stop()
    await sleep_until(world, DAY, "10:25")
    look_closely(world)
    await world.start()
    await moments.keep_at("10:31:41", "open")
    await world.stop()


async def with_exits(world: World, moments: Moments) -> None:
    """Exits are on: the entries of two days are held and their targets rest. Then the call of the newer one is closed
    at its target."""
    world.exits = ExitMode.ALL
    for day in ("2025-11-19", DAY):
        await sleep_until(world, day, "09:44:30")
        world.exchange.fill_plan = "normal"
        if day == DAY:
            look_closely(world)
        await world.start()
        await world.until("09:49", day)
        world.exchange.fill_plan = "never"
        await world.until("09:52", day)
        if day != DAY:
            await world.stop()
    await moments.keep_at("10:31:41", "targets")
    newest = (await world.records.tridents.newest(1))[0].id
    exits = (await world.records.exits.of_tridents([newest]))[newest]
    fill(world, next(one for one in exits if one.units == (UnitName.CALL,)))
    await moments.keep_at("10:35:41", "part")
    await world.stop()


async def trouble(world: World, moments: Moments) -> None:
    """Twenty sessions: two cycles of one fail, many retry, and the first account cannot be read in the last six."""
    for number, day in enumerate(sessions(world, 20), 1):
        await sleep_until(world, day, "09:44:30")
        await world.start()
        await world.until("09:44:55", day)
        if number == 3 or number % 3 == 1:
            world.broker.arm(FaultKind.MARKET_CROSSED, symbol=OPTIONS, seconds=240 if number == 3 else 12)
        if number > 14:
            world.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{ACCOUNT}/balances", seconds=60, count=None)
        await world.until("09:46:30", day)
        if number == 3:
            await moments.ask(CommandKind.FORCE)  # three attempts of one cycle are not yet too many rejections
            await world.until("09:48", day)
        if number < 20:
            await world.stop()
    [seen] = [alert for alert in world.engine.alerting.open_now if alert.kind is AlertKind.RETRY_RATE]
    await moments.ask(CommandKind.ACKNOWLEDGE, str(seen.id), who="ada at a shell")
    await world.until("09:47:41")
    await world.engine.builder.read_now()  # this day reads its records once in three quarters of an hour
    moments.keep("alerted")
    await world.stop()


async def sleep_until(world: World, day: str, at: str) -> None:
    """No engine runs until then."""
    await world.clock.sleep((et(day, at) - world.clock.now()).total_seconds())


def sessions(world: World, count: int) -> list[str]:
    """This many session days, from the world's first one on."""
    first: date = world.day
    days = (first + timedelta(days=n) for n in range(2 * count))
    return [day.isoformat() for day in days if world.market.session(day) is not None][:count]


REACHED = (
    AccountSetup("5WT00001", "Trident", "main", Decimal("25000.00")),
    AccountSetup("5WT00002", "Roth of my grandmother", "main", Decimal("25000.00")),
    AccountSetup("5WT00003", "", "family", Decimal("25000.00")),
    AccountSetup("5WT00004", "old", "spare", Decimal("25000.00"), is_closed=True),
)


async def reached(world: World, moments: Moments) -> None:
    """Four accounts of three logins: one is refused by the broker, one reaches a closed account."""
    main, family, _ = logins = [
        world.broker,
        *(InProcessBroker(world.exchange, world.market, world.clock, name) for name in ("family", "spare")),
    ]
    for login in logins:
        login.chains = main.chains
        login.market_data.idle_s = 5.0
    world.intervals = replace(world.intervals, logins_s=60)
    ports = [LoginPorts(login, login.market_data, login.alerts) for login in logins]
    setattr(world, "broker", LoginsBroker(ports, world.clock))  # noqa: B010 - several logins in place of one
    await world.start()
    for target, setting in (
        ("0001", "offset-cents 4"), ("0002", "automation off"), ("0002", "width 5"), ("0002", "tolerance 0.30"),
        ("0002", "mail daily"), ("0003", "skip today"),
    ):  # fmt: skip
        await moments.ask(CommandKind.SET_ACCOUNT, target, setting)
    await world.until("10:26")
    family.arm(FaultKind.REST_TOKEN_INVALID, count=None)
    await moments.keep_at("10:31:41", "reached")
    await world.stop()


DAYS = {
    "trading": SceneDay(
        trading,
        ("legs_stale", "refused", "paused", "retrying", "calm", "quiet", "stale", "followed"),
        start=et(DAY, "09:31:00"),
    ),
    "live": SceneDay(in_live, ("live",), preflight=True),
    "fast": SceneDay(fast, ("fast",)),
    "unknown": SceneDay(unknown, ("unknown",)),
    "day_closed": SceneDay(day_closed, ("day_closed", "freeing")),
    "two_accounts": SceneDay(
        two_accounts,
        ("two_accounts", "restarted", "accounts_off"),
        accounts=(account(), account("5WT00002")),
    ),
    "next_day": SceneDay(next_day, ("after_midnight", "next_morning")),
    "halted": SceneDay(halted, ("halted",), start=et(DAY, "09:40:00")),
    "clock": SceneDay(clock, ("clock",)),
    "reconciling": SceneDay(reconciling, ("reconciling",)),
    "rejected": SceneDay(rejected, ("rejected",)),
    "failed": SceneDay(fenced_off, ("failed",)),
    "low_score": SceneDay(judged, ("low_score",), seed=18),
    "closed": SceneDay(evening, ("closed",), start=et(DAY, "18:00:00")),
    "filled": SceneDay(filled, ("filled",), start=et("2025-11-05", "09:44:30"), poll_s=60),
    "open": SceneDay(two_open, ("open",), start=et("2025-10-09", "09:44:30"), poll_s=60),
    "history": SceneDay(paused, ("history",), start=et(MONDAY, "09:44:30"), seed=WORLD_SEED, poll_s=10),
    "with_exits": SceneDay(with_exits, ("targets", "part"), start=et("2025-11-19", "09:40:00"), poll_s=60),
    "alerted": SceneDay(
        trouble,
        ("alerted",),
        start=et("2025-10-23", "09:40:00"),
        accounts=(account(cash="60000.00"), account("5WT00002", "60000.00")),
        schedule=ScheduleSettings(last=time(9, 45)),
        trading=TradingSettings(position_limit=30),
        poll_s=900,
    ),
    "reached": SceneDay(reached, ("reached",), accounts=REACHED),
}
"""The days by name. Most take less than a second to simulate; trading and alerted about ten."""
