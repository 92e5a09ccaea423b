"""The commands from another shell that an operator gives: `senex status`, `pause`, `force` and others (rules 10)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import AsJson, DataDir, Demo, DemoRecords, EntryId, OneAccount, Why
from senex_tui.cli.printing import exit_with, print_report
from senex_tui.support.outlet import print_line

if TYPE_CHECKING:
    from core.domain.operation.commands import CommandKind
    from senex_tui.trader.place import Place

commands = typer.Typer()
_EXIT = "Exit code: 0 done, 3 refused, 4 expired, 5 not answered, 6 no console is running."


@commands.command()
def status(
    context: typer.Context, as_json: AsJson = False, demo: DemoRecords = False, data_dir: DataDir = None
) -> None:
    """Show what the console is doing, from another shell.

    It says who trades, the state of automation and why, what comes next, and what stops entries and how that ends. It
    also lists open alerts, mail and phones, today's slots, today's entry of each account, and every entry whose fate
    is unknown with the way out.
    """
    from core.config.exits import ExitSettings
    from core.config.loader import SettingsError
    from core.domain.market.sessions import SlotTimes
    from core.snapshot import Mode
    from senex_tui.reports.status import read_status

    place = invocation.place_for(context, data_dir, demo)
    mail, notify, times, exits = None, None, SlotTimes(), ExitSettings()
    with suppress(SettingsError):  # `place_for` has said it; a console that runs has its own settings
        settings = invocation.settings_of(context, data_dir, own_simulator=demo)
        mail, notify = settings.mail, settings.notify
        times, exits = settings.schedule.slot_times, settings.exits
    rules = exits.rules(live=place.mode is Mode.LIVE)
    print_report(asyncio.run(read_status(place, mail, times, rules, notify)), as_json)


@commands.command(epilog=_EXIT)
def pause(context: typer.Context, why: Why = "", demo: Demo = False, data_dir: DataDir = None) -> None:
    """Pause automation: no new entries until resumed.

    Works without a running console too: the next one starts paused.
    """
    from core.domain.operation.commands import CommandKind

    _send(invocation.trader_for(context, data_dir, demo), CommandKind.PAUSE, note=why)


@commands.command(epilog=_EXIT)
def resume(context: typer.Context, why: Why = "", demo: Demo = False, data_dir: DataDir = None) -> None:
    """Resume automation after a pause. Needs a running console."""
    from core.domain.operation.commands import CommandKind

    _send(invocation.trader_for(context, data_dir, demo), CommandKind.RESUME, note=why)


@commands.command(
    epilog=f"{_EXIT} With --wait by the cycle's end: 0 succeeded, 3 skipped, 4 failed, 5 unknown or not over in time."
)
def force(
    context: typer.Context,
    account: OneAccount = "",
    wait: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Follow the cycle and its orders this long at most.")
    ] = None,
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Force a cycle now. Needs a running console.

    The cycle does not wait for its slot; every other rule applies. With --account the other accounts are not asked.
    """
    from senex_tui.reports.forced import force as forced

    exit_with(asyncio.run(forced(invocation.trader_for(context, data_dir, demo), account, wait)))


