"""Short days of the real engine on the simulator, each with one kind of trade in it, and looked at after each step."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Mode, Snapshot
from senex_tui.run.once import OnceResult, force_once
from tests.core.notify.mail_without_engine import mail_settings
from tests.proofs.truth.compare import changed_by_restart, lies
from tests.proofs.truth.panels import texts_of
from tests.proofs.truth.places import Told, told_now, told_offline
from tests.proofs.truth.reader import Reader, place_of
from tests.proofs.truth.shell import in_once, in_search
from tests.proofs.truth.values import Day, Truth
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.opposing_close import opposed_from_the_first
from tests.support.world import MONDAY, World, account, et, in_world, seldom

NEXT_DAY = "2026-03-03"
OUTCOMES = ("succeeded", "failed", "skipped", "unknown")


@dataclass
class Looked:
    """What was found while a scene was lived: `lies` with their moment, and what was kept by name: what the console
    showed, what was true, and a copy of the records."""

    lies: list[str] = field(default_factory=list)
    kept: dict[str, tuple[Snapshot, Day, Path]] = field(default_factory=dict)
    entries: tuple[Truth, ...] = ()
    """The entries at the last look."""
    places: set[str] = field(default_factory=set)
    looks: int = 0
    said: int = 0


class Witness:
    """Looks at everything the product says, and compares it with the truth."""

    def __init__(self, world: World, shell: Reader) -> None:
        self.world = world
        self._shell = shell
        self.found = Looked()
        self._before: dict[str, str] | None = None

    async def look(self, name: str = "") -> Told:
        """Looks now, while a console runs; keeps the snapshot under this name."""
        with closing(sqlite3.connect(self.world.records_file)) as database:
            told = await told_now(self.world, database, self._shell)
            assert told is not None, "the records never stood still"
            place = place_of(self.world.records_file, self.world.kill_file, mode=self.world.mode)
            searched = in_search(self._shell, place, told.day, OUTCOMES)
            if told.snapshot is not None and name:
                copy = self.world.folder / f"{name}.sqlite3"
                with closing(sqlite3.connect(copy)) as other:
                    database.backup(other)
                self.found.kept[name] = (told.snapshot, told.day, copy)
        self._note(told, [*lies(told.said, told.day), *lies(searched, told.day)])
        return told

    async def look_offline(self) -> Told:
        """Looks at the shell after the console has ended."""
        with closing(sqlite3.connect(self.world.records_file)) as database:
            told = told_offline(self.world, database, self._shell)
        self._note(told, lies(told.said, told.day))
        return told

    async def once(self, told: OnceResult) -> None:
        """Looks at what `senex once` told, and at the shell after it."""
        looked = await self.look_offline()
        self._note(looked, lies(in_once(told, looked.day), looked.day))
        self.found.places.add("once")

    async def before_restart(self) -> None:
        """Keeps what each panel says, to be compared after the start that follows."""
        told = await self.look()
        assert told.snapshot is not None
        self._before = texts_of(told.snapshot)

    async def after_restart(self, name: str = "") -> None:
        told = await self.look(name)
        assert told.snapshot is not None
        assert self._before is not None
        for change in changed_by_restart(self._before, texts_of(told.snapshot)):
            self.found.lies.append(f"{self._when()} restart: {change}")

    def _note(self, told: Told, wrong: Sequence[str]) -> None:
        self.found.looks += 1
        self.found.entries = told.day.entries
        self.found.places |= {one.place for one in told.said}
        self.found.said += len(told.said)
        self.found.lies += [f"{self._when()} {each}" for each in wrong]

    def _when(self) -> str:
        return f"{self.world.clock.now():%d %H:%M:%S}"


Script = Callable[[World, Witness], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A day to live: what happens in it, when it begins (exchange time), and its accounts."""

    script: Script
    start: datetime = field(default_factory=lambda: et(MONDAY, "09:44:30"))
    accounts: tuple[AccountSetup, ...] = ()

    def live(self, folder: Path) -> Looked:
        """Lives the day with its records in this folder."""

        async def lived(world: World) -> Looked:
            with closing(Reader()) as shell:
                witness = Witness(world, shell)
                await self.script(world, witness)
                return witness.found

        return in_world(lived, folder, start=self.start, accounts=self.accounts)


async def _killed_and_started(world: World, witness: Witness) -> None:
    """Kills the process and starts another. What is shown afterwards is what was shown before."""
    await witness.before_restart()
    await world.crash()
    await world.start()
    await world.clock.sleep(20)
    await witness.after_restart()


