"""Words from outside in every place of a value that can hold a text."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Any


def poisoned(value: Any, text: str) -> Any:
    """The same value with every text in it replaced."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return tuple(poisoned(item, text) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: poisoned(getattr(value, f.name), text) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    return value
