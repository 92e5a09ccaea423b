"""The settings: their names, types, ranges and defaults. `core.config.loader` reads them.

Times of day are exchange time (America/New_York). Amounts are dollars per share unless the name says cents.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.config.exits import ExitSettings
from core.config.hosts import is_this_machine
from core.config.mail import MailSettings
from core.config.notify import NotifySettings
from core.config.redis import RedisSettings
from core.domain.market.sessions import SlotTimes
from core.domain.market.underlying import QQQ, SHIPPED, SPX, Underlying

FIRST_POSSIBLE_SLOT = time(9, 30)


def _number(value: Any) -> Any:
    """A number. Text, a boolean or a date is refused."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise ValueError("not a number")
    return value


def _real(value: Any) -> float:
    try:
        return float(_number(value))
    except OverflowError as too_large:
        raise ValueError("not a finite number") from too_large


def _time_of_day(value: Any) -> Any:
    if isinstance(value, str):
        value = time.fromisoformat(value)
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError("not a time of day")
    return value


def _instant(value: Any) -> Any:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return value


def _depth(value: Any) -> Any:
    """The depth of colour as text: 16 and 256 may be written without quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _key_map(value: Any) -> Any:
    """The keys by action. A key that is a digit arrives from the environment as a number."""
    if not isinstance(value, dict):
        raise ValueError("not a section")
    keys = {name: str(key) if type(key) is int else key for name, key in value.items()}
    if not all(isinstance(key, str) for key in keys.values()):
        raise ValueError("not a key")
    return keys


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _shipped(symbols: tuple[str, ...]) -> tuple[str, ...]:
    if not symbols or len(set(symbols)) != len(symbols) or not set(symbols) <= SHIPPED.keys():
        raise ValueError("unknown or repeated underlying")
    return symbols


def _loopback(value: str) -> str:
    """An address on this machine, rebuilt from its checked parts: no other parser can read a different host in it."""
    parts = urlsplit(value)
    host = parts.hostname or ""
    local = is_this_machine(host)
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and parts.path in ("", "/")
    if parts.scheme != "http" or not local or not plain or "\\" in value:
        raise ValueError("not a loopback address")
    port = "" if parts.port is None else f":{parts.port}"
    return f"http://{f'[{host}]' if ':' in host else host}{port}"


def _pinged(value: str) -> str:
    """An address to ping: https, or http on this machine, without user and password."""
    parts = urlsplit(value)
    host = parts.hostname or ""
    local = parts.scheme == "http" and is_this_machine(host)
    plain = not (parts.username or parts.password or parts.fragment) and value.isascii() and value.isprintable()
    if not host or not plain or " " in value or "\\" in value or not (local or parts.scheme == "https"):
        raise ValueError("not an https address")
    if parts.port == 0:
        raise ValueError("not a port")
    return value


def _database(value: str) -> str:
    """A PostgreSQL address.

    One that two parsers would read differently is refused: a part of its password would be taken for the host, or its
    host for another. The driver reports the rest when it connects.
    """
    parts = urlsplit(value)
    if parts.netloc.count("@") > 1 or "@" in parts.path + parts.query or "#" in value:
        raise ValueError("a password that is not escaped")
    if parts.hostname and "host" in parse_qs(parts.query):
        raise ValueError("two hosts")
    reached = parts.scheme == "postgresql+asyncpg" and (parts.netloc or "host=" in parts.query)
    if not reached or not parts.path.strip("/") or not value.isprintable() or " " in value:
        raise ValueError("not a database")
    if parts.port == 0:
        raise ValueError("not a port")
    return value


Amount = Annotated[Decimal, BeforeValidator(_number)]
Real = Annotated[float, BeforeValidator(_real), Field(allow_inf_nan=False)]
Step = Annotated[Amount, Field(gt=0, title="a number above 0", description="the body is rounded to this")]
WidthMultiple = Annotated[Amount, Field(gt=0, title="a number above 0", description="the width is rounded up to this")]
Whole = Annotated[int, Field(strict=True)]
Switch = Annotated[bool, Field(strict=True)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Symbols = Annotated[tuple[str, ...], BeforeValidator(_comma_separated), AfterValidator(_shipped)]
Loopback = Annotated[str, AfterValidator(_loopback)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Pinged = Annotated[str, AfterValidator(_pinged)]
KeyMap = Annotated[dict[str, str], BeforeValidator(_key_map)]


class Section(BaseModel):
    """A section of the settings: frozen, and unknown names are refused.

    A field's `title` completes the sentence "NAME must be ...".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(Section):
    url: Loopback | None = Field(
        default=None,
        title="the address of a broker on this machine, like http://127.0.0.1:8700: it would be handed your secrets, "
        "so only loopback is allowed",
        description="for tests: a simulated broker on this machine, to which orders are sent (mode "
        "demo); you do not need it",
    )
    sandbox: Switch = Field(
        default=False,
        title="true or false",
        description="true: use tastytrade's certification environment, without real money",
    )


