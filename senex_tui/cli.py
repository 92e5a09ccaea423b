"""The command `senex`. Nothing heavy is imported before a command needs it: help and first paint come at once."""

from __future__ import annotations

import gc
import logging
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.scrubber import known as scrub
from senex_tui.refusals import REFUSED_TO_START, Refused, sentences_for

if TYPE_CHECKING:
    from core.config import Loaded
    from core.credentials import Credentials
    from core.domain.sessions import SlotTimes
    from core.folders import Folders
    from core.mail_settings import MailSettings
    from core.settings import ConsoleSettings, Settings
    from core.snapshot import Mode
    from senex_tui.place import Place
    from senex_tui.replay import Recorded

DEFECT = 1
ONCE_EXIT_CODES = {"succeeded": 0, "skipped": 3, "failed": 4, "unknown": 5}
DEMO_SEED = 7
SIMULATOR_PORT = 8700

app = typer.Typer(
    name="senex",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
log = logging.getLogger("senex")
scrub.add(
    *(
        value
        for name, value in os.environ.items()
        if name.startswith(("TT_SECRET", "TT_REFRESH")) or name in ("SENEX_MAIL_PASSWORD", "PGPASSWORD")
    )
)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date and time like 2026-03-02T09:44:45-05:00") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no time zone; add one, for example {text}-05:00")
    return instant


DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Keep data, state and logs in DIR instead of the user's folders."),
]
Live = Annotated[bool, typer.Option("--live", help="Really trade; needs trading.live = true in the settings too.")]
Speed = Annotated[
    float | None, typer.Option(min=1, max=60, metavar="N", help="Market seconds per second, 1 to 60; 1 when left out.")
]
Start = Annotated[
    datetime | None,
    typer.Option(parser=_instant, metavar="ISO", help="Market time to start at, with its zone."),
]
Plain = Annotated[
    bool, typer.Option("--plain", help="Without a screen: print one line an event, for logs and screen readers.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="The same seed and start give the same market.")]


@dataclass(frozen=True, slots=True)
class _Run:
    """What every command but the simulator starts from."""

    loaded: Loaded
    folders: Folders


def _prepare(context: typer.Context, data_dir: Path | None, *, own_simulator: bool = False) -> _Run:
    from core.config import load_settings
    from core.folders import folders, settings_path
    from core.redis_settings import secrets_of
    from senex_tui.crash import keep_reports_in
    from senex_tui.logs import set_up_logging

    chosen = folders(data_dir or context.find_root().params["data_dir"])
    keep_reports_in(chosen.state)
    loaded = load_settings(settings_path(chosen, os.environ), os.environ, own_simulator=own_simulator)
    scrub.add_address(loaded.settings.ping.url or "")
    scrub.add_password_in(loaded.settings.database.url or "")
    scrub.add(*secrets_of(loaded.settings.redis.url))
    set_up_logging(chosen.logs, scrub)
    return _Run(loaded, chosen)


def _mode(context: typer.Context, run: _Run) -> Mode:
    from senex_tui.modes import choose_mode

    return choose_mode(run.loaded.settings, live=context.find_root().params["live"])


def _find_logins(run: _Run) -> tuple[Credentials, ...]:
    from core.credentials import find_logins

    environment_only = run.loaded.settings.broker.url is not None
    found = find_logins(os.environ, run.folders.credentials_file, environment_only=environment_only)
    for login in found:
        scrub.add(login.secret, login.refresh)
    return found


def _need_logins(run: _Run) -> tuple[Credentials, ...]:
    found = _find_logins(run)
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


def _settle_terminal() -> None:
    """Before Textual is imported, which reads the environment then."""
    from senex_tui.terminal import MIN_COLUMNS, MIN_ROWS, prepare_environment, refusal_for_terminal

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


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"senex {version('senex-tui')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    data_dir: DataDir = None,
    live: Live = False,
    plain: Plain = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """A console for the daily Senex Trident cycle at tastytrade.

    Without a command it opens the console on the configured broker: a dry run, in which the broker checks each
    order and none is sent. `senex demo` needs no broker and no credentials.
    """
    if context.invoked_subcommand is not None:
        return
    run = _prepare(context, data_dir)
    mode = _mode(context, run)
    if not plain:
        _settle_terminal()
    logins = _need_logins(run)
    from senex_tui import wiring

    opened = wiring.run_plain if plain else wiring.run_console
    raise typer.Exit(opened(run.loaded, run.folders, mode, logins, None))


@app.command()
def demo(
    context: typer.Context,
    speed: Speed = None,
    start: Start = None,
    seed: Seed = DEMO_SEED,
    plain: Plain = False,
    data_dir: DataDir = None,
) -> None:
    """Open the console on a simulated broker of its own.

    It opens 15 seconds before the 09:45 slot, whatever the speed, unless --start says otherwise. broker.url and
    credentials are not used.
    """
    run = _prepare(context, data_dir, own_simulator=True)
    plain = plain or context.find_root().params["plain"]
    if not plain:
        _settle_terminal()
    from core.snapshot import Mode
    from senex_tui import wiring

    clock = run.loaded.settings.clock
    simulator = wiring.DemoSimulator(speed=speed or clock.speed, start=start or clock.start, seed=seed)
    opened = wiring.run_plain if plain else wiring.run_console
    raise typer.Exit(opened(run.loaded, run.folders, Mode.DEMO, (), simulator))


@app.command()
def run(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a screen, for a server: a line an event; SIGTERM ends it.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Trade, or stand by until the trader that is there ends.

    This one says who trades, takes over when that one ends or loses its connection, and reconciles first.
    """
    prepared = _prepare(context, data_dir)
    mode = _mode(context, prepared)
    if not headless:
        _settle_terminal()
    logins = _need_logins(prepared)
    from senex_tui import wiring

    raise typer.Exit(wiring.run_trader(prepared.loaded, prepared.folders, mode, logins, headless=headless))


@app.command()
def simulator(
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Port on this machine; 0 takes a free one.")
    ] = SIMULATOR_PORT,
    seed: Seed = DEMO_SEED,
    speed: Speed = None,
    start: Start = None,
) -> None:
    """Run the simulated broker alone, for other programs.

    Any client that speaks the broker's protocols can use it. It accepts the client secret
    secret-ok with the refresh token refresh-ok.
    """
    import asyncio

    from core.garbage import tune_gc
    from core.simulator.server import run as serve
    from core.simulator.settings import SimulatorSettings

    tune_gc()
    asyncio.run(serve(SimulatorSettings(port=port, seed=seed, speed=speed or 1.0, start=start)))


@app.command()
def once(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    account: Annotated[str | None, typer.Option(metavar="N", help="Only this account number.")] = None,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Follow the order this long at most.")] = 20.0,
    data_dir: DataDir = None,
) -> None:
    """Force one cycle without a screen, then follow its order.

    Exit code: 0 succeeded, 3 skipped, 4 failed, 5 unknown, 2 refused to start.
    """
    run = _prepare(context, data_dir)
    mode = _mode(context, run)
    logins = _need_logins(run)
    from senex_tui import wiring

    result = wiring.run_once(run.loaded, run.folders, mode, logins, account, wait)
    typer.echo(result.to_json() if as_json else result.to_text())
    raise typer.Exit(ONCE_EXIT_CODES[result.outcome])


@app.command()
def check(context: typer.Context, data_dir: DataDir = None) -> None:
    """Show every setting and where it came from.

    Settings are validated; secrets are masked. Nothing is asked of the broker.
    """
    run = _prepare(context, data_dir)
    from core.mail_password import mail_password_words
    from senex_tui.check import check_lines

    refusal: Refused | None = None
    try:
        mode = _mode(context, run).value
    except Refused as refused:
        refusal, mode = refused, "refused, see below"
    settings = run.loaded.settings
    password = mail_password_words(settings.mail, os.environ, environment_only=settings.broker.url is not None)
    for line in check_lines(run.loaded, run.folders, mode, _find_logins(run), password):
        typer.echo(scrub(line))
    if refusal:
        raise refusal


def _place(context: typer.Context, data_dir: Path | None, demo: bool) -> Place:
    from core.config import SettingsError
    from core.folders import folders
    from senex_tui.place import newest_demo, only_running, place_of

    try:
        run = _prepare(context, data_dir, own_simulator=demo)
    except SettingsError as error:
        # Settings edited while a console runs must not keep its operator from stopping it.
        running = only_running(folders(data_dir or context.find_root().params["data_dir"]), demo)
        if running is None:
            raise
        typer.echo(f"senex: {error.sentences[0]} Speaking to the {running.mode.value} console that runs.", err=True)
        return running
    if demo:
        return newest_demo(run.folders)
    return place_of(run.folders, _mode(context, run), run.loaded.settings.database.url)


def _logs(context: typer.Context, data_dir: Path | None) -> Path:
    from core.folders import folders

    return folders(data_dir or context.find_root().params["data_dir"]).logs


def _slot_times(context: typer.Context, data_dir: Path | None, demo: bool) -> SlotTimes:
    return _prepare(context, data_dir, own_simulator=demo).loaded.settings.schedule.slot_times


def _defaults(context: typer.Context, data_dir: Path | None) -> Settings:
    return _prepare(context, data_dir).loaded.settings


def _settings(context: typer.Context) -> tuple[Settings, Folders]:
    run = _prepare(context, None)
    return run.loaded.settings, run.folders


def _mail_settings(context: typer.Context, data_dir: Path | None) -> MailSettings:
    return _prepare(context, data_dir).loaded.settings.mail


def _watched(context: typer.Context, data_dir: Path | None, demo: bool) -> tuple[Place, Settings, Path]:
    run = _prepare(context, data_dir, own_simulator=demo)
    return _place(context, data_dir, demo), run.loaded.settings, run.folders.state


def _recorded(context: typer.Context, data_dir: Path | None, demo: bool) -> tuple[Recorded, ConsoleSettings, Path]:
    run = _prepare(context, data_dir, own_simulator=demo)
    from core.snapshot import Mode
    from senex_tui.replay import recorded_in

    mode = Mode.DEMO if demo else _mode(context, run)
    return recorded_in(run.folders, mode, demos=demo), run.loaded.settings.console, run.folders.state


def add_other_commands() -> None:
    """Those that open no screen at once: describing them takes longer than some of them run."""
    from senex_tui.account_commands import add_account_commands
    from senex_tui.database_commands import add_database_commands
    from senex_tui.doctor_command import add_doctor_command
    from senex_tui.history_commands import add_history_commands
    from senex_tui.log_commands import add_log_command
    from senex_tui.login_commands import add_login_commands
    from senex_tui.mail import add_mail_commands
    from senex_tui.operator_commands import add_operator_commands
    from senex_tui.replay_command import add_replay_command
    from senex_tui.report_commands import add_report_commands
    from senex_tui.watch_command import add_watch_command

    add_operator_commands(app, _place, _mail_settings)
    add_database_commands(app, _place)
    add_log_command(app, _logs)
    add_doctor_command(app)
    add_report_commands(app, _place)
    add_replay_command(app, _recorded, _settle_terminal)
    add_watch_command(app, _watched, _settle_terminal)
    add_history_commands(app, _place, _slot_times)
    add_account_commands(app, _place, _defaults)
    add_login_commands(app, _settings, scrub)
    add_mail_commands(app, _mail_settings, _place)


def main() -> None:
    """The entry point: exit code 2 and one sentence each for what the user can mend, 1 for a defect of ours."""
    os.umask(0o077)  # records, logs and sockets are this user's alone
    gc.disable()  # until the first paint, or until an engine is built: imports leave no garbage to look for
    if not _opens_at_once(sys.argv[1:]):
        add_other_commands()
    try:
        app(prog_name="senex")
    except Exception as failure:
        sys.exit(_report(failure))


def _opens_at_once(words: list[str]) -> bool:
    """Whether the command line is surely the console's or the demo's; one not seen through here only starts later."""
    return words in ([], ["--live"]) or words[:1] == ["demo"]


def _report(failure: Exception) -> int:
    sentences = sentences_for(failure)
    if sentences:
        for sentence in sentences:
            typer.echo(scrub(f"senex: {sentence}"), err=True)
        return REFUSED_TO_START
    log.exception("stopped by a defect", exc_info=failure)
    from senex_tui.crash import tell_crash

    typer.echo(scrub(f"senex: {tell_crash('it was', failure)}"), err=True)
    return DEFECT
