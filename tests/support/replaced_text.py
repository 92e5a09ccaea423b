"""Replaces every text inside a value, to show what the console does with text it did not expect."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any


def with_text(value: Any, text: str) -> Any:
    """The same value with every text in it replaced."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(with_text(item, text) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: with_text(getattr(value, f.name), text) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    return value
