"""What a person reads has no code in it, and each command that it quotes can be typed as it stands (rules 10, 12).

Days are lived by the real engine; what the shell, the events, the mails and the next steps say is read after each step.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.exceptions import TyperException
from typer.main import get_command

from core.config.settings import Settings
from core.domain.market.sessions import SlotTimes
from core.domain.operation.accounts import resolve_account
from core.domain.operation.breakers import BreakerKind, Scope
from core.domain.operation.commands import CommandKind
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.records.search.history import HistoryFilter, HistoryKind
from senex_tui.cli import main, registry
from senex_tui.reports.accounts import account_lines
from senex_tui.reports.alerts import read_alerts
from senex_tui.reports.day import read_day
from senex_tui.reports.explain import explain
from senex_tui.reports.figures import read_report
from senex_tui.reports.history import search
from senex_tui.reports.status import read_status
from senex_tui.run.once import OnceResult
from senex_tui.support.refusals import Refused
from tests.core.notify.mail_without_engine import mail_settings
from tests.proofs.truth.reader import Reader, place_of
from tests.proofs.truth.scenes import SCENES, Scene
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.world import ACCOUNT, LOGIN, World, account, in_world

CODE = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b[A-Z][A-Za-z]+(?:Error|Exception)\b")
"""A name of ours, or of an exception."""
COMMAND = re.compile(r"`senex([^`]*)`")
FILL_IN = "ORDER"
"""Stands for an order's id at the broker where no record knows it."""
TOO = 100_000


@dataclass
class Heard:
    """What was said, once each, with the place that said it; and the names of what there is, at the end of the day."""

    said: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)

    def hear(self, place: str, text: str) -> None:
        self.said.setdefault(text, place)


class Listener:
    """Reads all that is said at each step of a day. It stands where a scene has its witness."""

    def __init__(self, world: World, shell: Reader) -> None:
        self._world, self._shell = world, shell
        self.heard = Heard()

    async def look(self, _name: str = "") -> None:
        await self._listen(trades=True)
        shown = self._world.snapshot()
        for view in (shown.overall, *(each.step for each in shown.next_steps)):
            if view is not None:
                self.heard.hear("next step", f"{view.words}; {view.why}; {view.ends}")

    async def look_offline(self) -> None:
        await self._listen(trades=False)

    async def once(self, told: OnceResult) -> None:
        self.heard.hear("once", told.to_text())
        await self.look_offline()

    async def before_restart(self) -> None:
        await self.look()

    async def after_restart(self, _name: str = "") -> None:
        await self.look()

    async def _listen(self, *, trades: bool) -> None:
        world = self._world
        place = place_of(world.records_file, world.kill_file, trades=trades, mode=world.mode)
        slots, hear = SlotTimes(), self.heard.hear

        async def read() -> None:
            hear("status", (await read_status(place)).to_text())
            hear("day", (await read_day(place, slots, None)).to_text())
            hear("report", (await read_report(place, slots, None, None)).to_text())
            hear("alerts", (await read_alerts(place, everything=True)).to_text())
            hear("accounts", "\n".join(await account_lines(place, Settings())))
            for kind in HistoryKind:
                await search(place, kind.value, HistoryFilter(), TOO, "text", lambda line: hear("history", line))
            for what in ("last", "09:45", "10:00"):
                with suppress(Refused):
                    hear("explain", (await explain(place, slots, what)).to_text())

        self._shell.at(world.clock.now(), read)
        with closing(sqlite3.connect(world.records_file)) as database:
            for kind, text in database.execute("SELECT kind, text FROM events"):
                hear(f"event {kind}", text)
            for subject, text in database.execute("SELECT subject, text FROM messages"):
                hear("mail", f"{subject}\n{text}")
            self.heard.accounts = [number for (number,) in database.execute("SELECT number FROM accounts")]
            found = database.execute("SELECT id, order_id FROM entries").fetchall()
            self.heard.entries = [entry for entry, _ in found]
            self.heard.orders = [order for _, order in found if order]


