"""The command `senex doctor`: runs every check, also when the settings cannot be read."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import typer

from core.runtime.redaction import redact
from senex_tui.cli import invocation
from senex_tui.cli.options import AsJson, DataDir
from senex_tui.cli.printing import print_lines

if TYPE_CHECKING:
    from core.config.folders import Folders
    from senex_tui.doctor.machine import Setup


commands = typer.Typer()


@commands.command()
def doctor(context: typer.Context, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Look at everything a trading day needs, and say what to do.

    It checks settings, credentials, broker, clock, feed, calendar, records, lock, redis, mail, phone, ping, disk and
    terminal, in at most 15 seconds. It logs in at the broker once and sends nothing.

    Exit code: 0 when no row is FAIL, else 1.
    """
    from core.runtime.clock import SystemClock
    from senex_tui.doctor.doctor import examine, exit_code, to_json, to_text
    from senex_tui.doctor.machine import all_checks

    chosen = invocation.folders_of(context, data_dir)
    _log_if_possible(chosen)
    rows = examine(all_checks(_setup(chosen, live=context.find_root().params["live"])), SystemClock())
    print_lines([to_json(rows) if as_json else to_text(rows)])
    raise typer.Exit(exit_code(rows))


def _log_if_possible(chosen: Folders) -> None:
    from senex_tui.support.logs import set_up_logging

    try:
        set_up_logging(chosen.logs, redact)
    except OSError:  # the disk's row reports it; nothing is logged to the terminal instead
        logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def _setup(chosen: Folders, *, live: bool) -> Setup:
    from core.config.folders import settings_path
    from core.config.loader import SettingsError, load_settings
    from senex_tui.cli.modes import choose_mode
    from senex_tui.doctor.machine import Setup
    from senex_tui.support.refusals import Refused

    try:
        loaded = load_settings(settings_path(chosen, os.environ), os.environ)
    except SettingsError as wrong:
        return Setup(chosen, None, None, wrong.sentences)
    invocation.hide_secrets_of(loaded.settings)
    try:
        return Setup(chosen, loaded, choose_mode(loaded.settings, live=live))
    except Refused as refused:
        return Setup(chosen, loaded, None, (str(refused),))
