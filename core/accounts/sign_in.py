"""Logs in, at most twice with credentials that the broker refuses, because it blocks repeated bad logins (rules 9)."""

from __future__ import annotations

from core.broker.port import BrokerError, BrokerFault, LoginAtBroker
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity
from core.guards.breakers import Breakers
from core.records.records import Records
from core.runtime.bus import Bus

REFUSED = "login.refused"
ACCEPTED = "login.accepted"
MAX_REFUSED = 2
_LOOK_BACK = 100


async def log_in(
    broker: LoginAtBroker, breakers: Breakers, records: Records, bus: Bus, *, refused_here: int = 0
) -> None:
    """Logs in. `refused_here` is how often in a row this process saw the login refused, so that the count survives any
    number of other events.

    Raises BrokerError; after two refusals it does so without asking the broker. Raises RecordsError.
    """
    if breakers.is_open(BreakerKind.LOGIN, broker.name):
        raise BrokerError(
            BrokerFault.LOGIN_REFUSED,
            f"login {broker.name} was refused {MAX_REFUSED} times and is not tried again; {BreakerKind.LOGIN.reset}",
        )
    refused_before = max(refused_here, await _refused_in_a_row(records, broker.name))
    try:
        await broker.connect()
    except BrokerError as error:
        if error.fault is BrokerFault.LOGIN_REFUSED:
            await tell_refused(bus, broker.name, error)
            if refused_before + 1 >= MAX_REFUSED:
                why = f"the broker refused login {broker.name} {MAX_REFUSED} times"
                await breakers.open(BreakerKind.LOGIN, broker.name, why)
        raise
    if refused_before:
        text = f"{broker.name}: the broker accepts the login again"
        await bus.say(ACCEPTED, text, figures=(("login", broker.name),))


async def tell_refused(bus: Bus, login: str, error: BrokerError) -> None:
    """Records that the broker refused the login. Refusals in a row are counted by this event. Raises RecordsError."""
    text = f"{login}: {error.detail}"
    await bus.say(REFUSED, text, Severity.WARNING, figures=(("login", login),))


async def _refused_in_a_row(records: Records, login: str) -> int:
    count = 0
    for event in await records.journal.newest(_LOOK_BACK):
        if event.kind in (REFUSED, ACCEPTED, "breaker.closed") and dict(event.figures).get("login", login) == login:
            if event.kind != REFUSED:
                break
            count += 1
    return count
