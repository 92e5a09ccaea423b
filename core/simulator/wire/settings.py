"""The settings of a simulated broker, and its default login and account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.fault_plan import PlannedFault
from core.simulator.exchange.saved import SavedExchange


@dataclass(frozen=True, slots=True)
class Login:
    """An OAuth login. Logins with the same name reach the same accounts with different secrets."""

    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class SaveTo:
    """The file into which the state is written. `code` stands in it for the code that writes it."""

    path: Path
    code: str


DEFAULT_LOGIN = Login("secret-ok", "refresh-ok", "main")
DEFAULT_ACCOUNT = AccountSetup(
    number="5WT00001", nickname="Demo", login="main", cash=Decimal("25000.00"), options_level="No Restrictions"
)


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """The settings of one simulated broker. Raises ValueError for invalid values."""

    port: int = 0
    """TCP port; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen on. The control endpoints answer only clients on this machine, whatever the address."""
    seed: int = 7
    """The seed of all random numbers."""
    start: datetime | None = None
    """Market time at which the simulation begins, an aware datetime. None begins now."""
    speed: float = 1.0
    """Market seconds per wall second, 1..60 (rules 14)."""
    logins: tuple[Login, ...] = (DEFAULT_LOGIN,)
    accounts: tuple[AccountSetup, ...] = (DEFAULT_ACCOUNT,)
    access_token_seconds: float = 900.0
    """Lifetime of an access token, in wall seconds."""
    keepalive_seconds: float = 60.0
    """Wall seconds of a client's silence after which the feed closes. Its own keepalives come twice as often."""
    plan: tuple[PlannedFault, ...] = ()
    """Faults that are armed at set times."""
    state: SavedExchange | None = None
    """The state that the simulation goes on from; None begins anew. Its seed and accounts count then."""
    save_to: SaveTo | None = None
    """Where the state is written when it is asked for (POST /simulator/save); None refuses that."""
    ends_with_stdin: bool = False
    """Whether `run` ends with standard input, and so with the process that started the simulator."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port {self.port} is outside 0..65535; use 0 for a free one")
        if not 1.0 <= self.speed <= 60.0:
            raise ValueError(f"speed {self.speed:g} is outside 1..60 market seconds per second")
        if self.start is not None and self.start.tzinfo is None:
            raise ValueError(f"start {self.start.isoformat()} has no time zone; add one, for example -05:00")
        if self.state is not None and self.start is not None and self.state.at > self.start:
            raise ValueError(f"state of {self.state.at.isoformat()} is later than the start {self.start.isoformat()}")
        if self.access_token_seconds <= 0 or self.keepalive_seconds <= 0:
            raise ValueError("access_token_seconds and keepalive_seconds must be above 0")
        names = {login.name for login in self.logins}
        for account in self.accounts:
            for login in (account.login, *account.also):
                if login not in names:
                    raise ValueError(
                        f"account {account.number} belongs to login {login!r}, which is not among the logins"
                    )
