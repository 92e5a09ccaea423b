"""The days of the time exit, on the real engine and a simulated broker: each unit goes on for itself (rules 15.7)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.config.settings import TradingSettings
from core.domain.operation.commands import CommandKind
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.order_states import OrderState
from core.domain.positions.actions import CancelWhy
from core.domain.positions.exits import ExitKind
from core.domain.positions.tridents import HandsOff, Phase
from core.domain.positions.units import UnitName, UnitState
from core.domain.reporting.alerts import AlertKind
from core.domain.reporting.notices import Letterhead
from core.simulator.exchange.faults import FaultKind
from tests.support.trident_world import (
    CALL,
    EARLY,
    PUT_1,
    closes_sent,
    exits_of,
    fill,
    nothing_opened,
    off_until,
    targets_placed,
    trident,
    until,
    working,
)
from tests.support.world import ACCOUNT, World, et, in_world

FIRST_DAY = "2026-04-10"
"""The first session of the time exit."""
NEAR = "2026-04-14"
"""A session in which all of the loss may be paid: the cap does not keep the walk from going on."""
NEAR_ITS_BODY = 33
"""A market that is near the body of the trident in that session."""
BEFORE_EX_DATE = "2026-03-20"
RISES = 14
"""A market that rises by 7 % until then."""
LAST_DAY, EXPIRES = "2026-04-16", "2026-04-17"
DEADLINE = "15:30"
ALL = tuple(UnitName)
LISTED_AFTER_S = 40.0


def test_the_time_exit_of_other_units_begins_beside_an_operators_close(tmp_path: Path) -> None:
    async def weeks(world: World) -> None:
        await targets_placed(world)
        await off_until(world, "09:50", FIRST_DAY)
        await world.clock.sleep(60)
        short = (await trident(world)).id[:8]
        answer = await world.answer(CommandKind.CLOSE, short, "unit=put-1 limit=0.01")
        assert answer.startswith("done: "), answer

        async def all_close() -> bool:
            return set(await working(world)) == {PUT_1, "put-2+call"}

        await until(world, all_close, within_s=900)
        works = await working(world)
        assert (works[PUT_1].kind, works[PUT_1].debit) == (ExitKind.MANUAL, Decimal("0.01"))
        rest = works["put-2+call"]
        assert rest.kind is ExitKind.TIME
        assert rest.sent_at is not None
        assert et(FIRST_DAY, "10:00") <= rest.sent_at < et(FIRST_DAY, "10:01")
        assert (await trident(world)).trident.phase is Phase.CLOSING
        await world.until("10:04", FIRST_DAY)
        sent = [one for one in await exits_of(world, rest.trident_id) if one.kind is not ExitKind.TARGET]
        assert [one for one in sent if one.kind is ExitKind.MANUAL] == [works[PUT_1]], "sent once, and it rests on"
        assert all(CALL in one.units for one in sent if one.kind is ExitKind.TIME)
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)


def test_by_the_desks_hour_nothing_of_ours_works_and_its_end_is_proved(tmp_path: Path) -> None:
    async def weeks(world: World) -> None:
        await targets_placed(world)
        await off_until(world, "14:50", EXPIRES)

        async def closes() -> bool:
            return bool(await working(world, ExitKind.TIME))

        await until(world, closes)
        await world.until("15:00", EXPIRES)
        assert await world.records.exits.open_of(ACCOUNT) == ()
        record = await trident(world)
        assert all(one.released_at is not None for one in await exits_of(world, record.id))
        assert record.trident.hands_off is HandsOff.DESK
        await world.until("15:20", EXPIRES)
        assert await world.records.exits.open_of(ACCOUNT) == (), "nothing is sent beside the desk"
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)


def test_what_is_held_on_the_day_of_expiration_is_told_every_quarter_of_an_hour_and_mailed_each_hour(
    tmp_path: Path,
) -> None:
    async def weeks(world: World) -> None:
        await targets_placed(world)
        await off_until(world, "09:29", EXPIRES)
        world.records.outbox.open(Letterhead("demo", "https://broker.example/orders"), MailPreference.NEVER)
        began = world.clock.now()
        await world.until("10:18", EXPIRES)
        said = [event for event in await world.records.journal.newest(400) if event.kind == "alert.opened"]
        rings = [e.at for e in reversed(said) if dict(e.figures)["alert"] == "must_close" and e.at >= began]
        due = [et(EXPIRES, time) for time in ("09:30", "09:45", "10:00", "10:15")]
        after = [min((at - time for at in rings if at >= time), default=None) for time in due]
        assert all(late is not None and late < timedelta(minutes=2) for late in after), rings
        assert len(rings) <= len(due) + 1, "and as it was first seen"
        mails = [one for one in await world.records.outbox.newest(50) if one.kind == "exit.must_close"]
        hours = [one.created_at for one in reversed(mails) if one.created_at >= due[0]]
        assert len(hours) == 2, "one an hour"
        assert due[0] <= hours[0] < due[1] < due[2] <= hours[1] < due[3]
        (close,) = (await working(world)).values()
        fill(world, close)
        await until(world, lambda: _no_alert(world))
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY)


def test_a_time_close_whose_answer_is_lost_is_found_and_its_walk_goes_on(tmp_path: Path) -> None:
    """J: its three units are claimed while nobody knows of it, and no second close is sent."""

    async def weeks(world: World) -> None:
        await targets_placed(world)
        await world.stop()
        await world.until("09:50", NEAR)
        before = closes_sent(world)
        await world.start()
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=LISTED_AFTER_S)
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="POST", path=f"/accounts/{ACCOUNT}/orders")

        async def is_sent() -> bool:
            return closes_sent(world) > before

        await until(world, is_sent, within_s=900)
        sent_at = world.clock.now()

        async def is_unknown() -> bool:
            found = await world.records.exits.open_of(ACCOUNT)
            return [(one.units, one.state) for one in found] == [(ALL, OrderState.UNKNOWN)]

        await until(world, is_unknown, within_s=30)
        (unknown,) = await world.records.exits.open_of(ACCOUNT)
        (standing,) = world.engine.exits.turns.standings(ACCOUNT)
        assert (standing.view.claimed, standing.view.closable) == (frozenset(ALL), ())
        while world.clock.now() < sent_at + timedelta(seconds=LISTED_AFTER_S - 1):
            assert await is_unknown()
            assert closes_sent(world) == before + 1, "no second close"
            await world.clock.sleep(2)

        async def works() -> bool:
            return [one.id for one in (await working(world, ExitKind.TIME)).values()] == [unknown.id]

        await until(world, works, within_s=90)
        assert closes_sent(world) == before + 1
        assert (await world.records.exits.get(unknown.id)).order_id is not None

        async def goes_on() -> bool:
            return {one.step for one in (await working(world, ExitKind.TIME)).values()} >= {1}

        await until(world, goes_on, within_s=600)
        first, *later = [one for one in await exits_of(world, unknown.trident_id) if one.kind is ExitKind.TIME]
        assert first.id == unknown.id
        assert (first.state, first.cancel_why) == (OrderState.CANCELLED, CancelWhy.STEP)
        assert first.released_at is not None
        assert later[0].prepared_at >= first.released_at
        assert nothing_opened(world)
        (close,) = (await working(world)).values()
        fill(world, close)
        await until(world, lambda: _has_ended(world))
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY, seed=NEAR_ITS_BODY)


def test_before_a_dividend_the_call_is_bought_back_apart_while_the_time_exit_goes_on(tmp_path: Path) -> None:
    """The first day of its time exit is the Friday before an ex-date, and its short call is deep in the money."""

    async def weeks(world: World) -> None:
        await targets_placed(world)
        record = await trident(world)
        assert record.trident.expiration == date(2026, 3, 27)
        await off_until(world, "09:50", BEFORE_EX_DATE)

        async def apart() -> bool:
            return set(await working(world, ExitKind.TIME)) == {CALL, "put-1+put-2"}

        await until(world, apart, within_s=1200)
        works = await working(world)
        call, puts = works[CALL], works["put-1+put-2"]
        pays = world.market.next_dividend("QQQ", date(2026, 3, 21))
        assert pays is not None
        assert pays.ex == date(2026, 3, 23)
        credits = {unit.name: unit.credit for unit in record.trident.units}
        assert call.mid is not None
        assert call.mid + pays.amount > record.trident.width
        assert call.cap == record.trident.width, "it is worth no more"
        assert credits[CALL] is not None
        assert credits[CALL] < call.debit <= call.cap, "more than the time exit may pay for it today"
        assert puts.cap == credits[PUT_1], "the time exit's own cap at 7 days"
        fill(world, call)

        async def is_closed() -> bool:
            states = {unit.name: unit.state for unit in (await trident(world)).trident.units}
            return states[CALL] is UnitState.CLOSED

        await until(world, is_closed)
        await world.clock.sleep(120)
        assert set(await working(world)) == {"put-1+put-2"}, "the puts go on alone"
        assert nothing_opened(world)
        await world.stop()

    in_world(weeks, tmp_path, start=et("2026-02-09", "09:43:30"), seed=RISES)


@pytest.mark.parametrize(
    ("underlying", "day", "sent"), [("QQQ", LAST_DAY, True), ("QQQ", EXPIRES, False), ("SPX", LAST_DAY, False),
                                    ("SPX", EXPIRES, False)],
)  # fmt: skip
@pytest.mark.parametrize("time", ["14:40", "15:31"])
def test_without_a_live_feed_nothing_walks_and_what_must_be_closed_goes_at_the_deadline_alone(
    tmp_path: Path, underlying: str, day: str, sent: bool, time: str
) -> None:
    """Market data answers all the while."""

    async def weeks(world: World) -> None:
        await targets_placed(world)
        assert (await trident(world)).trident.underlying == underlying
        await world.stop()
        await world.until(time, day)
        before = closes_sent(world)
        world.broker.arm(FaultKind.DXLINK_SILENCE, seconds=3600)
        await world.start()
        await world.clock.sleep(360)
        assert not world.engine.feed.is_live(world.clock.monotonic())
        assert (closes_sent(world) > before) is (sent and time > DEADLINE)
        await world.stop()

    in_world(weeks, tmp_path, start=EARLY, trading=TradingSettings(underlyings=(underlying,)))


async def _has_ended(world: World) -> bool:
    return (await trident(world)).trident.phase is Phase.ENDED


async def _no_alert(world: World) -> bool:
    return not any(one.kind is AlertKind.MUST_CLOSE for one in world.engine.alerting.open_now)
