"""`senex history|explain|day`: what happened and why, from the records, with or without a running console."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import AsJson, DemoRecords, FromDay, OneAccount, OneDay, RecordsDir, ToDay
from senex_tui.cli.printing import print_next, print_report

commands = typer.Typer()


@commands.command()
def history(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Option(metavar="KIND", help="cycles, attempts, suggestions, orders, fills, commands, exits or tridents."),
    ] = "cycles",
    since: FromDay = None,
    until: ToDay = None,
    account: OneAccount = "",
    outcome: Annotated[str, typer.Option(metavar="WORD", help="What became of it: missed, rejected, filled.")] = "",
    reason: Annotated[str, typer.Option(metavar="CODE", help="Only with this reason code.")] = "",
    underlying: Annotated[str, typer.Option(metavar="SYMBOL", help="QQQ or SPX.")] = "",
    text: Annotated[str, typer.Option(metavar="TEXT", help="Only where a word of it holds this, literally.")] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "-n", "--limit", min=1, max=1_000_000, metavar="N", help="At most so many; 20 as a table, else all."
        ),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    demo: DemoRecords = False,
    data_dir: RecordsDir = None,
) -> None:
    """Search the records, newest first.

    Cycles include the slots that were missed. Times are exchange time.
    """
    from core.records.search.history import HistoryFilter
    from senex_tui.reports.history import search
    from senex_tui.support.refusals import Refused

    if as_json and as_csv:
        raise Refused("--json and --csv exclude each other; give one of them.")
    wanted = HistoryFilter(since, until, account, outcome, reason, underlying.upper(), text)
    form = "json" if as_json else "csv" if as_csv else "text"
    place = invocation.place_for(context, data_dir, demo)
    asyncio.run(search(place, kind, wanted, limit, form, print_next))


@commands.command()
def explain(
    context: typer.Context,
    cycle: Annotated[
        str,
        typer.Argument(
            metavar="CYCLE", help="A number, a slot like 11:15 or 2026-03-02T11:15, last; or a trident's id."
        ),
    ],
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: RecordsDir = None,
) -> None:
    """Tell what happened in a cycle and why, with the figures.

    For a slot that did not run it tells why it was missed. For a trident it tells the entry, closing orders, fills and
    the broker's rows to its end. Times are exchange time; without a date they are today's.
    """
    from senex_tui.reports.explain import explain as read_story

    place = invocation.place_for(context, data_dir, demo)
    times = invocation.settings_of(context, data_dir, own_simulator=demo).schedule.slot_times
    print_report(asyncio.run(read_story(place, times, cycle, account)), as_json)


@commands.command()
def day(
    context: typer.Context,
    when: OneDay = None,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: RecordsDir = None,
) -> None:
    """Show a day's slots: what ran, was missed, is next."""
    from senex_tui.reports.day import read_day

    place = invocation.place_for(context, data_dir, demo)
    times = invocation.settings_of(context, data_dir, own_simulator=demo).schedule.slot_times
    print_report(asyncio.run(read_day(place, times, when, account)), as_json)
