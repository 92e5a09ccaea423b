"""What an operator attests: entries of any state and day, and orders that no record knows (rules 9)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation import amounts
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.fate import fate_of, fate_words
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderLeg, OrderRequest
from core.domain.orders.packages import fill_credit, risk_of
from core.domain.orders.way_out import way_out
from core.records.search.cycle_details import EntryDetails
from core.records.search.history_rows import HistoryFilter, HistoryKind
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import OrderChanges
from core.simulator.in_process.values import order_body
from core.views.entry_story import story_of_entry
from core.views.orders import fate_view, order_view
from senex_tui.reports.entries import entry_values, order_words
from tests.support.world import ACCOUNT, World, in_world

pytestmark = pytest.mark.usefixtures("store")

ORDERS = f"/accounts/{ACCOUNT}/orders"


def attest(world: World, seen: str, entry: str = "") -> Awaitable[str]:
    return world.answer(CommandKind.ATTEST, entry, seen)


def place(world: World, request: OrderRequest, *, named: bool = False, number: str = ACCOUNT) -> str:
    """Somebody else's hands at the broker; returns the order's id."""
    body = order_body(request)
    if not named:
        body = replace(body, external_identifier=None)
    return str(world.exchange.submit(number, body, world.clock.now()).id)


async def unknown_entry(world: World) -> Entry:
    """Starts, and loses the order of the first slot on its way."""
    world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
    await world.start()
    await world.until("09:45:30")
    entry = await world.entry()
    assert entry.state is OrderState.UNKNOWN
    return entry


async def working_entry(world: World) -> Entry:
    world.exchange.fill_plan = "never"
    await world.start()
    await world.until("09:46")
    entry = await world.entry()
    assert entry.state is OrderState.WORKING
    return entry


async def becomes_incident(world: World, entry: Entry) -> None:
    """As the order path does it when a report contradicts the record."""
    at = world.clock.now()
    await world.records.entries.become(entry.id, OrderState.INCIDENT, at=at, detail="asked 4.06, the broker shows 3.50")
    await world.engine.breakers.open(BreakerKind.INCIDENT, entry.account, "asked 4.06, the broker shows 3.50")


async def seen_of(world: World, entry: Entry) -> list[object]:
    evidence = await world.records.entries.evidence(entry.id)
    return [one.detail["seen"] for one in evidence if one.kind == "attestation"]


# An order that no record knows


def test_a_trident_of_lost_records_is_adopted_and_counts(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        lost = await world.entry()
        order_id = lost.order_id or ""
        await world.stop()
        world.records_file = world.folder / "new.sqlite3"
        await world.start()
        await world.clock.sleep(10)
        assert [b.kind for b in world.engine.breakers.open_now] == [BreakerKind.MISMATCH]
        answer = await attest(world, order_id)
        assert answer == f"done: …0001: order {order_id} is adopted as an entry of {world.day}; it is filled"
        adopted = await world.entry()
        assert (adopted.state, adopted.holds_day, adopted.origin) == (OrderState.FILLED, True, "adopted")
        assert (adopted.request, adopted.limit) == (lost.request, lost.limit)
        assert (adopted.strikes, adopted.width, adopted.expiration) == (lost.strikes, lost.width, lost.expiration)
        assert {f.fill_id for f in adopted.fills} == {f.fill_id for f in lost.fills}
        assert fate_of(adopted).credit == fate_of(lost).credit
        assert await seen_of(world, adopted) == [order_id]
        await world.clock.sleep(10)
        assert world.engine.breakers.open_now == (), "the order has a record now"
        await world.engine.tridents.check()
        assert [held.entry_id for held in world.engine.tridents.held] == [adopted.id]
        assert (await attest(world, order_id)).startswith("done"), "it is this entry's now"
        await world.until("10:16")
        assert await world.entry() == adopted, "nothing more is entered"
        await world.stop()

    in_world(day, tmp_path)


def test_a_second_trident_of_the_day_is_adopted_and_does_not_hold_it(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        ours = await world.entry()
        order_id = place(world, ours.request)
        await world.clock.sleep(10)
        assert "adopted" in await attest(world, order_id)
        await world.clock.sleep(10)
        first, second = await world.entries()
        assert (first.id, first.holds_day) == (ours.id, True)
        assert (second.state, second.holds_day) == (OrderState.FILLED, False)
        assert second.identifier == f"adopted-{second.id}"
        await world.engine.tridents.check()
        assert len(world.engine.tridents.held) == 2
        await world.stop()

    in_world(day, tmp_path)


def legs_times(legs: tuple[OrderLeg, ...], *times: int) -> tuple[OrderLeg, ...]:
    return tuple(replace(leg, quantity=count * leg.quantity) for leg, count in zip(legs, times, strict=True) if count)


@pytest.mark.parametrize("times", [(1, 1, 0, 0), (1, 1, 0, 1), (1, 1, 2, 2), (2, 2, 1, 1)])
def test_an_order_of_no_whole_tridents_is_not_adopted(tmp_path: Path, times: tuple[int, ...]) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        ours = (await world.entry()).request
        world.exchange.fill_plan = "never"
        answer = await attest(world, place(world, replace(ours, legs=legs_times(ours.legs, *times))))
        assert "is no whole number of tridents" in answer
        assert "`senex reset mismatch`" in answer
        assert "not found" in await attest(world, "99999")
        assert len(await world.entries()) == 1
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_of_two_tridents_is_adopted_as_two(tmp_path: Path) -> None:
    """Its credit and its mark are those of one package; its risk and its P&L are those of both."""

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        one = await world.entry()
        double = replace(one.request, legs=legs_times(one.request.legs, 2, 2, 2, 2))
        order_id = place(world, double)
        await world.clock.sleep(10)
        assert "it is filled" in await attest(world, order_id)
        two = (await world.entries())[-1]
        assert (two.request.legs, two.terms.legs) == (one.request.legs, double.legs)
        credit = fill_credit(two)
        assert credit is not None
        assert abs(credit - one.limit) < 1, "of one package"
        assert risk_of(two) == 2 * 100 * (2 * two.width - credit)
        assert fate_of(two).max_risk == risk_of(two)
        assert fate_words(fate_of(two)).endswith("in 2 packages")
        await world.engine.tridents.check()
        held = {trident.entry_id: trident.packages for trident in world.engine.tridents.held}
        assert held == {one.id: 1, two.id: 2}
        await world.stop()

    in_world(day, tmp_path)


# An entry and its order


def test_an_unknown_entry_takes_only_its_own_order(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await unknown_entry(world)
        world.exchange.fill_plan = "never"
        other = place(world, replace(entry.request, credit=entry.request.credit - 1))
        assert "is not this entry's: asked" in await attest(world, other, entry.id)
        nameless = place(world, entry.request)
        assert await attest(world, nameless) == f"done: order {nameless} is this entry; it is working"
        assert (await world.entry()).order_id == nameless
        assert await seen_of(world, entry) == [other, nameless], "each word is on record"
        await world.stop()

    in_world(day, tmp_path)


def test_an_absent_entry_whose_order_is_there_after_all_is_taken_back(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await unknown_entry(world)
        assert (await attest(world, "absent")).startswith("done")
        assert "only an unknown entry" in await attest(world, "absent", entry.id)
        late = place(world, entry.request, named=True)
        await world.clock.sleep(5)
        assert (await attest(world, late)).startswith(f"done: order {late} is this entry; it is ")
        await world.clock.sleep(10)
        assert ((await world.entry()).state, (await world.entry()).holds_day) == (OrderState.FILLED, True)
        await world.stop()

    in_world(day, tmp_path)


def test_a_working_entry_is_not_absent(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await working_entry(world)
        answer = await attest(world, "absent", entry.id)
        assert answer.startswith(
            "refused: the entry is working: it is unknown within 3 minutes when the broker no longer"
        )
        assert await attest(world, entry.order_id or "") == f"done: order {entry.order_id} is this entry; it is working"
        assert await world.entry() == entry
        await world.stop()

    in_world(day, tmp_path)


# An incident


def test_an_incident_is_corrected_to_what_the_broker_has(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await working_entry(world)
        price = entry.limit - Decimal("0.50")
        changes = OrderChanges("Day", "Limit", price, "Credit")
        new = str(world.exchange.replace(ACCOUNT, int(entry.order_id or ""), changes, world.clock.now()).id)
        await world.clock.sleep(20)
        await becomes_incident(world, await world.entry())
        answer = await attest(world, new, entry.id[:8])
        assert answer == f"done: order {new} is this entry; it is working"
        now = await world.entry()
        assert (now.state, now.order_id, now.terms.credit, now.holds_day) == (OrderState.WORKING, new, price, True)
        assert now.request == entry.request
        assert now.detail.startswith(f"operator attested order {new}; asked ")
        assert await seen_of(world, now) == [new]
        shown = f"{price:.2f}"
        said = [event for event in await world.records.journal.newest(50) if event.kind == "order.working"]
        assert f"order {new} is working at {shown} credit" in said[0].text
        assert order_words(
            entry_values(now, ("underlying", "strikes", "expiration", "limit"), now.session_day)
        ).endswith(f" at {shown} credit")
        [ordered] = await world.records.history.page(HistoryKind.ORDERS, HistoryFilter(), 5)
        assert dict(ordered.figures)["limit"] == price
        story = story_of_entry(EntryDetails(now, (), ()))
        assert next(line.text for line in story.lines if line.label == "limit").startswith(f"{shown} credit")
        assert order_view(now, fate_view(now), world.clock.now(), 1.0).limit == price
        world.exchange.fill_plan = "immediate"
        await world.clock.sleep(30)
        filled = await world.entry()
        assert (filled.state, fate_of(filled).limit) == (OrderState.FILLED, price)
        await world.stop()

    in_world(day, tmp_path)


def test_an_incident_takes_a_nameless_order_only_on_its_own_legs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await working_entry(world)
        await becomes_incident(world, entry)
        spread = replace(entry.request, legs=entry.request.legs[:2], credit=Decimal("0.50"))
        answer = await attest(world, place(world, spread), entry.id)
        assert "is not this entry's: asked" in answer
        assert (await world.entry()).state is OrderState.INCIDENT
        dearer = place(world, replace(entry.request, credit=entry.limit + Decimal("0.50")))
        assert "it is working" in await attest(world, dearer, entry.id)
        assert (await world.entry()).terms.credit == entry.limit + Decimal("0.50")
        await world.stop()

    in_world(day, tmp_path)


def test_an_incident_is_absent_only_when_the_broker_shows_no_order_alive(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await working_entry(world)
        await becomes_incident(world, entry)
        assert f"order {entry.order_id} is Live at the broker" in await attest(world, "absent", entry.id)
        assert (await world.entry()).state is OrderState.INCIDENT
        world.exchange.cancel(ACCOUNT, int(entry.order_id or ""), world.clock.now())
        await world.clock.sleep(10)
        assert await attest(world, "absent", entry.id) == "done: …0001: the incident is closed as absent"
        absent = await world.entry()
        assert (absent.state, absent.holds_day) == (OrderState.ABSENT, True)
        await world.stop()

    in_world(day, tmp_path)


def test_an_incident_with_fills_is_never_absent(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        await becomes_incident(world, entry)
        assert "so its order exists" in await attest(world, "absent", entry.id)
        assert await attest(world, entry.order_id or "") == f"done: order {entry.order_id} is this entry; it is filled"
        assert (await world.entry()).taken is None, "it is as it was asked for"
        await world.stop()

    in_world(day, tmp_path)


def test_an_incident_of_two_filled_orders_is_not_corrected_to_one_of_them(tmp_path: Path) -> None:
    """The next report would make it an incident again. What the broker shows is settled there."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ORDERS_TWIN)
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert (entry.state, fate_of(entry).filled, fate_of(entry).credit) == (OrderState.INCIDENT, 12, None)
        assert risk_of(entry) == 2 * entry.max_risk
        answer = await attest(world, entry.order_id or "", entry.id[:8])
        assert answer.endswith(
            f"12 contracts of this entry are filled, order {entry.order_id} has 6; settle that at the broker, then "
            "`senex reset incident`"
        )
        assert (await world.answer(CommandKind.RESET, "incident")).startswith("done")
        await world.clock.sleep(60)
        assert (await world.entry()).state is OrderState.INCIDENT
        assert not world.engine.breakers.is_open(BreakerKind.INCIDENT, ACCOUNT)
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("plan", ["immediate", "never"])
def test_an_order_of_other_legs_is_never_the_entrys_and_its_risk_is_unknown(tmp_path: Path, plan: str) -> None:
    """A leg is missing at the broker. Nobody's word makes a trident of it, and after a reset no entry is let through
    for as long as it works or is held."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ORDERS_LEG_MISSING, named="4")
        world.exchange.fill_plan = plan
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.INCIDENT
        answer = await attest(world, entry.order_id or "", entry.id)
        assert f"order {entry.order_id} is no whole number of this entry's tridents (asked Buy to Open 1" in answer
        assert (
            "the entry is incident and its risk unknown: settle it at the broker, then `senex reset incident`" in answer
        )
        entry = await world.entry()
        assert (entry.state, entry.taken, fill_credit(entry)) == (OrderState.INCIDENT, None, None)
        if plan == "immediate":
            fate = fate_of(entry)
            assert (risk_of(entry), fate.max_risk) == (None, None)
            assert "max risk unknown" in fate_words(fate)
            assert way_out(fate).endswith("corrects the record if that order is of whole tridents")
            assert entry_values(entry, ("max_risk",), world.day) == {"max_risk": None}
            await world.engine.tridents.check()
            [trident] = world.engine.tridents.held
            assert (trident.max_risk, trident.credit) == (None, None)
            await world.answer(CommandKind.RESET, "incident")
            told = await world.answer(CommandKind.PREVIEW)
            assert "would send nothing" in told
            assert f"the open risk is unknown: the {entry.underlying} entry of {world.day} has other legs" in told
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_of_twice_the_quantity_is_corrected_to_two_packages(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ORDERS_CHANGED_QUANTITY, named="2")
        world.exchange.fill_plan = "immediate"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.INCIDENT
        assert "it is filled" in await attest(world, entry.order_id or "", entry.id)
        two = await world.entry()
        credit = fill_credit(two)
        assert credit is not None
        assert two.limit <= credit < two.limit + Decimal("0.50"), "of one package"
        assert risk_of(two) == fate_of(two).max_risk == 2 * 100 * (2 * two.width - credit)
        assert fate_words(fate_of(two)) == f"FILLED {amounts.credit(credit)} in 2 packages"
        await world.stop()

    in_world(day, tmp_path)


# What is named on the screen

Prepare = Callable[[World], Awaitable[Entry]]


async def cancelled_there(world: World) -> Entry:
    entry = await working_entry(world)
    world.exchange.cancel(ACCOUNT, int(entry.order_id or ""), world.clock.now())
    await world.clock.sleep(20)
    return await world.entry()


async def incident(world: World) -> Entry:
    entry = await working_entry(world)
    await becomes_incident(world, entry)
    return await world.entry()


async def incident_without_breaker(world: World) -> Entry:
    entry = await incident(world)
    await world.answer(CommandKind.RESET, "incident")
    await world.clock.sleep(10)
    assert world.engine.breakers.open_now == ()
    return entry


async def of_an_earlier_day(world: World) -> Entry:
    entry = await unknown_entry(world)
    await world.crash()
    await world.until("09:30", "2026-03-03")
    await world.start()
    await world.clock.sleep(10)
    return entry


COMMAND = re.compile(r"`senex (attest|reset|allow-reentry|reconcile)((?: [^ `]+)*)`")
SETTLED = {OrderState.ABSENT, OrderState.WORKING, OrderState.FILLED, OrderState.CANCELLED}


@pytest.mark.parametrize(
    "prepare",
    [unknown_entry, of_an_earlier_day, cancelled_there, incident, incident_without_breaker],
    ids=lambda f: f.__name__,
)
def test_what_is_named_on_the_screen_leads_out(tmp_path: Path, prepare: Prepare) -> None:
    """Every command that the sentence names is taken, and after them the entry is settled and nothing bars its
    account that was not said."""

    async def day(world: World) -> None:
        entry = await prepare(world)
        open_now = {breaker.kind for breaker in world.engine.breakers.open_now}
        words = way_out(fate_of(entry), open_now)
        named = [(word, rest.split()) for word, rest in COMMAND.findall(words)]
        assert named, words
        for word, rest in named:
            if word == "attest" and rest[0] == "ORDER":
                continue  # there is none to name
            if word == "attest":
                answer = await attest(world, rest[0], rest[1])
            else:
                answer = await world.answer(CommandKind(word), *rest)
            assert answer.startswith("done"), answer
            await world.clock.sleep(10)
        found = await world.records.entries.get(entry.id)
        assert found.state in SETTLED
        assert world.engine.breakers.open_now == ()
        await world.clock.sleep(300)
        free = (await world.records.entries.get(entry.id)).holds_day is False
        assert free is (prepare is cancelled_there), "only the word about re-entry frees a day"
        await world.stop()

    in_world(day, tmp_path)
