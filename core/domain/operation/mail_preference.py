"""How often the mail tells of an account."""

from __future__ import annotations

from enum import StrEnum


class MailPreference(StrEnum):
    """What is told of an account, and when (SPEC 11)."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"
