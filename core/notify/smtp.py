"""Hands a message to the mail server, or says in one sentence why it could not (rules 11).

No wait is longer than its limit: a server that hangs holds up the sending task and nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from socket import gaierror

import aiosmtplib

from core.config.mail import MailSettings
from core.domain.operation.failures import failure_words
from core.notify.mailer import Mail, MailError, MailFault
from core.runtime.redaction import redact

STEP_S = 20.0
"""How long the server may take for one answer, in wall seconds."""
GOODBYE_S = 2.0
WHOLE_S = 60.0
"""How long one message may take, from connecting to the server's last answer, in wall seconds."""


class SmtpMailer:
    """A mail server over SMTP, with STARTTLS, TLS or neither, and one connection for each message.

    With TLS the server's certificate is verified, and the login is never sent without TLS. `tls` is for a certificate
    that the machine does not trust by itself.
    """

    def __init__(
        self,
        settings: MailSettings,
        password: str | None,
        *,
        tls: ssl.SSLContext | None = None,
        step_s: float = STEP_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        """Raises ValueError for settings without a server."""
        if settings.host is None or settings.sender is None or settings.operator is None:
            raise ValueError("a mailer needs mail.host, mail.sender and mail.operator")
        self._host, self._sender, self._operator = settings.host, settings.sender, settings.operator
        self._settings = settings
        self._password = password
        self._tls = tls
        self._step_s, self._whole_s = step_s, whole_s
        if password:
            redact.add(*_forms(settings.user, password))

    @property
    def server(self) -> str:
        return self._settings.server

    async def check(self) -> str:
        """The settings were complete when this was made. The server itself is first asked when a message is due."""
        return self.server

    async def send(self, mail: Mail) -> str:
        message = self.message(mail)
        security = self._settings.security
        if security != "none" and self._tls is None:
            # Reading the machine's certificates would block the engine's loop for too long.
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        client = aiosmtplib.SMTP(
            hostname=self._host.removeprefix("[").removesuffix("]"),
            port=self._settings.port_used,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            tls_context=self._tls,
            local_hostname=self._sender.rpartition("@")[2],
            timeout=self._step_s,
        )
        doing = "did not answer"
        try:
            async with asyncio.timeout(self._whole_s):
                await client.connect()
                if self._settings.user is not None:
                    doing = "did not answer the login"
                    await client.login(self._settings.user, self._password or "")
                doing = "did not say whether it took the message"
                _, answer = await client.send_message(message)
            with suppress(aiosmtplib.SMTPException, OSError):  # the server has the message, even if the goodbye fails
                await client.quit(timeout=GOODBYE_S)
            return redact(_one_line(answer))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._explained(error, doing) from None
        finally:
            if isinstance(client.transport, asyncio.WriteTransport):
                client.transport.abort()  # else a server that does not read keeps the connection for ever
            client.close()

    def message(self, mail: Mail) -> EmailMessage:
        """The message in the form it is sent. The same `mail` always gives the same Message-ID and date."""
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._sender
        message["To"] = self._operator
        message["Subject"] = _one_line(mail.subject)
        message["Date"] = format_datetime(mail.at)
        message["Message-ID"] = f"<{mail.message_id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # no out-of-office note comes back (RFC 3834)
        message.set_content(mail.text, cte="quoted-printable")
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        return message

    def _explained(self, error: Exception, doing: str) -> MailError:
        server = self._settings.server
        match error:
            case aiosmtplib.SMTPAuthenticationError():
                return self._refusal(error, f"{server} refused the login of {self._settings.user}")
            case aiosmtplib.SMTPRecipientsRefused(recipients=[first, *_]):
                return self._refusal(first, f"{server} refused {self._operator}")
            case aiosmtplib.SMTPSenderRefused():
                return self._refusal(error, f"{server} refused the sender {self._sender}")
            case aiosmtplib.SMTPConnectResponseError() | aiosmtplib.SMTPHeloError():
                return self._error(MailFault.NO_SERVER, f"{server} turned us away: {error.code} {error.message}")
            case aiosmtplib.SMTPResponseException():
                return self._refusal(error, f"{server} refused the message")
            case aiosmtplib.SMTPConnectTimeoutError():
                return self._error(MailFault.NO_SERVER, f"{server} did not answer in time")
            case TimeoutError():
                return self._error(MailFault.NO_SERVER, f"{server} {doing} in time")
            case ssl.SSLError():
                return self._error(MailFault.NO_SERVER, f"no protected connection to {server}: {_words(error)}")
            case aiosmtplib.SMTPConnectError():
                return self._error(MailFault.NO_SERVER, f"{server} cannot be reached: {_cause(error)}")
            case OSError():
                return self._error(MailFault.NO_SERVER, f"the connection to {server} broke: {_words(error)}")
        return self._error(MailFault.NO_SERVER, f"{server} cannot be used: {_words(error)}")

    def _refusal(self, answer: aiosmtplib.SMTPResponseException, what: str) -> MailError:
        fault = MailFault.REFUSED
        if isinstance(answer, aiosmtplib.SMTPAuthenticationError):
            fault = MailFault.LOGIN_REFUSED
        elif answer.code < 500:
            fault = MailFault.NOT_NOW
        return self._error(fault, f"{what}: {answer.code} {answer.message}")

    def _error(self, fault: MailFault, detail: str) -> MailError:
        return MailError(fault, redact(_one_line(detail)))


def _cause(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, gaierror | ssl.SSLError) and cause.errno is not None:
        return os.strerror(cause.errno).lower()
    return _words(cause or error)


def _words(error: BaseException) -> str:
    """What broke, for a person. Of an untrusted certificate also why, which names what to do."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_message:
        return f"{failure_words(error)} ({error.verify_message})"
    if isinstance(error, aiosmtplib.SMTPException) and str(error):
        return str(error)  # the library's sentences: "Connection lost", "SMTP STARTTLS extension not supported"
    return failure_words(error)


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _forms(user: str | None, password: str) -> tuple[str, ...]:
    """Every form in which a login sends the password, because a server may echo what it was sent."""
    return password, _base64(password), _base64(f"\0{user}\0{password}"), _base64(f"{user}\0{user}\0{password}")


def _base64(words: str) -> str:
    return base64.b64encode(words.encode()).decode()
