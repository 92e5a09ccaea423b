"""Which login reaches which accounts, and which logins the broker refuses at present."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence


class Routes:
    """The state of several logins, shared by their reads, feed and alerts. `names` are in order of preference."""

    def __init__(self, names: Sequence[str]) -> None:
        """Raises ValueError without a login, and when two have the same name."""
        if not names or len(set(names)) != len(names):
            raise ValueError(f"logins need names, each its own; given were {', '.join(names) or 'none'}")
        self.names = tuple(names)
        self._accounts: dict[str, frozenset[str]] = {}
        self._refused: set[str] = set()
        self._news = asyncio.Event()

    def found(self, login: str, numbers: Iterable[str]) -> None:
        """Records all the accounts that a login reaches."""
        reached = frozenset(numbers)
        if self._accounts.get(login) != reached:
            self._accounts[login] = reached
            self._tell()

    def refused(self, login: str) -> None:
        """Records that the broker refuses the login's token."""
        if login not in self._refused:
            self._refused.add(login)
            self._tell()

    def accepted(self, login: str) -> None:
        """Records that the broker accepts the login's token."""
        if login in self._refused:
            self._refused.discard(login)
            self._tell()

    def is_refused(self, login: str) -> bool:
        return login in self._refused

    def accounts_of(self, login: str) -> tuple[str, ...]:
        """The numbers of the accounts that a login reaches; empty before it was asked."""
        return tuple(sorted(self._accounts.get(login, ())))

    def logins_for(self, number: str) -> tuple[str, ...]:
        """The logins that reach an account, refused ones last. A single login is asked for every account."""
        if len(self.names) == 1:
            return self.names
        return self._refused_last(name for name in self.names if number in self._accounts.get(name, ()))

    def after(self, login: str) -> tuple[str, ...]:
        """All logins in order of preference, starting at this one and wrapping around; refused ones last."""
        place = self.names.index(login)
        return self._refused_last((*self.names[place:], *self.names[:place]))

    async def until_changed(self) -> None:
        """Waits until accounts or refusals of a login change."""
        await self._news.wait()

    def _refused_last(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names with the refused logins last."""
        return tuple(sorted(names, key=lambda name: name in self._refused))

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
