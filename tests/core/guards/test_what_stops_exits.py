"""What stops entries and what stops exits: a row for every reason that a gate can give, asked of both gates (rules
15.8)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import core.guards
from core.domain.operation.breakers import BreakerKind, Scope
from core.domain.operation.commands import Bars, Command, CommandKind, Stop
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.positions.tridents import ExitMode
from core.guards.breakers import Breakers
from core.guards.exit_gate import COMPLETE_WITHIN_S, ExitGate
from core.guards.foreign_tridents import ForeignTridents
from core.guards.gate import TradingGate
from core.guards.refused_orders import RefusedOrders
from core.guards.stop_files import StopFiles
from core.guards.stops import Stops
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock, exchange_time
from tests.support.empty_records import copy_empty_records
from tests.support.record_samples import url_of

ACCOUNT, OTHER, LOGIN = "5WT00001", "5WT00002", "main"


class SettableClock(SystemClock):
    """The machine's clock. The machine has slept for `slept_s`: the monotonic clock stood still meanwhile."""

    slept_s = 0.0

    def boottime(self) -> float:
        return super().boottime() + self.slept_s


@dataclass
class Gates:
    """Both gates of one trader on real records: everything is read, reconciled and switched on."""

    records: Records
    folder: Path
    clock: SettableClock
    mode: ExitMode = ExitMode.ALL
    switched_off: Refusal | None = None
    clock_doubt: Refusal | None = None
    clock_refusal: Refusal | None = None
    stops: Stops = field(init=False)
    breakers: Breakers = field(init=False)
    entries: TradingGate = field(init=False)
    exits: ExitGate = field(init=False)

    def __post_init__(self) -> None:
        clock, halt = self.clock, self.folder / "HALT"
        self.stops = Stops(StopFiles(self.folder / "stops"))
        self.breakers = Breakers(self.records, Bus(self.records.journal.append, clock), clock)
        self.entries = TradingGate(
            self.records,
            self.breakers,
            halt,
            ForeignTridents(lambda: exchange_time(clock.now()).date()),
            RefusedOrders(clock, lambda at: (clock.now() - at).total_seconds()),
            self.stops,
            lambda _: self.switched_off,
            lambda: self.clock_doubt,
            lambda: self.clock_refusal,
        )
        self.exits = ExitGate(
            self.records,
            self.breakers,
            self.stops,
            halt,
            clock,
            lambda _: self.mode,
            self.entries.wrong_clock,
            self.entries.not_reconciled,
        )
        self.entries.reconciled()
        self.exits.note_complete(ACCOUNT, clock.boottime())

    def told(self) -> tuple[Reason | None, Reason | None]:
        """Why entries and why exits of ACCOUNT are stopped; None where they are not."""
        entry, exit = self.entries.account_refusal(ACCOUNT, LOGIN), self.exits.refusal(ACCOUNT, LOGIN)
        assert (exit is None) == (self.exits.refusals(ACCOUNT, LOGIN) == ())
        return (None if entry is None else entry.reason), (None if exit is None else exit.reason)


@pytest.fixture
async def gates(tmp_path: Path) -> AsyncIterator[Gates]:
    copy_empty_records(tmp_path / "records.sqlite3")
    records = await Records.open(url_of(tmp_path / "records.sqlite3"))
    yield Gates(records, tmp_path, SettableClock())
    await records.close()


Comes = Callable[[Gates], Awaitable[object]]


def at_once(comes: Callable[[Gates], object]) -> Comes:
    async def change(gates: Gates) -> None:
        comes(gates)

    return change


def recorded(word: str) -> Comes:
    async def change(gates: Gates) -> None:
        await getattr(gates.records.trading, word)("ana", "lunch", gates.clock.now())
        await gates.entries.read()

    return change


def stop(stop: Stop) -> Comes:
    return at_once(lambda gates: gates.stops.close("asked", stop, gates.clock.now(), "asked by ana"))


def breaker(kind: BreakerKind, subject: str | None = None) -> Comes:
    of = {Scope.GLOBAL: "", Scope.LOGIN: LOGIN, Scope.ACCOUNT: ACCOUNT}[kind.scope] if subject is None else subject
    return lambda gates: gates.breakers.open(kind, of, "why it opened")


def unread(gates: Gates) -> None:
    gates.clock.slept_s += COMPLETE_WITHIN_S + 1


def held(account: str) -> Comes:
    async def change(gates: Gates) -> None:
        await gates.records.exit_switch.hold(account, "ana", "lunch", gates.clock.now())
        await gates.exits.read()

    return change


