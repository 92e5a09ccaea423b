"""TLS to PostgreSQL as database.url asks for it: each mode against good and bad certificates (rules 10)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.config.postgres_tls import MODES, tls_of
from core.locks.folder_lock import AccountLocks
from core.locks.holder import Holder
from core.locks.postgres_lock import take_trader_lock, who_trades
from core.records.records import Records, RecordsError
from core.runtime.clock import SystemClock
from tests.support.certificate import certificate
from tests.support.postgres_server import PASSWORD, USER, PostgresServer, name_in
from tests.support.postgres_tls_front import TlsFront

WITH_CHECK = ("verify-ca", "verify-full")
ENCRYPTED = ("require", *WITH_CHECK)


@dataclass(frozen=True)
class Secured:
    """A server with a certificate for 127.0.0.1, which `authority` vouches for and `stranger` does not."""

    front: TlsFront
    database: str
    authority: Path
    with_key: Path
    stranger: Path

    def url(self, query: str, host: str = "127.0.0.1") -> str:
        at = f"{host}:{self.front.port}/{self.database}"
        return f"postgresql+asyncpg://{USER}:{PASSWORD}@{at}?senex_schema=senex_live{query}"

    def connections(self) -> set[str]:
        """How the connections since the last call came."""
        seen = set(self.front.connections)
        self.front.connections.clear()
        return seen


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = PostgresServer(port)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def secured(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    _, authority = certificate(ours)
    _, stranger = certificate(theirs)
    assert server.port is not None
    front = TlsFront(server.port, ours / "with_key.pem", clients=authority)
    yield Secured(front, name_in(server.new_database()), authority, ours / "with_key.pem", stranger)
    front.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without a root.crt, and no PGSSL variable."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


async def connected(secured: Secured, url: str) -> set[str]:
    """Opens the records, which uses both kinds of connections, and returns how they came."""
    secured.connections()
    await (await Records.open(url)).close()
    return secured.connections()


async def refused(url: str) -> str:
    with pytest.raises(RecordsError) as failure:
        await Records.open(url)
    assert PASSWORD not in str(failure.value)
    return str(failure.value)


@pytest.mark.parametrize("word", ["sslmode", "ssl"])
@pytest.mark.parametrize("mode", MODES)
async def test_a_good_certificate_is_taken_in_every_mode(secured: Secured, mode: str, word: str) -> None:
    root = f"&sslrootcert={secured.authority}" if mode in ENCRYPTED else ""
    how = await connected(secured, secured.url(f"&{word}={mode}{root}"))
    assert how == {"plain" if mode in ("disable", "allow") else "TLS"}


@pytest.mark.parametrize("mode", MODES)
async def test_a_certificate_for_another_name_is_refused_by_verify_full_alone(secured: Secured, mode: str) -> None:
    root = f"&sslrootcert={secured.authority}" if mode in ENCRYPTED else ""
    url = secured.url(f"&sslmode={mode}{root}", host="localhost")
    if mode == "verify-full":
        assert "at localhost has a certificate for another name; write the host in database.url" in await refused(url)
    else:
        assert await connected(secured, url)


@pytest.mark.parametrize("mode", ENCRYPTED)
@pytest.mark.parametrize("where", ["in the address", "in the home folder"])
async def test_a_certificate_of_an_unknown_authority_is_refused(
    secured: Secured, home: Path, mode: str, where: str
) -> None:
    root, named = "", str(secured.stranger)
    if where == "in the address":
        root = f"&sslrootcert={secured.stranger}"
    else:
        own = home / ".postgresql" / "root.crt"
        own.parent.mkdir()
        own.write_bytes(secured.stranger.read_bytes())
        named = str(own)
    said = await refused(secured.url(f"&sslmode={mode}{root}"))
    assert f"has a certificate that {named} does not vouch for (" in said


@pytest.mark.parametrize("mode", ENCRYPTED)
async def test_without_a_file_the_sentence_says_which_and_require_checks_nothing(
    secured: Secured, home: Path, mode: str
) -> None:
    url = secured.url(f"&sslmode={mode}")
    if mode == "require":
        assert await connected(secured, url) == {"TLS"}
        return
    assert (
        f": {mode} needs the authority that signed the server's certificate: put it into {home}/.postgresql/root.crt, "
        "or name it in database.url with &sslrootcert=FILE, or write &sslrootcert=system" in await refused(url)
    )


async def test_the_authority_in_the_home_folder_is_enough(secured: Secured, home: Path) -> None:
    (home / ".postgresql").mkdir()
    (home / ".postgresql" / "root.crt").write_bytes(secured.authority.read_bytes())
    assert await connected(secured, secured.url("&sslmode=verify-full")) == {"TLS"}


async def test_the_authorities_of_the_machine(secured: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has a certificate that this machine does not vouch for (" in await refused(
        secured.url("&sslrootcert=system")
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.authority))
    assert await connected(secured, secured.url("&sslrootcert=system")) == {"TLS"}
    assert "another name" in await refused(secured.url("&sslrootcert=system&sslmode=verify-full", host="localhost"))


async def test_what_the_servers_own_variables_ask_for_counts_where_the_address_says_nothing(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "verify-full needs the authority" in await refused(secured.url(""))
    monkeypatch.setenv("PGSSLROOTCERT", str(secured.authority))
    assert await connected(secured, secured.url("")) == {"TLS"}
    assert await connected(secured, secured.url("&sslmode=disable")) == {"plain"}


async def test_a_client_shows_its_own_certificate(secured: Secured) -> None:
    shown = f"&sslmode=verify-full&sslrootcert={secured.authority}&sslcert={secured.with_key}&sslkey={secured.with_key}"
    assert await connected(secured, secured.url(shown)) == {"TLS as server.test"}
    machine = f"&sslmode=require&sslcert={secured.with_key}&sslkey={secured.with_key}"
    assert await connected(secured, secured.url(machine)) == {"TLS as server.test"}


async def test_the_connections_of_the_lock_are_protected_too(secured: Secured, tmp_path: Path) -> None:
    good = secured.url(f"&sslmode=verify-full&sslrootcert={secured.authority}")
    clock = SystemClock()
    accounts = AccountLocks(tmp_path / "locks", "a broker", Holder.this_process("live", clock.now(), {}))
    secured.connections()
    lock = await take_trader_lock(good, accounts, "a broker", clock)
    try:
        assert secured.connections() == {"TLS"}
    finally:
        lock.release()
    bad = secured.url(f"&sslmode=verify-full&sslrootcert={secured.stranger}")
    with pytest.raises(RecordsError, match="does not vouch for"):
        await take_trader_lock(bad, accounts, "a broker", clock)
    with pytest.raises(RecordsError, match="does not vouch for"):
        await who_trades(bad)


async def test_a_server_without_tls(server: PostgresServer, secured: Secured) -> None:
    at = f"postgresql+asyncpg://{USER}:{PASSWORD}@127.0.0.1:{server.port}/{name_in(server.new_database())}"
    for query in (f"verify-full&sslrootcert={secured.authority}", "require"):
        assert "speaks no TLS; switch it on at the server (ssl = on)" in await refused(f"{at}?sslmode={query}")
    await (await Records.open(f"{at}?sslmode=prefer")).close()


@pytest.mark.parametrize("mode", [None, *MODES])
async def test_a_socket_needs_no_protection(postgres: PostgresServer, mode: str | None) -> None:
    url = postgres.new_database()
    await (await Records.open(f"{url}&sslmode={mode}" if mode else url)).close()
    postgres.drop(url)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("foo=1", "database.url has ?foo=, which is not understood; known are host, port, sslmode, sslrootcert"),
        ("command_timeout=1", "database.url has ?command_timeout=, which is not understood"),
        ("sslmode=always", "sslmode is always (database.url, PGSSLMODE); write one of disable, allow, prefer"),
        ("ssl=true", "sslmode is true"),
        ("ssl=require&sslmode=disable", "database.url has sslmode twice"),
        ("sslmode=require&sslmode=disable", "database.url has sslmode twice"),
        ("sslrootcert=/x", "database.url has sslrootcert, but sslmode prefer checks no certificate"),
        ("sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("sslmode=require&sslcert=/x", "database.url needs sslcert and sslkey together"),
        ("sslmode=verify-full&sslrootcert=/no/such", "the file /no/such of sslrootcert cannot be read (No such file"),
        ("sslmode=verify-full&sslrootcert=/dev/null", "the file /dev/null holds no certificate"),
        ("sslmode=require&sslcert=/no/such&sslkey=/x", "the file /no/such of sslcert cannot be read (No such file"),
        ("sslmode=require&sslcert=/dev/null&sslkey=/dev/null", "are no certificate with its key"),
    ],
)
async def test_an_option_that_is_not_understood_is_a_sentence(query: str, sentence: str) -> None:
    assert sentence in await refused(f"postgresql+asyncpg://{USER}:{PASSWORD}@127.0.0.1:1/x?{query}")


def test_a_tilde_is_the_home_folder(home: Path) -> None:
    wish = tls_of("postgresql+asyncpg://h/x?sslmode=verify-full&sslrootcert=~/ca.pem", {})
    assert (wish.authority, wish.is_encrypted, wish.is_checked) == (f"{home}/ca.pem", True, True)
