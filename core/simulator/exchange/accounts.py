"""The accounts of the simulated broker: what they are set up as, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """An account at the start. `login` is the login that owns it, `also` names others that reach it; `cash` is in $."""

    number: str
    nickname: str
    login: str
    cash: Decimal
    options_level: str = "No Restrictions"
    margin_or_cash: str = "Margin"
    is_closed: bool = False
    is_frozen: bool = False
    is_closing_only: bool = False
    is_in_margin_call: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimAccount:
    """An account as the broker lists it. `opened_at` is in UTC."""

    number: str
    nickname: str
    login: str
    margin_or_cash: str
    is_closed: bool
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class SimTradingStatus:
    """What an account may trade, as the broker reports it."""

    account_number: str
    options_level: str
    is_closed: bool
    is_frozen: bool
    is_closing_only: bool
    is_in_margin_call: bool
    updated_at: datetime
