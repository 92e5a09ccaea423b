"""What a simulated broker is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.faults import PlannedFault


@dataclass(frozen=True, slots=True)
class Login:
    """An OAuth login. Several entries with one name reach the same accounts with different secrets."""

    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    name: str


DEFAULT_LOGIN = Login("secret-ok", "refresh-ok", "main")
DEFAULT_ACCOUNT = AccountSetup(
    number="5WT00001", nickname="Demo", login="main", cash=Decimal("25000.00"), options_level="No Restrictions"
)


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Settings of one simulated broker. Raises ValueError for what cannot be run."""

    port: int = 0
    """TCP port; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen on; the control endpoint answers loopback peers only, whatever this is."""
    seed: int = 7
    """Everything that looks like chance comes from this number."""
    start: datetime | None = None
    """Market instant at which the world begins, aware; None begins now."""
    speed: float = 1.0
    """Market seconds per wall second, 1..60 (SPEC 14)."""
    logins: tuple[Login, ...] = (DEFAULT_LOGIN,)
    accounts: tuple[AccountSetup, ...] = (DEFAULT_ACCOUNT,)
    access_token_seconds: float = 900.0
    """Life of an access token, wall seconds."""
    keepalive_seconds: float = 60.0
    """Longest silence of a feed client before the feed closes it, wall seconds; the feed itself speaks twice in it."""
    plan: tuple[PlannedFault, ...] = ()
    """Faults that arm themselves."""
    ends_with_stdin: bool = False
    """`run` also ends when standard input does: the simulator dies with the process that started it."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port {self.port} is outside 0..65535; use 0 for a free one")
        if not 1.0 <= self.speed <= 60.0:
            raise ValueError(f"speed {self.speed:g} is outside 1..60 market seconds per second")
        if self.start is not None and self.start.tzinfo is None:
            raise ValueError(f"start {self.start.isoformat()} has no time zone; add one, for example -05:00")
        if self.access_token_seconds <= 0 or self.keepalive_seconds <= 0:
            raise ValueError("access_token_seconds and keepalive_seconds must be above 0")
        names = {login.name for login in self.logins}
        for account in self.accounts:
            for login in (account.login, *account.also):
                if login not in names:
                    raise ValueError(
                        f"account {account.number} belongs to login {login!r}, which is not among the logins"
                    )
