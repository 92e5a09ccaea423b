"""At most 5 requests a second and login, the most urgent first, and account by account."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.broker.pace import PASSES_EVERY_S, PATIENCE_S, PER_SECOND, Pace, Turn, Work
from core.runtime.virtual_time import VirtualClock, run_virtual

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Line:
    """A pace with a record of who left when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.pace = Pace(clock)
        self.left: list[tuple[float, Turn]] = []
        self._began_s = clock.monotonic()

    async def take(self, turn: Turn) -> None:
        await self.pace.take(turn)
        self.left.append((round(self.clock.monotonic() - self._began_s, 3), turn))

    async def all(self, *turns: Turn) -> None:
        await asyncio.gather(*(self.take(turn) for turn in turns))

    @property
    def order(self) -> list[tuple[str, Work]]:
        return [(turn.account, turn.work) for _, turn in self.left]


def turn(account: str, work: Work, requests: int = 1, login: str = "main") -> Turn:
    return Turn(login, account, work, requests)


def test_no_second_has_more_than_five_requests_of_a_login() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.all(*(turn("A", Work.STEP, requests) for requests in (2, 1, 2, 2, 1, 1, 5, 1)))
        times = [at for at, one in line.left for _ in range(one.requests)]
        assert all(sum(start <= at < start + 1.0 for at in times) <= PER_SECOND for start in times)
        assert times[-1] == 3.0  # and none waits longer than it must: 15 requests
        await line.all(turn("A", Work.STEP, 5, login="other"))
        assert line.left[-1][0] == 3.0, "another login waits for nothing"

    run_virtual(script, START)


def test_the_most_urgent_work_goes_first_and_routine_reads_last() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("A", Work.ROUTINE, 5))
        exits = [work for work in Work if Work.AT_ONCE < work < Work.ENTRY]
        await line.all(*(turn("A", work) for work in reversed([*exits, Work.ROUTINE])))
        assert [work for _, work in line.order[1:]] == [*exits, Work.ROUTINE]

    run_virtual(script, START)


def test_looks_and_routine_reads_leave_one_request_of_a_second_and_go_by_when_they_came() -> None:
    async def script(clock: VirtualClock) -> None:
        for work in (Work.ENTRY, Work.ROUTINE):
            line = Line(clock)
            turns = [turn(account, work, 2) for account in "ABABC"]
            await line.all(*turns)
            assert [at for at, _ in line.left] == [0.0, 0.0, 1.0, 1.0, 2.0]
            assert [one for _, one in line.left] == turns, "no account has any of them before another"

    run_virtual(script, START)


def test_a_look_at_an_entry_goes_before_routine_reads_that_came_less_than_ten_seconds_earlier() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        routine, later = turn("A", Work.ROUTINE, 4), turn("B", Work.ROUTINE, 4)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.take(turn("C", Work.ENTRY, 4)))
            group.create_task(line.take(routine))
            for _ in range(15):
                group.create_task(line.take(turn("C", Work.ENTRY, 4)))
                group.create_task(line.take(turn("D", Work.ENTRY, 4)))
                await clock.sleep(1)
            group.create_task(line.take(later))
        left = {one: at for at, one in line.left}
        assert left[routine] == 21.0, "all looks of its first ten seconds went before it"
        assert left[later] == 32.0, "all looks did"

    run_virtual(script, START)


def test_a_read_that_has_waited_ten_seconds_passes_exits_one_every_four_seconds() -> None:
    """Else the complete reads get old, and that bars every exit of their accounts."""

    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        exits = [turn("A", Work.MUST_CLOSE) for _ in range(150)]
        reads = [turn(account, Work.ROUTINE, 2) for account in "BCD"]
        await line.all(*exits, *reads, turn("B", Work.ENTRY, 2))
        left = {work: [at for at, one in line.left if one.work is work] for work in Work}
        assert left[Work.ENTRY] == [10.0]
        assert left[Work.ROUTINE] == [14.0, 18.0, 22.0]
        assert left[Work.MUST_CLOSE][-1] == 31.0, "158 requests and no second lost"

    run_virtual(script, START)


def test_what_is_asked_at_once_waits_for_nothing_and_routine_reads_make_room_for_it() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("A", Work.STEP, 5))
        late = turn("A", Work.ROUTINE, 2)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.take(turn("A", Work.ROUTINE, 2)))
            group.create_task(line.take(late))
            await clock.sleep(0.5)
            await line.all(*(turn("B", Work.AT_ONCE, 2) for _ in range(3)))
            await clock.sleep(0.2)
            line.pace.hurry(late, Work.AT_ONCE)
        assert [at for at, _ in line.left] == [0.0, 0.5, 0.5, 0.5, 0.7, 1.5]

    run_virtual(script, START)


