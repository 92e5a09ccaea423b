"""Sends one message through Apprise, and says what became of it. Only the process of `phone_child` loads this.

The answer has no word of the service in it, only the number it answered with: a service may repeat a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests
from apprise import (
    Apprise,
    AppriseAsset,
    NotifyBase,
    NotifyFormat,
    NotifyType,
    OverflowMode,
    PersistentStoreMode,
)

from core.notify.mailer import MailFault
from core.runtime.clock import SystemClock

BODY_BYTES = 256 * 1024
"""So much of an answer is read; the rest is left unread."""
BODY_S = 5.0
_THIS_MESSAGE = frozenset({400, 413, 414, 415, 422})
"""What services answer to a message that they do not take, while they may take another."""
_NO_ADDRESS = "is none that Apprise can use; look at its form in the list of Apprise's services"
_ONE_EACH = "notify.urls takes one target in an address: write an address for each"
"""When one target fails, the address is tried again: the others would get the message every time."""
_send = requests.Session.send


@dataclass(slots=True)
class Seen:
    """What the transport saw last: the number of the answer, or that there was none."""

    status: int | None = None
    broke: str = ""


def watch_transport() -> Seen:
    """Has every request of this process bounded and seen: Apprise itself tells only whether it worked."""
    seen = Seen()

    def bounded(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        seen.status, seen.broke = None, ""
        try:
            answer = _send(session, request, **kwargs | {"stream": True})
        except requests.ConnectTimeout:
            seen.broke = "did not answer in time"
            raise
        except requests.Timeout:
            seen.broke = "did not say in time whether it took the message"
            raise
        except requests.exceptions.SSLError:
            seen.broke = "has no certificate that this machine trusts"
            raise
        except requests.RequestException:
            seen.broke = "cannot be reached"
            raise
        seen.status = answer.status_code
        answer._content, answer._content_consumed = _beginning(answer), True
        return answer

    requests.Session.send = bounded  # type: ignore[assignment, method-assign]
    return seen


def _beginning(answer: requests.Response) -> bytes:
    """The beginning of the body. One that breaks off does not undo what the head of the answer said."""
    clock = SystemClock()
    until, read = clock.monotonic() + BODY_S, b""
    try:
        for part in answer.iter_content(16 * 1024):
            read += part
            if len(read) >= BODY_BYTES or clock.monotonic() > until:
                break
    except requests.RequestException:
        pass
    finally:
        answer.close()
    return read[:BODY_BYTES]


def service_at(address: str) -> NotifyBase | None:
    """The service that Apprise finds in the address; None for an address it cannot use.

    A redirection is not followed: the message would go to a host that nobody named. Nothing is kept on disk.
    """
    asset = AppriseAsset(app_id="Senex", storage_mode=PersistentStoreMode.MEMORY.value)
    asset.http_redirects = False
    service = Apprise.instantiate(address, asset=asset)
    if service is not None:
        # Parts would be sent again, all of them, when one of them fails. What is too long is cut in `fitting`.
        service.overflow_mode = OverflowMode.TRUNCATE
    return service


def targets_of(service: NotifyBase) -> int:
    """How many requests a message costs: for topics, chats or recipients that the service asks for one by one."""
    if type(service).__len__ is not NotifyBase.__len__:
        return len(service)
    named = (getattr(service, name, None) or () for name in ("targets", "channels", "users"))
    return max(1, sum(map(len, named)))  # a few services name several and count one


def fitting(service: NotifyBase, subject: str, text: str, ending: str) -> str:
    """The text, or as much of its beginning as one message of the service takes, with `ending` behind it."""
    fits, room = text, min(len(text), service.body_maxlen)
    while room > 1 and _parts(service, subject, fits) > 1:
        room = room * 19 // 20
        kept = text[: max(1, room - len(ending) - 1)]
        if not text[len(kept)].isspace():
            kept = re.sub(r"\S+\Z", "", kept) or kept  # no half word: half of an amount would be another amount
        fits = f"{kept.rstrip()}\n{ending}"
    return fits


def _parts(service: NotifyBase, subject: str, text: str) -> int:
    """How many messages Apprise would make of this: it counts the subject, and markup where the service has some."""
    counted: list[str] = []
    service.send = lambda body, **_: counted.append(body) or True  # type: ignore[func-returns-value, method-assign]
    service.overflow_mode = OverflowMode.SPLIT
    service.notify(body=text, title=subject, body_format=NotifyFormat.TEXT)
    del service.send
    service.overflow_mode = OverflowMode.TRUNCATE
    return len(counted)


def answer_to(order: dict[str, Any], service: NotifyBase | None, seen: Seen) -> tuple[MailFault | None, str]:
    """Carries the order out: without a text it only looks whether the address can be used."""
    if service is None:
        return MailFault.UNUSABLE, _NO_ADDRESS
    targets = targets_of(service)
    if targets > 1:
        return MailFault.UNUSABLE, f"names {targets} targets; {_ONE_EACH}"
    if "text" not in order:
        return None, str(service.service_name)
    took = service.notify(
        body=fitting(service, order["subject"], order["text"], order["ending"]),
        title=order["subject"],
        notify_type=kind_of(order["subject"]),
        body_format=NotifyFormat.TEXT,
    )
    if took:
        return None, f"{service.service_name} took it"
    return why_not(seen)


def kind_of(subject: str) -> NotifyType:
    """What the service may show by a colour, a sign or a sound."""
    if "ALARM:" in subject:
        return NotifyType.FAILURE
    return NotifyType.WARNING if "WARNING:" in subject else NotifyType.INFO


def why_not(seen: Seen) -> tuple[MailFault, str]:
    """The fault, from what the transport saw."""
    status = seen.status
    if seen.broke:
        return MailFault.NO_SERVER, seen.broke
    if status is None:
        return MailFault.NOT_NOW, "did not take the message"
    if status in _THIS_MESSAGE:
        return MailFault.REFUSED, f"refused the message: {status}"
    if status in (401, 403):
        return MailFault.LOGIN_REFUSED, f"refused the key in the address: {status}"
    if 300 <= status < 400:
        return MailFault.NOT_NOW, f"wants the message elsewhere, which is not followed: {status}"
    return MailFault.NOT_NOW, f"did not take the message: {status}"
