"""Records in PostgreSQL: how their address is written and read (SPEC 10). What speaks to it is `postgres_driver`.

Every mode has a schema of its own in the database that the settings name.
"""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url

DRIVER = "postgresql+asyncpg"
EXAMPLE = "postgresql+asyncpg://host/database"  # a user before the host would be masked as if it were a secret
_SCHEMA = "senex_schema"


def is_postgres(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def with_schema(url: URL, schema: str) -> URL:
    """The address of one mode's records within the database."""
    return url.update_query_dict({_SCHEMA: schema})


def schema_of(url: URL) -> str | None:
    """The schema an address names; None for the one the server chooses."""
    schema = url.query.get(_SCHEMA)
    return schema if isinstance(schema, str) else None


def store_name(url: URL) -> str:
    """How the store is called in sentences: no user, no password."""
    host = url.query.get("host") if url.host is None else url.host
    return f"the records database {url.database} at {host or 'this machine'}"


def store_name_of(address: str) -> str:
    """The same of an address as text."""
    return store_name(make_url(address))


def without_schema(url: URL) -> URL:
    """The address as the driver takes it."""
    return url.difference_update_query([_SCHEMA])