async def calm(world: World, witness: Witness) -> None:
    """Before the first slot."""
    await world.start()
    await world.clock.sleep(10)
    await witness.look("calm")
    await world.stop()


async def filled(world: World, witness: Witness) -> None:
    """The entry works, fills in part, fills, holds the day; restarted, killed, and seen the next morning."""
    await world.start()
    for at in ("09:45:03", "09:45:04", "09:45:06", "09:45:07.6", "09:45:09"):
        await world.until(at)
        await witness.look()
    await world.until("09:46:10")
    await witness.look("filled")
    await world.until("10:01")
    await witness.before_restart()
    await world.stop()
    await witness.look_offline()
    await world.start()
    await world.clock.sleep(20)
    await witness.after_restart("restarted")
    await world.crash()
    await world.start()
    await world.clock.sleep(20)
    await witness.after_restart()
    await world.crash()
    world.intervals = seldom(900)  # nobody looks at night
    await world.start()
    await world.until("00:05", NEXT_DAY)
    await witness.look("after midnight")
    await world.until("09:31", NEXT_DAY)
    await witness.look("next morning")
    await world.stop()


async def rejected(world: World, witness: Witness) -> None:
    """The broker takes the order, and rejects it afterwards."""
    world.exchange.fill_plan = "reject"
    await world.start()
    for at in ("09:45:03.4", "09:45:05", "09:45:10"):
        await world.until(at)
        await witness.look()
    await world.until("09:46:10")
    await witness.look("rejected")
    await _killed_and_started(world, witness)
    await world.stop()
    await witness.look_offline()


async def opposed(world: World, witness: Witness) -> None:
    """The broker refuses the order beside a close that rests on its strikes."""
    opposed_from_the_first(world)
    await world.start()
    await world.until("09:46:10")
    await witness.look("opposed")
    await world.until("10:01")
    await witness.look()
    await _killed_and_started(world, witness)
    await world.stop()
    await witness.look_offline()


async def lost(world: World, witness: Witness) -> None:
    """The answer to the order is lost, and the order is found later."""
    world.exchange.fill_plan = "normal"
    await world.start()
    await world.until("09:44:50")
    world.broker.arm(FaultKind.ALERTS_LOST, count=50)
    world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="POST", path="/accounts")
    world.broker.arm(FaultKind.ORDERS_LISTING_LAG, count=None, seconds=60)
    await world.until("09:45:12")
    await witness.look("unknown")
    await world.until("09:45:40")
    await witness.look()
    await world.until("09:48")
    await world.command(CommandKind.RECONCILE)
    await world.until("09:50")
    await witness.look("unknown then found")
    await world.until("10:01")
    await witness.look()
    await world.stop()


async def paused(world: World, witness: Witness) -> None:
    """Paused by an operator, a slot missed, forced in vain, resumed."""
    await world.start()
    await world.clock.sleep(10)
    await world.command(CommandKind.PAUSE, note="lunch")
    await witness.look("paused")
    await world.until("09:46")
    await witness.look()
    await world.command(CommandKind.FORCE)
    await witness.look()
    await world.command(CommandKind.RESUME)
    await witness.look()
    await world.stop()


async def all_off(world: World, witness: Witness) -> None:
    """Every account is switched off, then one skips today."""
    await world.start()
    await world.clock.sleep(10)
    await world.command(CommandKind.SET_ACCOUNT, target="0001", note="automation off")
    await witness.look("all accounts off")
    await world.until("09:46")
    await witness.look()
    await world.command(CommandKind.SET_ACCOUNT, target="0001", note="automation on")
    await world.command(CommandKind.SET_ACCOUNT, target="0001", note="skip today")
    await witness.look("skips today")
    await world.until("10:01")
    await witness.look()
    await world.stop()
    await witness.look_offline()


async def cancelled(world: World, witness: Witness) -> None:
    """The operator cancels the working entry, and allows another."""
    world.exchange.fill_plan = "never"
    await world.start()
    await world.until("09:46")
    await witness.look()
    entry = await world.entry()
    await world.command(CommandKind.CANCEL, target=entry.id)
    await world.clock.sleep(20)
    await witness.look()
    await world.command(CommandKind.ALLOW_REENTRY, target=entry.id)
    await witness.look()
    await world.clock.sleep(150)
    await witness.look()
    await world.until("10:01")
    await witness.look()
    await world.stop()


