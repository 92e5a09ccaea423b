"""TLS to PostgreSQL: the driver's options for what `database.url` asks for, and sentences for its failures (rules 10).

Import it only where it is used, as `postgres_driver`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.engine import URL

from core.config.postgres_tls import SYSTEM, AddressError, TlsWish, hosts_of, is_socket, own_authority_file, tls_of
from core.records.store.errors import RecordsError


def protection(url: URL, name: str) -> Mapping[str, Any]:
    """The options that `postgres_driver.connect` needs for TLS. `url` is without the schema, `name` the store's.

    Raises RecordsError for an option that is not understood and for a file that cannot be read.
    """
    address = url.render_as_string(hide_password=False)
    hosts = hosts_of(address, os.environ)
    try:
        wish = tls_of(address, os.environ)
    except AddressError as wrong:
        raise RecordsError(str(wrong)) from None
    if hosts and all(map(is_socket, hosts)):
        return {"ssl": False}  # nothing leaves this machine
    _require_files(wish, name)
    authority = wish.authority or str(own_authority_file())
    if wish.authority == SYSTEM:
        context = ssl.create_default_context()
        if wish.certificate:
            _load_certificate(context, wish, name)
        return {"ssl": context, "authority": "this machine"}
    words = {
        "sslmode": wish.mode,
        "sslrootcert": wish.authority,
        "sslcert": wish.certificate,
        "sslkey": wish.key,
    }
    # The driver takes the files only in an address. What else is in an address it is given by name.
    return {"dsn": f"postgresql://?{urlencode({k: v for k, v in words.items() if v})}", "authority": authority}


def why_not_protected(name: str, authority: str, failure: OSError) -> str | None:
    """The sentence for a connection that TLS kept from being made; None when something else did."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        reason = failure.verify_message
        if "mismatch" in reason.lower():
            return (
                f"{name} has a certificate for another name; write the host in database.url as the certificate has it"
            )
        return (
            f"{name} has a certificate that {authority} does not vouch for ({reason}); name the authority that signed "
            "it with &sslrootcert=FILE in database.url"
        )
    if isinstance(failure, ssl.SSLError):
        reason = (failure.reason or str(failure)).replace("_", " ").lower()
        return f"no protected connection to {name} ({reason}); check sslmode and its files in database.url"
    if "rejected SSL upgrade" in str(failure):
        return f"{name} speaks no TLS; switch it on at the server (ssl = on), as sslmode in database.url asks for it"
    return None


def _require_files(wish: TlsWish, name: str) -> None:
    """Raises RecordsError for the first file that is needed and cannot be read."""
    if wish.mode.startswith("verify-") and not wish.authority and wish.authority_file is None:
        raise RecordsError(
            f"{name}: {wish.mode} needs the authority that signed the server's certificate: put it into "
            f"{own_authority_file()}, or name it in database.url with &sslrootcert=FILE, or write &sslrootcert=system"
        )
    named = {"sslcert": wish.certificate, "sslkey": wish.key}
    if wish.authority != SYSTEM and wish.is_encrypted:
        named["sslrootcert"] = wish.authority or str(wish.authority_file or "")
    for option, file in named.items():
        if not file:
            continue
        try:
            Path(file).read_bytes()
        except OSError as unreadable:
            raise RecordsError(
                f"{name}: the file {file} of {option} cannot be read ({unreadable.strerror}); correct its path in "
                "database.url"
            ) from None
    if named.get("sslrootcert"):
        try:
            ssl.create_default_context(cafile=named["sslrootcert"])
        except ssl.SSLError:
            raise RecordsError(
                f"{name}: the file {named['sslrootcert']} holds no certificate; put the authority's there, as PEM"
            ) from None
    if wish.certificate:
        _load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), wish, name)


def _load_certificate(context: ssl.SSLContext, wish: TlsWish, name: str) -> None:
    try:
        context.load_cert_chain(wish.certificate, wish.key, password=lambda: "")
    except ssl.SSLError:
        raise RecordsError(
            f"{name}: {wish.certificate} and {wish.key} are no certificate with its key; a key with a password cannot "
            "be used"
        ) from None
