"""The address of Redis, which carries quotes and the screen to watchers (rules 10). Without one nothing is
published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

FILES_OF_TLS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
"""The options that a TLS address may have after its `?`: paths, for one's own certificate authority."""
_LONGEST_NAME = 40


def _address(value: str) -> str:
    """A Redis address. One that redis-py would misread, or of which it would ignore a part, is refused."""
    parts = urlsplit(value)
    plain = value.isascii() and value.isprintable() and " " not in value and not parts.fragment
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not plain or not all(options.values()):
        raise ValueError("not an address")
    if parts.scheme == "unix":
        allowed, known = bool(parts.path), {"db"}
    else:
        database = parts.path.removeprefix("/")
        allowed = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
        allowed = allowed and (not database or database.isdecimal())
        known = set(FILES_OF_TLS) if parts.scheme == "rediss" else set()
    if not allowed or not set(options) <= known or not options.get("db", "0").isdecimal():
        raise ValueError("not the address of a Redis")
    return value


def _name(value: str) -> str:
    if not value or len(value) > _LONGEST_NAME or not all(part.isalnum() for part in value.split("-")):
        raise ValueError("not a name")
    return value


class RedisSettings(BaseModel):
    """The `[redis]` section. Redis is used when `url` is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        title="the address of a Redis, like rediss://USER:PASSWORD@redis.example.com:6379/0 (a / or @ in the password "
        "written as %2F or %40)",
        description="where quotes and the screen are published for `senex watch`; without it nothing is",
    )
    name: Annotated[str, AfterValidator(_name)] = Field(
        default="senex",
        title=f"at most {_LONGEST_NAME} letters, digits and single hyphens",
        description="first word of every key in Redis; two traders on one Redis need two names",
    )


def secrets_of(url: str | None) -> Iterator[str]:
    """The parts of the address that must never be shown: its password, as written and decoded."""
    password = urlsplit(url or "").password
    if password:
        yield from (password, unquote(password))


def shown_address(url: str) -> str:
    """The address in words for people: without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"the Redis at {parts.path}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"the Redis at {host}:{parts.port or 6379}"
