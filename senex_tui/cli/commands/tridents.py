"""`senex tridents`, `close`, `retarget`, `release` and `exits`: what is held, what closes it, and what comes next
(rules 15)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from senex_tui.cli import invocation
from senex_tui.cli.options import AsJson, DataDir, Demo, DemoRecords, OneAccount, Why
from senex_tui.cli.printing import exit_with, print_report

if TYPE_CHECKING:
    from core.domain.operation.commands import CommandKind

commands = typer.Typer()
_exits = typer.Typer(help="Show, hold and cancel closing orders.", rich_markup_mode=None, no_args_is_help=True)
commands.add_typer(_exits, name="exits")
_EXIT = "Exit code: 0 done, 2 refused before it was posted, 3 refused, 4 expired, 5 not answered, 6 no console runs."
TridentId = Annotated[
    str, typer.Argument(metavar="ID", help="Its id in `senex tridents`, at least the first 8 characters.")
]
HeldAccount = Annotated[
    str, typer.Argument(metavar="NUMBER", help="Only this account, by its last characters; else all.")
]


@commands.command()
def tridents(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Show the tridents that are held, with what closes them.

    For each it shows the units and the orders that work on them, what is left to lose, what it realized, and what
    comes next. It reads the records alone, also while a console trades.
    """
    from senex_tui.reports.recorded_tridents import read_tridents

    place = invocation.place_for(context, data_dir, demo)
    print_report(asyncio.run(read_tridents(place, everything=everything, account=account)), as_json)


@commands.command(epilog=_EXIT)
def close(
    context: typer.Context,
    trident: TridentId,
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="put-1, put-2, puts, call or all.")] = "all",
    limit: Annotated[
        str, typer.Option("--limit", metavar="N", help="Rest at this debit per share until the close.")
    ] = "",
    walk: Annotated[bool, typer.Option("--walk", help="Go from the mid towards natural, at most M.")] = False,
    as_json: AsJson = False,
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Close a trident, or units of it. Needs a running console.

    The close counts for this session. Give --limit or --walk. Other orders of its units are cancelled first, and their
    end is proved. Live asks for the word CLOSE.
    """
    from core.domain.operation.reasons import Refusal
    from core.domain.positions.trident_commands import CLOSE_WORD, close_words
    from core.snapshot import Mode
    from senex_tui.cli.typed_words import need_typed
    from senex_tui.reports.exit_switching import close as closed
    from senex_tui.reports.exit_switching import close_facts

    if walk == bool(limit):
        raise typer.BadParameter("give either --limit N or --walk")
    words = close_words(f"unit={unit} {'walk' if walk else f'limit={limit}'}")
    if isinstance(words, Refusal):
        raise typer.BadParameter(words.sentence())
    place = invocation.trader_for(context, data_dir, demo)
    if place.mode is Mode.LIVE:
        facts, what = asyncio.run(close_facts(place, trident, words))
        need_typed(CLOSE_WORD, what, facts, aside=as_json)
    answer, report = asyncio.run(closed(place, trident, words, names_order=as_json))
    if not as_json:
        exit_with(answer)
    print_report(report, as_json)
    raise typer.Exit(answer.exit_code)


@commands.command(epilog=_EXIT)
def retarget(context: typer.Context, trident: TridentId, demo: Demo = False, data_dir: DataDir = None) -> None:
    """Give a trident the present targets of its account. Needs a running console.

    Its old targets are cancelled, their end is proved, and new ones are placed.
    """
    from core.domain.operation.commands import CommandKind

    _ask(context, data_dir, demo, CommandKind.RETARGET, trident)


@commands.command(epilog=_EXIT)
def release(context: typer.Context, trident: TridentId, demo: Demo = False, data_dir: DataDir = None) -> None:
    """Take a trident over for good. Needs a running console.

    Its closing orders are cancelled, and the console sends no more for it. It is still shown.
    """
    from core.domain.operation.commands import CommandKind

    _ask(context, data_dir, demo, CommandKind.RELEASE, trident)


@_exits.command()
def status(
    context: typer.Context,
    account: OneAccount = "",
    as_json: AsJson = False,
    demo: DemoRecords = False,
    data_dir: DataDir = None,
) -> None:
    """Show whether exits are on, and what rests at the broker.

    For each account it says what is sent, who holds exits, the targets, and when the next time exit begins.
    """
    from core.config.exits import ExitSettings
    from core.config.loader import SettingsError
    from core.snapshot import Mode
    from senex_tui.reports.recorded_tridents import read_exits

    place = invocation.place_for(context, data_dir, demo)
    settings = ExitSettings()
    with suppress(SettingsError):  # `place_for` has said it; a console that runs has its own settings
        settings = invocation.settings_of(context, data_dir, own_simulator=demo).exits
    print_report(asyncio.run(read_exits(place, settings.rules(live=place.mode is Mode.LIVE), account)), as_json)


@_exits.command(epilog=_EXIT)
def hold(
    context: typer.Context,
    account: HeldAccount = "",
    why: Why = "",
    cancels: Annotated[bool, typer.Option("--cancel", help="Then cancel what rests; needs a running console.")] = False,
    demo: Demo = False,
    data_dir: DataDir = None,
) -> None:
    """Send no closing orders until `senex exits on`.

    What rests at the broker works on there, and the answer names it. Works without a running console too.
    """
    if not cancels:
        _switch(context, data_dir, demo, "hold", account, why)
    from senex_tui.reports.exit_switching import hold_and_cancel

    exit_with(asyncio.run(hold_and_cancel(invocation.trader_for(context, data_dir, demo), account, why)))


@_exits.command(epilog=_EXIT)
def on(
    context: typer.Context, account: HeldAccount = "", why: Why = "", demo: Demo = False, data_dir: DataDir = None
) -> None:
    """Let closing orders go on, and first targets that wait.

    With NUMBER the hold of that account ends, without it the hold of all. Live first lists what would be sent at once.
    When the account's exits are off, it asks for the words that switch them on.
    """
    from core.snapshot import Mode

    place = invocation.trader_for(context, data_dir, demo)
    if place.mode is Mode.LIVE:
        from senex_tui.cli.opt_in import show_and_ask

        show_and_ask(context, data_dir, place, account)
    _switch(context, data_dir, demo, "on", account, why)


@_exits.command(epilog=_EXIT)
def cancel(context: typer.Context, account: HeldAccount = "", demo: Demo = False, data_dir: DataDir = None) -> None:
    """Cancel the closing orders that rest. Needs a running console.

    A cancelled target is not placed again. Hold exits first, or a trident's time exit begins all the same.
    """
    _switch(context, data_dir, demo, "cancel", account, "")


def _ask(
    context: typer.Context, data_dir: Path | None, demo: bool, kind: CommandKind, trident: str, note: str = ""
) -> NoReturn:
    """Has the command done and ends with its answer."""
    from senex_tui.trader.send_command import send

    place = invocation.trader_for(context, data_dir, demo)
    exit_with(asyncio.run(send(place, kind, target=trident, note=note)))


def _switch(context: typer.Context, data_dir: Path | None, demo: bool, word: str, account: str, why: str) -> NoReturn:
    from core.domain.operation.commands import CommandKind
    from core.domain.positions.trident_commands import ExitsWord, ExitsWords
    from senex_tui.trader.send_command import send

    place = invocation.trader_for(context, data_dir, demo)
    note = ExitsWords(ExitsWord(word), why=why).note()
    exit_with(asyncio.run(send(place, CommandKind.EXITS, target=account, note=note)))
