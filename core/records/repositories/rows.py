"""The values that the records return besides the domain's own. Instants are aware UTC; money is Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from core.domain.operation.account_settings import AccountField
from core.domain.operation.commands import Command, CommandState
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, IntentKind, OrderRequest
from core.domain.positions.exit_rules import OwnExits
from core.domain.positions.exits import Exit
from core.domain.positions.units import UnitName

TradingWord = Literal["active", "paused", "halted"]
SlotWord = Literal["claimed", "done", "missed", "interrupted"]
EvidenceKind = Literal["listing", "attestation", "positions", "answer", "missing", "listened"]
"""What evidence is. "missing": a complete look without the order, and the broker's own word that it knows none. It is
not `complete` when it came too early to count. "listened": the alert stream told nothing of an order that was refused
at once, from before it left until some time after."""


@dataclass(frozen=True, slots=True)
class TradingState:
    """Whether entries are allowed, and who said so, when and why. `at` is None before anybody did (rules 9)."""

    state: TradingWord
    who: str
    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """One slot of a session day. `outcome` and the reason are empty while there are none."""

    day: date
    slot: datetime
    state: SlotWord
    cycle: int | None
    outcome: str
    reason_code: str
    reason_text: str


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """One cycle. `ended_at` is None while it runs. `totals` counts accounts by outcome (rules 4.4)."""

    number: int
    day: date
    slot: datetime | None
    forced: bool
    began_at: datetime
    ended_at: datetime | None
    outcome: str
    reason_code: str
    reason_text: str
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SuggestionRecord:
    """A priced trident with its evidence. Credits, `body`, `width` and `offset` are per share, `max_risk` is in $.

    `limit` and `offset` are None when it was refused before its entry price. `evidence` has values that
    `core.records.store.json_text` can write; sequences are read back as tuples.
    """

    id: str
    cycle: int
    attempt: int
    account: str
    session_day: date
    at: datetime
    underlying: str
    expiration: date
    strikes: str
    body: Decimal
    width: Decimal
    natural: Decimal
    mid: Decimal
    limit: Decimal | None
    offset: Decimal | None
    max_risk: Decimal
    evidence: Mapping[str, object]
    validated: bool = False


@dataclass(frozen=True, slots=True)
class DryRunRecord:
    """The broker's answer to the dry run of a suggestion's order (rules 9). Amounts are in $; a fee is positive.

    `warnings` are the broker's, as (code, message).
    """

    suggestion_id: str
    at: datetime
    buying_power_change: Decimal
    new_buying_power: Decimal
    fees: Decimal | None
    warnings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DayHeld:
    """The database refused a second entry: `existing` holds the account's day."""

    existing: Entry


@dataclass(frozen=True, slots=True)
class Claimed:
    """The records refused an exit: `unit` may get none now. `holder` is the exit that holds it, None where the unit or
    its trident is not one to close; `why` says so in words."""

    unit: UnitName
    holder: Exit | None
    why: str


@dataclass(frozen=True, slots=True)
class IntentChange:
    """One state that an intent went through. `request` is set for the first, when it was prepared."""

    state: OrderState
    holds_day: bool
    at: datetime
    order_id: str | None
    broker_status: str | None
    detail: str
    request: OrderRequest | None


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """What `who` (the engine or an operator) saw of an intent, and whether they saw everything (rules 9).

    `detail` has values that `core.records.store.json_text` can write; sequences are read back as tuples.
    """

    kind: EvidenceKind
    who: str
    complete: bool
    detail: Mapping[str, object]
    at: datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """How the intents of an account stand that are followed at the broker: whether one may change by itself now, and
    when such intents were last sent or ended, aware UTC. They are of one kind."""

    account: str
    kind: IntentKind
    may_change: bool
    newest: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A command and what became of it. `finished_at` is None while it is pending."""

    command: Command
    state: CommandState
    text: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account and the operator's settings for it. None means the default of the settings file.

    `login` is the login that reaches it. `width` is in dollars per share, `tolerance` a fraction of capital, `mail` a
    value of MailPreference, `skip_day` the session date on which it makes no entry. `exits_first_wait`: its first
    targets wait until its operator says once more that exits are on.
    """

    number: str
    nickname: str
    kind: str
    is_closed: bool
    login: str
    enabled: bool
    offset_cents: int | None
    width: Decimal | None
    tolerance: Decimal | None
    position_limit: int | None
    mail: str | None = None
    is_primary: bool = False
    skip_day: date | None = None
    exits: OwnExits = field(default_factory=OwnExits)
    exits_first_wait: bool = False


@dataclass(frozen=True, slots=True)
class AccountChange:
    """One change of an account's settings. Old and new value are the words that set them."""

    account: str
    field: AccountField
    old: str
    new: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LoginRecord:
    """Whether the broker accepts a login's token, by its last answer. `changed_at` is when the answer last changed."""

    name: str
    is_valid: bool
    checked_at: datetime
    changed_at: datetime
    detail: str
