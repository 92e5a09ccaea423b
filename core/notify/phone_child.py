"""The process that sends one message through Apprise: an order on standard input, one answer on standard output.

The answer has no word of the service in it, only the number it answered with: a service may repeat a key.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from dataclasses import dataclass
from typing import Any

import requests
from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType, OverflowMode, PersistentStoreMode

from core.notify.mailer import MailFault
from core.runtime.clock import SystemClock

BODY_BYTES = 256 * 1024
"""So much of an answer is read; the rest is left unread."""
BODY_S = 5.0
MEMORY_BYTES = 2 * 1024**3
_THIS_MESSAGE = frozenset({400, 413, 414, 415, 422})
"""What services answer to a message that they do not take, while they may take another."""
_NO_ADDRESS = "is none that Apprise can use; look at its form in the list of Apprise's services"
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
    if service is not None and "overflow=" not in address:
        service.overflow_mode = OverflowMode.SPLIT  # a service that takes short messages gets several
    return service


def answer_to(order: dict[str, Any], seen: Seen) -> tuple[MailFault | None, str]:
    """Carries the order out: without a text it only looks whether the address can be used."""
    service = service_at(order["address"])
    if service is None:
        return MailFault.LOGIN_REFUSED, _NO_ADDRESS
    if "text" not in order:
        return None, str(service.service_name)
    took = service.notify(
        body=order["text"],
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


def main() -> None:
    """Ends with an answer on standard output; whoever started it may have ended meanwhile, so it ends itself too."""
    order = json.load(sys.stdin)
    signal.alarm(int(order["within_s"]) + 5)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the address is in its memory
    logging.disable(logging.CRITICAL)
    os.nice(10)
    fault, words = answer_to(order, watch_transport())
    os.write(1, json.dumps({"fault": fault and fault.name, "words": words}).encode())
    os._exit(0)  # threads of Apprise are not waited for


if __name__ == "__main__":
    main()
