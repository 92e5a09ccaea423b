"""The doctor's row about the phones that are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from senex_tui.doctor.doctor import Finding, Row

if TYPE_CHECKING:
    from core.config.settings import Settings

_WITHIN_S = 8.0


def phone_row(settings: Settings | None) -> Row:
    """Asks Apprise whether it can use each address, and whether each has one target; sends nothing. Addresses that the
    keyring should have and does not give are a WARN: the console starts without them."""
    from core.config.credentials import CredentialsError
    from core.config.notify import find_addresses, shown_address
    from core.notify.phone import phone_senders, unusable

    if settings is None or not settings.notify.is_on:
        return Row("phone", Finding.SKIP, "not used")
    try:
        addresses = find_addresses(settings.notify, environment_only=settings.broker.url is not None)
    except CredentialsError as error:
        found, _, todo = str(error).partition("; ")
        return Row("phone", Finding.WARN, f"{found}: no message reaches a phone of the keyring", todo)
    if not addresses:
        return Row("phone", Finding.SKIP, "not used: with broker.url the keyring is not read")
    bad = asyncio.run(unusable(phone_senders(addresses, whole_s=_WITHIN_S)))
    if bad:
        return Row("phone", Finding.WARN, bad, "mend notify.urls; trading goes on without it")
    kinds = ", ".join(shown_address(address) for address in addresses)
    return Row("phone", Finding.OK, f"{kinds}; nothing was sent, `senex notify test` does")
