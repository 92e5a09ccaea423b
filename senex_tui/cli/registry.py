"""The commands that open no screen at once, described only when one of them was asked for."""

from __future__ import annotations

import typer

from core.runtime.redaction import redact
from senex_tui.cli import invocation


def add_other_commands(app: typer.Typer) -> None:
    """Those that open no screen at once: describing them takes longer than some of them run."""
    from senex_tui.cli.commands.accounts import add_account_commands
    from senex_tui.cli.commands.database import add_database_commands
    from senex_tui.cli.commands.doctor import add_doctor_command
    from senex_tui.cli.commands.history import add_history_commands
    from senex_tui.cli.commands.login import add_login_commands
    from senex_tui.cli.commands.logs import add_log_command
    from senex_tui.cli.commands.operator import add_operator_commands
    from senex_tui.cli.commands.replay import add_replay_command
    from senex_tui.cli.commands.report import add_report_commands
    from senex_tui.cli.commands.watch import add_watch_command
    from senex_tui.reports.mail import add_mail_commands

    add_operator_commands(app, invocation.place_for, invocation.mail_settings)
    add_database_commands(app, invocation.place_for)
    add_log_command(app, invocation.logs_folder)
    add_doctor_command(app)
    add_report_commands(app, invocation.place_for)
    add_replay_command(app, invocation.recorded, invocation.settle_terminal)
    add_watch_command(app, invocation.watched, invocation.settle_terminal)
    add_history_commands(app, invocation.place_for, invocation.slot_times)
    add_account_commands(app, invocation.place_for, invocation.defaults)
    add_login_commands(app, invocation.settings_and_folders, redact)
    add_mail_commands(app, invocation.mail_settings, invocation.place_for)
