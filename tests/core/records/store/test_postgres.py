"""What differs on PostgreSQL: its settings, how writers take turns, and its error messages (rules 10, 13.7)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from core.records.records import DayHeld, Records, RecordsError
from core.records.store.database import Database
from tests.support.postgres_server import PASSWORD, USER, PostgresServer, name_in
from tests.support.record_samples import ACCOUNT, AT, CLOSES, DAY, entry

WRONG = "wrong-sample-password"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    made = postgres.new_database()
    yield made
    postgres.drop(made)


@pytest_asyncio.fixture
async def records(url: str) -> AsyncIterator[Records]:
    opened = await Records.open(url)
    yield opened
    await opened.close()


async def test_every_connection_commits_durably_and_notices_a_severed_network(url: str) -> None:
    database = Database(make_url(url), "the records")
    expected = {
        "synchronous_commit": "on",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "30s",
        "TimeZone": "UTC",
    }
    async with database.read() as reader, database.write() as writer:
        for connection in (reader, writer):
            for setting, value in expected.items():
                assert (await connection.exec_driver_sql(f"SHOW {setting}")).scalar_one() == value
        assert (await reader.exec_driver_sql("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        assert (await reader.exec_driver_sql("SHOW transaction_read_only")).scalar_one() == "on"
    await database.close()


async def test_writers_take_turns_and_a_reader_sees_one_moment(records: Records, url: str) -> None:
    other = Records(Database(make_url(url), "the records"), records.epoch)
    async with records.database.write() as connection:
        await connection.exec_driver_sql("SELECT 1")
        waiting = asyncio.ensure_future(other.entries.prepare(entry()))
        await asyncio.sleep(0.05)
        assert not waiting.done(), "the other waits for this commit"
    assert await waiting == entry()
    async with records.database.read() as view:
        before = (await view.exec_driver_sql("SELECT count(*) FROM entries")).scalar_one()
        await other.entries.prepare(entry("two", account="5WT00002"))
        assert (await view.exec_driver_sql("SELECT count(*) FROM entries")).scalar_one() == before
    await other.close()


async def test_of_many_that_prepare_one_day_at_once_one_holds_it(records: Records, url: str) -> None:
    others = [Records(Database(make_url(url), "the records"), records.epoch) for _ in range(5)]
    answers = await asyncio.gather(*(each.entries.prepare(entry(f"e{number}")) for number, each in enumerate(others)))
    assert [isinstance(answer, DayHeld) for answer in answers].count(False) == 1
    sent = await asyncio.gather(
        *(each.entries.mark_sent(f"e{n}", AT, epoch=records.epoch, closes=CLOSES) for n, each in enumerate(others))
    )
    assert sent.count(True) == 1
    for each in others:
        await each.close()


async def test_a_connection_cut_in_the_middle_of_a_write_leaves_nothing_half_done(
    postgres: PostgresServer, records: Records, url: str
) -> None:
    for number in range(8):
        call = asyncio.ensure_future(records.entries.prepare(entry(f"c{number}", account=f"5WT{number:05}")))
        await asyncio.sleep(0.0008 * number)
        postgres.sever(url)
        answer = (await asyncio.gather(call, return_exceptions=True))[0]
        assert isinstance(answer, RecordsError) or answer == entry(f"c{number}", account=f"5WT{number:05}")
        if isinstance(answer, RecordsError):
            assert "lost its connection" in str(answer)
        again = Records(Database(make_url(url), "the records"), records.epoch)
        found = await again.entries.by_identifier(f"senex-c{number}")
        assert found is not None or isinstance(answer, RecordsError)
        if found is not None:
            assert len(await again.entries.history(found.id)) == 1, "whole"
        await again.close()


async def test_a_failure_names_no_figure_of_the_statement(postgres: PostgresServer, records: Records, url: str) -> None:
    postgres.in_database(url, "DROP TABLE fills")
    await records.entries.of_day(DAY)  # nothing found, no fills asked for
    postgres.in_database(url, "ALTER TABLE entries RENAME TO recipes")
    with pytest.raises(RecordsError, match="was changed by another program") as failed:
        await records.entries.get(ACCOUNT)
    assert ACCOUNT not in str(failed.value)
    assert failed.value.__suppress_context__


async def test_text_is_ordered_by_its_bytes_as_in_a_file(postgres: PostgresServer, records: Records, url: str) -> None:
    kept = postgres.in_database(
        url,
        "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type = 'text' AND table_name <> 'alembic_version'",
    )
    assert [row["collation_name"] for row in kept] == ["C"]


async def test_a_schema_is_made_by_the_trader_and_never_by_a_watcher(url: str) -> None:
    named = f"{url}&senex_schema=senex_live"
    with pytest.raises(RecordsError, match="has no records in the schema senex_live yet; start the console once"):
        await Records.open(named, trader=False)
    first = await Records.open(named)
    await first.entries.prepare(entry())
    watcher = await Records.open(named, trader=False)
    assert await watcher.entries.of_day(DAY) == (entry(),)
    other = await Records.open(f"{url}&senex_schema=senex_demo")
    assert await other.entries.of_day(DAY) == (), "each mode has its own"
    for each in (first, watcher, other):
        await each.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("CREATE TABLE recipes (id integer)", "belongs to another program; name another database in database.url"),
        ("UPDATE alembic_version SET version_num = '9999'", "written by a newer version of senex"),
    ],
)
async def test_a_database_that_is_not_ours_is_refused_and_left_alone(
    postgres: PostgresServer, url: str, change: str, sentence: str
) -> None:
    if change.startswith("CREATE"):
        for table in ("alembic_version", "engine"):
            postgres.in_database(url, f"DROP TABLE {table}")
    postgres.in_database(url, change)
    before = postgres.dump(url)
    with pytest.raises(RecordsError, match=sentence):
        await Records.open(url)
    assert postgres.dump(url) == before


@pytest.fixture(scope="module")
def listening() -> Iterator[PostgresServer]:
    """Runs a PostgreSQL on a port, which asks for a password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = PostgresServer(port)
    yield server
    server.stop()


async def test_a_failure_to_connect_is_one_sentence_without_a_secret(
    listening: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    name = name_in(listening.new_database())
    at = f"127.0.0.1:{listening.port}"
    sentences = {
        f"postgresql+asyncpg://{USER}:{WRONG}@{at}/{name}": "refuses the login; check the user in database.url",
        f"postgresql+asyncpg://{USER}:{PASSWORD}@{at}/nowhere": "does not exist; create it with: createdb",
        f"postgresql+asyncpg://nobody:{WRONG}@{at}/{name}": "refuses the login",
        f"postgresql+asyncpg://{USER}:{WRONG}@127.0.0.1:1/{name}": "cannot be reached",
        f"postgresql+asyncpg://{USER}:{WRONG}@no-such-host.invalid/{name}": "cannot be found; check the host",
        f"postgresql+psycopg://{USER}:{WRONG}@{at}/{name}": "by asyncpg; write database.url like postgresql",
        f"mysql+aiomysql://{USER}:{WRONG}@{at}/{name}": "by asyncpg; write database.url like postgresql",
        f"postgresql+asyncpg://{USER}:{WRONG}@{at}": "write database.url like postgresql",
    }
    for url, sentence in sentences.items():
        with pytest.raises(RecordsError, match=sentence) as refused:
            await Records.open(url)
        assert WRONG not in str(refused.value)
        assert PASSWORD not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None
    await (await Records.open(f"postgresql+asyncpg://{USER}:{PASSWORD}@{at}/{name}")).close()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    await (await Records.open(f"postgresql+asyncpg://{USER}@{at}/{name}")).close()