class DatabaseSettings(Section):
    """Where the records are, when they are not in the data folder (rules 10)."""

    url: DatabaseUrl | None = Field(
        default=None,
        title="the address of a PostgreSQL database, like postgresql+asyncpg://host/database, its password in "
        "PGPASSWORD or ~/.pgpass (or in the address, with / @ ? # written as %2F %40 %3F %23)",
        description="a PostgreSQL database for the records, a schema for each mode. If not set, they "
        "are a file in the data folder",
    )


class TradingSettings(Section):
    live: Switch = Field(
        default=False,
        title="true or false",
        description="true: send real orders for real money; every command then needs --live too",
    )
    entry_offset_cents: Whole = Field(
        default=0,
        ge=0,
        le=25,
        title="a whole number from 0 to 25",
        description="how many cents the limit of an entry is below the mid; more cents fill sooner and earn less",
    )
    minimum_score: Amount = Field(
        default=Decimal(40),
        ge=0,
        le=145,
        title="a number from 0 to 145",
        description="the least score with which a market is traded; the score goes from 0 to 145",
    )
    width: Amount | None = Field(
        default=None,
        gt=0,
        le=100,
        title="a number above 0, at most 100",
        description="the distance to the bought strikes. If not set, the capital gives it: 3 below "
        "16,000 $, 5 below 36,000 $, up to 13 from 144,000 $",
    )
    tolerance: Amount = Field(
        default=Decimal("0.40"),
        gt=0,
        le=1,
        title="a number above 0, at most 1",
        description="the share of an account's capital that all its open tridents together may lose; 0.40 is 40 %",
    )
    position_limit: Whole = Field(
        default=10,
        ge=1,
        le=100,
        title="a whole number from 1 to 100",
        description="the most tridents that an account may hold open, QQQ and SPX together",
    )
    cancel_after_minutes: Whole | None = Field(
        default=None,
        ge=1,
        le=390,
        title="a whole number from 1 to 390",
        description="minutes in session after which an entry that has not filled is cancelled. If not "
        "set, it rests until the close",
    )
    follow_sessions: Whole = Field(
        default=5,
        ge=1,
        le=30,
        title="a whole number from 1 to 30",
        description="for how many sessions the broker is asked about an entry whose end was not seen",
    )
    stabilization_seconds: Real = Field(
        default=3.0,
        ge=0,
        lt=15,
        title="a number from 0 to below 15",
        description="seconds to wait for quotes before an entry is priced",
    )
    underlyings: Symbols = Field(
        default=("QQQ", "SPX"),
        title="a list of QQQ and SPX, each once",
        description="what may be traded; the second is tried when the first is refused",
    )


class ScheduleSettings(Section):
    first: TimeOfDay = Field(
        default=time(9, 45), title='a time like "09:45"', description="the first slot, in New York time"
    )
    last: TimeOfDay = Field(
        default=time(14, 45), title='a time like "14:45"', description="the last slot, in New York time"
    )
    interval_minutes: Whole = Field(
        default=15, ge=1, le=390, title="a whole number from 1 to 390", description="minutes between slots"
    )

    @model_validator(mode="after")
    def _in_order(self) -> ScheduleSettings:
        if self.first < FIRST_POSSIBLE_SLOT:
            raise ValueError(
                f"schedule.first must not be before the market opens at 09:30; {self.first:%H:%M} was given"
            )
        if self.last < self.first:
            raise ValueError(
                f"schedule.last must not be before schedule.first; {self.last:%H:%M} is before {self.first:%H:%M}"
            )
        return self

    @property
    def slot_times(self) -> SlotTimes:
        return SlotTimes(self.first, self.last, self.interval_minutes)


class ClockSettings(Section):
    start: Instant | None = Field(
        default=None,
        title="a date and time with its zone, like 2026-03-02T09:44:45-05:00",
        description="for tests: the market time to start at, with a simulated broker only",
    )
    speed: Real = Field(
        default=1.0,
        ge=1,
        le=60,
        title="a number from 1 to 60",
        description="for tests: how many market seconds pass in a second, with a simulated broker only",
    )


