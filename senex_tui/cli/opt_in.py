"""Switches the exits of a live account on from a shell: lists what is sent at once, then asks for the typed words."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.config.exits import ExitSettings
from core.config.loader import SettingsError
from core.domain.positions.tridents import ExitMode
from senex_tui.cli import invocation
from senex_tui.cli.printing import exit_with, print_lines
from senex_tui.cli.typed_words import need_typed
from senex_tui.reports.exit_switching import switch_on, switched_on

if TYPE_CHECKING:
    from senex_tui.trader.place import Place


def show_and_ask(
    context: typer.Context, data_dir: Path | None, place: Place, account: str, sets: ExitMode | None = None
) -> None:
    """Lists what is sent at once in live. Where the exits of the account that is named are off, or it gets the mode
    `sets`, asks for the words, sets it and ends the command; otherwise returns. Raises Refused, RecordsError."""
    settings = ExitSettings()
    with suppress(SettingsError):  # whoever found the place has said it; a console that runs has its own settings
        settings = invocation.settings_of(context, data_dir).exits
    told = asyncio.run(switched_on(place, account, settings.rules(live=True), sets))
    if not told.number:
        print_lines(told.lines)
        return
    mode = sets or ExitMode.ALL
    what = "have targets sent" if mode is ExitMode.TARGETS else "have targets and time exits sent"
    need_typed(told.words, what, told.lines)
    exit_with(asyncio.run(switch_on(place, told.number, mode)))
