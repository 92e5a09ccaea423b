"""The mail settings: the server, the security of the connection, the sender and the recipient (rules 11).

The password is not a setting: it comes from the environment or the keyring (`core.config.mail_password`).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.config.hosts import is_this_machine
from core.domain.operation.mail_preference import MailPreference

Security = Literal["starttls", "tls", "none"]
PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


def _mail_address(value: str) -> str:
    """A bare mail address. Names, comments and everything else that a header allows are refused."""
    from email.errors import HeaderParseError  # deferred: without mail the first paint must not wait for them
    from email.headerregistry import Address

    try:
        parsed = Address(addr_spec=value)
    except (HeaderParseError, ValueError, IndexError):
        raise ValueError("not a mail address") from None
    if not parsed.username or not parsed.domain or parsed.addr_spec != value or not _is_plain(value):
        raise ValueError("not a mail address")
    return value


def _host(value: str) -> str:
    name = value.removeprefix("[").removesuffix("]")
    if not name or not _is_plain(name) or set(name) & set("/@[]\\") or (":" in name and not _is_address(name)):
        raise ValueError("not the name of a host")
    return name


def _page(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or not _is_plain(value):
        raise ValueError("not the address of a page")
    return value


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and not set(value) & set(' "<>')


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


MailAddress = Annotated[str, AfterValidator(_mail_address)]
Host = Annotated[str, AfterValidator(_host)]
Page = Annotated[str, AfterValidator(_page)]


class MailSettings(BaseModel):
    """The `[mail]` section. Mail is on when `host` is set; then `sender` and `operator` are needed too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Host | None = Field(
        default=None,
        title="the name or address of a mail server, like smtp.example.com",
        description="the SMTP server; without it no mail is sent",
    )
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = Field(
        default=None,
        title="a whole number from 1 to 65535",
        description="its port. If not set: 587, with tls 465, with none 25",
    )
    security: Security = Field(
        default="starttls", title='"starttls", "tls" or "none"', description="how the connection is protected"
    )
    user: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        title="the name to log in with",
        description="login at the mail server; its password comes from SENEX_MAIL_PASSWORD or the keyring",
    )
    sender: MailAddress | None = Field(
        default=None, title="an address like senex@example.com", description="whom the mail is from"
    )
    operator: MailAddress | None = Field(
        default=None, title="an address like me@example.com", description="whom the mail is for"
    )
    preference: MailPreference = Field(
        default=MailPreference.IMMEDIATE,
        title='"immediate", "daily", "weekly" or "never"',
        description="when messages of an account without its own preference are sent; alarms are always sent at once",
    )
    orders_url: Page = Field(
        default="https://my.tastytrade.com/",
        title="the address of a page, like https://my.tastytrade.com/",
        description="the broker's orders page, for the link in a mail",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_password(cls, given: Any) -> Any:
        if isinstance(given, dict) and "password" in given:
            raise ValueError(
                "mail.password has no place in the settings; set SENEX_MAIL_PASSWORD in the environment, or store it: "
                "`keyring set senex 'mail password'`"
            )
        return given

    @model_validator(mode="after")
    def _complete(self) -> MailSettings:
        if self.host is None:
            return self
        for name, value in (("sender", self.sender), ("operator", self.operator)):
            if value is None:
                raise ValueError(f"mail.{name} is needed with mail.host; give it an address like senex@example.com")
        if self.user is not None and self.security == "none" and not self.is_local:
            raise ValueError(
                f'mail.security = "none" would send the password of mail.user readable to {self.host}; '
                'use "starttls" or "tls"'
            )
        return self

    @property
    def is_on(self) -> bool:
        return self.host is not None

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return is_this_machine(self.host or "")

    @property
    def port_used(self) -> int:
        """The port: the setting, else the usual one for this security."""
        return self.port if self.port is not None else PORTS[self.security]

    @property
    def server(self) -> str:
        """The server and its security in words for people."""
        how = {"starttls": "STARTTLS", "tls": "TLS", "none": "no TLS"}[self.security]
        return f"{self.host}:{self.port_used} ({how})"
