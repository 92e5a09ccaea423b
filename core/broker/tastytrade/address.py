"""Where requests go: to the broker's own servers over TLS, or to a server on this machine that stands in for them."""

from __future__ import annotations

import ipaddress

import httpx2

from core.broker.port import BrokerError, BrokerFault

BROKER_DOMAIN = ".tastyworks.com"


def local_address(base_url: str) -> httpx2.URL:
    """The address of a local server.

    Raises ValueError unless it is plain http on the loopback interface: the server receives the login's secrets.
    """
    url = httpx2.URL(base_url)
    if url.scheme != "http" or not is_loopback(url.host) or url.path not in ("", "/"):
        raise ValueError(f"broker address {base_url} must be http on this machine, for example http://127.0.0.1:8800")
    return url


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def routed(url: httpx2.URL, local: httpx2.URL | None) -> httpx2.URL:
    """The address a request to `url` is really sent to.

    Raises BrokerError(REFUSED) for one that must not receive a token.
    """
    if local is None:
        if url.scheme not in ("https", "wss"):
            raise BrokerError(BrokerFault.REFUSED, f"the address {url.host} is not encrypted")
        return url
    if url.host.endswith(BROKER_DOMAIN):
        scheme = "ws" if url.scheme in ("ws", "wss") else "http"
        return url.copy_with(scheme=scheme, host=local.host, port=local.port)
    if not is_loopback(url.host):
        raise BrokerError(
            BrokerFault.REFUSED,
            f"the local broker names a server elsewhere: {url.host}",
        )
    return url
