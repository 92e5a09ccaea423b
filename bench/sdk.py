"""The unmodified SDK, connected to a server on this machine."""

from __future__ import annotations

import ssl

import httpx2
from tastytrade import Session

SECRET, REFRESH = "secret-ok", "refresh-ok"


def bare_session(port: int) -> Session:
    """An SDK session whose requests all go to this port on this machine."""

    async def redirect(request: httpx2.Request) -> None:
        if request.url.host.endswith("tastyworks.com"):
            request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)

    return Session(
        SECRET,
        REFRESH,
        event_hooks={"request": [redirect]},
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
    )
