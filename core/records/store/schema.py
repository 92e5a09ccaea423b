"""Brings a store to this version's schema, or says clearly why it must not be changed."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import bindparam, column, inspect, table, update
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from core.records.store.backup import keep_before_upgrade
from core.records.store.errors import OtherSchema, RecordsError
from core.runtime.clock import SystemClock

_MIGRATIONS = "core.records.store:migrations"  # named as a package: found the same way in a wheel and in a checkout
_VERSION_TABLE = "alembic_version"
_OUR_TABLE = "trading_state"
_PLAIN = update(table(_VERSION_TABLE, column("version_num"))).values(version_num=bindparam("revision"))

# Alembic keeps the running migration in globals, so two stores opened on one loop must take turns.
_migrating: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def newest_revision() -> str:
    """The schema revision that this version of the software writes."""
    return str(_scripts().get_current_head())


def recorded_revision(text: str) -> str:
    """The revision in what a store has as its version: a version with exits writes more beside it
    (`core.records.repositories.resting`)."""
    return text.partition(" ")[0]


def is_older(revision: str) -> bool:
    """Whether this version of the software can upgrade a store of this revision."""
    return revision != newest_revision() and revision in {script.revision for script in _scripts().walk_revisions()}


async def migrate(connection: AsyncConnection, name: str) -> None:
    """Applies the missing revisions within the connection's transaction. An SQLite file with records is copied first.

    Raises RecordsError for a database of another program or of a newer version, and when the copy fails. The store is
    then left as it was.
    """
    async with _migrating.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        revision = await connection.run_sync(_revision_of_ours, name)
        if revision == newest_revision():
            return
        url = connection.engine.url
        if revision is not None and url.get_backend_name() == "sqlite":
            # The copy uses a connection of its own and reads the last commit. This transaction has changed nothing yet.
            now = SystemClock().now()
            await asyncio.to_thread(keep_before_upgrade, Path(str(url.database)), newest_revision(), now)
        if revision is not None:
            await connection.execute(_PLAIN, {"revision": revision})  # alembic knows no text beside it
        await connection.run_sync(_upgrade)


async def require_current(connection: AsyncConnection, name: str) -> None:
    """Raises RecordsError unless the schema is current. For a watcher, which never changes it under the trader."""
    revision = await connection.run_sync(_revision_of_ours, name)
    if revision != newest_revision():
        raise OtherSchema(
            f"{name} has schema revision {revision or 'none'}, this version of senex needs {newest_revision()}; "
            "start the console of this version once to bring it up to date"
        )


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision_of_ours(connection: Connection, name: str) -> str | None:
    """The store's revision; None when it is empty. Raises RecordsError for a database that we must not change."""
    tables = set(inspect(connection).get_table_names())
    text = MigrationContext.configure(connection).get_current_revision() if _VERSION_TABLE in tables else None
    revision = None if text is None else recorded_revision(text)
    if (revision is None and tables - {_VERSION_TABLE}) or (revision is not None and _OUR_TABLE not in tables):
        raise RecordsError(f"{name} belongs to another program; {_elsewhere(connection)}")
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise OtherSchema(
            f"{name} has schema revision {text}, written by a newer version of senex; this version knows revisions "
            f"up to {newest_revision()}: install the newer version again, or {_other(connection)}"
        )
    return revision


def _elsewhere(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"move it away, or {_other(connection)}"
    return f"{_other(connection)}; nothing was changed in this one"


def _other(connection: Connection) -> str:
    return (
        "start with --data-dir DIR" if connection.dialect.name == "sqlite" else "name another database in database.url"
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return config


@cache  # cached: reading the revisions runs their modules
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
