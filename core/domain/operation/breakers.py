"""Breakers.

Each stops entries until its cause is gone, and says how it is reset (rules 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Scope(Enum):
    """Whom a breaker stops. It stops all accounts only when its cause concerns all of them."""

    GLOBAL = "global"
    LOGIN = "login"
    ACCOUNT = "account"


class BreakerKind(Enum):
    """The kinds of breakers. The value is (stable code, scope, its cause in words, how it is reset, as a sentence for
    the operator)."""

    code: str
    scope: Scope
    words: str
    reset: str

    def __init__(self, code: str, scope: Scope, words: str, reset: str) -> None:
        self.code = code
        self.scope = scope
        self.words = words
        self.reset = reset

    @classmethod
    def of(cls, code: str) -> BreakerKind:
        """The kind with this stable code. Raises KeyError for an unknown code."""
        return _BY_CODE[code]

    @property
    def resets_itself(self) -> bool:
        """Whether the engine closes it once its cause is gone. The others wait for `senex reset`."""
        return self in _RESET_THEMSELVES

    CLOCK = (
        "clock",
        Scope.GLOBAL,
        "this machine's clock",
        "resets by itself when the clock is within 2 s of the broker's again",
    )
    STORE = ("store", Scope.GLOBAL, "the records", "resets by itself when the records can be written in time again")
    FEED = ("feed", Scope.GLOBAL, "the quote feed", "resets by itself when the quote feed is live again")
    LOGIN = (
        "login",
        Scope.LOGIN,
        "a refused login",
        "mend the credentials, then `senex reset login`; the broker blocks repeated bad logins",
    )
    SENDS = ("sends", Scope.ACCOUNT, "failed sends", "resets by itself with the next session, or `senex reset sends`")
    MISMATCH = (
        "mismatch",
        Scope.ACCOUNT,
        "a mismatch with the broker",
        "settle it at the broker, then `senex reset mismatch`",
    )
    INCIDENT = ("incident", Scope.ACCOUNT, "an incident", "settle it at the broker, then `senex reset incident`")
    EARLIER_ENTRY = (
        "earlier_entry",
        Scope.ACCOUNT,
        "an entry of an earlier day",
        "resets by itself when the broker shows how the earlier entry ended, or an operator attests it",
    )
    ASSIGNED = (
        "assigned",
        Scope.ACCOUNT,
        "an assignment",
        "settle what it left at the broker, then `senex reset assigned`",
    )


_BY_CODE = {kind.code: kind for kind in BreakerKind}
_RESET_THEMSELVES = frozenset(
    {BreakerKind.CLOCK, BreakerKind.STORE, BreakerKind.FEED, BreakerKind.SENDS, BreakerKind.EARLIER_ENTRY}
)


@dataclass(frozen=True, slots=True)
class Breaker:
    """An open breaker.

    `subject` is the number of the account or the name of the login that it stops; empty when global.
    """

    kind: BreakerKind
    subject: str
    why: str
    opened_at: datetime

    def stops(self, account: str, login: str) -> bool:
        """Whether this breaker stops entries of this account, which this login reaches."""
        return {Scope.GLOBAL: True, Scope.LOGIN: self.subject == login, Scope.ACCOUNT: self.subject == account}[
            self.kind.scope
        ]
