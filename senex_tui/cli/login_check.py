"""Asks the broker whether it takes a login, and which accounts it reaches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.broker.port import BrokerAccount
    from core.config.settings import BrokerSettings


def accounts_reached(name: str, secret: str, refresh: str, at: BrokerSettings) -> list[BrokerAccount]:
    """The accounts the login reaches. Raises Refused when the broker does not take it."""
    from core.broker.port import BrokerError
    from core.broker.tastytrade import Login, TastytradeBroker
    from core.runtime.clock import SystemClock
    from core.runtime.ids import RandomIds

    async def ask() -> list[BrokerAccount]:
        login = Login(name, secret, refresh)
        broker = TastytradeBroker(login, SystemClock(), RandomIds(), base_url=at.url, is_test=at.sandbox)
        try:
            await broker.connect()
            return list(await broker.accounts())
        finally:
            await broker.close()

    try:
        return asyncio.run(ask())
    except BrokerError as error:
        raise Refused(f"login {name} is not kept: {error.fault.value}: {error.detail.rstrip('.')}.") from None


def accounts_words(accounts: list[BrokerAccount]) -> str:
    """The accounts, masked."""
    from core.domain.operation.events import masked

    return ", ".join(masked(account.number) for account in accounts) or "no account"
