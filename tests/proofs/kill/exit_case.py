"""The cases of the exit paths, and how one is run: its path, a crash point, what the broker does, and a listing lag."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from core.domain.operation.commands import CommandKind
from core.engine.engine import Engine
from core.guards.kill_files import halt_all_file
from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from core.simulator.exchange.orders import OrderRefused, SimOrder
from tests.proofs.exits.exit_money import is_waiting
from tests.proofs.exits.facts import Facts, is_exit
from tests.proofs.exits.invariants import violations
from tests.proofs.exits.steps import ExitSteps
from tests.proofs.kill.exit_faults import ExitFault, ExitPath
from tests.proofs.kill.exit_templates import BEGINS
from tests.proofs.kill.exit_world import ExitWorld, KillsHere, Template, in_exit_world
from tests.support.world import ACCOUNT

SOON_S, LATER_S = 90.0, 5_400.0
"""For how long a process that is to be killed lives at most, and the one after it: an hour and a half settles what is
unknown."""
DEAD_S = 20.0
QUIET_S = 90.0
MORNING = "08:29:50"
"""When the broker's rows of the day before are read, and no order can be sent."""


Stopped = Literal["", "HALT-ALL", "held"]
STOPS: tuple[Stopped, ...] = ("", "HALT-ALL", "held")
STOPPED_S = 40.0


@dataclass(frozen=True)
class ExitCase:
    """`point` is a named crash point, the number of a suspension, or None: nothing is killed."""

    path: ExitPath
    fault: ExitFault
    lag_min: int
    point: str | int | None

    def __str__(self) -> str:
        stopped = f", then {self.stop}" if self.stop else ""
        return self._words() + stopped

    def _words(self) -> str:
        killed = "not killed" if self.point is None else f"killed at {self.point}"
        return f"{self.path}, {killed}, {self.fault.name}, listings {self.lag_min} min behind"

    @property
    def stop(self) -> Stopped:
        """What stops exits while nobody looks, for the first seconds of the next process: nothing in a third of the
        cases."""
        return STOPS[zlib.crc32(self._words().encode()) % len(STOPS)]


@dataclass
class ExitVerdict:
    """The outcome of a case, as that of a case of the entry path. `judged` counts how often all invariants were."""

    case: ExitCase
    killed_at: str | None = None
    suspensions: int = 0
    judged: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        if isinstance(self.case.point, str):
            return self.case.point
        return self.killed_at or "not killed"


def run_quietly(case: ExitCase, templates: Path, sql: str = "") -> ExitVerdict:
    """Runs one case in a process that does nothing else. `sql` changes the records that it begins with."""
    logging.disable(logging.CRITICAL)  # what engines log of the faults
    warnings.filterwarnings("ignore", "The garbage collector")  # a killed process leaves its connections open
    return run_exit_case(case, templates, sql)


def run_exit_case(case: ExitCase, templates: Path, sql: str = "") -> ExitVerdict:
    """Runs one case in this process, in a folder of its own."""
    verdict = ExitVerdict(case)
    with TemporaryDirectory(prefix="senex-exits-") as name:
        folder = Path(name)

        async def script(world: ExitWorld) -> None:
            if sql:
                world.sql(sql)
            await _Run(world, case, verdict).run()

        try:
            in_exit_world(Template(templates, BEGINS[case.path]), folder, script)
        except AssertionError as failure:
            verdict.wrong.append(f"failed: {failure}")
        finally:
            shutil.rmtree(folder / "stops", ignore_errors=True)
    return verdict


