"""What next is "free to enter" the gate lets pass, and what the gate lets pass is "free to enter" (rules 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from core.cycle.account_steps import AccountSteps
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Stop
from core.domain.operation.reasons import Reason, refuse
from core.domain.orders.next_step import Next, NextStep
from core.records.repositories.rows import AccountRecord
from tests.support.world import ACCOUNT, LOGIN, MONDAY, World, et, in_world

OTHER = "5WT00002"
Change = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Cause:
    """Something that may be so, how it comes and how it goes. `stops`: it keeps ACCOUNT from entering."""

    comes: Change
    goes: Change
    stops: bool = True


def _breaker(kind: BreakerKind, subject: str = "", *, stops: bool = True) -> Cause:
    async def comes(world: World) -> None:
        await world.engine.breakers.open(kind, subject, "why it opened")

    async def goes(world: World) -> None:
        await world.engine.breakers.close(kind, subject, "ana", "settled")

    return Cause(comes, goes, stops)


def _account(comes: Mapping[str, object], goes: Mapping[str, object]) -> Cause:
    def changed(values: Mapping[str, object]) -> Change:
        async def change(world: World) -> None:
            runner = world.engine.runner
            runner.accounts = tuple(replace(each, **values) for each in runner.accounts)  # type: ignore[arg-type]

        return change

    return Cause(changed(comes), changed(goes))


def _now(comes: Callable[[World], object], goes: Callable[[World], object], *, stops: bool = True) -> Cause:
    def changed(call: Callable[[World], object]) -> Change:
        async def change(world: World) -> None:
            call(world)

        return change

    return Cause(changed(comes), changed(goes), stops)


def _recorded(word: str) -> Cause:
    def changed(*names: str) -> Change:
        async def change(world: World) -> None:
            for name in names:
                await getattr(world.records.trading, name)("ana", "lunch", world.clock.now())
            await world.engine.gate.read()

        return change

    return Cause(changed(word), changed("resolve_halt", "resume"))  # a halt that is settled leaves a pause


def _clock(name: str, reason: Reason) -> Cause:
    return _now(
        lambda world: setattr(world.engine.gate, name, lambda: refuse(reason, what="it was set", off="+4.0 s")),
        lambda world: setattr(world.engine.gate, name, lambda: None),
    )


def _stop(stop: Stop) -> Cause:
    return _now(
        lambda world: world.engine.stops.close("asked", stop, world.clock.now(), "asked by ana"),
        lambda world: world.engine.stops.settle("asked"),
    )


CAUSES = {
    "nothing": _now(lambda _: None, lambda _: None, stops=False),
    **{
        f"{kind.code} breaker": _breaker(kind, {"login": LOGIN, "account": ACCOUNT}.get(kind.scope.value, ""))
        for kind in BreakerKind
    },
    "mismatch of another account": _breaker(BreakerKind.MISMATCH, OTHER, stops=False),
    "automation off": _account({"enabled": False}, {"enabled": True}),
    "skip": _account({"skip_day": et(MONDAY, "09:50").date()}, {"skip_day": None}),
    "pause": _recorded("pause"),
    "halt": _recorded("halt"),
    "a pause that is not recorded": _stop(Stop(Reason.PAUSED)),
    "a halt of this account that is not recorded": _stop(Stop(Reason.HALTED, ACCOUNT)),
    "file HALT": _now(lambda world: world.kill_file.touch(), lambda world: world.kill_file.unlink()),
    "reconciling": _now(
        lambda world: world.engine.gate.reconciling("an operator asked"),
        lambda world: world.engine.gate.reconciled(),
    ),
    "clock in doubt": _clock("clock_doubt", Reason.CLOCK_IN_DOUBT),
    "clock not proved": _clock("clock_refusal", Reason.CLOCK_UNPROVED),
    "clock off": _clock("clock_refusal", Reason.CLOCK_OFF),
    "a trident of somebody else": _now(
        lambda world: world.engine.gate.foreign.found(ACCOUNT, "73000001"),
        lambda world: world.engine.gate.foreign.ended(ACCOUNT, "73000001"),
    ),
    "a trident of somebody else in another account": _now(
        lambda world: world.engine.gate.foreign.found(OTHER, "73000002"),
        lambda world: world.engine.gate.foreign.ended(OTHER, "73000002"),
        stops=False,
    ),
}


def told(world: World) -> NextStep:
    """What comes next for the account, as the engine shows it now."""
    snapshot = world.snapshot()
    [view] = snapshot.next_steps
    return view.step


async def passes(world: World) -> bool:
    """Whether a cycle of this moment would get past its guard."""
    runner = world.engine.runner
    [account] = runner.accounts
    assert isinstance(account, AccountRecord)
    if not account.enabled or await runner.refusal() is not None:
        return False
    return await AccountSteps(runner.parts, account).guard() is None


def test_the_next_step_and_the_gate_say_the_same_whatever_two_causes_come_together(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:31")
        for one, other in combinations(CAUSES.items(), 2):
            causes = dict((one, other))
            for cause in causes.values():
                await cause.comes(world)
            step = told(world)
            stopped = any(cause.stops for cause in causes.values())
            assert (step.kind is Next.FREE, await passes(world)) == (not stopped, not stopped), (*causes, step)
            assert (step.enters_at is None) == stopped, (*causes, step)
            for cause in causes.values():
                await cause.goes(world)
        assert told(world).kind is Next.FREE, "nothing is left"
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:30:30"))


def test_a_day_without_a_session_is_closed_for_both(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(10)
        [account] = world.engine.runner.accounts
        assert told(world).kind is Next.CLOSED
        assert await AccountSteps(world.engine.runner.parts, account).market() == refuse(Reason.MARKET_CLOSED)
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-07", "12:00"))
