"""A real SMTP server on a free port of this machine, which misbehaves as a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "senex-box", "Geheim/Wort=42"


@dataclass
class Mailbox:
    """The server's handler: keeps the messages it took, and has the answers to give. An empty answer means the usual
    one."""

    taken: list[EmailMessage] = field(default_factory=list)
    to_recipient: str = ""
    to_message: str = ""
    hangs_at_data: bool = False
    slow_s: float = 0.0
    drops_after_data: bool = False
    encrypted: list[bool] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipient:
            return self.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.hangs_at_data:
            await asyncio.Event().wait()
        await asyncio.sleep(self.slow_s)
        if self.to_message:
            return self.to_message
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.taken.append(parsed)
        self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None)
        if self.drops_after_data:
            server.transport.abort()
        return f"250 2.0.0 queued as {len(self.taken)}"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if not right:  # some servers say more than they should
            return AuthResult(success=False, handled=False, message=f"535 5.7.8 no: {data.password.decode()}")
        return AuthResult(success=True)


@asynccontextmanager
async def smtp_server(
    mailbox: Mailbox, *, port: int = 0, tls: ssl.SSLContext | None = None, starttls: bool = False, login: bool = False
) -> AsyncIterator[int]:
    """Runs a server and gives its port. With `tls` it speaks TLS from the first byte, or with `starttls` after
    STARTTLS."""
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            mailbox,
            hostname="post.test",
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            auth_required=login,
            auth_require_tls=tls is not None and starttls,
            authenticator=mailbox.authenticate if login else None,
            loop=loop,
        )

    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=None if starttls else tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Runs a server that accepts connections and never answers; gives its port."""
    connections: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in connections:
            writer.transport.abort()