@commands.command(
    epilog="Exit code: 0 done, also when it would send nothing, 2 refused to start, 3 refused, 5 not answered."
)
def preview(
    context: typer.Context,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Show what a cycle would do now; nothing is sent or claimed.

    It shows judgement, strikes, quotes, pricing, risk and limit for each enabled account, and every reason for which
    the account would send nothing. A running console answers; without one this command asks the broker itself. A
    preview is refused while a cycle runs, and given up when one starts.
    """
    from senex_tui.reports.preview import asked
    from senex_tui.support.report import Report

    place = invocation.trader_for(context, data_dir, demo)
    if asyncio.run(place.holder()) is not None:
        told = asyncio.run(asked(place, account))
    else:
        from senex_tui.run.preview import run_preview

        run = invocation.prepare(context, data_dir)
        logins = invocation.logins_needed(run)
        told = run_preview(run.loaded, run.folders, invocation.mode_of(context, run), logins, account)
    if isinstance(told, Report):
        print_report(told, as_json)
    else:
        exit_with(told)


@commands.command(epilog=_EXIT)
def halt(context: typer.Context, why: Why = "", demo: Demo = False, data_dir: DataDir = None) -> None:
    """Halt entries until `senex reset halt`.

    Works without a running console too: the next one starts halted.
    """
    from core.domain.operation.commands import CommandKind

    _send(invocation.trader_for(context, data_dir, demo), CommandKind.HALT, note=why)


@commands.command(epilog=_EXIT)
def reset(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="halt, login, sends, mismatch, incident, assigned: as `senex status` says."
        ),
    ],
    whom: OneAccount = "",
    why: Why = "",
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """End a halt, or what stops entries once its cause is gone.

    After a halt entries stay paused. Works without a running console too, which `reset login` needs.
    """
    from core.domain.operation.commands import CommandKind

    target = f"{what}:{whom}" if whom else what
    _send(invocation.trader_for(context, data_dir, demo), CommandKind.RESET, target=target, note=why)


@commands.command(epilog=_EXIT)
def cancel(
    context: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ID", help="Which one, when there are several.")] = "",
    entry: EntryId = "",
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Cancel the working entry, or a closing order by its ID. Needs a running console.

    After an entry's cancel the day stays closed: the automation enters nothing else. A target that was cancelled is
    not placed again. ID is that of the entry or the closing order, or the broker's order id.
    """
    from core.domain.operation.commands import CommandKind

    if order and entry:
        raise typer.BadParameter("give the ID once: alone, or with --entry")
    _send(invocation.trader_for(context, data_dir, demo), CommandKind.CANCEL, target=order or entry)


@commands.command("allow-reentry", epilog=_EXIT)
def allow_reentry(
    context: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The cancelled entry's id or its order's.")],
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Allow another entry today after a person's cancel.

    That cancel, here or at the broker, closed the day for its account. The day is free again when two complete
    reads at the broker show that the entry did not fill. Works without a running console too: the next one reads.
    """
    from core.domain.operation.commands import CommandKind

    _send(invocation.trader_for(context, data_dir, demo), CommandKind.ALLOW_REENTRY, target=order)


@commands.command(epilog=_EXIT)
def reconcile(context: typer.Context, demo: Demo = False, data_dir: DataDir = None) -> None:
    """Compare records and broker now; entries wait for it. Needs a running console."""
    from core.domain.operation.commands import CommandKind

    _send(invocation.trader_for(context, data_dir, demo), CommandKind.RECONCILE)


@commands.command(epilog=_EXIT, context_settings={"ignore_unknown_options": True})
def attest(
    context: typer.Context,
    seen: Annotated[
        str, typer.Argument(metavar="SEEN", help="absent, or the order's id at the broker; or gone, or foreign.")
    ],
    meant: Annotated[
        str, typer.Argument(metavar="ID", help="The entry or closing order, by the beginning of its id; or SYMBOL.")
    ] = "",
    more: Annotated[str, typer.Argument(metavar="UNIT", help="Of gone: put-1, put-2 or call; of foreign: N.")] = "",
    cents: Annotated[str, typer.Argument(metavar="CENTS", help="Of gone: what its end brought.")] = "",
    entry: EntryId = "",
    account: OneAccount = "",
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Say what you saw at the broker. Needs a running console.

    absent: the broker shows no such order. An unknown entry ends as absent, and its day stays closed. The units of an
    unknown closing order may get another order.

    An order id: the console reads that order and takes it as the entry's or the closing order's, also to correct an
    incident or an absent one. Without an ID it goes to the one that the order itself names. A trident that no record
    knows is adopted, so that its risk counts. So is an order that closes units of a trident that is held.

    gone ID UNIT CENTS: what a unit brought that left without an order of ours, like -7300 for 73 $ paid.
    foreign SYMBOL N: how many contracts of an option are not ours, negative for short ones. These two work without a
    running console too.
    """
    from core.domain.operation.commands import CommandKind
    from core.domain.positions.attest_words import FOREIGN, GONE

    words = [word for word in (meant, more, cents) if word]
    if seen == GONE:
        target, note = (words[0] if words else ""), " ".join((GONE, *words[1:]))
    elif seen == FOREIGN:
        target, note = account, " ".join((FOREIGN, *words))
    elif len(words) > 1:
        raise typer.BadParameter(f"one ID follows {seen!r}, and {len(words)} words were given: {' '.join(words)}")
    else:
        target, note = (words[0] if words else entry), seen
    _send(invocation.trader_for(context, data_dir, demo), CommandKind.ATTEST, target=target, note=note)


@commands.command()
def backup(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A new file; else one in the data folder's backups.")
    ] = None,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Copy the records into one file.

    A running console goes on meanwhile. The copy is of one moment, is read back, and belongs to you alone. Nothing
    is ever overwritten.
    """
    from core.runtime.clock import SystemClock
    from senex_tui.run.backup import backed_up

    print_line(backed_up(invocation.place_for(context, data_dir, demo), file, SystemClock().now()))


def _send(place: Place, kind: CommandKind, *, target: str = "", note: str = "") -> NoReturn:
    """Has the command done and ends with its answer."""
    from senex_tui.trader.send_command import send

    exit_with(asyncio.run(send(place, kind, target=target, note=note)))
