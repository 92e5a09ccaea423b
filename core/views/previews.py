"""Reads what a preview found: from the event of its answer, for the screen and for `senex preview` alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from core.domain.operation.commands import COMMAND, PREVIEW_DONE, PREVIEWS
from core.snapshot.previews import PreviewView

if TYPE_CHECKING:
    from core.records.records import Records


async def preview_answer(records: Records, command: str) -> list[dict[str, Any]]:
    """The plain values of each account's preview that a command was answered with; none without an answer. Raises
    RecordsError."""
    event = await records.journal.newest_with(PREVIEW_DONE, (COMMAND, command))
    found: list[dict[str, Any]] = [] if event is None else json.loads(str(dict(event.figures)[PREVIEWS]))
    return found


def preview_views(values: Iterable[dict[str, Any]]) -> tuple[PreviewView, ...]:
    """The previews of these plain values."""
    return tuple(msgspec.convert(one, PreviewView) for one in values)


async def previews_of(records: Records, command: str) -> tuple[PreviewView, ...]:
    """The previews that a command was answered with, one for each account. Raises RecordsError."""
    return preview_views(await preview_answer(records, command))
