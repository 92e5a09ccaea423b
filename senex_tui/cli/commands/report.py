"""`senex report` and `senex alerts`: the figures of the sessions, what was earned, the open alerts (rules 12, 15.6)."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import AsJson, DataDir, Demo, DemoRecords, OneAccount
from senex_tui.cli.printing import exit_with, print_lines, print_report
from senex_tui.support.refusals import Refused

commands = typer.Typer()
_alerts = typer.Typer(help="List open alerts; acknowledge one.", invoke_without_command=True, rich_markup_mode=None)
commands.add_typer(_alerts, name="alerts")


@commands.command()
def report(
    context: typer.Context,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="The first session's date.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="The last session's date.")] = None,
    account: OneAccount = "",
    as_json: AsJson = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print one row an account and day; with --pnl one a closed unit.")
    ] = False,
    pnl: Annotated[bool, typer.Option("--pnl", help="What tridents earned, on all days or on those given.")] = False,
    by: Annotated[
        str | None, typer.Option("--by", metavar="PERIOD", help="With --pnl: day, week or month (the default).")
    ] = None,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Show what the sessions came to; with --pnl what was earned.

    It covers the last 20 recorded sessions, or those from one date to another, both included, like 2026-03-02. It
    reads the records alone, also while a console trades.
    """
    from senex_tui.reports.figures import day_of, read_report

    if as_json and as_csv:
        raise Refused("--json and --csv cannot both be printed; leave one out.")
    days = day_of("--from", first), day_of("--to", last)
    if by is not None and not pnl:
        raise Refused("--by puts together what tridents earned; give --pnl too.")
    place = invocation.place_for(context, data_dir, demo)
    if pnl:
        from senex_tui.reports.pnl import period_of, read_pnl

        earned = asyncio.run(read_pnl(place, period_of(by), *days, account, with_lots=as_csv))
        if as_csv:
            print_lines([earned.to_csv()])
        else:
            print_report(earned, as_json)
        return
    times = invocation.settings_of(context, data_dir, own_simulator=demo).schedule.slot_times
    figures = asyncio.run(read_report(place, times, *days, account))
    if as_csv:
        print_lines([figures.to_csv()])
    else:
        print_report(figures, as_json)


@_alerts.callback()
def alerts(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also closed ones, the newest first.")] = False,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """List the open alerts, and who acknowledged them.

    An alert closes by itself when its cause is gone; `senex alerts ack ID` says that you have seen it.
    """
    if context.invoked_subcommand is None:
        from senex_tui.reports.alerts import read_alerts

        place = invocation.place_for(context, data_dir, demo)
        print_report(asyncio.run(read_alerts(place, everything=everything, account=account)), as_json)


@_alerts.command(epilog="Exit code: 0 done, 3 refused, 4 expired, 5 not answered.")
def ack(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ID", help="The alert's number, as `senex alerts` shows it.")],
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Acknowledge an open alert. Works without a running console too."""
    from core.domain.operation.commands import CommandKind
    from senex_tui.trader.send_command import send

    if not alert.isdecimal():
        raise Refused(f"{alert!r} is not an alert's number; `senex alerts` shows them.")
    place = invocation.trader_for(context, data_dir, demo)
    exit_with(asyncio.run(send(place, CommandKind.ACKNOWLEDGE, target=alert)))
