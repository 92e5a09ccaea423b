"""The command `senex`. Nothing heavy is imported before a command needs it: help and first paint come at once."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.scrubber import Scrubber
from senex_tui.mail import add_mail_commands
from senex_tui.operator_commands import add_operator_commands
from senex_tui.refusals import REFUSED_TO_START, Refused, sentences_for

if TYPE_CHECKING:
    from core.config import Loaded
    from core.credentials import Credentials
    from core.folders import Folders
    from core.mail_settings import MailSettings
    from core.snapshot import Mode
    from senex_tui.place import Place

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
scrub = Scrubber(*(os.environ.get(name, "") for name in ("TT_SECRET", "TT_REFRESH", "SENEX_MAIL_PASSWORD")))


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
Seed = Annotated[int, typer.Option(metavar="N", help="The same seed and start give the same market.")]


@dataclass(frozen=True, slots=True)
class _Run:
    """What every command but the simulator starts from."""

    loaded: Loaded
    folders: Folders


def _prepare(context: typer.Context, data_dir: Path | None, *, own_simulator: bool = False) -> _Run:
    from core.config import load_settings
    from core.folders import folders, settings_path
    from senex_tui.logs import set_up_logging

    chosen = folders(data_dir or context.find_root().params["data_dir"])
    loaded = load_settings(settings_path(chosen, os.environ), os.environ, own_simulator=own_simulator)
    set_up_logging(chosen.logs, scrub)
    return _Run(loaded, chosen)


def _mode(context: typer.Context, run: _Run) -> Mode:
    from senex_tui.modes import choose_mode

    return choose_mode(run.loaded.settings, live=context.find_root().params["live"])


def _find_credentials(run: _Run) -> Credentials | None:
    from core.credentials import find_credentials

    environment_only = run.loaded.settings.broker.url is not None
    found = find_credentials(os.environ, run.folders.credentials_file, environment_only=environment_only)
    if found:
        scrub.add(found.secret, found.refresh)
    return found


def _need_credentials(run: _Run) -> Credentials:
    found = _find_credentials(run)
    if found is None and run.loaded.settings.broker.url is not None:
        raise Refused(
            "no credentials in the environment; set TT_SECRET and TT_REFRESH "
            "(with broker.url the keyring and the credentials file are never read)."
        )
    if found is None:
        raise Refused(
            "no credentials found; set TT_SECRET and TT_REFRESH in the environment, the keyring (service senex) "
            f"or {run.folders.credentials_file} (mode 0600), or try `senex demo`, which needs none."
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
    _settle_terminal()
    credentials = _need_credentials(run)
    from senex_tui import wiring

    raise typer.Exit(wiring.run_console(run.loaded, run.folders, mode, credentials, None))


@app.command()
def demo(
    context: typer.Context, speed: Speed = None, start: Start = None, seed: Seed = DEMO_SEED, data_dir: DataDir = None
) -> None:
    """Open the console on a simulated broker and market of its own.

    It opens 15 seconds before the 09:45 slot, whatever the speed, unless --start says otherwise. broker.url and
    credentials are not used.
    """
    run = _prepare(context, data_dir, own_simulator=True)
    _settle_terminal()
    from core.snapshot import Mode
    from senex_tui import wiring

    clock = run.loaded.settings.clock
    simulator = wiring.DemoSimulator(speed=speed or clock.speed, start=start or clock.start, seed=seed)
    raise typer.Exit(wiring.run_console(run.loaded, run.folders, Mode.DEMO, None, simulator))


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

    from core.simulator.server import run
    from core.simulator.settings import SimulatorSettings

    asyncio.run(run(SimulatorSettings(port=port, seed=seed, speed=speed or 1.0, start=start)))


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
    credentials = _need_credentials(run)
    from senex_tui import wiring

    result = wiring.run_once(run.loaded, run.folders, mode, credentials, account, wait)
    typer.echo(result.to_json() if as_json else result.to_text())
    raise typer.Exit(ONCE_EXIT_CODES[result.outcome])


@app.command()
def check(context: typer.Context, data_dir: DataDir = None) -> None:
    """Show every setting and where it came from.

    Settings are validated; secrets are masked. Nothing is asked of the broker.
    """
    run = _prepare(context, data_dir)
    from senex_tui.check import check_lines

    refusal: Refused | None = None
    try:
        mode = _mode(context, run).value
    except Refused as refused:
        refusal, mode = refused, "refused, see below"
    for line in check_lines(run.loaded, run.folders, mode, _find_credentials(run)):
        typer.echo(scrub(line))
    if refusal:
        raise refusal


accounts_app = typer.Typer(
    help="List accounts; let the automation trade one, or not.", invoke_without_command=True, rich_markup_mode=None
)
app.add_typer(accounts_app, name="accounts")


@accounts_app.callback()
def accounts(context: typer.Context) -> None:
    """List the accounts the login reached and whether the automation trades them.

    New accounts start switched off; `senex accounts enable NUMBER` lets the automation trade one.
    """
    if context.invoked_subcommand is None:
        from senex_tui.accounts import list_accounts

        for line in list_accounts(_records_file(context)):
            typer.echo(line)


Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The account number, or its last characters.")]


@accounts_app.command()
def enable(context: typer.Context, number: Number) -> None:
    """Let the automation trade an account."""
    _switch(context, number, enabled=True)


@accounts_app.command()
def disable(context: typer.Context, number: Number) -> None:
    """Keep the automation from trading an account."""
    _switch(context, number, enabled=False)


def _switch(context: typer.Context, number: str, *, enabled: bool) -> None:
    from senex_tui.accounts import switch_account

    typer.echo(switch_account(_records_file(context), number, enabled=enabled))


def _records_file(context: typer.Context) -> Path:
    run = _prepare(context, None)
    return run.folders.records(_mode(context, run).value)


def _place(context: typer.Context, data_dir: Path | None, demo: bool) -> Place:
    from senex_tui.place import newest_demo, place_of

    run = _prepare(context, data_dir, own_simulator=demo)
    if demo:
        return newest_demo(run.folders)
    return place_of(run.folders, _mode(context, run))


def _mail_settings(context: typer.Context, data_dir: Path | None) -> MailSettings:
    return _prepare(context, data_dir).loaded.settings.mail


add_operator_commands(app, _place)
add_mail_commands(app, _mail_settings, _place)


def main() -> None:
    """The entry point: exit code 2 and one sentence each for what the user can mend, 1 for a defect of ours."""
    os.umask(0o077)  # records, logs and sockets are this user's alone
    try:
        app(prog_name="senex")
    except Exception as failure:
        sys.exit(_report(failure))


def _report(failure: Exception) -> int:
    sentences = sentences_for(failure)
    if sentences:
        for sentence in sentences:
            typer.echo(scrub(f"senex: {sentence}"), err=True)
        return REFUSED_TO_START
    log.exception("stopped by a defect", exc_info=failure)
    where = [getattr(handler, "baseFilename", "") for handler in logging.getLogger().handlers]
    details = f"; details are in {where[0]}" if where and where[0] else f": {failure}"
    typer.echo(scrub(f"senex: stopped by a defect ({type(failure).__name__}){details}."), err=True)
    return DEFECT
