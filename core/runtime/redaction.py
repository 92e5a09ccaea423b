"""Takes secrets out of text before it is written anywhere (SPEC 13, rule 7)."""

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
"""Tokens remembered by value: renewed ones are forgotten long after they have expired."""

_TOKENS = re.compile(
    r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # a JSON web token: access, refresh and quote tokens are such
    r"|(?<=Bearer )\S+"
    r"|(?<=://)[^\s/@]+(?=@)"  # user and password in an address
)


class Redactor:
    """Knows secrets and account numbers by value, and recognises tokens by their form.

    Values are kept out of its representation. It may be used from any thread.
    """

    def __init__(self, *values: str) -> None:
        self._given: set[str] = set()
        self._learned: deque[str] = deque(maxlen=LEARNED)
        self._accounts: set[str] = set()
        self._replacements: tuple[tuple[str, str], ...] = ()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Secrets for the life of the process. Shorter ones than 4 characters are left alone: masking them would eat
        ordinary words."""
        self._given.update(value for value in values if len(value) >= SHORTEST_SECRET)
        self._renew()

    def learn(self, token: str) -> None:
        """A token that will be renewed; the newest 64 are remembered. No broker's is shorter than 8 characters."""
        if len(token) >= SHORTEST_KEY and token not in self._learned:
            self._learned.append(token)
            self._renew()

    def add_address(self, url: str) -> None:
        """An address whose path or query is a key, as a monitor's is; its host is none."""
        parts = urlsplit(url)
        self.add(*(part for part in (*parts.path.split("/"), parts.query) if len(part) >= SHORTEST_KEY))

    def add_password_in(self, url: str) -> None:
        """The password an address carries, as it is and as it is written there."""
        written = urlsplit(url).password or ""
        self.add(written, unquote(written))

    def add_accounts(self, *numbers: str) -> None:
        """Account numbers: shown by their last four."""
        new = {number for number in numbers if len(number) >= SHORTEST_ACCOUNT} - self._accounts
        if new:
            self._accounts |= new
            self._renew()

    def _renew(self) -> None:
        replacements = {number: masked(number) for number in self._accounts}
        for value in (*self._given, *self._learned):
            replacements |= dict.fromkeys(_spellings(value), MASK)
        # Longest first, so that a secret containing another is taken out whole.
        self._replacements = tuple(sorted(replacements.items(), key=lambda pair: len(pair[0]), reverse=True))

    def __call__(self, text: str) -> str:
        return _TOKENS.sub(MASK, self.by_value(text))

    def by_value(self, text: str) -> str:
        """Only what is known by value, and so never the punctuation around it: a finished JSON line stays one."""
        for value, instead in self._replacements:
            text = text.replace(value, instead)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._given) + len(self._learned)} values)"


def _spellings(value: str) -> Iterator[str]:
    """A value as it is, and as an address, a JSON text or a representation spells it."""
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])


redact = Redactor()
"""The secrets of this process: whoever reads or is handed one adds it here, and every output goes through it."""
