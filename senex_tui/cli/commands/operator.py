"""`senex status|pause|resume|halt|cancel|allow-reentry|reconcile|reset|attest|backup` from another shell (SPEC 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.mail import MailSettings
    from core.domain.operation.commands import CommandKind
    from senex_tui.trader.place import Place

_EXIT = "Exit code: 0 done, 3 refused, 4 expired, 5 not answered, 6 no console is running."
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder of the console meant.")
]
Demo = Annotated[bool, typer.Option("--demo", help="Speak to the `senex demo` that started last and still runs.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept in the records.")]
Entry = Annotated[str, typer.Option("--entry", metavar="ID", help="Which one, when there are several.")]

FindPlace = Callable[[typer.Context, Path | None, bool], "Place"]


FindMail = Callable[[typer.Context, Path | None], "MailSettings"]


def is_alone(context: typer.Context, data_dir: Path | None, demo: bool) -> bool:
    """Whether a group stands without one of its commands. Raises Refused for an option between the two: it would not
    reach the command, which would then do its work on other records than meant."""
    command = context.invoked_subcommand
    if command is not None and (demo or data_dir is not None):
        option = "--demo" if demo else "--data-dir"
        raise Refused(f"{option} goes after the command: senex {context.info_name} {command} ... {option}")
    return command is None


def add_operator_commands(app: typer.Typer, find_place: FindPlace, find_mail: FindMail) -> None:
    """Adds the commands to the command line; `find_place` says whose records are meant."""

    def send(place: Place, kind: CommandKind, *, target: str = "", note: str = "") -> None:
        from senex_tui.trader.send_command import DONE
        from senex_tui.trader.send_command import send as send_command

        answer = asyncio.run(send_command(place, kind, target=target, note=note))
        typer.echo(answer.text, err=answer.exit_code != DONE)
        raise typer.Exit(answer.exit_code)

    @app.command()
    def status(
        context: typer.Context,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Show what the console is doing, from another shell.

        Who trades, automation and why, what stops entries and how that ends, open alerts, mail, today's slots, today's
        entry of each account, and every entry whose fate is unknown with the way out.
        """
        from core.config.loader import SettingsError
        from senex_tui.reports.status import read_status

        place = find_place(context, data_dir, demo)
        mail: MailSettings | None = None
        with suppress(SettingsError):  # told by finding the place; a console that runs has its own
            mail = find_mail(context, data_dir)
        told = asyncio.run(read_status(place, mail))
        typer.echo(told.to_json() if as_json else told.to_text())

    @app.command(epilog=_EXIT)
    def pause(context: typer.Context, why: Why = "", demo: Demo = False, data_dir: DataDir = None) -> None:
        """Pause automation: no new entries until resumed.

        Works without a running console too: the next one starts paused.
        """
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.PAUSE, note=why)

    @app.command(epilog=_EXIT)
    def resume(context: typer.Context, why: Why = "", demo: Demo = False, data_dir: DataDir = None) -> None:
        """Resume automation after a pause. Needs a running console."""
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.RESUME, note=why)

    @app.command(epilog=_EXIT)
    def halt(context: typer.Context, why: Why = "", demo: Demo = False, data_dir: DataDir = None) -> None:
        """Halt entries until `senex reset halt`.

        Works without a running console too: the next one starts halted.
        """
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.HALT, note=why)

    @app.command(epilog=_EXIT)
    def reset(
        context: typer.Context,
        what: Annotated[
            str, typer.Argument(metavar="WHAT", help="halt, login, sends, mismatch, incident: as `senex status` says.")
        ],
        whom: Annotated[
            str, typer.Option("--account", metavar="N", help="Only this account, by its last characters.")
        ] = "",
        why: Why = "",
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """End a halt, or what stops entries once its cause is gone.

        After a halt entries stay paused. Works without a running console too, which `reset login` needs.
        """
        from core.domain.operation.commands import CommandKind

        target = f"{what}:{whom}" if whom else what
        send(find_place(context, data_dir, demo), CommandKind.RESET, target=target, note=why)

    @app.command(epilog=_EXIT)
    def cancel(context: typer.Context, entry: Entry = "", demo: Demo = False, data_dir: DataDir = None) -> None:
        """Cancel the working entry. Needs a running console.

        The day stays closed: the automation enters nothing else. ID is the entry's or the broker's order id.
        """
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.CANCEL, target=entry)

    @app.command("allow-reentry", epilog=_EXIT)
    def allow_reentry(
        context: typer.Context,
        order: Annotated[str, typer.Argument(metavar="ORDER", help="The cancelled entry's id or its order's.")],
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Allow another entry today after an entry you cancelled.

        Your cancel closed the day for its account. The day is free again when two complete reads at the broker show
        that the entry did not fill. Works without a running console too: the next one reads.
        """
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.ALLOW_REENTRY, target=order)

    @app.command(epilog=_EXIT)
    def reconcile(context: typer.Context, demo: Demo = False, data_dir: DataDir = None) -> None:
        """Compare records and broker now; entries wait for it. Needs a running console."""
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.RECONCILE)

    @app.command(epilog=_EXIT)
    def attest(
        context: typer.Context,
        seen: Annotated[str, typer.Argument(metavar="SEEN", help="absent, or the order's id at the broker.")],
        entry: Entry = "",
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Say what you saw at the broker of an unknown entry. Needs a running console.

        absent: no such order is there; the entry is closed and the day stays closed. An order id: the console reads
        that order and believes it only when it carries the entry's identifier.
        """
        from core.domain.operation.commands import CommandKind

        send(find_place(context, data_dir, demo), CommandKind.ATTEST, target=entry, note=seen)

    @app.command()
    def backup(
        context: typer.Context,
        file: Annotated[
            Path | None, typer.Argument(metavar="FILE", help="A new file; else one in the data folder's backups.")
        ] = None,
        demo: Demo = False,
        data_dir: DataDir = None,
    ) -> None:
        """Copy the records into one file. A running console goes on meanwhile.

        The copy is of one moment, is read back, and belongs to you alone. Nothing is ever overwritten.
        """
        from core.runtime.clock import SystemClock
        from senex_tui.run.backup import backed_up

        typer.echo(backed_up(find_place(context, data_dir, demo), file, SystemClock().now()))
