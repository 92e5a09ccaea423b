"""What the console is shown: frozen slices of one frozen snapshot, replaced whole (ARCHITECTURE 3).

Instants are aware UTC market time, to the second. Ages and durations are whole wall seconds, so that equal slices stay
equal between two pulls. Text from outside is plain text, never markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from core.domain.commands import CommandKind, CommandState
from core.domain.figures import SessionFigures
from core.domain.judgement import Judgement


class Mode(StrEnum):
    """SPEC 9."""

    DEMO = "demo"
    DRY_RUN = "dry-run"
    SANDBOX = "sandbox"
    LIVE = "live"


class EngineState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Automation(StrEnum):
    """The trading state (SPEC 9); reconciling refuses entries too."""

    RECONCILING = "reconciling"
    ACTIVE = "active"
    PAUSED = "paused"
    HALTED = "halted"


class Health(StrEnum):
    """One part's health, in a word."""

    STARTING = "starting"
    OK = "ok"
    TROUBLE = "trouble"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class PartHealth:
    """`detail` says what is wrong, or is empty."""

    health: Health
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StatusSlice:
    """The status bar. `now` is market time; `market` is a word: open, closed, before the open, unreadable.

    `mail` is None when it is off.
    """

    mode: Mode
    engine: EngineState
    now: datetime | None
    speed: float
    automation: Automation
    automation_detail: str
    feed: PartHealth
    feed_age_s: int | None
    broker: PartHealth
    records: PartHealth
    market: str
    next_slot: datetime | None
    accounts: str
    failure: str = ""
    open_alerts: int = 0
    mail: PartHealth | None = None


class Freshness(StrEnum):
    """SPEC 14: quiet after 10 s without an event while the feed is live; stale after 30 s or when it is not."""

    NONE = "none"
    LIVE = "live"
    QUIET = "quiet"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class QuoteSlice:
    """One underlying. `trail` holds recent prices, oldest first, for a one-row picture; `day_path` holds
    (seconds since the open, price) for the chart."""

    symbol: str
    price: Decimal | None
    change: Decimal | None
    change_percent: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    age_s: int | None
    freshness: Freshness
    day_low: Decimal | None = None
    day_high: Decimal | None = None
    trail: tuple[float, ...] = ()
    day_path: tuple[tuple[int, float], ...] = ()


class StepState(StrEnum):
    TODO = "to come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the cycle in the order of SPEC 4. `detail` is a short figure or the reason."""

    name: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CycleSlice:
    """The running cycle, or the last one. `number` counts cycles in the records; 0 means none yet.

    `newest` is the newest cycle's number in the records, also when it ran before this process began.
    """

    number: int
    slot: datetime | None
    forced: bool
    running: bool
    attempt: int
    max_attempts: int
    steps: tuple[StepView, ...]
    elapsed_s: int
    outcome: str
    reason_code: str
    reason: str
    previous: str
    next_slot_in_s: int | None
    newest: int = 0


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg as priced, or live while its subscription lasts."""

    role: str
    action: str
    strike: Decimal
    right: str
    quantity: int
    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal | None
    age_s: int | None


@dataclass(frozen=True, slots=True)
class SpreadSlice:
    """The trident being priced, or the last one priced. Credits per share, risks in $ per package.

    `live` is true while the leg quotes are still subscribed. `verdict` is a word: pricing, passed, refused,
    working, filled, validated. `utilization` is the part of the risk budget in use once filled (SPEC 7).
    """

    underlying: str
    expiration: date
    dte: int
    strikes: str
    body: Decimal
    width: Decimal
    legs: tuple[LegView, ...]
    live: bool
    natural: Decimal | None
    mid: Decimal | None
    limit: Decimal | None
    offset: Decimal | None
    floored: bool
    max_risk_natural: Decimal | None
    max_risk_mid: Decimal | None
    max_risk_limit: Decimal | None
    fill_credit: Decimal | None
    max_risk_fill: Decimal | None
    verdict: str
    reason: str
    utilization: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One underlying's part in one attempt. `result` is a word: PASS, RETRY (transient), REFUSED (terminal), NOW."""

    cycle: int
    attempt: int
    at: datetime
    underlying: str
    mid: Decimal | None
    natural: Decimal | None
    limit: Decimal | None
    result: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class BreakerView:
    """What stops entries now: `whom` is an account (masked), a login, or empty for all; `reset` says what ends it."""

    code: str
    whom: str
    why: str
    reset: str
    since: datetime


@dataclass(frozen=True, slots=True)
class FillView:
    """One fill record of one leg."""

    leg: str
    quantity: Decimal
    price: Decimal
    at: datetime


