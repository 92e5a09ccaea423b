"""The addresses of phones: the `[notify]` section, and the keyring when the section says so (rules 11, 13.7).

An address is one of Apprise, like `ntfy://TOPIC`. Nearly every part of it may be a key of its owner, so none is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from core.config.credentials import KEYRING_SERVICE, CredentialsError
from core.config.hosts import is_this_machine
from core.config.keyring_value import kept_value
from core.runtime.redaction import MASK, SHORTEST_KEY, redact

VARIABLE = "SENEX_NOTIFY__URLS"
KEYRING_NAME = "notify urls"
MOST = 8
_SCHEME = re.compile(r"[a-z][a-z0-9]{1,15}(?=://[^/?#])")
_OWN_SERVER = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "gotify", "gotifys"})
"""Schemes of which the part after `://` is a host, not a key."""


def _phone_address(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value or not _SCHEME.match(value):
        raise ValueError("not an address of Apprise")
    try:
        urlsplit(value)
    except ValueError:
        raise ValueError("not an address of Apprise") from None
    return value


def _listed(value: Any) -> Any:
    """The addresses as a list. In the environment and the keyring they stand with blanks between them."""
    return value.split() if isinstance(value, str) else value


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > MOST or len(set(value)) != len(value):
        raise ValueError("too many addresses, or one of them twice")
    return value


PhoneAddress = Annotated[str, AfterValidator(_phone_address)]
Addresses = Annotated[tuple[PhoneAddress, ...], BeforeValidator(_listed), AfterValidator(_each_once)]


class NotifySettings(BaseModel):
    """The `[notify]` section. Messages go to phones too when it has addresses, or says that the keyring has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: Addresses = Field(
        default=(),
        repr=False,  # which also keeps it out of the sentence about a wrong value
        title=f"a list of at most {MOST} addresses of Apprise, each once, like ntfy://TOPIC",
        description="phones that get the messages of the mail too; secret, so in SENEX_NOTIFY__URLS, or with "
        "notify.keyring in the keyring, or in a settings file of mode 0600",
    )
    keyring: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        title="true or false",
        description=f"take the addresses from the keyring: keyring set {KEYRING_SERVICE} '{KEYRING_NAME}'",
    )

    @property
    def is_on(self) -> bool:
        return bool(self.urls) or self.keyring


def find_addresses(settings: NotifySettings, *, environment_only: bool) -> tuple[str, ...]:
    """The addresses of the phones, those of the settings first; from here on none of them reaches an output.

    `environment_only` is for a simulated broker: such a run reads nothing from the keyring (rules 9). Raises
    CredentialsError when the settings name the keyring and it has none that can be used.
    """
    kept = _in_keyring() if settings.keyring and not environment_only else ()
    found = tuple(dict.fromkeys((*settings.urls, *kept)))
    redact.add(*secrets_of_addresses(found))
    return found


def secrets_of_addresses(addresses: tuple[str, ...]) -> Iterator[str]:
    """What must never be shown of the addresses: each whole, and its parts, as written and decoded.

    Short parts are left out: they may be ordinary words, like the name of a channel.
    """
    for address in addresses:
        parts = urlsplit(address)
        yield address
        yield from (part for part in (parts.password or "", unquote(parts.password or "")) if part)
        behind = parts.netloc.rpartition("@")[2]
        pieces = [parts.username or "", *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
        if parts.scheme not in _OWN_SERVER:
            pieces += [behind, *behind.split(":")]
        for piece in pieces:
            yield from (one for one in {piece, unquote(piece)} if len(one) >= SHORTEST_KEY)


def shown_address(address: str) -> str:
    """The address for people: its kind alone."""
    return f"{urlsplit(address).scheme}://{MASK}"


def is_local(address: str) -> bool:
    """Whether what is sent to the address stays on this machine, as far as its form tells."""
    parts = urlsplit(address)
    return parts.scheme in _OWN_SERVER and is_this_machine(parts.hostname or "")


def told_addresses(addresses: tuple[str, ...], *, demo: bool) -> tuple[str, ...]:
    """The addresses that a console tells, which are numbered in this order: a demo only those on this machine."""
    return tuple(address for address in addresses if not demo or is_local(address))


def addresses_words(settings: NotifySettings, *, environment_only: bool) -> str:
    """Where the addresses come from, in words for people; never any part of one but its kind."""
    if not settings.is_on:
        return "not used"
    try:
        found = find_addresses(settings, environment_only=environment_only)
    except CredentialsError as error:
        return str(error)
    return ", ".join(shown_address(address) for address in found) or "none: the keyring is not read with broker.url"


def _in_keyring() -> tuple[str, ...]:
    mend = f"store them with blanks between: keyring set {KEYRING_SERVICE} '{KEYRING_NAME}'"
    text = kept_value(KEYRING_NAME)
    if not text.split():
        raise CredentialsError(
            f"notify.keyring is true but the keyring gives no addresses, because it is locked or has none; {mend}"
        )
    redact.add(*text.split())
    try:
        return NotifySettings(urls=text).urls  # type: ignore[arg-type]  # split by the field itself
    except ValueError:
        raise CredentialsError(f"the addresses in the keyring are not all addresses of Apprise; {mend}") from None