async def stopped(world: World, listener: Listener) -> None:
    """Every breaker and every alert opens and closes, entries are halted, and the login is refused."""
    world.settings = world.settings.model_copy(update={"mail": mail_settings()})
    world.mailer = MemoryMailServer(world.clock)
    await world.start()
    await world.clock.sleep(10)
    breakers = world.engine.breakers
    for kind in BreakerKind:
        subject = {Scope.GLOBAL: "", Scope.LOGIN: LOGIN, Scope.ACCOUNT: ACCOUNT}[kind.scope]
        await breakers.open(kind, subject, "something is wrong")
        await listener.look()
        assert await breakers.close(kind, subject, "operator", "it was looked at")
    await world.command(CommandKind.FORCE)
    await world.command(CommandKind.HALT, note="lunch")
    await listener.look()
    await world.command(CommandKind.RESET, target="halt")
    await world.command(CommandKind.RESUME)
    for alert in AlertKind:
        subject = ACCOUNT if alert is AlertKind.NO_TRADE else ""
        await world.records.alerts.open(DueAlert(alert, subject, "a figure is out of bounds"), world.clock.now())
    await listener.look()
    await world.crash()
    await world.start()
    await world.clock.sleep(20)
    assert world.engine.alerting.open_now == ()
    await listener.look()
    await world.records.logins.note(LOGIN, is_valid=False, detail="Grant revoked", at=world.clock.now())
    await listener.look()
    world.kill_file.touch()
    await world.until("09:46")
    await listener.look()
    await world.stop()
    await listener.look_offline()


DAYS = {name: scene for name, scene in SCENES.items() if name != "better"} | {
    "stopped": Scene(stopped, accounts=(account(),))  # type: ignore[arg-type]
}


@cache
def heard_in(name: str) -> Heard:
    """What was said on this day, which is lived once in a process."""
    scene = DAYS[name]

    async def lived(world: World) -> Heard:
        with closing(Reader()) as shell:
            listener = Listener(world, shell)
            await scene.script(world, listener)  # type: ignore[arg-type]
            return listener.heard

    with TemporaryDirectory(prefix="senex-sentences-") as folder:
        return in_world(lived, Path(folder), start=scene.start, accounts=scene.accounts)


@pytest.fixture(scope="module", params=DAYS)
def heard(request: pytest.FixtureRequest) -> Heard:
    return heard_in(request.param)


def test_no_sentence_has_a_code_in_it(heard: Heard) -> None:
    assert len(heard.said) > 10
    wrong = {(place, found) for text, place in heard.said.items() for found in CODE.findall(_without_paths(text))}
    assert not wrong


def test_every_command_in_a_sentence_can_be_typed(heard: Heard) -> None:
    for text, place in heard.said.items():
        for command in _commands_in(text):
            wrong = _wrong(shlex.split(command), heard)
            assert not wrong, f"{place}: `senex {command}`: {wrong}"


def test_the_check_sees_what_cannot_be_typed() -> None:
    there = Heard(accounts=[ACCOUNT], entries=["3f0a77c2" * 4], orders=["77"])
    right = ["allow-reentry 3f0a77c2", "accounts enable 0001", "attest absent 3f0a77c2", "attest ORDER 3f0a77c2", ""]
    assert [_wrong(command.split(), there) for command in right] == [""] * len(right)
    for command in (
        "allow-reentry",
        "allow-reentry 4711aaaa",
        "accounts enable",
        "accounts enable 0002",
        "reset fed",
        "fly",
    ):
        assert _wrong(command.split(), there), command


def _without_paths(text: str) -> str:
    return " ".join(word for word in text.split() if "/" not in word)


def _commands_in(text: str) -> Iterator[str]:
    for found in COMMAND.findall(" ".join(text.split())):
        yield found.strip()


@lru_cache(maxsize=1)
def _shell() -> Any:
    registry.add_other_commands(main.app)
    return get_command(main.app)


def _wrong(words: list[str], there: Heard) -> str:
    """Why `senex` with these words would not do what the sentence says; empty when it would."""
    command, left = _shell(), list(words)
    while left and left[0] in getattr(command, "commands", {}):
        command = command.commands[left.pop(0)]
    try:
        named = command.make_context("senex", list(left)).params
    except TyperException as error:
        return str(error) or "it is no command line"
    if left and hasattr(command, "commands"):
        return f"no command {left[0]}"
    for given in (named.get("order"), named.get("meant"), named.get("entry")):
        if given and not any(one.startswith(given) for one in (*there.entries, *there.orders)):
            return f"no entry {given}"
    if "seen" in named and named["seen"] not in ("absent", FILL_IN, *there.orders):
        return f"no order {named['seen']}"
    if named.get("number") and not isinstance(resolve_account(named["number"], there.accounts), str):
        return f"no account {named['number']}"
    if "what" in named and named["what"] not in ("halt", *(kind.code for kind in BreakerKind)):
        return f"nothing named {named['what']}"
    return ""