def test_one_account_is_finished_before_the_next_begins_and_a_hand_close_passes_both() -> None:
    """Otherwise ten time exits of each of 50 accounts would each need a read of their own."""

    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("", Work.ROUTINE, 5))
        waiting = [turn(account, work) for _ in range(3) for account in "AB" for work in (Work.FIRST_SEND, Work.PROOF)]
        async with asyncio.TaskGroup() as group:
            for one in waiting:
                group.create_task(line.take(one))
            await clock.sleep(1.5)
            group.create_task(line.take(turn("B", Work.HAND_CLOSE)))
        a, b = line.order[1:7], line.order[7:]
        assert a == [("A", Work.PROOF)] * 3 + [("A", Work.FIRST_SEND)] * 2 + [("B", Work.HAND_CLOSE)]
        assert b == [("A", Work.FIRST_SEND)] + [("B", Work.PROOF)] * 3 + [("B", Work.FIRST_SEND)] * 3

    run_virtual(script, START)


@pytest.mark.parametrize(("requests", "order"), [(3, "AAAABBBB"), (2, "ABABABAB")])
def test_an_account_keeps_its_turn_while_it_waits_for_an_answer(requests: int, order: str) -> None:
    """What it leaves free meanwhile is the next one's."""

    async def script(clock: VirtualClock) -> None:
        line = Line(clock)

        async def account(name: str) -> None:
            for _ in range(4):
                await line.take(turn(name, Work.FIRST_SEND, requests))
                await clock.sleep(0.3)  # the answer

        async with asyncio.TaskGroup() as group:
            for name in "AB":
                group.create_task(account(name))
        assert "".join(account for account, _ in line.order) == order

    run_virtual(script, START)


def test_later_steps_wait_until_every_first_send_is_out() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("", Work.ROUTINE, 5))
        await line.all(*(turn("A", Work.STEP) for _ in range(4)), *(turn(a, Work.FIRST_SEND) for a in "BCDEFG"))
        assert [work for _, work in line.order[1:]] == [Work.FIRST_SEND] * 6 + [Work.STEP] * 4

    run_virtual(script, START)


def test_a_turn_that_is_given_up_holds_up_nobody_and_takes_nothing() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("A", Work.ROUTINE, 5))
        first = asyncio.create_task(line.take(turn("A", Work.HAND_CLOSE, 5)))
        second = asyncio.create_task(line.take(turn("B", Work.ROUTINE, 5)))
        await clock.sleep(0.5)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        await second
        assert [(at, one.account) for at, one in line.left] == [(0.0, "A"), (1.0, "B")]

    run_virtual(script, START)


def test_a_waiting_turn_can_become_more_urgent_and_never_less() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("A", Work.ROUTINE, 5))
        read = turn("B", Work.ROUTINE, 5)
        async with asyncio.TaskGroup() as group:
            group.create_task(line.take(turn("A", Work.TARGET, 5)))
            group.create_task(line.take(read))
            await clock.sleep(0.1)
            line.pace.hurry(read, Work.PROOF)
            line.pace.hurry(read, Work.STEP)
        assert line.order[1:] == [("B", Work.PROOF), ("A", Work.TARGET)]

    run_virtual(script, START)


def test_a_turn_that_has_not_joined_the_line_yet_can_become_more_urgent_too() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        await line.take(turn("A", Work.TARGET, 5))
        read = turn("B", Work.ROUTINE, 5)
        line.pace.hurry(read, Work.PROOF)
        await line.all(turn("A", Work.TARGET, 5), read)
        assert line.order[1:] == [("B", Work.PROOF), ("A", Work.TARGET)]

    run_virtual(script, START)


def test_an_account_whose_exit_becomes_more_urgent_keeps_its_place() -> None:
    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        a, b = turn("A", Work.STEP, 5), turn("B", Work.STEP, 5)
        await line.take(turn("C", Work.ROUTINE, 5))
        async with asyncio.TaskGroup() as group:
            for one in (a, b, turn("B", Work.STEP, 5), *(turn("C", Work.MUST_CLOSE, 5) for _ in range(12))):
                group.create_task(line.take(one))
            await clock.sleep(11.5)  # longer than an account keeps its place for its last request alone
            for one in (a, b):
                line.pace.hurry(one, Work.PROOF)
        assert line.order[-3:] == [("A", Work.PROOF), ("B", Work.PROOF), ("B", Work.STEP)]

    run_virtual(script, START)


