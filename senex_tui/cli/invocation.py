"""The start of every command: finds its folders, settings, logins and records."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.runtime.redaction import redact
from senex_tui.cli.printing import quote_commands_with
from senex_tui.support.outlet import print_line
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.config.settings import Settings
    from core.snapshot import Mode
    from senex_tui.run.replay import Recorded
    from senex_tui.trader.place import Place


@dataclass(frozen=True, slots=True)
class Invocation:
    """The settings with their origins, and the folders, of this run of `senex`."""

    loaded: Loaded
    folders: Folders


def prepare(context: typer.Context, data_dir: Path | None, *, own_simulator: bool = False) -> Invocation:
    """Reads the settings and sets up the log; secrets in the settings are kept out of every output from here on.

    `own_simulator`: a demo, which uses neither broker.url nor credentials. Raises SettingsError, OSError.
    """
    from core.config.folders import settings_path
    from core.config.loader import load_settings
    from senex_tui.support.crash_report import keep_reports_in
    from senex_tui.support.logs import set_up_logging

    chosen = folders_of(context, data_dir)
    keep_reports_in(chosen.state)
    loaded = load_settings(settings_path(chosen, os.environ), os.environ, own_simulator=own_simulator)
    hide_secrets_of(loaded.settings)
    set_up_logging(chosen.logs, redact)
    return Invocation(loaded, chosen)


def hide_secrets_of(settings: Settings) -> None:
    """Keeps the secrets in the settings out of every output from here on."""
    from core.config.notify import secrets_of_addresses
    from core.config.redis import secrets_of

    redact.add_address(settings.ping.url or "")
    redact.add_password_in(settings.database.url or "")
    redact.add(*secrets_of(settings.redis.url), *secrets_of_addresses(settings.notify.urls))


def folders_of(context: typer.Context, data_dir: Path | None) -> Folders:
    """The folders of `--data-dir`, given after the command or before it; else the user's own."""
    from core.config.folders import folders

    return folders(data_dir or context.find_root().params["data_dir"])


def settings_of(context: typer.Context, data_dir: Path | None, *, own_simulator: bool = False) -> Settings:
    """The settings alone. Raises SettingsError, OSError."""
    return prepare(context, data_dir, own_simulator=own_simulator).loaded.settings


def mode_of(context: typer.Context, run: Invocation) -> Mode:
    """The mode of the configured broker and of `--live`. Raises Refused."""
    from senex_tui.cli.modes import choose_mode

    return choose_mode(run.loaded.settings, live=context.find_root().params["live"])


def trading_mode_of(context: typer.Context, run: Invocation) -> Mode:
    """The mode of a run that trades or moves records. Says on stderr what others may read or change in its files.

    Raises Refused, also for a live run that is exposed to others.
    """
    from core.config.exposure import file_exposures, network_exposures
    from senex_tui.cli.modes import refuse_exposed_live

    mode = mode_of(context, run)
    in_files = file_exposures(run.loaded, run.folders, mode.value)
    refuse_exposed_live(mode, (*network_exposures(run.loaded.settings, os.environ), *in_files))
    for exposure in in_files:
        print_line(redact(f"senex: {exposure.sentence}."), error=True)
    return mode


def logins_found(run: Invocation) -> tuple[Credentials, ...]:
    """The logins found; their secrets are kept out of every output from here on. Raises CredentialsError."""
    from core.config.credentials import find_logins

    environment_only = run.loaded.settings.broker.url is not None
    found = find_logins(os.environ, run.folders.credentials_file, environment_only=environment_only)
    for login in found:
        redact.add(login.secret, login.refresh)
    return found


def logins_needed(run: Invocation) -> tuple[Credentials, ...]:
    """The logins found, at least one. Raises Refused when there is none, and CredentialsError."""
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
    """Checks the terminal and prepares the environment. Call it before Textual is imported, which reads the
    environment then. Raises Refused for a terminal that cannot show the console."""
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
    """The records that a command reads. With `demo` those of the demo named after it, else of the one that runs, else
    of the newest.

    When the settings cannot be read, the one console that runs is meant: settings edited while it runs must not keep
    its operator from stopping it. Raises Refused, and SettingsError when no console runs or several do.
    """
    from senex_tui.trader.place import recorded_demo

    return _place(context, data_dir, recorded_demo if demo else None)


def trader_for(context: typer.Context, data_dir: Path | None, demo: bool) -> Place:
    """The records of the trader that a command is for; with `demo` of one that runs. Otherwise as `place_for`."""
    from senex_tui.trader.place import running_demo

    return _place(context, data_dir, running_demo if demo else None)


def _place(context: typer.Context, data_dir: Path | None, of_demo: Callable[[Folders, str], Place] | None) -> Place:
    from core.config.loader import SettingsError
    from senex_tui.trader.place import only_running, place_of

    name: str = context.find_root().params["demo_name"]
    folder: Path | None = data_dir or context.find_root().params["data_dir"]
    named = ["--demo", *([name] if name else [])] if of_demo is not None else []
    quote_commands_with(shlex.join([*named, *(["--data-dir", str(folder)] if folder is not None else [])]))
    try:
        run = prepare(context, data_dir, own_simulator=of_demo is not None)
    except SettingsError as error:
        chosen = folders_of(context, data_dir)
        running = only_running(chosen) if of_demo is None else of_demo(chosen, name)
        if running is None:
            raise
        print_line(f"senex: {error.sentences[0]} Speaking to the {running.mode.value} console that runs.", error=True)
        return running
    if of_demo is not None:
        return of_demo(run.folders, name)
    return place_of(run.folders, mode_of(context, run), run.loaded.settings.database.url)


def days_of(context: typer.Context, run: Invocation, demo: bool) -> Recorded:
    """The recorded days of the configured mode, or with `demo` those of every demo or the one named. Raises Refused."""
    from core.snapshot import Mode
    from senex_tui.run.replay import recorded_in

    name: str = context.find_root().params["demo_name"]
    return recorded_in(run.folders, Mode.DEMO if demo else mode_of(context, run), demos=demo, name=name)


def is_alone(context: typer.Context, data_dir: Path | None, demo: bool) -> bool:
    """Whether a group of commands, like `senex mail`, was called without one of its commands.

    Raises Refused for an option between group and command: it would not reach the command, which would then work on
    other records than meant.
    """
    command = context.invoked_subcommand
    if command is not None and (demo or data_dir is not None):
        option = "--demo" if demo else "--data-dir"
        raise Refused(f"{option} goes after the command: senex {context.info_name} {command} ... {option}")
    return command is None
