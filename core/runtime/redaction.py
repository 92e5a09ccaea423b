"""Removes secrets from text before it is written anywhere (rules 13.7)."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

from core.domain.operation.events import masked

MASK = "****"
SHORTEST_SECRET = 4
SHORTEST_ACCOUNT = 5
SHORTEST_KEY = 8
LEARNED = 64
"""How many renewed tokens are remembered. Older ones are forgotten, long after they have expired."""

_TOKENS = re.compile(
    r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # a JSON web token: access, refresh and quote tokens
    r"|(?<=Bearer )\S+"
    r"|(?<=://)[^\s/@]+(?=@)"  # user and password in an address
)


_ACCOUNT = re.compile(r"(?<!\w)\d[A-Z]{2}\d{5}(?!\w)", re.ASCII)
"""The form of an account number at tastytrade. No symbol of an option or of the feed has it."""


def masked_accounts(text: str) -> str:
    """The text with everything that has the form of an account number masked, also of an account that nobody knows."""
    return _ACCOUNT.sub(lambda found: masked(found[0]), text)


class Redactor:
    """Masks secrets and account numbers that it knows by value; also tokens and account numbers by their form.

    Its own representation shows no value. It may be used from any thread.
    """

    def __init__(self, *values: str) -> None:
        self._given: set[str] = set()
        self._learned: deque[str] = deque(maxlen=LEARNED)
        self._accounts: set[str] = set()
        self._replacements: tuple[tuple[str, str], ...] = ()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Adds secrets, for the life of the process.

        Those shorter than 4 characters are ignored: masking them would damage ordinary words.
        """
        self._given.update(value for value in values if len(value) >= SHORTEST_SECRET)
        self._renew()

    def learn(self, token: str) -> None:
        """Adds a token that will be renewed; the newest 64 are remembered.

        Text shorter than 8 characters is no broker's token.
        """
        if len(token) >= SHORTEST_KEY and token not in self._learned:
            self._learned.append(token)
            self._renew()

    def add_address(self, url: str) -> None:
        """Adds the path and the query of an address that works as a key, like a monitor's. Its host is not secret."""
        parts = urlsplit(url)
        self.add(*(part for part in (*parts.path.split("/"), parts.query) if len(part) >= SHORTEST_KEY))

    def add_password_in(self, url: str) -> None:
        """Adds the password in an address, as written there and decoded."""
        written = urlsplit(url).password or ""
        self.add(written, unquote(written))

    def add_accounts(self, *numbers: str) -> None:
        """Adds account numbers; they are shown by their last four characters."""
        new = {number for number in numbers if len(number) >= SHORTEST_ACCOUNT} - self._accounts
        if new:
            self._accounts |= new
            self._renew()

    def _renew(self) -> None:
        replacements = {number: masked(number) for number in self._accounts}
        for value in (*self._given, *self._learned):
            replacements |= dict.fromkeys(_spellings(value), MASK)
        # Longest first: a secret that contains another must be masked whole.
        self._replacements = tuple(sorted(replacements.items(), key=lambda pair: len(pair[0]), reverse=True))

    def __call__(self, text: str) -> str:
        """The text with all known values, all account numbers and all tokens masked."""
        return _TOKENS.sub(MASK, self.by_value(text))

    def by_value(self, text: str) -> str:
        """Masks known values and account numbers, never the punctuation around them: a JSON line stays valid."""
        for value, instead in self._replacements:
            text = text.replace(value, instead)
        return masked_accounts(text)

    def __repr__(self) -> str:
        return f"Redactor({len(self._given) + len(self._learned)} values)"


def _spellings(value: str) -> Iterator[str]:
    """The value as it is, and as it appears in an address, in JSON and in a Python representation."""
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])


redact = Redactor()
"""The redactor of this process. Code that reads or receives a secret adds it here; every output goes through it."""
