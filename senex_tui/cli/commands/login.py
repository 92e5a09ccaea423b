"""`senex login` and `senex logout`: the logins at the broker (rules 4)."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.runtime.redaction import redact
from senex_tui.cli import invocation
from senex_tui.cli.login_check import accounts_reached, accounts_words
from senex_tui.cli.printing import print_lines
from senex_tui.support.outlet import print_line
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.folders import Folders

commands = typer.Typer()
Name = Annotated[str, typer.Argument(metavar="NAME", help="The login's name; primary when left out.")]


@commands.command()
def login(context: typer.Context, name: Name = "primary") -> None:
    """Check a login at the broker, then keep it.

    It is kept in the keyring, or else in the credentials file.

    The command asks for the client secret and the refresh token without showing them. A running console goes on with
    the logins it was started with; the command names that console and says what to do.
    """
    from core.config.credentials import login_name

    run = invocation.prepare(context, None)
    settings, folders = run.loaded.settings, run.folders
    chosen = login_name(name)
    if settings.broker.url is not None:
        print_line(f"broker.url is set: checking at {settings.broker.url}, and keeping nothing.")
    secret, refresh = _ask("Client secret: "), _ask("Refresh token: ")
    redact.add(secret, refresh)  # before anything could print or log them
    reached = accounts_words(accounts_reached(chosen, secret, refresh, settings.broker))
    print_line(f"login {chosen}: the broker takes it; it reaches {reached}")
    if settings.broker.url is None:
        print_line(_keep(chosen, secret, refresh, folders.credentials_file))
        print_lines(without_the_new_login(folders))
    else:
        end = "" if chosen == "primary" else f"_{chosen.upper().replace('-', '_')}"
        print_line(f"for that broker put it into the environment: TT_SECRET{end} and TT_REFRESH{end}")


@commands.command()
def logout(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The login's name.")]
) -> None:
    """Remove a login from the keyring and the credentials file.

    At the broker its token stays valid.
    """
    from core.config.credential_store import forget_login
    from core.config.credentials import find_logins, login_name

    folders = invocation.prepare(context, None).folders
    chosen = login_name(name)
    places = forget_login(chosen, folders.credentials_file)
    for place in places:
        print_line(f"login {chosen}: removed from {place}")
    in_environment = find_logins(os.environ, folders.credentials_file, environment_only=True)
    if any(one.name == chosen for one in in_environment):
        print_line(f"login {chosen}: still in the environment; remove its two variables there")
    elif not places:
        raise Refused(f"no login {chosen} is kept; `senex check` lists them.")


def _ask(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise Refused("senex login asks for secrets without showing them, which needs a terminal.")
    value = getpass.getpass(prompt).strip()
    if not value:
        raise Refused(f"{prompt.removesuffix(': ').lower()} is empty; nothing was changed.")
    if len(value.split()) > 1:
        raise Refused(f"{prompt.removesuffix(': ').lower()} has blanks in it; paste it alone. Nothing was changed.")
    return value


def _keep(name: str, secret: str, refresh: str, file: Path) -> str:
    from core.config.credential_store import keep_login

    return f"login {name}: kept in {keep_login(name, secret, refresh, file)}; a console uses it from its next start"


def without_the_new_login(folders: Folders) -> list[str]:
    """A line for each running console: it has to be restarted to use the new login, and its working orders stay
    meanwhile."""
    from core.locks.folder_lock import who_holds
    from core.snapshot import Mode

    holders = [
        (mode, who_holds(folders.records(mode.value).parent)) for mode in (Mode.DRY_RUN, Mode.SANDBOX, Mode.LIVE)
    ]
    return [
        f"the {mode.value} console that runs (process {holder.pid}) goes on without it: quit it and start it "
        "again; working orders stay at the broker and are picked up at the next start"
        for mode, holder in holders
        if holder is not None
    ]