class Reentry(StrEnum):
    """Whether an operator's cancel closed the account's day (SPEC 9); once allowed, proof of no fill frees it."""

    NONE = ""
    CLOSED = "closed"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class OrderView:
    """One entry. `state` is ours, `broker_status` the broker's word; account is masked.

    `evidence` says, for an unknown entry, what was looked for so far and what comes next; `identifier` is what the
    order carries at the broker.
    """

    entry_id: str
    order_id: str
    account: str
    underlying: str
    expiration: date
    strikes: str
    limit: Decimal
    state: str
    broker_status: str
    filled_contracts: int
    total_contracts: int
    fill_credit: Decimal | None
    fills: tuple[FillView, ...]
    at: datetime
    age_s: int
    detail: str = ""
    evidence: str = ""
    identifier: str = ""
    reentry: Reentry = Reentry.NONE
    holds_day: bool = False


@dataclass(frozen=True, slots=True)
class PositionView:
    """One open trident. Credit and marks per share, P&L and max risk in $ per package, both from the fill; the marks
    are what closing costs. `age_s` and `freshness` are of the oldest leg's quote; account is masked."""

    entry_id: str
    account: str
    underlying: str
    expiration: date
    dte: int
    strikes: str
    credit: Decimal | None
    max_risk: Decimal
    break_even_below: Decimal | None
    break_even_above: Decimal | None
    price: Decimal | None
    mark_mid: Decimal | None
    mark_natural: Decimal | None
    profit_mid: Decimal | None
    profit_natural: Decimal | None
    age_s: int | None
    freshness: Freshness
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PositionsSlice:
    """The open tridents of all accounts, the nearest expiration first. `trouble` says what could not be read."""

    open: tuple[PositionView, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An open alert. `severity` is a word: critical or warning; `whom` is the account it is about (masked), or empty
    for all; `seen_by` who acknowledged it, empty while nobody did."""

    id: int
    code: str
    severity: str
    whom: str
    text: str
    since: datetime
    seen_by: str


class SlotState(StrEnum):
    TO_COME = "to come"
    NEXT = "next"
    RUNNING = "running"
    DONE = "done"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class SlotView:
    """One of today's slots (or a forced cycle between them). `outcome`: succeeded, skipped, failed, unknown, or ''."""

    at: datetime
    state: SlotState
    outcome: str
    reason: str
    forced: bool = False


class Level(StrEnum):
    INFO = "info"
    WARNING = "warn"
    CRITICAL = "crit"


@dataclass(frozen=True, slots=True)
class MessageView:
    """One line for the operator. `number` rises by one per message, so a watcher can tell what is new."""

    number: int
    at: datetime
    level: Level
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class CommandView:
    """A command sent from this console and what became of it."""

    id: str
    kind: CommandKind
    state: CommandState
    text: str


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting of an account: `name` is the word it is set by; `own` False where it is the settings file's."""

    name: str
    value: str
    own: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account some login reaches. `account` is masked; `target` is what a set_account command calls it.

    `token_valid` is None before its login was asked.
    """

    account: str
    target: str
    nickname: str
    kind: str
    is_closed: bool
    automation: bool
    login: str
    token_valid: bool | None
    is_primary: bool
    skips_today: bool
    settings: tuple[SettingView, ...]


@dataclass(frozen=True, slots=True)
class LoginView:
    """A login, and whether the broker takes its token: as asked at `checked_at`, and so since `changed_at`."""

    name: str
    is_valid: bool
    detail: str
    checked_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    status: StatusSlice
    quotes: tuple[QuoteSlice, ...] = ()
    cycle: CycleSlice | None = None
    spread: SpreadSlice | None = None
    judgements: tuple[Judgement, ...] = ()
    attempts: tuple[AttemptView, ...] = ()
    orders: tuple[OrderView, ...] = ()
    schedule: tuple[SlotView, ...] = ()
    messages: tuple[MessageView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    breakers: tuple[BreakerView, ...] = ()
    positions: PositionsSlice = PositionsSlice()
    alerts: tuple[AlertView, ...] = ()
    figures: SessionFigures | None = None
    accounts: tuple[AccountView, ...] = ()
    logins: tuple[LoginView, ...] = ()


class EngineClient(Protocol):
    """The console's only way to the engine. Every call returns at once and may be made from any thread."""

    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        ...

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        """Hands a command to the inbox and returns its id; watch `Snapshot.commands` for what became of it.

        `target` and `note` are as in `Command`: the entry's id for cancel and attest, what was seen at the broker; for
        set_account `AccountView.target` and the setting with its value, like `width 5` or `skip today`.
        """
        ...
