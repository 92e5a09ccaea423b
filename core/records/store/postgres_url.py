"""The address of records in PostgreSQL: how it is written and read (rules 10). `postgres_driver` connects to it.

Every mode has a schema of its own in the database that the settings name.
"""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url

DRIVER = "postgresql+asyncpg"
EXAMPLE = "postgresql+asyncpg://host/database"  # without a user: redaction masks what stands before an @
_SCHEMA = "senex_schema"
TLS_OPTIONS = ("ssl", "sslmode", "sslrootcert", "sslcert", "sslkey")


def is_postgres(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def with_schema(url: URL, schema: str) -> URL:
    """The address with the schema of one mode's records."""
    return url.update_query_dict({_SCHEMA: schema})


def schema_of(url: URL) -> str | None:
    """The schema that the address names; None when the server chooses it."""
    schema = url.query.get(_SCHEMA)
    return schema if isinstance(schema, str) else None


def store_name(url: URL) -> str:
    """How sentences name the store: without user and password."""
    host = url.query.get("host") if url.host is None else url.host
    return f"the records database {url.database} at {host or 'this machine'}"


def store_name_of(address: str) -> str:
    """`store_name` of an address given as text."""
    return store_name(make_url(address))


def without_schema(url: URL) -> URL:
    return url.difference_update_query([_SCHEMA])


def without_tls(url: URL) -> URL:
    """The address without the options about TLS, which the driver takes in another form."""
    return url.difference_update_query(TLS_OPTIONS)
