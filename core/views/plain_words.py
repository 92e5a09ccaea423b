"""Stored words for a reader: without the names of Python exceptions and the broker's codes, which mean nothing to a
trader (rules 12)."""

from __future__ import annotations

import re

from core.domain.operation.broker_words import without_codes

_EXCEPTION = re.compile(r"\b[A-Z][A-Za-z]+(?:Error|Exception|Timeout)\b(?:\(\))?:?\s*")


def plain_words(text: str) -> str:
    """The text without exception names: `no answer: ReadTimeout` is `no answer`.

    Older records have such names in the details of their entries.
    """
    return _EXCEPTION.sub("", without_codes(text)).strip().rstrip(":").rstrip()
