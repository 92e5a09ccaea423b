"""The commands that open no screen at once, described only when one of them was asked for."""

from __future__ import annotations

import typer

from core.scrubber import known as scrub
from senex_tui import invocation


def add_other_commands(app: typer.Typer) -> None:
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

    add_operator_commands(app, invocation.place_for, invocation.mail_settings)
    add_database_commands(app, invocation.place_for)
    add_log_command(app, invocation.logs_folder)
    add_doctor_command(app)
    add_report_commands(app, invocation.place_for)
    add_replay_command(app, invocation.recorded, invocation.settle_terminal)
    add_watch_command(app, invocation.watched, invocation.settle_terminal)
    add_history_commands(app, invocation.place_for, invocation.slot_times)
    add_account_commands(app, invocation.place_for, invocation.defaults)
    add_login_commands(app, invocation.settings_and_folders, scrub)
    add_mail_commands(app, invocation.mail_settings, invocation.place_for)