async def two_accounts(world: World, witness: Witness) -> None:
    """One account fills, the other's order is rejected."""
    world.exchange.set_fill_plan("5WT00002", "reject")
    await world.start()
    await world.until("09:46:10")
    await witness.look()
    await world.command(CommandKind.SET_ACCOUNT, target="0002", note="skip today")
    await world.until("10:01")
    await witness.look()
    await _killed_and_started(world, witness)
    await world.stop()


async def other_underlying(world: World, witness: Witness) -> None:
    """QQQ's legs are crossed in the first slot, so that both underlyings are asked and refused."""
    await world.start()
    await world.until("09:44:50")
    world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".QQQ*", seconds=60)
    world.broker.arm(FaultKind.MARKET_STALE_SNAPSHOT, symbol=".SPX*", seconds=60)
    await world.until("09:46:10")
    await witness.look()
    await _killed_and_started(world, witness)
    await world.stop()


async def interrupted(world: World, witness: Witness) -> None:
    """The process is killed between the intent and the sending, so that the cycle never ends by itself."""
    await world.start()
    await world.until("09:45:03.17")
    await world.crash()
    await world.start()
    await world.clock.sleep(20)
    await witness.look()
    entry = await world.entry()
    assert entry.state.value == "not_sent", "it was killed at another moment, and proves nothing"
    await world.until("10:00:30")
    await witness.look()
    await world.stop()
    await witness.look_offline()


async def broken_off(world: World, witness: Witness) -> None:
    """The process is killed in the middle of an attempt, and killed again when the next one has read the records."""
    await world.start()
    await world.until("09:45:01")
    await world.crash()
    await world.start()
    await world.clock.sleep(20)
    await witness.look()
    await _killed_and_started(world, witness)
    await world.stop()
    await witness.look_offline()


async def dry_run(world: World, witness: Witness) -> None:
    """A dry run validates a suggestion and sends nothing."""
    world.mode, world.sends, world.preflight = Mode.DRY_RUN, False, True
    await world.start()
    await world.until("09:46:10")
    await witness.look()
    await world.until("10:01")
    await witness.look()
    await world.stop()


async def once(world: World, witness: Witness) -> None:
    """`senex once` sends an order that the broker takes and rejects; the next day's is filled."""
    world.exchange.fill_plan = "reject"
    await world.until("09:46")
    await witness.once(await force_once(await world.build(), None, 60.0))
    world.exchange.fill_plan = "immediate"
    await world.until("09:46", NEXT_DAY)
    await witness.once(await force_once(await world.build(), None, 60.0))


async def mailed(world: World, witness: Witness) -> None:
    """Mail is on, and the order is filled in one moment."""
    world.settings = world.settings.model_copy(update={"mail": mail_settings()})
    world.mailer = MemoryMailServer(world.clock)
    world.exchange.fill_plan = "immediate"
    await world.start()
    await world.until("09:46:10")
    await witness.look()
    await world.stop()


async def better(world: World, witness: Witness) -> None:
    """The order is limited at natural, waits until the market pays more, and is filled at that."""
    world.exchange.fill_plan = "never"
    await world.start()
    await world.clock.sleep(10)
    await world.command(CommandKind.SET_ACCOUNT, target="0001", note="offset-cents 25")
    await world.until("09:46")
    limit = (await world.entry()).limit
    for _ in range(400):
        await world.clock.sleep(5)
        world.engine.builder.refresh()
        shown = world.engine.builder.snapshot
        spread = None if shown is None else shown.spread
        if spread is not None and spread.natural is not None and spread.natural > limit + Decimal("0.02"):
            break
    world.exchange.set_fill_plan("5WT00001", "immediate")
    await world.clock.sleep(60)
    await witness.look()
    truth = witness.found.entries[-1]
    assert truth.credit is not None
    assert truth.credit > truth.limit, "the fill is no better than the limit, and proves nothing"
    await world.stop()


_TWO = (account(), account("5WT00002"))
SCENES: dict[str, Scene] = {
    "calm": Scene(calm),
    "filled": Scene(filled),
    "rejected": Scene(rejected),
    "opposed": Scene(opposed),
    "lost": Scene(lost),
    "paused": Scene(paused),
    "all off": Scene(all_off),
    "cancelled": Scene(cancelled),
    "two accounts": Scene(two_accounts, accounts=_TWO),
    "other underlying": Scene(other_underlying),
    "interrupted": Scene(interrupted),
    "broken off": Scene(broken_off),
    "dry run": Scene(dry_run),
    "once": Scene(once),
    "mailed": Scene(mailed),
    "better": Scene(better),
}
