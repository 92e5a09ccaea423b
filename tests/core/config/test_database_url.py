"""The address of the records' database: one that two parsers would read differently is refused."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from core.config.loader import SettingsError, load_settings
from core.config.postgres_tls import hosts_of

PASSWORD = "pa55-w0rd"


def taken(url: str) -> bool:
    try:
        return load_settings(None, {"SENEX_DATABASE__URL": url}).settings.database.url == url
    except SettingsError as refused:
        [sentence] = refused.sentences
        assert sentence.startswith("database.url must be the address of a PostgreSQL database, like postgresql+asyncpg")
        assert PASSWORD not in sentence
        return False


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+asyncpg://ada:{PASSWORD}/x?y@db.example.com/senex",
        f"postgresql+asyncpg://ada:{PASSWORD}@x@db.example.com/senex",
        f"postgresql+asyncpg://ada:x/{PASSWORD}@db.example.com/senex",
        f"postgresql+asyncpg://ada:{PASSWORD}#x@db.example.com/senex",
        "postgresql+asyncpg://localhost/senex?host=db.example.com",
    ],
)
def test_an_ambiguous_address_is_refused_without_its_password(url: str) -> None:
    assert not taken(url)


def test_an_escaped_password_and_a_socket_are_taken() -> None:
    assert taken("postgresql+asyncpg://ada:p%40%2F%3F%23@db.example.com:5433/senex?sslmode=verify-full")
    assert taken("postgresql+asyncpg://ada@/senex?host=/run/postgresql&port=5433")


@given(
    st.text(alphabet="ab:/?#@%[]&=.", max_size=8),
    st.sampled_from(["db.example.com", "localhost", "[::1]", "10.0.0.5:5433"]),
    st.sampled_from(["", "?sslmode=require", "?host=/run/postgresql", "?host=other.example.com"]),
)
@example("p?s", "localhost", "")
def test_what_is_taken_is_read_the_same_by_whoever_connects(password: str, host: str, query: str) -> None:
    url = f"postgresql+asyncpg://ada:{password}@{host}/senex{query}"
    try:
        settings = load_settings(None, {"SENEX_DATABASE__URL": url}).settings
    except SettingsError:
        return
    assert settings.database.url == url
    connects, parts = make_url(url), urlsplit(url)
    assert connects.password == unquote(parts.password or "")
    assert hosts_of(url, {}) == (connects.host,)
    assert connects.query == make_url(f"postgresql+asyncpg://h/x{query}").query