def test_a_read_that_passes_exits_holds_them_up_for_a_second_however_much_is_asked_at_once() -> None:
    """A read that made room for looks at once would stand before every exit of the login until they end."""

    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        close = turn("A", Work.HAND_CLOSE)
        reads = [turn(account, Work.ROUTINE, 2) for account in "BC"]
        async with asyncio.TaskGroup() as group:
            for one in (*(turn("A", Work.TARGET) for _ in range(100)), *reads):
                group.create_task(line.take(one))
            for tenth in range(600):
                if tenth == 101:
                    group.create_task(line.take(close))
                if tenth % 4 == 0:
                    group.create_task(line.take(turn("D", Work.AT_ONCE, 2)))
                await clock.sleep(0.1)
        left = {one: at for at, one in line.left}
        assert left[close] <= 11.1
        assert [left[one] for one in reads] == pytest.approx([10.0, 14.0], abs=1.0)
        assert max(at for at, one in line.left if one.work is Work.TARGET) <= 21.5, "no second was lost"

    run_virtual(script, START)


def test_more_than_five_at_once_can_never_leave() -> None:
    async def script(clock: VirtualClock) -> None:
        for requests in (0, PER_SECOND + 1):
            with pytest.raises(ValueError, match="1 to 5"):
                await Pace(clock).take(turn("A", Work.STEP, requests))

    run_virtual(script, START)


Burst = tuple[float, Work, str, int, int]
"""Seconds after the one before it, what for, the account, requests at once, and so many turns."""


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 0.1, 0.7, 3.0, 12.0]),
            st.sampled_from(Work),
            st.sampled_from("ABC"),
            st.integers(1, 3),
            st.sampled_from([1, 2, 30]),
        ),
        min_size=5,
        max_size=20,
    ),
    st.sampled_from([0, 120]),
)
def test_nothing_starves_no_second_has_more_than_five_and_the_urgent_go_first(bursts: list[Burst], looks: int) -> None:
    """Beside so many looks at once, five requests a second of them."""

    async def script(clock: VirtualClock) -> None:
        line = Line(clock)
        came: dict[Turn, float] = {}
        now_s = 0.0

        async def look() -> None:
            for number in range(looks):
                came[one := turn("D", Work.AT_ONCE, 2)] = round(0.4 * number, 3)
                await line.take(one)
                await clock.sleep(0.4)

        async with asyncio.TaskGroup() as group:
            group.create_task(look())
            for after_s, work, account, requests, turns in bursts:
                await clock.sleep(after_s)
                now_s += after_s
                for one in [turn(account, work, requests) for _ in range(turns)]:
                    came[one] = round(now_s, 3)
                    group.create_task(line.take(one))
        assert {one for _, one in line.left} == came.keys()
        lasts = [at for at, one in line.left if one.work is not Work.AT_ONCE for _ in range(one.requests)]
        assert all(sum(at <= each < at + 0.999 for each in lasts) <= PER_SECOND for at in lasts)
        passed_s = -PASSES_EVERY_S
        for at, one in line.left:
            beside = [other for then, other in line.left if came[other] < at < then]
            exits = [other for other in beside if not other.is_read]
            if one.work is Work.AT_ONCE:
                assert at == came[one]
            elif not one.is_read:
                assert all(_band(one) <= _band(other) for other in exits), "the urgent go first"
                between = [other for then, other in line.left if came[one] <= then <= at]
                paced = sum(other.requests for other in between if other.work is not Work.AT_ONCE)
                assert at - came[one] <= 2 + paced / 3, "while an exit waits the login is busy with what is paced"
            else:
                if exits:
                    assert at - came[one] >= PATIENCE_S - 0.01, "a read passes none before its time"
                    assert at - passed_s >= PASSES_EVERY_S - 0.01, "and seldom"
                    passed_s = at
                ahead = 1 + sum(other.is_read and came[other] <= came[one] + PATIENCE_S for other in came)
                assert at - came[one] <= 2 * PATIENCE_S + ahead * (PASSES_EVERY_S + 1), "none starves"

    run_virtual(script, START)


def _band(one: Turn) -> Work:
    return Work.PROOF if one.work is Work.FIRST_SEND else one.work
