"""`senex db copy`, and how the other commands treat records in PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Event
from core.domain.orders.order_states import OrderState
from core.records.records import Records
from core.snapshot import Mode
from senex_tui.trader.place import Place
from tests.support.postgres_server import PostgresServer, name_in
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, SLOT, entry, fill, suggestion, url_of
from tests.support.senex_command import Box

SECRET = "sample-database-password"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    made = postgres.new_database()
    yield made
    postgres.drop(made)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


async def _filled(path: Path) -> None:
    records = await Records.open(url_of(path))
    await records.cycles.begin(DAY, SLOT, False, AT)
    await records.journal.append(*(Event(AT, "kind", f"text {n} …\0") for n in range(1_200)))
    await records.journal.record_suggestion(suggestion())
    await records.entries.prepare(entry())
    await records.entries.mark_sent("one", AT, epoch=records.epoch, closes=CLOSES)
    await records.entries.become("one", OrderState.WORKING, at=AT, order_id="42")
    await records.entries.add_fills("one", [fill("f1")])
    await records.inbox.post(Command("c1", CommandKind.PAUSE, "anna", AT))
    await records.trading.pause("anna", "lunch", AT)
    await records.close()


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_records_are_copied_whole_once_and_the_file_stays_as_it_was(box: Box, url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = data / "dry-run" / "records.sqlite3"
    asyncio.run(_filled(file))
    before = _dump(file)
    words = ("db", "copy", "--data-dir", str(data))
    done = box.run(*words, SENEX_DATABASE__URL=url)
    assert done.returncode == 0, done.stderr
    assert "events" in done.stdout
    assert "1,200" in done.stdout
    assert _dump(file) == before
    again = box.run(*words, SENEX_DATABASE__URL=url)
    assert again.returncode == 2
    assert "has records already" in again.stderr
    place = Place(Mode.DRY_RUN, file, data / "HALT", url)

    async def compare() -> None:
        old, new = await Records.open(url_of(file), trader=False), await Records.open(place.url)
        assert new.epoch > (await Records.open(url_of(file))).epoch
        for read in (
            lambda r: r.entries.of_day(DAY),
            lambda r: r.journal.newest(5),
            lambda r: r.entries.history("one"),
            lambda r: r.trading.read(),
            lambda r: r.inbox.newest(5),
            lambda r: r.journal.suggestions_of(ACCOUNT, DAY),
        ):
            assert repr(await read(old)) == repr(await read(new))
        await new.journal.append(Event(AT, "kind", "one more"))
        assert (await new.journal.newest(1))[0].text == "one more", "numbering goes on"
        await old.close()
        await new.close()

    asyncio.run(compare())


def test_a_backup_of_postgres_says_what_makes_one(box: Box, url: str) -> None:
    done = box.run("backup", SENEX_DATABASE__URL=url)
    assert done.returncode == 2
    assert "pg_dump -Fc --schema=senex_dry_run" in done.stderr


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("mysql://anna:{0}@host/db", "database.url must be the address of a PostgreSQL database"),
        ("postgresql+asyncpg:anna:{0}@host", "database.url must be the address of a PostgreSQL database"),
        ("postgresql+asyncpg://anna:{0}/x@127.0.0.1:1/db", "database.url"),
        ("postgresql+asyncpg://anna:{0}@127.0.0.1:1/db", "cannot be reached"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_its_password(box: Box, address: str, sentence: str) -> None:
    done = box.run("status", SENEX_DATABASE__URL=address.format(SECRET))
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for log in box.home.rglob("*.log"):
        assert SECRET not in log.read_text()


def test_settings_are_shown_without_the_password(box: Box) -> None:
    done = box.run("check", SENEX_DATABASE__URL=f"postgresql+asyncpg://anna:{SECRET}@db.example.com/senex")
    assert done.returncode == 0
    assert "db.example.com/senex" in done.stdout
    assert SECRET not in done.stdout


def test_a_pause_without_a_console_is_recorded_in_the_database(box: Box, url: str, postgres: PostgresServer) -> None:
    done = box.run("pause", "--why", "lunch", SENEX_DATABASE__URL=url)
    assert done.returncode == 0, done.stderr
    assert "no console is running; the next one starts paused" in done.stdout
    rows = postgres.in_database(url, "SELECT state, why FROM senex_dry_run.trading_state")
    assert [tuple(row) for row in rows] == [("paused", "lunch")]
    shown = box.run("status", SENEX_DATABASE__URL=url)
    assert shown.returncode == 0, shown.stderr
    assert "PAUSED" in shown.stdout
    assert name_in(url) in box.run("status", "--json", SENEX_DATABASE__URL=url).stdout


def test_the_doctor_looks_at_the_database(box: Box, url: str, tmp_path: Path) -> None:
    def rows(address: str) -> dict[str, str]:
        done = box.run("doctor", "--json", SENEX_DATABASE__URL=address)
        assert SECRET not in done.stdout + done.stderr
        return {row["name"]: f"{row['finding']} {row['found']}" for row in json.loads(done.stdout)["rows"]}

    assert rows(url)["records"].startswith("SKIP")
    place = Place(Mode.DRY_RUN, tmp_path / "records.sqlite3", tmp_path / "HALT", url)

    async def start_once() -> None:
        records = await Records.open(place.url)
        await records.close()

    asyncio.run(start_once())
    found = rows(url)
    assert found["records"].startswith("OK")
    assert found["lock"] == "OK free: no console trades with these records"
    gone = f"postgresql+asyncpg://ada:{SECRET}@127.0.0.1:1/senex"
    assert rows(gone)["records"].startswith("FAIL")
    assert rows(gone)["lock"].startswith("FAIL")
