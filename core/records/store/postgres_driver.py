"""Connections to PostgreSQL, and sentences for their failures (rules 10).

Import it only where it is used: the driver is slow to load.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy.engine import URL

from core.records.store.errors import RecordsError
from core.records.store.postgres_protection import protection, why_not_protected
from core.records.store.postgres_url import EXAMPLE, schema_of, store_name, without_schema, without_tls
from core.records.store.uninterrupted import uninterrupted

T = TypeVar("T")

CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 20.0
"""Seconds that one statement may take, which is longer than any wait for a lock. Then the connection is given up."""

OLDEST_SERVER = 14

FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises when the server refuses, or is gone."""

_SETTINGS = {
    "application_name": "senex",
    "synchronous_commit": "on",  # an acknowledged commit is on the server's disk
    "lock_timeout": "10s",  # the wait for another writer's turn, as long as SQLite's busy timeout
    "idle_in_transaction_session_timeout": "30s",  # a process stopped within a write must not block the others
    "timezone": "UTC",
    # The server notices within about 11 s that our machine is gone, and then releases its locks. A trader stops sending
    # long before that (core.locks.postgres_lock).
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "11s",
}
# And we notice within 5 s that the server's machine is gone.
_OUR_KEEPALIVE = (
    ("TCP_KEEPIDLE", 2),
    ("TCP_KEEPINTVL", 1),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 5_000),
)


if TYPE_CHECKING:
    _Connection = asyncpg.Connection[Any]
else:
    _Connection = asyncpg.Connection


class UninterruptedConnection(_Connection):
    """A connection whose calls run to their end, also when their task is cancelled.

    `Database` delivers the cancellation later. Otherwise the driver would ask the server to cancel the statement, and
    nobody would know whether a commit was made.
    """

    async def prepare(self, *args: Any, **kwargs: Any) -> PreparedStatement[Any]:
        statement = await _run_to_end(super().prepare(*args, **kwargs))
        return cast("PreparedStatement[Any]", _Uninterrupted(statement))

    async def execute(self, *args: Any, **kwargs: Any) -> str:
        return await _run_to_end(super().execute(*args, **kwargs))

    async def executemany(self, *args: Any, **kwargs: Any) -> None:
        await _run_to_end(super().executemany(*args, **kwargs))

    async def reload_schema_state(self) -> None:
        await _run_to_end(super().reload_schema_state())


class _Uninterrupted:
    """The part of a prepared statement that SQLAlchemy uses; its calls run to their end too."""

    def __init__(self, statement: PreparedStatement[Any]) -> None:
        self._statement = statement
        self.get_attributes = statement.get_attributes
        self.get_statusmsg = statement.get_statusmsg

    async def fetch(self, *args: Any) -> list[Any]:
        return await _run_to_end(self._statement.fetch(*args))


async def _run_to_end(call: Coroutine[Any, Any, T]) -> T:
    """The result of the call, which runs to its end also when this task is cancelled."""
    return await uninterrupted(asyncio.ensure_future(call))


def engine_arguments(url: URL) -> tuple[URL, dict[str, Any]]:
    """The address and the options from which SQLAlchemy builds its engine. Raises RecordsError."""
    bare = without_schema(url)
    options = {"async_creator_fn": connect, "server_settings": _settings(url), **protection(bare, store_name(url))}
    return without_tls(bare), options


async def connect_to(url: URL, **more: Any) -> asyncpg.Connection[Any]:
    """A connection outside any pool. Raises RecordsError."""
    plain, options = engine_arguments(url)
    del options["async_creator_fn"]
    _, address = plain.get_dialect()().create_connect_args(plain)
    return await connect(**address, **options, name=store_name(url), **more)


async def connect(*_: Any, name: str = "", authority: str = "", **options: Any) -> asyncpg.Connection[Any]:
    """A connection that notices when the network is cut. Raises RecordsError with the fix, never with a password.

    `authority` names in sentences who vouches for the server.
    """
    name = name or f"the records database {options.get('database')} at {options.get('host') or 'this machine'}"
    try:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            **{"timeout": CONNECT_WITHIN_S, "command_timeout": ANSWER_WITHIN_S, **options},
            connection_class=UninterruptedConnection,
        )
    except (*FAILURES, ValueError) as failure:
        protected = why_not_protected(name, authority, failure) if isinstance(failure, OSError) else None
        raise RecordsError(protected or _why_not(name, failure)) from None
    version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        connection.terminate()
        raise RecordsError(f"{name} runs PostgreSQL {version}; use version {OLDEST_SERVER} or newer")
    _keep_alive(connection)
    return connection


async def prepare_schema(url: URL, *, create: bool) -> None:
    """Makes sure that the schema exists; creates it with `create`. Raises RecordsError."""
    name, schema = store_name(url), schema_of(url)
    if schema is None:
        return
    connection = await connect_to(url)
    try:
        if await connection.fetchval("SELECT to_regnamespace($1)::text", _quoted(schema)) is not None:
            return
        if not create:
            raise RecordsError(f"{name} has no records in the schema {schema} yet; start the console once")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(schema)}")
    except asyncpg.UniqueViolationError:  # another process has just created it
        return
    except FAILURES as failure:
        raise RecordsError(_why_not(name, failure)) from None
    finally:
        connection.terminate()


def _settings(url: URL) -> Mapping[str, str]:
    schema = schema_of(url)
    return _SETTINGS if schema is None else {**_SETTINGS, "search_path": _quoted(schema)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _keep_alive(connection: asyncpg.Connection[Any]) -> None:
    """Makes the socket notice within 5 s that the server's machine is gone."""
    raw = cast(Any, connection)._transport.get_extra_info("socket")
    if raw is None or raw.family not in (socket.AF_INET, socket.AF_INET6):
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _OUR_KEEPALIVE:
        if hasattr(socket, option):  # not on every system
            raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _why_not(name: str, failure: BaseException) -> str:
    """The sentence for a connection that could not be made.

    The driver's own words may quote the address, so none are used.
    """
    match failure:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return (
                f"{name} refuses the login; check the user in database.url, and its password in PGPASSWORD or ~/.pgpass"
            )
        case asyncpg.InvalidCatalogNameError():
            return f"{name} does not exist; create it with: createdb, or name another one in database.url"
        case asyncpg.InsufficientPrivilegeError():
            return f"{name} does not let this user work in it; grant it CONNECT and CREATE on the database"
        case asyncpg.TooManyConnectionsError():
            return f"{name} has no connection left; raise max_connections of the server, or end other programs"
        case asyncpg.CannotConnectNowError() | asyncpg.AdminShutdownError() | asyncpg.CrashShutdownError():
            return f"{name} is starting or stopping; wait a moment, then start again"
        case socket.gaierror():
            return f"{name} cannot be found; check the host in database.url"
        case TimeoutError():
            return f"{name} does not answer within {CONNECT_WITHIN_S:g} s; check the host, its port and the network"
        case OSError():
            why = failure.strerror or "no connection"
            return f"{name} cannot be reached ({why}); check that the server runs, and host and port in database.url"
        case asyncpg.PostgresError():
            return f"{name} says no ({failure.sqlstate}); check the server's log, and database.url"
    return f"{name} cannot be used with this address; write database.url like {EXAMPLE}"
