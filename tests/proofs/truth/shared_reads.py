"""Lets the reports of one moment share what they read of the records: nothing is read twice between two commits."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Hashable
from functools import partial
from typing import Any

from core.records.records import Records
from core.records.store.database import Database


class SharedReads:
    """The answers of records that only others write, kept until one of them commits."""

    def __init__(self, records: Records, file: str) -> None:
        """Makes the parts of `records` answer from what is kept. `file` is the SQLite file behind them."""
        self._file = sqlite3.connect(file)
        self._version = -1
        self._kept: dict[Hashable, Any] = {}
        parts = [
            part for part in vars(records).values() if hasattr(part, "__dict__") and not isinstance(part, Database)
        ]
        for part in parts:
            for name, _ in inspect.getmembers(type(part), inspect.iscoroutinefunction):
                if not name.startswith("_"):
                    setattr(part, name, partial(self._ask, part, name))

    def close(self) -> None:
        self._file.close()

    async def _ask(self, part: Any, name: str, *args: Any, **more: Any) -> Any:
        question: Hashable = (id(part), name, args, tuple(more.items()))
        try:
            hash(question)
        except TypeError:
            question = object()  # asked with a list: read each time
        (version,) = self._file.execute("PRAGMA data_version").fetchone()  # another one after each commit of others
        if version != self._version:
            self._version = version
            self._kept.clear()
        if question not in self._kept:
            self._kept[question] = await getattr(type(part), name)(part, *args, **more)
        answer = self._kept[question]
        return answer.copy() if isinstance(answer, dict | list) else answer