def settings(**values: object) -> Comes:
    return at_once(lambda gates: [setattr(gates, name, value) for name, value in values.items()])


R = Reason
STOP_EXITS_TOO = {BreakerKind.CLOCK, BreakerKind.STORE, BreakerKind.LOGIN}
"""The breakers that stop exits: all others stop entries alone."""
ROWS: Mapping[str, tuple[Comes, Reason | None, Reason | None]] = {
    "nothing": (at_once(lambda _: None), None, None),
    "file HALT": (at_once(lambda g: (g.folder / "HALT").touch()), R.KILL_FILE, None),
    "file HALT-ALL": (at_once(lambda g: (g.folder / "HALT-ALL").touch()), R.HALT_ALL_FILE, R.HALT_ALL_FILE),
    "link HALT-ALL to nothing": (
        at_once(lambda g: (g.folder / "HALT-ALL").symlink_to(g.folder / "nowhere")),
        R.HALT_ALL_FILE,
        R.HALT_ALL_FILE,
    ),
    "paused": (recorded("pause"), R.PAUSED, None),
    "halted": (recorded("halt"), R.HALTED, None),
    "a pause that is not recorded": (stop(Stop(R.PAUSED)), R.PAUSED, None),
    "a halt that is not recorded": (stop(Stop(R.HALTED)), R.HALTED, None),
    "a hold that is not recorded": (stop(Stop(R.EXITS_HELD, bars=Bars.EXITS)), None, R.EXITS_HELD),
    "a hold of this account": (stop(Stop(R.EXITS_HELD, ACCOUNT, Bars.EXITS)), None, R.EXITS_HELD),
    "a hold of another account": (stop(Stop(R.EXITS_HELD, OTHER, Bars.EXITS)), None, None),
    "a stop of both": (stop(Stop(R.PAUSED, bars=Bars.ALL)), R.PAUSED, R.EXITS_HELD),
    "the process ends": (at_once(lambda g: g.stops.end_here("the console is ending")), R.PAUSED, R.EXITS_HELD),
    "exits held on record": (held(""), None, R.EXITS_HELD),
    "exits of this account held on record": (held(ACCOUNT), None, R.EXITS_HELD),
    "exits of another account held on record": (held(OTHER), None, None),
    "exits off": (settings(mode=ExitMode.OFF), None, R.EXITS_OFF),
    "targets alone": (settings(mode=ExitMode.TARGETS), None, None),
    "clock off": (settings(clock_refusal=refuse(R.CLOCK_OFF, off="+4.0 s")), R.CLOCK_OFF, R.CLOCK_OFF),
    "clock in doubt": (
        settings(clock_doubt=refuse(R.CLOCK_IN_DOUBT, what="it was set")),
        R.CLOCK_IN_DOUBT,
        R.CLOCK_IN_DOUBT,
    ),
    "clock not proved": (settings(clock_refusal=refuse(R.CLOCK_UNPROVED)), R.CLOCK_UNPROVED, None),
    "reconciling": (at_once(lambda g: g.entries.reconciling("alerts")), R.RECONCILING, R.RECONCILING),
    "closed at the broker": (
        at_once(lambda g: g.exits.note_restriction(ACCOUNT, "closed")),
        None,
        R.ACCOUNT_RESTRICTED,
    ),
    "free again at the broker": (at_once(lambda g: g.exits.note_restriction(ACCOUNT, "")), None, None),
    "not read for long": (at_once(unread), None, R.ACCOUNT_UNREAD),
    "automation off": (settings(switched_off=refuse(R.ACCOUNT_DISABLED)), R.ACCOUNT_DISABLED, None),
    "skipped today": (settings(switched_off=refuse(R.SKIP_TODAY)), R.SKIP_TODAY, None),
    "a trident of somebody else": (
        at_once(lambda g: g.entries.foreign.found(ACCOUNT, "73000001")),
        R.ALREADY_AT_BROKER,
        None,
    ),
    "a refusal after which nobody listened": (
        at_once(lambda g: g.entries.refused.refused(ACCOUNT, "e-1", g.clock.now(), heard=False)),
        R.REFUSED_UNHEARD,
        None,
    ),
    "breaker of another login": (breaker(BreakerKind.LOGIN, "second"), None, None),
    **{
        f"breaker {kind.code}": (breaker(kind), R.BREAKER_OPEN, R.BREAKER_OPEN if kind in STOP_EXITS_TOO else None)
        for kind in BreakerKind
    },
}


