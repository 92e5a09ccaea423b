"""A client of a simulated broker in another process: sets faults at its control endpoint, reads orders over its
wire."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.support.senex_command import Box

ACCOUNT = "5WT00001"


class SimulatedBroker:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def environment(self, box: Box, **more: str) -> dict[str, str]:
        """The environment of a `senex` that uses this broker and waits only briefly for quotes."""
        return box.environment(
            SENEX_BROKER__URL=self.url,
            TT_SECRET="secret-ok",
            TT_REFRESH="refresh-ok",
            SENEX_TRADING__STABILIZATION_SECONDS="0.3",
            **more,
        )

    def trouble(self, kind: str, **fault: Any) -> None:
        self._ask("POST", "/simulator/faults", {"kind": kind, **fault})

    def fill_plan(self, plan: str) -> None:
        self._ask("POST", "/simulator/fill-plan", {"plan": plan})

    def orders(self) -> list[dict[str, Any]]:
        """Today's orders of the account, as the broker lists them."""
        login = {"grant_type": "refresh_token", "client_secret": "secret-ok", "refresh_token": "refresh-ok"}
        token = self._ask("POST", "/oauth/token", login)["access_token"]
        listed = self._ask("GET", f"/accounts/{ACCOUNT}/orders/live", None, f"Bearer {token}")
        return list(listed["data"]["items"])

    def _ask(self, method: str, path: str, body: object, token: str | None = None) -> Any:
        headers = {"Content-Type": "application/json", "User-Agent": "senex-tests/1.0"}
        if token is not None:
            headers["Authorization"] = token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")
