"""What every way to the operator has in common: it takes a message, or says in a sentence why not (rules 11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


class MailFault(Enum):
    """Why a message was not taken."""

    NO_SERVER = "no server"
    """No connection, no answer in time, or an answer that is none of such a server."""
    NOT_NOW = "not now"
    """The server takes nothing for now: a 4xx of a mail server, whatever a phone's service says that is not below."""
    LOGIN_REFUSED = "login refused"
    REFUSED = "refused"
    """The server refused this very message, as a mail server does by 5xx; it may take others."""
    UNUSABLE = "cannot be used"
    """A setting or a secret that is needed to send is missing or wrong: no message can be sent until it is mended."""


class MailError(Exception):
    """The message was not taken, or may not have been. `detail` is a sentence without any secret."""

    def __init__(self, fault: MailFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to be sent. `message_id` is the same for every try, so that a mailbox recognises a second copy."""

    message_id: str
    subject: str
    text: str
    html: str
    at: datetime


class Mailer(Protocol):
    """A mail server or the service of a phone, as the engine needs it."""

    @property
    def server(self) -> str:
        """The name of the server or the service for people, without any secret."""
        ...

    async def send(self, mail: Mail) -> str:
        """Hands the message over and returns the answer. Raises MailError."""
        ...

    async def check(self) -> str:
        """Says what it is, once it is known that it can be used. Sends nothing. Raises MailError."""
        ...


class UnusableMailer:
    """A way to the operator whose password or address could not be found at the start, and why. Trading starts without
    it: what is due waits until a start finds what is missing."""

    def __init__(self, server: str, why: str) -> None:
        self.server = server
        self._why = why

    async def send(self, mail: Mail) -> str:
        raise MailError(MailFault.UNUSABLE, self._why)

    async def check(self) -> str:
        raise MailError(MailFault.UNUSABLE, self._why)
