"""The tokens of the simulated broker: refresh tokens, access tokens and quote tokens.

Lifetimes are wall seconds. They do not get shorter when market time is accelerated (rules 14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.runtime.ids import Ids

if TYPE_CHECKING:
    from core.simulator.wire.settings import Login

QUOTE_TOKEN_SECONDS = 24 * 3600.0
"""Lifetime of a quote token (broker 2.2)."""


class GrantRefused(Exception):
    """The client secret or the refresh token is unknown or revoked. The answer is 400 invalid_grant."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An issued token: whose it is and when it expires."""

    login: str
    until: float
    """Monotonic second at which it expires."""


class TokenIssuer:
    """Issues, checks and revokes tokens. `access_token_seconds` is the lifetime of access tokens in wall seconds."""

    def __init__(self, logins: Sequence[Login], access_token_seconds: float, ids: Ids) -> None:
        self._logins = tuple(logins)
        self._ids = ids
        self._access: dict[str, IssuedToken] = {}
        self._quote: dict[str, IssuedToken] = {}
        self._revoked: set[str] = set()
        self.access_token_seconds = access_token_seconds

    def grant(self, client_secret: str, refresh_token: str, monotonic: float) -> str:
        """A new access token for the login with this secret and refresh token. Raises GrantRefused."""
        for login in self._logins:
            if login.client_secret == client_secret and login.refresh_token == refresh_token:
                if refresh_token in self._revoked:
                    raise GrantRefused
                token = self._ids.new()
                self._drop_expired(self._access, monotonic)
                self._access[token] = IssuedToken(login.name, monotonic + self.access_token_seconds)
                return token
        raise GrantRefused

    def login_of(self, access_token: str, monotonic: float) -> str | None:
        """The name of the login with this access token. None once the token is invalid."""
        return self._owner(self._access, access_token, monotonic)

    def quote_token(self, login: str, monotonic: float) -> str:
        """A new token for the quote feed, valid 24 hours."""
        token = self._ids.new()
        self._drop_expired(self._quote, monotonic)
        self._quote[token] = IssuedToken(login, monotonic + QUOTE_TOKEN_SECONDS)
        return token

    def quote_login_of(self, quote_token: str, monotonic: float) -> str | None:
        """The name of the login with this quote token. None once the token is invalid."""
        return self._owner(self._quote, quote_token, monotonic)

    def revoke_access(self, login: str | None = None) -> None:
        """Revokes the access tokens of one login, or of all. Refresh tokens still work."""
        self._access = {token: issued for token, issued in self._access.items() if login not in (None, issued.login)}

    def revoke_quote_tokens(self) -> None:
        """Revokes all quote tokens."""
        self._quote.clear()

    def revoke_grant(self, refresh_token: str) -> None:
        """Revokes a refresh token for good."""
        self._revoked.add(refresh_token)

    @staticmethod
    def _owner(tokens: dict[str, IssuedToken], token: str, monotonic: float) -> str | None:
        issued = tokens.get(token)
        return issued.login if issued is not None and monotonic < issued.until else None

    @staticmethod
    def _drop_expired(tokens: dict[str, IssuedToken], monotonic: float) -> None:
        for token in [token for token, issued in tokens.items() if issued.until <= monotonic]:
            del tokens[token]