class ConsoleSettings(Section):
    refresh_hz: Annotated[Literal[1, 2, 4, 5, 10], BeforeValidator(_number)] = Field(
        default=4, title="1, 2, 4, 5 or 10", description="screen updates per second"
    )
    bell: Literal["off", "crit", "all"] = Field(
        default="crit", title='"off", "crit" or "all"', description="when the terminal bell rings"
    )
    mouse: Switch = Field(default=False, title="true or false", description="mouse in the console")
    theme: Literal["senex-dark", "senex-light", "senex-contrast", "ansi-dark", "ansi-light"] = Field(
        default="senex-dark",
        title='"senex-dark", "senex-light", "senex-contrast", "ansi-dark" or "ansi-light"',
        description="colours of the console; the ansi ones take the terminal's own",
    )
    colours: Annotated[Literal["auto", "16", "256", "true"], BeforeValidator(_depth)] = Field(
        default="auto", title='"auto", "16", "256" or "true"', description="how many colours the terminal is sent"
    )
    ascii: Switch = Field(
        default=False, title="true or false", description="only ASCII characters on the screen; also --ascii"
    )
    read_only: Switch = Field(
        default=False, title="true or false", description="watch only: no command is sent; also --read-only"
    )
    keys: KeyMap = Field(
        default_factory=dict,
        title='a section of actions and their keys, like [console.keys] and pause = "P" under it',
        description="other keys for actions, by the actions' names; see docs/keys.md",
    )


class PingSettings(Section):
    """The ping to a monitor elsewhere, which raises an alarm when the pings stop."""

    url: Pinged | None = Field(
        default=None,
        title="an https address, like https://hc-ping.com/your-id (http only on this machine), without a password",
        description="a monitor's address that is asked as long as the console runs; the monitor raises "
        "an alarm when that stops",
    )
    interval_seconds: Whole = Field(
        default=60, ge=10, le=3600, title="a whole number from 10 to 3600", description="seconds between two pings"
    )


class MetricsSettings(Section):
    port: Whole | None = Field(
        default=None,
        ge=1,
        le=65535,
        title="a whole number from 1 to 65535",
        description="port on which Prometheus may read figures, on this machine only. If not set, there is none",
    )


class RecordSettings(Section):
    """The recording of each day for `senex replay`."""

    keep_days: Whole = Field(
        default=30,
        ge=0,
        le=3650,
        title="a whole number from 0 to 3650",
        description="for how many days what the console showed is kept, for `senex replay`; 0 records nothing",
    )


class UnderlyingSettings(Section):
    """The step and the width multiple of an underlying's strikes (rules 2), in dollars."""

    step: Step
    width_multiple: WidthMultiple


class QqqSettings(UnderlyingSettings):
    step: Step = QQQ.step
    width_multiple: WidthMultiple = QQQ.width_multiple


class SpxSettings(UnderlyingSettings):
    step: Step = SPX.step
    width_multiple: WidthMultiple = SPX.width_multiple


class UnderlyingsSettings(Section):
    QQQ: QqqSettings = QqqSettings()
    SPX: SpxSettings = SpxSettings()


class Settings(Section):
    broker: BrokerSettings = BrokerSettings()
    database: DatabaseSettings = DatabaseSettings()
    trading: TradingSettings = TradingSettings()
    exits: ExitSettings = ExitSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    clock: ClockSettings = ClockSettings()
    console: ConsoleSettings = ConsoleSettings()
    mail: MailSettings = MailSettings()
    notify: NotifySettings = NotifySettings()
    ping: PingSettings = PingSettings()
    metrics: MetricsSettings = MetricsSettings()
    redis: RedisSettings = RedisSettings()
    record: RecordSettings = RecordSettings()
    underlyings: UnderlyingsSettings = UnderlyingsSettings()

    def underlying(self, symbol: str) -> Underlying:
        """The underlying with this user's step and width multiple. Raises KeyError for a symbol that is not shipped."""
        shipped = SHIPPED[symbol]
        chosen: UnderlyingSettings = getattr(self.underlyings, symbol)
        return replace(shipped, step=chosen.step, width_multiple=chosen.width_multiple)

    @property
    def preferred_underlyings(self) -> tuple[Underlying, ...]:
        """The underlyings a cycle tries, in order of preference."""
        return tuple(self.underlying(symbol) for symbol in self.trading.underlyings)
