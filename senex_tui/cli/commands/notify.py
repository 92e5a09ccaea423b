"""`senex notify`: the messages waiting for phones; `senex notify test`: sends one to each now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import DataDir, DemoRecords
from senex_tui.cli.printing import exit_with, print_lines
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.settings import Settings

commands = typer.Typer()
_notify = typer.Typer(
    help="Show what waits for your phones; send a test.\n\n"
    "It shows what was given up too, and the newest messages. The addresses are secrets: only their kinds are shown.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
commands.add_typer(_notify, name="notify")


@_notify.callback()
def notify(context: typer.Context, demo: DemoRecords = False, data_dir: DataDir = None) -> None:
    if invocation.is_alone(context, data_dir, demo):
        from senex_tui.reports.notify import read_phones

        settings = invocation.settings_of(context, data_dir, own_simulator=demo)
        place = invocation.place_for(context, data_dir, demo)
        print_lines(asyncio.run(read_phones(settings.notify, _addresses(settings, demo), place)))


@_notify.command("test", epilog="Exit code: 0 taken by each, 2 not set up, 3 refused, 5 no answer.")
def send_test_message(context: typer.Context, data_dir: DataDir = None) -> None:
    """Send one message to each phone now.

    Says what each service answered.
    """
    from senex_tui.reports.notify import PHONES_ARE_OFF, send_test

    addresses = _addresses(invocation.settings_of(context, data_dir), False)
    if not addresses:
        raise Refused(f"{PHONES_ARE_OFF}.")
    exit_with(asyncio.run(send_test(addresses)))


def _addresses(settings: Settings, demo: bool) -> tuple[str, ...]:
    from core.config.notify import find_addresses

    return find_addresses(settings.notify, environment_only=demo or settings.broker.url is not None)
