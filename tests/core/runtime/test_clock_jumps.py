"""What a jump of the clock is told to be, and ages that lie across one (rules 14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from core.runtime.clock_jumps import Jump, JumpDetector, JumpKind
from tests.support.world import MONDAY, et


@dataclass
class Machine:
    """A clock whose three readings a test moves one by one."""

    market: datetime = field(default_factory=lambda: et(MONDAY, "10:00"))
    booted: float = 500.0
    mono: float = 100.0
    speed: float = 1.0

    def now(self) -> datetime:
        return self.market

    def monotonic(self) -> float:
        return self.mono

    def boottime(self) -> float:
        return self.booted

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def pass_by(self, seconds: float, *, asleep: float = 0.0, set_by: float = 0.0) -> None:
        """Wall seconds pass, of which the machine sleeps some; then its clock is set."""
        self.mono += seconds - asleep
        self.booted += seconds
        self.market += timedelta(seconds=seconds * self.speed + set_by)


@pytest.mark.parametrize("speed", [1.0, 60.0])
@pytest.mark.parametrize(
    ("passed", "asleep", "set_by", "jump", "words"),
    [
        (1.0, 0.0, 0.0, None, ""),
        (10.5, 0.0, 0.0, None, ""),
        (1.0, 0.0, 1.9, None, ""),
        (1.0, 0.0, 3600.0, Jump(JumpKind.SET, 3600.0), "the machine's clock was set ahead by 1:00:00"),
        (1.0, 0.0, -90.0, Jump(JumpKind.SET, -90.0), "the machine's clock was set back by 01:30"),
        (1801.0, 1800.0, 0.0, Jump(JumpKind.SLEPT, 1800.0), "the machine slept for 30:00"),
        (1801.0, 1800.0, -60.0, Jump(JumpKind.SET, -60.0), "the machine's clock was set back by 01:00"),
        (75.0, 0.0, 0.0, Jump(JumpKind.STALLED, 75.0), "the process stood still for 01:15"),
    ],
)
def test_what_happened_between_two_checks(
    passed: float, asleep: float, set_by: float, jump: Jump | None, words: str, speed: float
) -> None:
    machine = Machine(speed=speed)
    detector = JumpDetector(machine, at_least_every_s=1.0)
    machine.pass_by(passed, asleep=asleep, set_by=set_by * speed)
    found = detector.check()
    assert found == jump
    assert (found.words if found is not None else "") == words
    machine.pass_by(1.0)
    assert detector.check() is None, "it is told once"


@pytest.mark.parametrize("set_by", [900.0, -900.0, 86_400.0, -86_400.0])
def test_what_lies_before_a_jump_is_at_least_as_old_as_the_jump(set_by: float) -> None:
    machine = Machine()
    detector = JumpDetector(machine, at_least_every_s=1.0)
    before = machine.now()
    machine.pass_by(20.0)
    assert detector.age_s(before) == 20.0
    machine.pass_by(0.0, set_by=set_by)
    assert detector.check() is not None
    machine.pass_by(30.0)
    assert detector.age_s(before) == 30.0
    since = machine.now()
    machine.pass_by(12.0)
    assert detector.age_s(since) == 12.0
