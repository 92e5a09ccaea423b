"""When an account's messages are mailed."""

from __future__ import annotations

from enum import StrEnum


class MailPreference(StrEnum):
    """Which messages of an account are mailed, and when (rules 11)."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"
