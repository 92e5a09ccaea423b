"""Two traders as processes: started together on one database, on two data folders with one account, and one after the
other was stopped. There are never two traders and never two entries (rules 13.1, 13.4)."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from core.config.folders import account_locks
from core.locks.folder_lock import account_digest
from core.records.records import Records
from tests.core.locks.contender import Contender, contend
from tests.support.proofs import rounds
from tests.support.record_samples import ACCOUNT, url_of

pytestmark = pytest.mark.proof
ANSWER_WITHIN_S = 30
RECORDS = "records.sqlite3"
_processes = multiprocessing.get_context("forkserver")  # each starts from one that has everything imported
_processes.set_forkserver_preload(["tests.core.locks.contender"])


class Started:
    def __init__(self, who: Contender) -> None:
        self.who = who
        self._line, theirs = multiprocessing.Pipe()
        self._process: BaseProcess = _processes.Process(target=contend, args=(who, theirs), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def line(self) -> Connection:
        return self._line

    def tell(self) -> None:
        """Sends the command that it waits for: start, go on, or end."""
        self._line.send("go")

    def answer(self) -> tuple[str, str]:
        assert self._line.poll(ANSWER_WITHIN_S), f"{self.who.name} says nothing"
        said: tuple[str, str] = self._line.recv()
        return said

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> None:
        self.tell()
        self._process.join(ANSWER_WITHIN_S)
        assert self._process.exitcode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.join(ANSWER_WITHIN_S)
        self._line.close()


class Place:
    """The folders of one round, and the traders started in it."""

    def __init__(self, root: Path, empty_records: Path) -> None:
        self.root = root
        self._empty_records = empty_records
        self._orders = root / "orders"
        self._orders.touch()
        self.broker = f"the broker of {root}"
        """An address that no other test has: the account locks are in the one place of the user who runs the tests."""
        self._started: list[Started] = []

    @property
    def account_lock(self) -> Path:
        """The folder that is the lock of the account while somebody trades with it."""
        return account_locks() / account_digest(self.broker, ACCOUNT).hex()[:32]

    def start(self, name: str, data: str = "data", *, waits: str = "", **environment: str) -> Started:
        folder = self.root / data
        if not folder.exists():
            folder.mkdir()
            shutil.copy(self._empty_records, folder / RECORDS)
        started = Started(Contender(name, folder, self.broker, self._orders, waits, environment))
        self._started.append(started)
        return started

    def orders(self) -> list[str]:
        return self._orders.read_text(encoding="utf-8").split()

    def epoch(self, data: str = "data") -> int:
        with closing(sqlite3.connect(self.root / data / RECORDS)) as connection:
            return int(connection.execute("select epoch from engine").fetchone()[0])

    def dump(self) -> list[str]:
        with closing(sqlite3.connect(self.root / "data" / RECORDS)) as connection:
            return list(connection.iterdump())

    def kill_all(self) -> None:
        for started in self._started:
            started.kill()
        shutil.rmtree(self.account_lock, ignore_errors=True)  # a killed trader leaves its folder behind, unlocked


@pytest.fixture(scope="module")
def empty_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / RECORDS

    async def create() -> None:
        await (await Records.open(url_of(path))).close()

    asyncio.run(create())
    return path


@pytest.fixture
def places(tmp_path: Path, empty_records: Path) -> Iterator[Iterator[Place]]:
    """Returns a new place for each round, and clears away the one before."""
    current: list[Place] = []

    def each() -> Iterator[Place]:
        number = 0
        while True:
            root = tmp_path / str(number)
            root.mkdir()
            current.append(Place(root, empty_records))
            yield current[0]
            current.pop().kill_all()
            shutil.rmtree(root)
            number += 1

    yield each()
    for place in current:
        place.kill_all()


def together(*contenders: Started) -> dict[str, list[tuple[Started, str]]]:
    """Starts the traders at the same moment, and returns what each reported."""
    for each in contenders:
        each.tell()
    said: dict[str, list[tuple[Started, str]]] = {}
    for each in contenders:
        word, detail = each.answer()
        said.setdefault(word, []).append((each, detail))
    return said


def test_of_two_started_together_on_one_database_one_trades(places: Iterator[Place]) -> None:
    for _ in range(rounds(20, 500)):
        place = next(places)
        said = together(place.start("one"), place.start("two"))

        [(trader, _)], [(_, refusal)] = said["traded"], said["refused"]
        assert f"another senex (process {trader.pid}, demo) trades with the data folder" in refusal
        assert place.orders() == [trader.who.name]
        assert place.epoch() == 2, "the refused one opened the records, which fences the trader off"

        trader.end()
        assert list(together(place.start("three"))) == ["held"]
        assert place.orders() == [trader.who.name]


def test_of_two_started_together_on_two_data_folders_with_one_account_one_trades(places: Iterator[Place]) -> None:
    for _ in range(rounds(20, 500)):
        place = next(places)
        said = together(place.start("one", "data-1"), place.start("two", "data-2"))

        [(trader, _)], [(_, refusal)] = said["traded"], said["refused"]
        assert f"another senex (process {trader.pid}, demo) trades with account …0001 since" in refusal
        assert place.orders() == [trader.who.name]

        assert place.account_lock.is_dir()
        trader.end()
        assert not place.account_lock.exists(), "an account's lock leaves nothing behind"


@pytest.mark.parametrize("named", ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"])
def test_two_state_homes_are_one_account(places: Iterator[Place], named: str) -> None:
    """What a process is started with moves its data, never the place where this user's accounts are locked."""
    for _ in range(rounds(3, 100)):
        place = next(places)
        homes = [place.root / "home-1", place.root / "home-2"]
        for home in homes:
            home.mkdir()
        said = together(
            *(place.start(h.name, f"data of {h.name}", **{named: str(h)}) for h in homes),
        )

        [(trader, _)], [(_, refusal)] = said["traded"], said["refused"]
        assert f"another senex (process {trader.pid}, demo) trades with account …0001 since" in refusal
        assert place.orders() == [trader.who.name]
        trader.end()