class _Run:
    """The processes of one case, one after the other."""

    def __init__(self, world: ExitWorld, case: ExitCase, verdict: ExitVerdict) -> None:
        self.world = world
        self.case = case
        self.verdict = verdict
        self.discards = case.fault.discards
        self.fills = case.fault.fills
        self.stopped: Stopped = ""
        self.steps = ExitSteps()
        self.told: set[str] = set()
        world.on_commit = self._committed

    async def run(self) -> None:
        world, case, verdict = self.world, self.case, self.verdict
        self._arm()
        suspension = case.point if isinstance(case.point, int) else None
        named = case.point if isinstance(case.point, str) else None
        switch = KillsHere(world.folder / "killed", suspension, named)
        await self._live(switch, SOON_S)
        verdict.suspensions = switch.counted
        verdict.killed_at = switch.place.read_text() if switch.is_dead else None
        self._check("killed")
        await world.clock.sleep(DEAD_S)
        self._fill_late()
        self._stop_exits()
        await self._live(KillsHere(world.folder / "never"), LATER_S)
        self._check("again")
        verdict.wrong += self._unfinished()
        posts = len(world.broker.posted)
        await self._live(KillsHere(world.folder / "never"), QUIET_S, until_done=False)
        self._check("quiet")
        if len(world.broker.posted) != posts:
            verdict.wrong.append("a third process sent an order, though nothing was due")
        await self._balance()

    async def _balance(self) -> None:
        """The next morning's process reads what the broker posted over night; then the cash is judged to the cent."""
        world = self.world
        day = world.day + timedelta(days=1)
        while world.market.session(day) is None:
            day += timedelta(days=1)
        await world.until(MORNING, day.isoformat())
        world.exchange.live_orders(ACCOUNT, world.clock.now())
        await self._live(KillsHere(world.folder / "never"), QUIET_S, until_done=False)
        facts = world.facts(at_rest=True)
        self._tell("balance", violations(facts))
        if is_waiting(Facts(facts), ACCOUNT):
            self.verdict.wrong.append("balance: fees or rows are still to come, and the cash cannot be judged")

    def _arm(self) -> None:
        fault = self.case.fault.armed(self.case.path)
        if fault is not None:
            self.world.arm(fault)
        if self.case.lag_min:
            match = FaultMatch(account=ACCOUNT)
            lag = Fault(FaultKind.ORDERS_LISTING_LAG, count=None, seconds=60.0 * self.case.lag_min, match=match)
            self.world.arm(lag)
        if self.discards:
            self.world.exchange.fill_plan = "reject"

    async def _live(self, switch: KillsHere, for_s: float, *, until_done: bool = True) -> None:
        """One process, until its path is done, it is killed, or its time is over; then it ends."""
        world = self.world
        await world.bring_up(switch, self._watch)
        asked = filled = False
        lived = 0.0
        while lived < for_s and not switch.is_dead:
            pause = 0.5 if lived < SOON_S else 10.0
            await world.clock.sleep(pause)
            lived += pause
            world.exchange.live_orders(ACCOUNT, world.clock.now())
            if self.discards and any(order.status == "Rejected" for order in self._closes()):
                world.exchange.fill_plan, self.discards = "never", False
            if not world.engine.ready.is_set():
                continue
            if self.stopped and lived > STOPPED_S:
                self._let_exits_go_on()
            if not self.stopped:
                world.is_ready()
            if not asked and self.case.path == "cancel and prove":
                asked = True
                world.ask(CommandKind.RELEASE, self.world.trident())
            if self.case.path == "target fill" and not filled:
                filled = self._fill_working("put-1") or lived > DEAD_S
            if self.case.path == "time close":
                self._fill_time_close()
            if until_done and lived > 5 and not self.stopped and not self._unfinished():
                break
        await world.end()

    def _stop_exits(self) -> None:
        """While nobody looks, exits are stopped: by a file, or as a shell does without a console."""
        self.stopped = self.case.stop
        if self.stopped == "HALT-ALL":
            halt_all_file(self.world.kill_file).touch()
        elif self.stopped == "held":
            now = self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            with sqlite3.connect(self.world.records_file) as records:
                records.execute("INSERT INTO exit_switch VALUES ('', 1, 'a shell', ?, 'a proof')", (now,))
            records.close()
        if self.stopped:
            self.world.stopped(self.stopped)

    def _let_exits_go_on(self) -> None:
        if self.stopped == "held":
            self.world.ask(CommandKind.EXITS, "", "on")
        else:
            halt_all_file(self.world.kill_file).unlink()
        self.world.goes_on(self.stopped)
        self.stopped = ""

    def _watch(self, switch: KillsHere, engine: Engine) -> None:
        """Watches the work that this path is about."""
        room = engine.exits
        if self.case.path == "transactions":
            setattr(room.books, "turn", switch.watching(room.books.turn))  # noqa: B010 - methods of these instances
            return
        if self.case.path == "cancel and prove":
            setattr(room.book, "release", switch.watching(room.book.release))  # noqa: B010
        if self.case.path != "target fill":
            setattr(room.turns.desk, "do", switch.watching(room.turns.desk.do))  # noqa: B010
        if self.case.path != "target":
            tracker = engine.tracker
            setattr(tracker, "apply", switch.watching(tracker.apply))  # noqa: B010

    # What the exchange does

    def _closes(self) -> list[SimOrder]:
        return [order for order in self.world.exchange.orders(ACCOUNT) if is_exit(order)]

    def _units_of(self, order: SimOrder) -> str:
        rows = self.world.sql(f"SELECT units FROM exits WHERE identifier = '{order.external_identifier}'")
        return str(rows[0][0]) if rows else ""

    def _fill(self, order: SimOrder) -> bool:
        if order.terminal or order.status != "Live":
            return False
        try:
            self.world.exchange.back_office.fill(ACCOUNT, order.id, self.world.clock.now(), None)
        except OrderRefused:
            return False
        return True

    def _fill_working(self, units: str) -> bool:
        found = [order for order in self._closes() if not order.terminal and self._units_of(order) == units]
        return bool(found) and self._fill(found[0])

    def _fill_time_close(self) -> None:
        """The time close fills some seconds after it is live."""
        for order in self._closes():
            lived = self.world.clock.now() - order.received_at
            if not order.terminal and order.time_in_force == "Day" and lived.total_seconds() > 8:
                self._fill(order)

    def _fill_late(self) -> None:
        """While nobody looks, the newest order of the trident that works fills."""
        working = [order for order in self._closes() if not order.terminal]
        if self.fills and working:
            self.fills = not self._fill(max(working, key=lambda order: order.id))

    # What must hold

    def _check(self, when: str) -> None:
        """The invariants, as they stand whatever is under way."""
        self._tell(when, violations(self.world.facts()))

    def _committed(self) -> None:
        if self.steps.moved(self.world.reader):
            self._check(f"after commit {self.world.disk.commits}")

    def _tell(self, when: str, found: list[str]) -> None:
        self.verdict.judged += 1
        for sentence in found:
            if sentence not in self.told:
                self.told.add(sentence)
                self.verdict.wrong.append(f"{when}: {sentence}")

    def _unfinished(self) -> list[str]:
        return list(self._open_ends())

    def _open_ends(self) -> Iterator[str]:
        """What is not done: an exit whose outcome is open, a claim that nobody needs, a path that has not come to its
        end."""
        world = self.world
        rows = world.sql(
            "SELECT units, kind, state, detail, cancel_asked_at, released_at, order_id, identifier FROM exits"
        )
        alive = {order.external_identifier for order in self._closes() if not order.terminal}
        claimed: dict[str, str] = {}
        for units, kind, state, detail, asked, released, order_id, identifier in rows:
            if state in ("prepared", "sent", "unknown"):
                yield f"{kind} {units} is still {state}: {detail}"
            elif state == "incident":
                yield f"{kind} {units} is an incident: {detail}"
            elif released is None and (asked is not None or state != "working"):
                yield f"{kind} {units} ({state}) is not released"
            if state == "working" and identifier not in alive:
                yield f"{kind} {units} works on record, and order {order_id} has ended"
            if state == "working" and released is None:
                claimed.update(dict.fromkeys(units.split(), kind))
            if state != "working" and identifier in alive:
                yield f"{kind} {units} is {state} on record, and its order works"
        units_now = world.sql("SELECT unit, state, realized, fees_estimated, how FROM units")
        whole = [unit for unit, state, *_ in units_now if state == "whole"]
        for unit, state, *_ in units_now:
            if state not in ("whole", "closed"):
                yield f"{unit} is {state}"
        match self.case.path:
            case "target" | "target fill":
                for unit in whole:
                    if claimed.get(unit) != "target":
                        yield f"{unit} has no target"
                if self.case.path == "target fill" and "put-1" in whole:
                    yield "put-1 is not closed"
            case "cancel and prove":
                if claimed or alive:
                    yield f"{', '.join(claimed) or alive} still works"
                if world.sql("SELECT hands_off FROM tridents") != [("released",)]:
                    yield "it is not released"
            case "time close":
                if whole or world.sql("SELECT phase FROM tridents") != [("ended",)]:
                    yield f"{', '.join(whole) or 'nothing'} is left, and it has not ended"
            case "transactions":
                for unit, _, realized, estimated, how in units_now:
                    if realized is None or estimated or how is None:
                        yield f"{unit} has realized {realized} ({how})"
                total = sum((Decimal(realized) for _, _, realized, *_ in units_now if realized is not None), Decimal(0))
                if not total:
                    yield "nothing is realized"
