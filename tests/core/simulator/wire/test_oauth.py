"""Logging in at the simulated broker: grants, refusals, tokens that expire."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from tastytrade.utils import TastytradeError

from core.runtime.ids import SeededIds
from core.simulator.exchange.faults import FaultKind, FaultMatch
from core.simulator.wire.oauth import QUOTE_TOKEN_SECONDS, GrantRefused, TokenIssuer
from core.simulator.wire.settings import DEFAULT_LOGIN, Login
from tests.core.simulator.wire.simulated_server import broker, only_account


@pytest.mark.parametrize(
    "login", [Login("wrong", "refresh-ok", "main"), Login("secret-ok", "wrong", "main")], ids=["secret", "refresh"]
)
async def test_a_wrong_secret_or_refresh_token_is_refused_as_the_broker_does(login: Login) -> None:
    async with broker() as server, server.session(login) as session:
        with pytest.raises(TastytradeError, match="Grant revoked"):
            await session.refresh()
        body = {
            "grant_type": "refresh_token",
            "client_secret": login.client_secret,
            "refresh_token": login.refresh_token,
        }
        status, answer = await server.post("/oauth/token", body)
        assert (status, answer) == (400, {"error_code": "invalid_grant", "error_description": "Grant revoked"})


async def test_a_login_may_come_as_a_form() -> None:
    async with broker() as server, aiohttp.ClientSession() as client:
        form = {
            "grant_type": "refresh_token",
            "client_secret": DEFAULT_LOGIN.client_secret,
            "refresh_token": DEFAULT_LOGIN.refresh_token,
        }
        async with client.post(f"{server.url}/oauth/token", data=form) as response:
            assert response.status == 200
            token = (await response.json())["access_token"]
        assert (await server.get("/customers/me/accounts", token))[0] == 200
        async with client.post(f"{server.url}/oauth/token", data={**form, "client_secret": "no"}) as response:
            assert (response.status, (await response.json())["error_code"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "key"), [(None, "error"), ("standard", "error"), ("tasty", "error_code"), ("html", "<html>")]
)
@pytest.mark.parametrize("code", [None, 401, 403])
async def test_a_login_is_refused_in_the_form_asked_for(form: str | None, key: str, code: int | None) -> None:
    async with broker() as server:
        server.arm(FaultKind.OAUTH_REFUSED, code=code, match=FaultMatch(field=form))
        body = {"grant_type": "refresh_token", "client_secret": "secret-ok", "refresh_token": "refresh-ok"}
        status, answer = await server.post("/oauth/token", body)
        assert status == (code or 400)
        assert answer.startswith(key) if form == "html" else answer[key] == "invalid_grant"
        assert (await server.post("/oauth/token", body))[0] == 200


async def test_an_expired_access_token_is_invalid_until_refreshed() -> None:
    # The SDK refreshes by itself a minute before the end, so it is told a longer life than the token has.
    async with broker(access_token_seconds=0.2) as server, server.session() as session:
        await session.refresh()
        session.session_expiration += 900
        assert await session.validate()
        await asyncio.sleep(0.25)
        assert not await session.validate()
        with pytest.raises(TastytradeError, match="token_invalid"):
            await only_account(session)
        await session.refresh(force=True)
        assert await only_account(session)


async def test_revoked_tokens_end_at_once_and_a_revoked_grant_for_good() -> None:
    async with broker() as server, server.session() as session:
        await session.refresh()
        status, _ = await server.post("/simulator/tokens", None, method="DELETE")
        assert status == 200
        assert not await session.validate()
        await session.refresh(force=True)
        assert await session.validate()
        server.simulator.tokens.revoke_grant(DEFAULT_LOGIN.refresh_token)
        with pytest.raises(TastytradeError, match="Grant revoked"):
            await session.refresh(force=True)


def test_revoking_one_login_leaves_the_other() -> None:
    office = TokenIssuer([DEFAULT_LOGIN, Login("s", "r", "second")], 900, SeededIds(1))
    first, second = office.grant("secret-ok", "refresh-ok", 0), office.grant("s", "r", 0)
    office.revoke_access("main")
    assert office.login_of(first, 1) is None
    assert office.login_of(second, 1) == "second"


def test_tokens_live_as_long_as_promised() -> None:
    office = TokenIssuer([DEFAULT_LOGIN], 900, SeededIds(1))
    access, quote = office.grant("secret-ok", "refresh-ok", 0), office.quote_token("main", 0)
    assert office.login_of(access, 899.9) == "main"
    assert office.login_of(access, 900) is None
    assert office.quote_login_of(quote, QUOTE_TOKEN_SECONDS - 1) == "main"
    assert office.quote_login_of(quote, QUOTE_TOKEN_SECONDS) is None
    with pytest.raises(GrantRefused):
        office.grant("secret-ok", "r", 0)


def test_a_login_does_not_show_its_secrets() -> None:
    assert "secret-ok" not in repr(DEFAULT_LOGIN)
    assert "refresh-ok" not in repr(DEFAULT_LOGIN)
