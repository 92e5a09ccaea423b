"""The same seed gives the same day twice, byte for byte."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from core.simulator.exchange.faults import FaultKind
from tests.support.proofs import rounds
from tests.support.record_samples import KEPT_IN_POSTGRES
from tests.support.world import World, account, in_world

pytestmark = pytest.mark.usefixtures("store")


def _journal(folder: Path, seed: int, *, in_threads: bool = False) -> bytes:
    """Every recorded row of a morning with faults and two accounts."""

    async def morning(world: World) -> None:
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".*", seconds=38)
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path="/accounts", method="POST")
        world.broker.arm(FaultKind.ALERTS_DUPLICATED, count=3)
        await world.start()
        await world.until("10:01")
        await world.stop()

    folder.mkdir()
    in_world(morning, folder, seed=seed, accounts=[account("5WT00001"), account("5WT00002")], in_threads=in_threads)
    stored = KEPT_IN_POSTGRES.dump(folder / "records.sqlite3")
    if stored is not None:
        assert {"events", "entries", "fills", "cycles", "slots"} <= {row.partition(" ")[0] for row in stored}
        return "\n".join(stored).encode()
    with sqlite3.connect(folder / "records.sqlite3") as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables = sorted(name for name in names if not name.startswith(("sqlite_", "alembic")))
        assert {"events", "entries", "fills", "cycles", "slots"} <= set(tables)
        rows = [(name, database.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()) for name in tables]
    return repr(rows).encode()


@pytest.mark.parametrize("seed", (7, 21)[: rounds(1, 2)])
def test_the_same_seed_gives_the_same_records_byte_for_byte(tmp_path: Path, seed: int) -> None:
    first = _journal(tmp_path / "first", seed)
    assert first == _journal(tmp_path / "second", seed)
    assert first == _journal(tmp_path / "third", seed, in_threads=True), "threads change nothing"
    assert len(first) > 10_000


def test_another_seed_gives_another_day(tmp_path: Path) -> None:
    assert _journal(tmp_path / "one", 7) != _journal(tmp_path / "other", 8)
