"""What every command starts from: the folders, the settings, the logins, and the place of the records."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.runtime.redaction import redact
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.config.mail import MailSettings
    from core.config.settings import Settings
    from core.domain.market.sessions import SlotTimes
    from core.snapshot import Mode
    from senex_tui.run.replay import Recorded
    from senex_tui.trader.place import Place


@dataclass(frozen=True, slots=True)
class Invocation:
    """What every command but the simulator starts from."""

    loaded: Loaded
    folders: Folders


def prepare(context: typer.Context, data_dir: Path | None, *, own_simulator: bool = False) -> Invocation:
    from core.config.folders import folders, settings_path
    from core.config.loader import load_settings
    from core.config.redis import secrets_of
    from senex_tui.support.crash_report import keep_reports_in
    from senex_tui.support.logs import set_up_logging

    chosen = folders(data_dir or context.find_root().params["data_dir"])
    keep_reports_in(chosen.state)
    loaded = load_settings(settings_path(chosen, os.environ), os.environ, own_simulator=own_simulator)
    redact.add_address(loaded.settings.ping.url or "")
    redact.add_password_in(loaded.settings.database.url or "")
    redact.add(*secrets_of(loaded.settings.redis.url))
    set_up_logging(chosen.logs, redact)
    return Invocation(loaded, chosen)


def mode_of(context: typer.Context, run: Invocation) -> Mode:
    from senex_tui.cli.modes import choose_mode

    return choose_mode(run.loaded.settings, live=context.find_root().params["live"])


def logins_found(run: Invocation) -> tuple[Credentials, ...]:
    from core.config.credentials import find_logins

    environment_only = run.loaded.settings.broker.url is not None
    found = find_logins(os.environ, run.folders.credentials_file, environment_only=environment_only)
    for login in found:
        redact.add(login.secret, login.refresh)
    return found


def logins_needed(run: Invocation) -> tuple[Credentials, ...]:
    found = logins_found(run)
    if not found and run.loaded.settings.broker.url is not None:
        raise Refused(
            "no credentials in the environment; set TT_SECRET and TT_REFRESH "
            "(with broker.url the keyring and the credentials file are never read)."
        )
    if not found:
        raise Refused(
            "no credentials found; set TT_SECRET and TT_REFRESH in the environment, or run `senex login`, which keeps "
            f"them in the keyring (service senex) or {run.folders.credentials_file} (mode 0600), or try `senex demo`, "
            "which needs none."
        )
    return found


def settle_terminal() -> None:
    """Before Textual is imported, which reads the environment then."""
    from senex_tui.support.terminal import MIN_COLUMNS, MIN_ROWS, prepare_environment, refusal_for_terminal

    refusal = refusal_for_terminal()
    if refusal:
        raise Refused(refusal)
    columns, rows = os.get_terminal_size(sys.stderr.fileno())
    if 0 < columns < MIN_COLUMNS or 0 < rows < MIN_ROWS:  # a terminal that does not know its size says 0
        raise Refused(
            f"the console needs {MIN_COLUMNS} columns and {MIN_ROWS} rows and this terminal has {columns} and {rows}; "
            "make it larger or its font smaller, then start again."
        )
    prepare_environment(os.environ)


def place_for(context: typer.Context, data_dir: Path | None, demo: bool) -> Place:
    from core.config.folders import folders
    from core.config.loader import SettingsError
    from senex_tui.trader.place import newest_demo, only_running, place_of

    try:
        run = prepare(context, data_dir, own_simulator=demo)
    except SettingsError as error:
        # Settings edited while a console runs must not keep its operator from stopping it.
        running = only_running(folders(data_dir or context.find_root().params["data_dir"]), demo)
        if running is None:
            raise
        typer.echo(f"senex: {error.sentences[0]} Speaking to the {running.mode.value} console that runs.", err=True)
        return running
    if demo:
        return newest_demo(run.folders)
    return place_of(run.folders, mode_of(context, run), run.loaded.settings.database.url)


def logs_folder(context: typer.Context, data_dir: Path | None) -> Path:
    from core.config.folders import folders

    return folders(data_dir or context.find_root().params["data_dir"]).logs


def slot_times(context: typer.Context, data_dir: Path | None, demo: bool) -> SlotTimes:
    return prepare(context, data_dir, own_simulator=demo).loaded.settings.schedule.slot_times


def defaults(context: typer.Context, data_dir: Path | None) -> Settings:
    return prepare(context, data_dir).loaded.settings


def settings_and_folders(context: typer.Context) -> tuple[Settings, Folders]:
    run = prepare(context, None)
    return run.loaded.settings, run.folders


def mail_settings(context: typer.Context, data_dir: Path | None) -> MailSettings:
    return prepare(context, data_dir).loaded.settings.mail


def watched(context: typer.Context, data_dir: Path | None, demo: bool) -> tuple[Place, Loaded, Path]:
    run = prepare(context, data_dir, own_simulator=demo)
    return place_for(context, data_dir, demo), run.loaded, run.folders.state


def recorded(context: typer.Context, data_dir: Path | None, demo: bool) -> tuple[Recorded, Loaded, Path]:
    run = prepare(context, data_dir, own_simulator=demo)
    from core.snapshot import Mode
    from senex_tui.run.replay import recorded_in

    mode = Mode.DEMO if demo else mode_of(context, run)
    return recorded_in(run.folders, mode, demos=demo), run.loaded, run.folders.state
