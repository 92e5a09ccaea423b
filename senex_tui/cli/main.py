"""The command `senex`. Nothing heavy is imported before a command needs it: help and first paint come at once."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
from itertools import pairwise
from typing import Annotated

import typer

from core.runtime.redaction import redact
from senex_tui.cli.invocation import (
    folders_of,
    logins_found,
    logins_needed,
    mode_of,
    prepare,
    settle_terminal,
    trading_mode_of,
)
from senex_tui.cli.options import Ascii, AsJson, Days, Live, OneAccount, OwnDataDir, Plain, ReadOnly, Seed, Speed, Start
from senex_tui.cli.printing import as_typed, print_lines
from senex_tui.support.outlet import end_output, install_outlets, print_line
from senex_tui.support.refusals import REFUSED_TO_START, Refused, sentences_for
from senex_tui.support.report import EXIT_CODES

DEFECT = 1
GIVEN_UP = 130
"""The exit code of what ctrl+c ended, as shells have it."""
DEMO_SEED = 7
SIMULATOR_PORT = 8700
COMPLETION = "_SENEX_COMPLETE"
"""The variable with which a shell asks for the rest of a word, or for the script that makes it ask."""
_DEMO_NAME = re.compile(r"[0-9a-f]{12}|(?=[0-9]*[a-f])[0-9a-f]{6,11}")
_DAY, _SLOT, _NOTHING = re.compile(r"\d[\d-]*"), re.compile(r"last|\d[\dT:.+-]*"), re.compile(r"(?!)")
_ACCOUNT, _ID = re.compile(r"[0-9A-Z]*\d[0-9A-Z]*"), re.compile(r"[0-9a-f]{8,32}")
_OF_A_TRIDENT = frozenset({"close", "retarget", "release"})
_OWN_ARGUMENT = {
    "day": _DAY,
    "explain": _SLOT,
    "exits": _ACCOUNT,
    "cancel": _ID,
    **dict.fromkeys(_OF_A_TRIDENT, _ID),
    **dict.fromkeys(("status", "history", "report", "preview", "watch", "reconcile", "tridents"), _NOTHING),
    **dict.fromkeys(("pause", "resume", "force", "halt"), _NOTHING),
}
"""What the argument of a command looks like. Any other word after `--demo` is meant as a name there, so that a wrong
one is answered with the names there are."""

app = typer.Typer(
    name="senex",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
log = logging.getLogger("senex")
redact.add(
    *(
        value
        for name, value in os.environ.items()
        if name.startswith(("TT_SECRET", "TT_REFRESH")) or name in ("SENEX_MAIL_PASSWORD", "PGPASSWORD")
    ),
    *os.environ.get("SENEX_NOTIFY__URLS", "").split(),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from senex_tui.support.version import version_words

        print_line(f"senex {version_words()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    data_dir: OwnDataDir = None,
    live: Live = False,
    ascii_only: Ascii = False,
    read_only: ReadOnly = False,
    plain: Plain = False,
    demo_name: Annotated[str, typer.Option("--demo-name", hidden=True)] = "",
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
    run = prepare(context, data_dir)
    mode = trading_mode_of(context, run)
    if not plain:
        settle_terminal()
    logins = logins_needed(run)
    from senex_tui.console.view_settings import with_options
    from senex_tui.run import hosted

    loaded = with_options(run.loaded, ascii_only=ascii_only, read_only=read_only)
    opened = hosted.run_plain if plain else hosted.run_console
    raise typer.Exit(opened(loaded, run.folders, mode, logins, None))


@app.command()
def demo(
    context: typer.Context,
    speed: Speed = None,
    start: Start = None,
    seed: Seed = DEMO_SEED,
    days: Days = None,
    ascii_only: Ascii = False,
    read_only: ReadOnly = False,
    plain: Plain = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Only list the demos and their names; `--demo NAME` asks one.")
    ] = False,
    data_dir: OwnDataDir = None,
) -> None:
    """Open the console on a simulated broker of its own.

    It opens 15 seconds before the 09:45 slot, whatever the speed, unless --start says otherwise. With --days it opens
    on the history of that many sessions, which the engine lives before in a fraction of the time; it is kept for the
    next start. broker.url and credentials are not used.
    """
    if list_:
        from senex_tui.reports.demos import demo_lines

        return print_lines(demo_lines(folders_of(context, data_dir)))
    run = prepare(context, data_dir, own_simulator=True)
    plain = plain or context.find_root().params["plain"]
    if not plain:
        settle_terminal()
    from core.domain.operation.mode import Mode
    from senex_tui.console.view_settings import with_options
    from senex_tui.run import hosted
    from senex_tui.run.demo import DemoSimulator

    loaded = with_options(run.loaded, ascii_only=ascii_only, read_only=read_only)
    clock = loaded.settings.clock
    speed, start, past = speed or clock.speed, start or clock.start, None
    if days is not None:
        from senex_tui.run.lived.before import days_before, opening

        ascii_line = loaded.settings.console.ascii
        try:
            past = days_before(seed, start, loaded.settings, run.folders, days, ascii_only=ascii_line)
        except KeyboardInterrupt:
            print_line("senex: given up; nothing was kept.", error=True)
            raise typer.Exit(GIVEN_UP) from None
        start = start or opening(past, speed)
    simulator = DemoSimulator(speed=speed, start=start, seed=seed, past=past)
    opened = hosted.run_plain if plain else hosted.run_console
    raise typer.Exit(opened(loaded, run.folders, Mode.DEMO, (), simulator))


@app.command()
def run(
    context: typer.Context,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a screen, for a server: a line per event; SIGTERM ends it.")
    ] = False,
    data_dir: OwnDataDir = None,
) -> None:
    """Trade, or stand by until the trader that is there ends.

    This one says who trades, takes over when that one ends or loses its connection, and reconciles first.
    """
    prepared = prepare(context, data_dir)
    mode = trading_mode_of(context, prepared)
    if not headless:
        settle_terminal()
    logins = logins_needed(prepared)
    from senex_tui.run import hosted

    raise typer.Exit(hosted.run_trader(prepared.loaded, prepared.folders, mode, logins, headless=headless))


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

    from core.runtime.gc import tune_gc
    from core.simulator.wire.server import run as serve
    from core.simulator.wire.settings import SimulatorSettings

    tune_gc()
    asyncio.run(serve(SimulatorSettings(port=port, seed=seed, speed=speed or 1.0, start=start)))


@app.command()
def once(
    context: typer.Context,
    as_json: AsJson = False,
    account: OneAccount = "",
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Follow the order this long at most.")] = 20.0,
    data_dir: OwnDataDir = None,
) -> None:
    """Force one cycle without a screen, then follow its order.

    Exit code: 0 succeeded, 3 skipped, 4 failed, 5 unknown, 2 refused to start.
    """
    run = prepare(context, data_dir)
    mode = trading_mode_of(context, run)
    logins = logins_needed(run)
    from senex_tui.run.once import run_once

    result = run_once(run.loaded, run.folders, mode, logins, account or None, wait)
    print_line(result.to_json() if as_json else result.to_text())
    raise typer.Exit(EXIT_CODES[result.outcome])  # of the cycle, also when the output did not take the report


@app.command()
def check(context: typer.Context, data_dir: OwnDataDir = None) -> None:
    """Show every setting and where it came from.

    Settings are validated; secrets are masked. Nothing is asked of the broker.
    """
    run = prepare(context, data_dir)
    from core.config.mail_password import mail_password_words
    from core.config.notify import addresses_words
    from senex_tui.reports.check import check_lines

    shared = ""
    if run.loaded.settings.console.keys:
        from senex_tui.console.key_map import checked_keys, shared_keys

        checked_keys(run.loaded.settings.console.keys)
        shared = shared_keys(run.loaded.settings.console.keys)
    refusal: Refused | None = None
    try:
        mode = mode_of(context, run).value
    except Refused as refused:
        refusal, mode = refused, "refused, see below"
    settings = run.loaded.settings
    simulated = settings.broker.url is not None
    password = mail_password_words(settings.mail, os.environ, environment_only=simulated)
    phones = addresses_words(settings.notify, environment_only=simulated)
    lines = check_lines(run.loaded, run.folders, mode, logins_found(run), password, phones)
    print_lines(redact(line) for line in lines)
    if shared:
        print_line(f"\n{shared}")
    if refusal:
        raise refusal


def main() -> None:
    """The entry point. Exit code 2 and a sentence for each thing the user can mend, 1 for a defect of ours."""
    install_outlets()
    os.umask(0o077)  # records, logs and sockets are this user's alone
    gc.disable()  # until the first paint, or until an engine is built: imports leave hardly any garbage
    words = demo_named_first(sys.argv[1:])
    completes = COMPLETION in os.environ
    if completes:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    if completes or not _opens_at_once(words):
        from senex_tui.cli.registry import add_other_commands

        add_other_commands(app)
    if sys.flags.optimize > 1:
        from senex_tui.cli.registry import restore_help

        restore_help(app)
    try:
        app(words, prog_name="senex")
    except Exception as failure:
        sys.exit(_report(failure))
    finally:
        unwritten = end_output()
        if unwritten:
            print_line(f"senex: {unwritten}", error=True)


def demo_named_first(words: list[str]) -> list[str]:
    """The words of a command line, with the name of a demo that follows `--demo` as an option before them.

    `--demo` takes no value: what follows it may be an argument, like the date of `senex day --demo 2026-03-02`. The
    name of a demo is 12 hexadecimal digits; its first 6 or more are enough where one of them is a letter. A word that
    cannot be the command's argument is a name too, though of no demo. The id of a trident may look like a name: it is
    one only where another word is the id.
    """
    for number, (option, name) in enumerate(pairwise(words)):
        command = next((word for word in words[:number] if word in _OWN_ARGUMENT), "")
        own = _OWN_ARGUMENT.get(command)
        meant = own is not None and name and not name.startswith("-") and not own.fullmatch(name)
        others = (*words[:number], *words[number + 2 :])
        is_id = command in _OF_A_TRIDENT and _ID.fullmatch(name) and not any(map(_ID.fullmatch, others))
        if option == "--demo" and (meant or _DEMO_NAME.fullmatch(name)) and not is_id:
            return ["--demo-name", name, *words[: number + 1], *words[number + 2 :]]
    return words


def _opens_at_once(words: list[str]) -> bool:
    """Whether the command line surely opens the console or a demo, which need none of the other commands.

    A wrong False costs only time: then the other commands are described too.
    """
    return words in ([], ["--live"]) or words[:1] == ["demo"]


def _report(failure: Exception) -> int:
    sentences = sentences_for(failure)
    if sentences:
        for sentence in sentences:
            print_line(redact(f"senex: {as_typed(sentence)}"), error=True)
        return REFUSED_TO_START
    log.exception("stopped by a defect", exc_info=failure)
    from senex_tui.support.crash_report import tell_crash

    print_line(redact(f"senex: {tell_crash('it was', failure)}"), error=True)
    return DEFECT
