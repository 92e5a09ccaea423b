"""What a command has to tell: plain values for a program, lines for a person; both say the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """`values` is what --json prints; `write` makes the lines of text from nothing else."""

    values: dict[str, Any]
    write: Callable[[dict[str, Any]], list[str]] = field(repr=False)

    def to_json(self) -> str:
        return json.dumps(self.values, ensure_ascii=False)

    def to_text(self) -> str:
        return "\n".join(self.write(self.values))
