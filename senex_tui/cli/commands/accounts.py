"""`senex accounts`: which accounts the logins reach, and the operator's settings for each (SPEC 4, 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senex_tui.cli.commands.operator import DataDir, Demo, FindPlace, is_alone

if TYPE_CHECKING:
    from core.config.settings import Settings

FindDefaults = Callable[[typer.Context, Path | None], "Settings"]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The account number, or its last characters.")]
Field = Annotated[
    str,
    typer.Argument(metavar="FIELD", help="offset-cents, width, tolerance, position-limit, mail, primary."),
]
_EXIT = "Exit code: 0 done, 2 refused before it was posted, 3 refused, 4 expired, 5 not answered."


def add_account_commands(app: typer.Typer, find_place: FindPlace, find_defaults: FindDefaults) -> None:
    """Adds the commands to the command line; `find_place` says whose records are meant."""
    accounts_app = typer.Typer(
        help="List accounts; switch one on or off; its own settings.",
        invoke_without_command=True,
        rich_markup_mode=None,
    )
    app.add_typer(accounts_app, name="accounts")

    def change(context: typer.Context, data_dir: Path | None, demo: bool, number: str, field: str, value: str) -> None:
        from senex_tui.reports.accounts import change_account
        from senex_tui.trader.send_command import DONE

        answer = asyncio.run(change_account(find_place(context, data_dir, demo), number, field, value))
        typer.echo(answer.text, err=answer.exit_code != DONE)
        raise typer.Exit(answer.exit_code)

    def show(context: typer.Context, data_dir: Path | None, demo: bool) -> None:
        from senex_tui.reports.accounts import account_lines

        place, settings = find_place(context, data_dir, demo), find_defaults(context, data_dir)
        for line in asyncio.run(account_lines(place, settings.trading, settings.mail.preference.value)):
            typer.echo(line)

    @accounts_app.callback()
    def accounts(context: typer.Context, demo: Demo = False, data_dir: DataDir = None) -> None:
        """List the accounts the logins reach, their settings, and whether the automation trades them.

        New accounts start switched off; `senex accounts enable NUMBER` lets the automation trade one.
        """
        if is_alone(context, data_dir, demo):
            show(context, data_dir, demo)

    @accounts_app.command("list")
    def list_(context: typer.Context, demo: Demo = False, data_dir: DataDir = None) -> None:
        """List the accounts: login, token, settings (in brackets the default), notes."""
        show(context, data_dir, demo)

    @accounts_app.command(epilog=_EXIT)
    def enable(context: typer.Context, number: Number, demo: Demo = False, data_dir: DataDir = None) -> None:
        """Let the automation trade an account."""
        change(context, data_dir, demo, number, "automation", "on")

    @accounts_app.command(epilog=_EXIT)
    def disable(context: typer.Context, number: Number, demo: Demo = False, data_dir: DataDir = None) -> None:
        """Keep the automation from trading an account."""
        change(context, data_dir, demo, number, "automation", "off")

    @accounts_app.command(epilog=_EXIT)
    def skip(
        context: typer.Context,
        number: Number,
        undo: Annotated[bool, typer.Option("--undo", help="Let it enter today after all.")] = False,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Keep the automation from entering in an account for the rest of today's session."""
        change(context, data_dir, demo, number, "skip", "default" if undo else "today")

    @accounts_app.command("set", epilog=_EXIT)
    def set_(
        context: typer.Context,
        number: Number,
        field: Field,
        value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; `default` is the settings file's.")],
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Set what is special to an account; the next cycle uses it.

        offset-cents 0..25 (cents the limit is below the mid), width (dollars between body and wings; the default is by
        capital), tolerance (share of capital at risk), position-limit (open tridents), mail (immediate, daily, weekly,
        never), primary on (its login feeds the market for all).
        """
        change(context, data_dir, demo, number, field, value)

    @accounts_app.command()
    def changes(
        context: typer.Context,
        number: Annotated[str | None, typer.Argument(metavar="NUMBER", help="Only this account.")] = None,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Show who changed which setting when, oldest first."""
        from senex_tui.reports.accounts import change_lines

        for line in asyncio.run(change_lines(find_place(context, data_dir, demo), number)):
            typer.echo(line)
