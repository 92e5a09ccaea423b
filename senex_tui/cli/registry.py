"""The commands that open no screen at once. They are described only when one of them was asked for."""

from __future__ import annotations

import typer


def add_other_commands(app: typer.Typer) -> None:
    """Adds every command but those of `main`: describing them takes longer than some of them run.

    A new command is a function in a module of `senex_tui.cli.commands`; a new module is named here. The order is that
    of `senex --help`.
    """
    from senex_tui.cli.commands import (
        accounts,
        database,
        doctor,
        history,
        login,
        logs,
        mail,
        operator,
        replay,
        report,
        watch,
    )

    for module in (operator, database, logs, doctor, report, replay, watch, history, accounts, login, mail):
        app.registered_commands += module.commands.registered_commands
        app.registered_groups += module.commands.registered_groups