@pytest.mark.parametrize("row", ROWS)
async def test_what_stops_entries_and_what_stops_exits(gates: Gates, row: str) -> None:
    comes, entry, exit = ROWS[row]
    await comes(gates)
    assert gates.told() == (entry, exit)


def test_every_reason_that_a_gate_can_give_has_a_row() -> None:
    folder = Path(next(iter(core.guards.__path__)))
    parts = (
        "gate",
        "exit_gate",
        "stops",
        "breakers",
        "foreign_tridents",
        "refused_orders",
        "clock_check",
        "clock_doubt",
    )
    named = {name for part in parts for name in re.findall(r"\bReason\.([A-Z_]+)", (folder / f"{part}.py").read_text())}
    assert {Reason[name] for name in named} == {reason for _, *given in ROWS.values() for reason in given if reason}


async def test_a_row_or_file_that_cannot_be_read_stops_exits_too_and_a_resume_frees_entries_alone(gates: Gates) -> None:
    """It may have asked for either: a resume of entries says nothing of exits."""
    now = gates.clock.now()
    gates.stops.ask(Command("odd", CommandKind.PAUSE, "ana", now), unreadable=True)
    assert gates.told() == (Reason.PAUSED, Reason.EXITS_HELD)
    resume = Command("resume", CommandKind.RESUME, "ana", now)
    gates.stops.ask(resume)
    gates.stops.lift(resume)
    assert gates.told() == (None, Reason.EXITS_HELD)
    assert gates.stops.was_lifted("odd")
    gates.stops.settle("odd")
    assert gates.told() == (None, None)
    (gates.folder / "stops").mkdir()
    (gates.folder / "stops" / "file.json").write_text("{")
    assert gates.told() == (Reason.PAUSED, Reason.EXITS_HELD)
    assert gates.stops.words(bars=Bars.EXITS).endswith("stops entries and exits: it cannot be read")


async def test_a_hold_lasts_until_it_is_settled_or_exits_go_on_by_a_later_word(gates: Gates) -> None:
    def exits(id: str, note: str, target: str = "") -> Command:
        return Command(id, CommandKind.EXITS, "ana", gates.clock.now(), target=target, note=note)

    gates.stops.ask(exits("all", "hold"))
    gates.stops.ask(exits("one", "hold", ACCOUNT))
    resume = exits("on", "on")
    gates.stops.ask(resume)
    gates.stops.ask(exits("again", "hold"))
    assert gates.told() == (None, Reason.EXITS_HELD)
    gates.stops.lift(resume)
    assert (gates.stops.was_lifted("all"), gates.stops.was_lifted("one")) == (True, False)
    gates.stops.settle("one")
    assert gates.told() == (None, Reason.EXITS_HELD)  # by the word that came after
    gates.stops.settle("again")
    assert gates.told() == (None, None)


async def test_a_hold_on_record_says_who_and_ends_with_its_own_word(gates: Gates) -> None:
    await held("")(gates)
    await held(ACCOUNT)(gates)
    switch = gates.exits.held(ACCOUNT)
    assert switch is not None
    assert (switch.account, switch.who, switch.why) == ("", "ana", "lunch")
    await gates.records.exit_switch.resume("", "ana", "", gates.clock.now())
    await gates.exits.read()
    assert gates.told() == (None, Reason.EXITS_HELD)
    await gates.records.exit_switch.resume(ACCOUNT, "ana", "", gates.clock.now())
    await gates.exits.read()
    assert gates.told() == (None, None)


async def test_a_pause_in_a_file_leaves_exits_alone(gates: Gates) -> None:
    assert gates.stops.files is not None
    gates.stops.files.write(Command("pause", CommandKind.PAUSE, "ana", gates.clock.now()))
    assert gates.told() == (Reason.PAUSED, None)


async def test_nothing_is_sent_before_the_account_was_read_and_an_older_read_does_not_make_it_older(
    gates: Gates,
) -> None:
    assert gates.exits.refusal(OTHER, LOGIN) == refuse(Reason.ACCOUNT_UNREAD, limit_s="300")
    now_s = gates.clock.boottime()
    gates.exits.note_complete(ACCOUNT, now_s + 1)
    gates.exits.note_complete(ACCOUNT, now_s)
    age_s = gates.exits.complete_age_s(ACCOUNT)
    assert age_s is not None and age_s < 0.5  # noqa: PT018 - one statement for the type
