"""`senex accounts`: which accounts the logins reach, and the operator's settings for each (rules 4, 7)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import AccountNumber, DataDir, Demo, DemoRecords
from senex_tui.cli.printing import exit_with, print_lines

commands = typer.Typer()
_accounts = typer.Typer(
    help="List accounts; switch one on or off; its own settings.\n\n"
    "New accounts start switched off; `senex accounts enable NUMBER` lets the automation trade one.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
commands.add_typer(_accounts, name="accounts")
_EXIT = "Exit code: 0 done, 2 refused before it was posted, 3 refused, 4 expired, 5 not answered."


@_accounts.callback()
def accounts(context: typer.Context, demo: DemoRecords = False, data_dir: DataDir = None) -> None:
    if invocation.is_alone(context, data_dir, demo):
        _show(context, data_dir, demo)


@_accounts.command("list")
def list_(context: typer.Context, demo: DemoRecords = False, data_dir: DataDir = None) -> None:
    """List the accounts: login, token, settings and notes.

    A setting in brackets is the default.
    """
    _show(context, data_dir, demo)


@_accounts.command(epilog=_EXIT)
def enable(context: typer.Context, number: AccountNumber, demo: Demo = False, data_dir: DataDir = None) -> None:
    """Let the automation trade an account."""
    _change(context, data_dir, demo, number, "automation", "on")


@_accounts.command(epilog=_EXIT)
def disable(context: typer.Context, number: AccountNumber, demo: Demo = False, data_dir: DataDir = None) -> None:
    """Keep the automation from trading an account."""
    _change(context, data_dir, demo, number, "automation", "off")


@_accounts.command(epilog=_EXIT)
def skip(
    context: typer.Context,
    number: AccountNumber,
    undo: Annotated[bool, typer.Option("--undo", help="Let it enter today after all.")] = False,
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Keep an account from entering for the rest of today."""
    _change(context, data_dir, demo, number, "skip", "default" if undo else "today")


@_accounts.command("set", epilog=_EXIT)
def set_(
    context: typer.Context,
    number: AccountNumber,
    field: Annotated[
        str,
        typer.Argument(
            metavar="FIELD",
            help="offset-cents, width, tolerance, position-limit, mail, primary, exits, target-put-1, target-put-2, "
            "target-call, exit-dte, let-index-expire, call-target-last.",
        ),
    ],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; `default` is the settings file's.")],
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Set what is special to an account; the next cycle uses it.

    offset-cents 0..25 (cents the limit is below the mid), width (dollars between body and wings; the default is by
    capital), tolerance (share of capital at risk), position-limit (open tridents), mail (immediate, daily, weekly,
    never), primary on (its login feeds the market for all). Of its exits: exits (off, targets, all; live lists what is
    sent at once and asks for typed words), targets 1..95 (percent of the credit) or off, exit-dte 1..30 (days before
    expiration), let-index-expire and call-target-last on or off; a trident keeps those under which it was filled.
    """
    _change(context, data_dir, demo, number, field, value)


@_accounts.command()
def changes(
    context: typer.Context,
    number: Annotated[str | None, typer.Argument(metavar="NUMBER", help="Only this account.")] = None,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Show who changed which setting when, newest first."""
    from senex_tui.reports.accounts import change_lines

    print_lines(asyncio.run(change_lines(invocation.place_for(context, data_dir, demo), number)))


def _show(context: typer.Context, data_dir: Path | None, demo: bool) -> None:
    from senex_tui.reports.accounts import account_lines

    place = invocation.place_for(context, data_dir, demo)
    print_lines(asyncio.run(account_lines(place, invocation.settings_of(context, data_dir))))


def _change(context: typer.Context, data_dir: Path | None, demo: bool, number: str, field: str, value: str) -> NoReturn:
    from senex_tui.reports.accounts import change_account, switched_to

    place = invocation.trader_for(context, data_dir, demo)
    mode = switched_to(place, field, value)
    if mode is not None:
        from senex_tui.cli.opt_in import show_and_ask

        show_and_ask(context, data_dir, place, number, mode)
    exit_with(asyncio.run(change_account(place, number, field, value)))
