"""The broker's words for a reader: its codes are for programs (rules 12)."""

from __future__ import annotations

import re

_CODE = re.compile(r"(?<![\w/.\\-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+: ")


def without_codes(text: str) -> str:
    """The text without the codes that the broker puts before its messages: `margin_check_failed: 12 $ are missing` is
    `12 $ are missing`. What is stored keeps them."""
    return _CODE.sub("", text)
