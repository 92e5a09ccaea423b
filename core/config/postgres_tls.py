"""How connections to PostgreSQL are protected: what `database.url` and the server's own variables ask for (rules 10).

The words are those of PostgreSQL's own programs (libpq): sslmode, sslrootcert, sslcert, sslkey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SYSTEM = "system"
"""In place of a file: the authorities that this machine trusts."""

_SAME = {"ssl": "sslmode"}  # as it was written for SQLAlchemy
_KNOWN = ("host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey")
_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


class AddressError(Exception):
    """The address asks for something that cannot be done. The text is one sentence that says what to write."""


@dataclass(frozen=True, slots=True)
class TlsWish:
    """`authority`, `certificate` and `key` are files, empty when none is named; `authority` may be SYSTEM."""

    mode: str
    authority: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def is_encrypted(self) -> bool:
        """Whether nothing is sent without TLS. Of `allow` and `prefer` the server decides."""
        return self.mode in MODES[3:]

    @property
    def is_checked(self) -> bool:
        """Whether a server without a certificate of a trusted authority is refused."""
        return self.mode in MODES[4:] or (self.mode == "require" and self.authority_file is not None)

    @property
    def authority_file(self) -> Path | None:
        """The file with the trusted authority: the one that is named, else libpq's own if it exists."""
        if self.authority:
            return None if self.authority == SYSTEM else Path(self.authority)
        return own_authority_file() if own_authority_file().exists() else None


def own_authority_file() -> Path:
    """The file that libpq uses when none is named."""
    return Path.home() / ".postgresql" / "root.crt"


def tls_of(address: str, environ: Mapping[str, str]) -> TlsWish:
    """What the address asks for, and where it says nothing, PGSSLMODE and its like.

    Raises AddressError for an option that is unknown, contradictory or would have no effect.
    """
    given: dict[str, str] = {}
    for name, values in parse_qs(urlsplit(address).query, keep_blank_values=True).items():
        option = _SAME.get(name, name)
        if option not in _KNOWN:
            raise AddressError(f"database.url has ?{name}=, which is not understood; known are {', '.join(_KNOWN)}")
        if option in _VARIABLES:
            if option in given or len(values) > 1:
                raise AddressError(f"database.url has {option} twice; write it once")
            given[option] = values[0]
    wanted = {option: given.get(option) or environ.get(name, "") for option, name in _VARIABLES.items()}
    authority = wanted["sslrootcert"]
    mode = wanted["sslmode"] or ("verify-full" if authority == SYSTEM else "prefer")
    if mode not in MODES:
        raise AddressError(f"sslmode is {mode} (database.url, PGSSLMODE); write one of {', '.join(MODES)}")
    if authority == SYSTEM and mode != "verify-full":
        raise AddressError(f"sslrootcert=system needs sslmode=verify-full, and sslmode is {mode}; correct database.url")
    if given.get("sslrootcert") and mode not in MODES[3:]:
        raise AddressError(
            f"database.url has sslrootcert, but sslmode {mode} checks no certificate; write sslmode=verify-full"
        )
    if bool(wanted["sslcert"]) != bool(wanted["sslkey"]):
        raise AddressError("database.url needs sslcert and sslkey together; write both or neither")
    if authority and authority != SYSTEM:
        authority = str(Path(authority).expanduser())
    files = (str(Path(wanted[name]).expanduser()) if wanted[name] else "" for name in ("sslcert", "sslkey"))
    return TlsWish(mode, authority, *files)


def hosts_of(address: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The hosts that the address names, else PGHOST; a socket by the path of its folder. None: the driver's own places,
    all on this machine."""
    parts = urlsplit(address)
    if parts.hostname:
        return (unquote(parts.hostname),)
    named = parse_qs(parts.query).get("host") or [environ.get("PGHOST", "")]
    return tuple(_without_port(host) for value in named for host in value.split(",") if host)


def is_socket(host: str) -> bool:
    return host.startswith("/")


def _without_port(host: str) -> str:
    if is_socket(host):
        return host
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, _ = host.rpartition(":")
    return name if colon and ":" not in name else host