@pytest.mark.parametrize("where", ["before sent", "before the wire", "after sent", "anywhere"])
def test_a_stopped_trader_keeps_others_out_until_it_is_killed(places: Iterator[Place], where: str) -> None:
    chance = random.Random(where)
    for _ in range(rounds(7, 167)):
        place = next(places)
        first = place.start("first", waits=where if where.startswith("before") else "")
        second, third = place.start("second"), place.start("third")
        first.tell()
        if where == "anywhere":
            time.sleep(chance.uniform(0, 0.06))
        else:
            assert first.answer()[0] == {"before sent": "prepared", "before the wire": "sent"}.get(where, "traded")
        first.signal(signal.SIGSTOP)
        [(word, [(_, detail)])] = together(second).items()

        if word == "traded":  # the first was stopped before it had a lock
            assert where == "anywhere"
            first.signal(signal.SIGCONT)
            assert first.answer()[0] == "refused"
            assert place.orders() == ["second"]
            continue
        assert word == "refused"
        assert f"process {first.pid}, demo" in detail or where == "anywhere"

        first.kill()
        [last] = together(third)
        # Whether the order of one that was recorded as sent arrived, its records cannot say: the day stays held.
        expected = {
            "before sent": (["third"], "traded"),
            "before the wire": ([], "held"),
            "after sent": (["first"], "held"),
        }
        assert where == "anywhere" or (place.orders(), last) == expected[where]
        assert len(place.orders()) <= 1


def test_a_trader_stopped_and_fenced_off_changes_nothing_when_it_goes_on(places: Iterator[Place]) -> None:
    """Its lock has failed, as it were: when it goes on, another process has the records."""

    async def take_over() -> None:
        await (await Records.open(url_of(place.root / "data" / RECORDS))).close()

    for _ in range(rounds(20, 500)):
        place = next(places)
        first = place.start("first", waits="before sent")
        first.tell()
        assert first.answer() == ("prepared", "first")
        first.signal(signal.SIGSTOP)
        asyncio.run(take_over())
        before = place.dump()

        first.tell()
        first.signal(signal.SIGCONT)

        word, detail = first.answer()
        assert word == "fenced"
        assert detail.endswith("was taken over by another console; this one changes nothing more and ends")
        assert place.dump() == before
        assert place.orders() == []
