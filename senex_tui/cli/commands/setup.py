"""`senex setup`: a short dialogue that writes the settings, checks each answer, and ends with the doctor."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import DataDir
from senex_tui.support.outlet import print_line
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.records.records import Records
    from core.snapshot import Mode
    from senex_tui.cli.setup.plan import Plan
    from senex_tui.trader.place import Place

commands = typer.Typer()
GIVEN_UP = 130


@commands.command()
def setup(context: typer.Context, data_dir: DataDir = None) -> None:
    """Ask what a first run needs, and write it.

    Mode, login, accounts, offset, mail, phone, and how it is kept running. Each step shows what is there; Enter leaves
    it so. Logins, mail and phones are tried as they are given. Nothing is written before the end, and nothing at all
    after ctrl+c. It was tried against the simulated broker, never at tastytrade.

    Exit code: that of `senex doctor`; 130 when given up.
    """
    from senex_tui.cli.setup.dialogue import GivenUp, agrees, say
    from senex_tui.cli.setup.plan import Plan, settings_file, write
    from senex_tui.cli.setup.service import keep_running
    from senex_tui.cli.setup.steps import Steps

    if not sys.stdin.isatty():
        raise Refused(
            "senex setup asks questions, which needs a terminal; without one write the settings file by hand "
            "(docs/setup.md)."
        )
    run = invocation.prepare(context, data_dir)
    file = settings_file(run.loaded, run.folders)
    there = run.loaded.settings
    plan = Plan(simulated=there.broker.url is not None, notify=there.notify)
    steps = Steps(run.loaded, run.folders, plan)
    say(f"Settings: {run.loaded.file or f'none yet; {file} would be written'}.")
    say("Enter leaves what is there. Nothing is written before the end; ctrl+c gives up.")
    say("This dialogue was tried against the simulated broker, never at tastytrade.")
    try:
        steps.mode()
        steps.login()
        steps.accounts(asyncio.run(_enabled(_place(run.loaded, run.folders, plan))))
        steps.offset()
        steps.mail()
        steps.phones()
        chosen_dir = data_dir or context.find_root().params["data_dir"]
        keep_running(plan, is_live=steps.is_live, data_dir=chosen_dir)
        if not plan.is_empty:
            say("\nThis is written:")
            for line in plan.words(run.folders, file):
                say(f"  {line}")
            if not agrees("write it"):
                raise GivenUp
    except (GivenUp, KeyboardInterrupt):
        print_line("\nsenex: given up; nothing was written.", error=True)
        raise typer.Exit(GIVEN_UP) from None
    if plan.is_empty:
        say("\nNothing is to be changed.")
    try:
        for line in write(plan, run.folders, file):
            say(f"  {line}")
        if plan.enabled:
            for line in asyncio.run(_switch_on(_place(run.loaded, run.folders, plan), plan)):
                say(f"  {line}")
    except KeyboardInterrupt:
        print_line("\nsenex: interrupted; what is named above is written whole, the rest is not.", error=True)
        raise typer.Exit(GIVEN_UP) from None
    say("\nThe doctor")
    raise typer.Exit(_examined(run.folders, plan))


def _place(loaded: Loaded, folders: Folders, plan: Plan) -> Place:
    """The records of the mode that was chosen."""
    from senex_tui.trader.place import place_of

    return place_of(folders, _mode(loaded, plan), loaded.settings.database.url)


def _mode(loaded: Loaded, plan: Plan) -> Mode:
    from core.snapshot import Mode

    there = loaded.settings
    if there.broker.url is not None:
        return Mode.DEMO
    if plan.settings.get("trading.live", there.trading.live):
        return Mode.LIVE
    return Mode.SANDBOX if plan.settings.get("broker.sandbox", there.broker.sandbox) else Mode.DRY_RUN


async def _enabled(place: Place) -> frozenset[str]:
    """The accounts that are switched on in the records; none before the first start."""
    from senex_tui.trader.place import with_records

    if place.database is None and not place.records_file.exists():
        return frozenset()

    async def read(records: Records) -> frozenset[str]:
        return frozenset(one.number for one in await records.accounts.all() if one.enabled)

    return await with_records(place, read)


async def _switch_on(place: Place, plan: Plan) -> list[str]:
    """Switches the accounts on, as `senex accounts enable` does. Where no console has recorded them yet, records them
    first. Raises RecordsError."""
    from senex_tui.reports.accounts import change_account
    from senex_tui.trader.first_accounts import record_accounts

    await record_accounts(place, plan.accounts)
    return [(await change_account(place, number, "automation", "on")).text for number in plan.enabled]


def _examined(folders: Folders, plan: Plan) -> int:
    """Prints what the doctor finds with the settings as they are now, and returns its exit code. The lines of the file
    `environment` count, as they do for the console under tmux and as a service."""
    from core.config.environment_file import values_of
    from core.config.folders import settings_path
    from core.config.loader import load_settings
    from core.runtime.clock import SystemClock
    from senex_tui.cli.setup.plan import environment_of
    from senex_tui.doctor.doctor import examine, exit_code, to_text
    from senex_tui.doctor.machine import Setup, all_checks

    file = environment_of(folders)
    if file.exists():
        os.environ.update(values_of(file.read_bytes()))
    loaded = load_settings(settings_path(folders, os.environ), os.environ)
    invocation.hide_secrets_of(loaded.settings)
    rows = examine(all_checks(Setup(folders, loaded, _mode(loaded, plan))), SystemClock())
    print_line(to_text(rows))
    return exit_code(rows)
