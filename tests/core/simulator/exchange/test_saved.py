"""The saved state of a simulated broker: the broker goes on as if it had never ended; other files are refused."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import OrderChanges, OrderRefused, closing_order
from core.simulator.exchange.saved import (
    VERSION,
    SavedExchange,
    StateRefused,
    decoded,
    encoded,
    read_state,
    restored_market,
    write_state,
)
from core.simulator.market.market import Market
from tests.core.simulator.exchange.placed_orders import ONE, START, TEN, TWO, at_mid, credit, exchange, trident_legs
from tests.support.proofs import rounds

CODE = "0123456789abcdef"
EVERY = timedelta(minutes=13)
LAST = START + timedelta(days=7, hours=8)
"""Five sessions, of which one is a half day and one follows a holiday."""
STORED = Path(__file__).parent / "states"


def act(broker: Exchange, at: datetime) -> None:
    """What the traders of the account do at an instant: a matter of the instant alone."""
    chance = random.Random(at.timestamp())
    number = chance.choice((ONE, TWO))
    working = [order for order in broker.live_orders(number, at) if order.cancellable]
    kind = chance.choice(("mid", "mid", "rest", "good", "cancel", "replace", "close", "late", "odd", "plan"))
    try:
        if kind == "mid":
            broker.submit(number, at_mid(packages=chance.choice((1, 2)), at=TEN), at)
        elif kind in ("rest", "good"):
            legs = trident_legs(body=chance.choice((615, 622, 630)))
            broker.submit(number, credit(legs, "4.90", "GTC" if kind == "good" else "Day"), at)
        elif kind == "cancel" and working:
            broker.cancel(number, chance.choice(working).id, at)
        elif kind == "replace" and working:
            changes = OrderChanges("Day", "Limit", Decimal("4.80"), "Credit")
            broker.replace(number, chance.choice(working).id, changes, at)
        elif kind == "close" and (held := broker.positions(number, at)):
            broker.submit(number, closing_order(held[:4]), at)
        elif kind == "late":
            broker.submit_late(number, at_mid(at=TEN), at + timedelta(hours=chance.choice((1, 30))))
        elif kind == "odd":
            odd = Handling(revived_after=timedelta(minutes=40), forgotten_after=timedelta(days=2))
            broker.submit(number, at_mid(at=TEN), at, handling=odd)
        elif kind == "plan":
            broker.set_fill_plan(number, chance.choice((None, *(plan.value for plan in FillPlan))))
    except OrderRefused:
        pass  # as it would be in the other broker


def days(broker: Exchange, after: datetime, market: Market) -> Iterator[tuple[datetime, bytes]]:
    """Trades on from an instant, and gives the whole state at each night."""
    at = START + timedelta(minutes=40)
    while at < LAST:
        if at > after and market.is_open(at):
            act(broker, at)
        night = at.hour == 23 and at.minute < EVERY.seconds // 60
        if night and at > after:
            yield at, encoded(broker.saved(at))
        at += EVERY


@lru_cache(maxsize=1)
def straight_on() -> tuple[dict[datetime, bytes], dict[datetime, bytes]]:
    """The nights of a broker that was never ended, and its states at random instants between."""
    market = Market(7, START)
    broker = exchange("200000", market)
    chance = random.Random(15)
    # Most of them moments after something was asked, when it is on its way; the others when all rests.
    rounds_of_acts = [START + timedelta(minutes=40) + n * EVERY for n in range(700)]
    at_work = [at for at in rounds_of_acts if at < LAST - timedelta(hours=10) and market.is_open(at)]
    wanted = sorted(
        chance.choice(at_work) + timedelta(seconds=chance.choice((0.05, 0.1, 0.2, 0.4, 1.5, 60, 700)))
        for _ in range(rounds(6, 200))
    )
    nights, states, at = {}, {}, START + timedelta(minutes=40)
    while at < LAST:
        if market.is_open(at):
            act(broker, at)
        if at.hour == 23 and at.minute < EVERY.seconds // 60:
            nights[at] = encoded(broker.saved(at))
        while wanted and wanted[0] < at + EVERY:
            instant = wanted.pop(0)
            if instant > at:
                states[instant] = encoded(broker.saved(instant))
        at += EVERY
    return nights, states


@pytest.mark.proof
def test_a_broker_saved_at_any_instant_goes_on_as_one_that_never_ended() -> None:
    nights, states = straight_on()
    assert len(nights) >= 5
    assert any(len(json.loads(night)["book"]["entries"]) > 2 for night in nights.values())
    for instant, body in states.items():
        saved = decoded(body)
        market = restored_market(saved.market)
        broker = Exchange.restored(saved, market)
        assert encoded(broker.saved(instant)) == body
        for night, state in days(broker, instant, market):
            assert state == nights[night], f"saved at {instant}, differs at {night}"


def state() -> SavedExchange:
    """One with a filled, a resting and a refused order."""
    market = Market(7, START)
    broker = exchange("200000", market)
    market.halt("SPX", TEN, TEN + timedelta(minutes=5))
    broker.set_fill_plan(ONE, "immediate")
    broker.submit(ONE, at_mid(), TEN)
    broker.submit(TWO, credit(trident_legs(), "5.50", "GTC"), TEN)
    broker.submit_late(TWO, at_mid(), TEN + timedelta(days=1))
    return broker.saved(TEN + timedelta(minutes=1))


def test_a_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    write_state(path, state(), CODE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert encoded(read_state(path, CODE)) == encoded(state())


def test_a_torn_state_is_said_wherever_it_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    write_state(path, state(), CODE)
    whole = path.read_bytes()
    for end in range(0, len(whole), 64):
        path.write_bytes(whole[:end])
        with pytest.raises(StateRefused, match=r"is torn|is no state"):
            read_state(path, CODE)
    for at in range(0, len(whole), 64):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StateRefused):
            read_state(path, CODE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "senex-recording"}, "is no state of a simulated broker"),
        ({"version": VERSION + 1}, "was made by another version"),
        ({"code": "f" * 16}, "was made by another version"),
        ({"sha256": "0" * 64}, "is torn"),
        ({"body": {}}, "is torn"),
        ({"body": 3}, "is torn"),
        ({"version": "one"}, "is torn"),
    ],
)
def test_a_foreign_state_is_said(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = tmp_path / "simulator.json"
    write_state(path, state(), CODE)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(StateRefused, match=words):
        read_state(path, CODE)


@pytest.mark.parametrize("text", ["", "[]", "null", "\x00\x01", '{"a": 1}', "senex"])
def test_what_is_no_state_at_all_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(text)
    with pytest.raises(StateRefused, match="is no state of a simulated broker"):
        read_state(path, CODE)


def test_a_stored_state_of_this_version_is_read_whole() -> None:
    """A state that an earlier build of this version wrote. When this fails, the form has changed: raise VERSION, and
    write the new file with `write_state(STORED / "vN.json", state(), CODE)`."""
    stored = STORED / f"v{VERSION}.json"
    body = json.loads(stored.read_text())["body"]
    read = read_state(stored, CODE)
    assert json.loads(encoded(read)) == body, "a field is new, or gone"
    broker = Exchange.restored(read, restored_market(read.market))
    assert json.loads(encoded(broker.saved(read.at))) == body
