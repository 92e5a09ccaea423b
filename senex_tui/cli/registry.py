"""The commands that open no screen at once. They are described only when one of them was asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

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
        notify,
        operator,
        replay,
        report,
        setup,
        tridents,
        watch,
    )

    for module in (
        operator,
        tridents,
        database,
        logs,
        doctor,
        report,
        replay,
        watch,
        history,
        accounts,
        login,
        mail,
        notify,
        setup,
    ):
        app.registered_commands += module.commands.registered_commands
        app.registered_groups += module.commands.registered_groups


def restore_help(app: typer.Typer) -> None:
    """Gives the commands their descriptions again, which `python -OO` leaves out, from the source they stand in."""
    for callback in _callbacks(app):
        if callback.__doc__ is None:
            callback.__doc__ = _described_in(callback.__code__.co_filename).get(callback.__name__)


def _callbacks(app: typer.Typer) -> Iterator[Any]:
    for command in app.registered_commands:
        yield command.callback
    if app.registered_callback is not None:
        yield app.registered_callback.callback
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from _callbacks(group.typer_instance)


@lru_cache
def _described_in(file: str) -> dict[str, str]:
    """The docstrings of the functions of a file by name; none when the file cannot be read."""
    try:
        parsed = ast.parse(Path(file).read_text(encoding="utf-8"))
    except OSError:
        return {}
    functions = [node for node in parsed.body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_docstring(node) or "" for node in functions}
