"""The secrets of one login. They are passed in as values and never shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Login:
    """A login at the broker: a name for people, the OAuth client secret and the refresh token."""

    name: str
    secret: str
    refresh: str

    def __post_init__(self) -> None:
        """Raises ValueError for an empty secret: the SDK would take one from the environment instead."""
        if not self.secret or not self.refresh:
            raise ValueError(f"login {self.name} lacks its client secret or refresh token")

    def __repr__(self) -> str:
        return f"Login(name={self.name!r}, secret='***', refresh='***')"
