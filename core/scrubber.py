"""Takes secrets out of text before it is written anywhere (SPEC 13, rule 7)."""

from __future__ import annotations

import re

MASK = "****"
SHORTEST_SECRET = 4

_TOKENS = re.compile(
    r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"  # a JSON web token: access, refresh and quote tokens are such
    r"|(?<=Bearer )\S+"
    r"|(?<=://)[^\s/@]+(?=@)"  # user and password in an address
)


class Scrubber:
    """Knows secrets by value, and recognises tokens by their form. Values are kept out of its representation."""

    def __init__(self, *values: str) -> None:
        self._values: tuple[str, ...] = ()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Shorter values than 4 characters are left alone: masking them would eat ordinary words."""
        known = {*self._values, *(value for value in values if len(value) >= SHORTEST_SECRET)}
        # Longest first, so that a secret containing another is taken out whole.
        self._values = tuple(sorted(known, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, MASK)
        return _TOKENS.sub(MASK, text)

    def __repr__(self) -> str:
        return f"Scrubber({len(self._values)} values)"
