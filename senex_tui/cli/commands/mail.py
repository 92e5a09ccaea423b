"""`senex mail`: the messages waiting and sent; `senex mail test`: sends one message now and prints the server's
answer."""

from __future__ import annotations

import asyncio
import os

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import DataDir, DemoRecords
from senex_tui.cli.printing import exit_with, print_lines
from senex_tui.support.refusals import Refused

commands = typer.Typer()
_mail = typer.Typer(
    help="Show what mail waits to be sent; send a test.\n\n"
    "It shows the mail server too, what was given up, and the newest messages.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
commands.add_typer(_mail, name="mail")


@_mail.callback()
def mail(context: typer.Context, demo: DemoRecords = False, data_dir: DataDir = None) -> None:
    if invocation.is_alone(context, data_dir, demo):
        from senex_tui.reports.mail import read_outbox

        settings = invocation.settings_of(context, data_dir).mail
        print_lines(asyncio.run(read_outbox(settings, invocation.place_for(context, data_dir, demo))))


@_mail.command("test", epilog="Exit code: 0 the server took it, 2 mail is not set up, 3 refused, 5 no answer.")
def send_test_message(context: typer.Context, data_dir: DataDir = None) -> None:
    """Send one message to mail.operator now.

    Says what the server answered.
    """
    from core.config.mail_password import find_mail_password
    from senex_tui.reports.mail import MAIL_IS_OFF, send_test

    settings = invocation.settings_of(context, data_dir).mail
    if not settings.is_on:
        raise Refused(f"{MAIL_IS_OFF}.")
    password = find_mail_password(settings, os.environ, environment_only=False)
    exit_with(asyncio.run(send_test(settings, password)))
