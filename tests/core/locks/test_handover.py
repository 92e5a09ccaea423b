"""Handover on a real PostgreSQL: a standby takes over from a trader that ends, is killed, is stopped or is cut off.
There are never two traders and never two entries (rules 10, 13.1, 13.4)."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.core.locks.server_contender import ServerContender, contend_on_server
from tests.support.postgres_server import OTHER_USER, PASSWORD, USER, PostgresServer, name_in
from tests.support.proofs import rounds

pytestmark = pytest.mark.proof
WITHIN_S = 30.0
_processes = multiprocessing.get_context("forkserver")  # each starts from one that has everything imported
_processes.set_forkserver_preload(["tests.core.locks.contender", "tests.core.locks.server_contender"])
TROUBLES = ("ends", "is killed", "is stopped for a while", "is cut off", "is stopped and cut off")


class Machine:
    """A contender in a process of its own, with its own account locks."""

    def __init__(self, name: str, url: str, root: Path, network: str = "") -> None:
        self.name = name
        self._line, theirs = multiprocessing.Pipe()
        who = ServerContender(name, url, root / name, root / "orders", network)
        self._process: BaseProcess = _processes.Process(target=contend_on_server, args=(who, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.said: list[tuple[str, str]] = []

    def tell(self) -> None:
        self._line.send("go")

    def listen(self, within_s: float = WITHIN_S) -> str | None:
        """The next word it reports; None when it reports nothing in that time or has ended."""
        try:
            if not self._line.poll(within_s):
                return None
            self.said.append(self._line.recv())
        except (EOFError, ConnectionError):
            return None
        return self.said[-1][0]

    def until(self, *words: str) -> str:
        while (word := self.listen()) not in words:
            assert word is not None, f"{self.name} never came to {words}: {self.said}"
        return word

    def signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def end(self) -> None:
        self._process.kill()
        self._process.join(WITHIN_S)
        self._line.close()


def play(postgres: PostgresServer, root: Path, trouble: str, chance: random.Random) -> None:
    """One round: a trader, a standby, and a failure at a random moment."""
    root.mkdir()
    (root / "orders").touch()
    url = postgres.new_database()
    # Only the first is cut off: the second can have the lock before the last connection of the first has ended.
    first, second = Machine("first", url, root), Machine("second", url.replace(f"{USER}@", f"{OTHER_USER}@"), root)
    try:
        first.tell()
        first.until("trader")
        second.tell()
        time.sleep(chance.uniform(0, 0.1))
        if trouble == "ends":
            first.tell()
        elif trouble == "is killed":
            first.signal(signal.SIGKILL)
        elif trouble == "is cut off":
            postgres.sever(url, USER)
        else:
            first.signal(signal.SIGSTOP)
            if trouble == "is stopped and cut off":
                postgres.sever(url, USER)
            else:
                assert second.listen(0.15) is None, "a stopped trader keeps the others out"
                first.signal(signal.SIGCONT)
                assert first.until("traded", "held") == "traded"
                first.tell()
        second.until("trader")
        second.until("traded", "held")
        if trouble == "is stopped and cut off":
            first.signal(signal.SIGCONT)
            first.until("lost", "stopped")
        orders = (root / "orders").read_text(encoding="utf-8").split()
        assert len(orders) <= 1, f"{orders} after the first {trouble}: {first.said} {second.said}"
        holding = postgres.in_database(url, "SELECT state FROM entries WHERE holds_day")
        assert len(holding) == 1
        epoch = postgres.in_database(url, "SELECT epoch FROM engine")[0]["epoch"]
        assert 1 <= epoch <= 2
    finally:
        for each in (first, second):
            each.end()
        postgres.drop(url)
        shutil.rmtree(root)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_standby_takes_over_and_there_is_one_entry(postgres: PostgresServer, tmp_path: Path, trouble: str) -> None:
    for number in range(rounds(2, 100)):
        play(postgres, tmp_path / str(number), trouble, random.Random(f"{trouble} {number}"))


HERE, THERE = "10.213.77.1", "10.213.77.2"


def _ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], check=False, capture_output=True).returncode == 0


@pytest.fixture
def network() -> Iterator[str]:
    """A network namespace connected to ours by the virtual cable `cable`; needs root and a kernel that allows it."""
    name, cable = f"senex{os.getpid()}", f"sx{os.getpid()}"
    made = (
        shutil.which("ip") is not None
        and _ip("netns", "add", name)
        and _ip("link", "add", cable, "type", "veth", "peer", "name", "box", "netns", name)
        and _ip("addr", "add", f"{HERE}/24", "dev", cable)
        and _ip("link", "set", cable, "up")
        and _ip("-n", name, "addr", "add", f"{THERE}/24", "dev", "box")
        and _ip("-n", name, "link", "set", "box", "up")
    )
    try:
        if not made:
            pytest.skip("a network namespace cannot be made here")
        yield name
    finally:
        _ip("link", "del", cable)
        _ip("netns", "del", name)


def test_a_severed_network_ends_the_trader_before_the_standby_takes_over(network: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind((HERE, 0))
        port = free.getsockname()[1]
    server = PostgresServer(port, HERE)
    try:
        for number in range(rounds(1, 20)):
            root = tmp_path / str(number)
            root.mkdir()
            (root / "orders").touch()
            url = server.new_database()
            over_the_network = f"postgresql+asyncpg://{USER}:{PASSWORD}@{HERE}:{port}/{name_in(url)}"
            first, second = Machine("first", over_the_network, root, network), Machine("second", url, root)
            try:
                first.tell()
                first.until("traded")
                second.tell()
                _ip("link", "set", network.replace("senex", "sx"), "down")
                began = time.monotonic()
                first.until("lost")
                assert time.monotonic() - began < 6
                assert second.listen(0) is None, "the first has stopped before the second begins"
                second.until("trader")
                assert second.until("traded", "held") == "held"
                assert (root / "orders").read_text(encoding="utf-8").split() == ["first"]
            finally:
                _ip("link", "set", network.replace("senex", "sx"), "up")
                first.end()
                second.end()
    finally:
        server.stop()
