"""Which login reaches which account, and which logins the broker refuses now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence


class Routes:
    """Shared by the reads, the feed and the alerts of several logins. `names` in order of preference."""

    def __init__(self, names: Sequence[str]) -> None:
        """Raises ValueError for no login, and for two of one name."""
        if not names or len(set(names)) != len(names):
            raise ValueError(f"logins need names, each its own; given were {', '.join(names) or 'none'}")
        self.names = tuple(names)
        self._accounts: dict[str, frozenset[str]] = {}
        self._refused: set[str] = set()
        self._news = asyncio.Event()

    def found(self, login: str, numbers: Iterable[str]) -> None:
        """What a login reaches, all of it."""
        reached = frozenset(numbers)
        if self._accounts.get(login) != reached:
            self._accounts[login] = reached
            self._tell()

    def refused(self, login: str) -> None:
        """The broker refuses the login's token."""
        if login not in self._refused:
            self._refused.add(login)
            self._tell()

    def accepted(self, login: str) -> None:
        """The broker takes the login's token."""
        if login in self._refused:
            self._refused.discard(login)
            self._tell()

    def is_refused(self, login: str) -> bool:
        return login in self._refused

    def accounts_of(self, login: str) -> tuple[str, ...]:
        """The numbers a login reaches; empty before it was asked."""
        return tuple(sorted(self._accounts.get(login, ())))

    def logins_for(self, number: str) -> tuple[str, ...]:
        """The logins that reach an account, refused ones last; a single login is asked for any account."""
        if len(self.names) == 1:
            return self.names
        return self._taken_first(name for name in self.names if number in self._accounts.get(name, ()))

    def after(self, login: str) -> tuple[str, ...]:
        """Every login from this one on and around, refused ones last."""
        place = self.names.index(login)
        return self._taken_first((*self.names[place:], *self.names[:place]))

    async def until_changed(self) -> None:
        """Waits for the next change of anything here."""
        await self._news.wait()

    def _taken_first(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=lambda name: name in self._refused))

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
